"""What an Application's objects are and would be: discovery and dry runs, on the sandbox."""

from __future__ import annotations

from datetime import UTC, datetime

import msgspec

from crds.refs import CONFIG_MAP, ROLLOUT, Ref, Resource
from gitops.compare import Predicted, Refused
from tests.tidegate.runtime.test_fetchers import Saying, refusal
from tests.tidegate.runtime.worlds import world
from tidegate.fetch.cluster import Discovery, DryRuns
from tidegate.planners.needs import Absent, DryRun, Failed, Known, Served
from tidegate.planners.plan import Apply, Delete, Plan
from tidegate.sandbox.sender import SandboxSender
from tidegate.sandbox.store import Store

NOW = datetime(2026, 3, 15, tzinfo=UTC)
REF = Ref(CONFIG_MAP, "shop", "settings")
BODY = {
    "apiVersion": "v1",
    "kind": "ConfigMap",
    "metadata": {"name": "settings", "namespace": "shop"},
    "data": {"level": "1"},
}
TRY = DryRun(REF, msgspec.json.encode(BODY), "")


async def test_a_kind_is_found_with_its_place_and_known_ones_are_the_same_everywhere() -> None:
    discovery = Discovery(SandboxSender(Store(lambda: NOW)))
    assert await discovery(Served("argoproj.io", "v1alpha1", "Rollout")) == Known(Resource(ROLLOUT, True))
    found = await discovery(Served("", "v1", "Namespace"))
    assert isinstance(found, Known)
    assert not found.value.namespaced


async def test_a_kind_that_is_not_served_is_absent() -> None:
    discovery = Discovery(SandboxSender(Store(lambda: NOW)))
    assert await discovery(Served("shop.io", "v1", "Shelf")) == Absent()
    assert await discovery(Served("argoproj.io", "v1alpha1", "Shelf")) == Absent()


async def test_a_dry_run_says_what_would_be() -> None:
    cluster = Store(lambda: NOW)
    answer = await DryRuns(SandboxSender(cluster))(TRY)
    assert isinstance(answer, Known)
    assert isinstance(answer.value, Predicted)
    assert answer.value.raw["data"] == {"level": "1"}
    assert not cluster.history


async def test_what_is_refused_for_good_is_an_answer_and_what_may_pass_is_not() -> None:
    said = await DryRuns(Saying(403, refusal(403, "Forbidden")))(TRY)
    assert isinstance(said, Known)
    assert isinstance(said.value, Refused)
    assert isinstance(await DryRuns(Saying(503, refusal(503, "Down")))(TRY), Failed)


def test_a_dry_run_never_prints_its_body() -> None:
    assert "level" not in repr(TRY)


async def test_an_object_is_applied_over_others_and_deleted_as_it_is_asked() -> None:
    async with world({}) as w:
        assert await w.executor.perform(Plan((Apply(REF, BODY),)), NOW) is None
        live = w.read(REF)
        assert live["data"] == {"level": "1"}
        gone = Delete(REF, live["metadata"]["uid"], "Foreground")
        assert await w.executor.perform(Plan((gone,)), NOW) is None
        assert w.sender.sent[-1].body["propagationPolicy"] == "Foreground"
        assert w.sender.sent[0].query["force"] == "true"
