"""What a person applied by `kubectl apply` before is taken over, and goes where Git does not declare it."""

from __future__ import annotations

from typing import Any

from crds.application_status import SyncOperation
from crds.paths import get, put
from gitops.compare import Predicted
from gitops.migration import CLIENT, MANAGER, foreseen, take_over
from gitops.options import Options
from tests.gitops.clusters import Cluster
from tests.gitops.examples import app, config, deployment, noted

Raw = dict[str, Any]
SIDECAR: Raw = {
    ".": {},
    'k:{"name":"side"}': {".": {}, "f:name": {}, "f:image": {}},
    'k:{"name":"api"}': {".": {}, "f:name": {}, "f:image": {}},
}
POD = {"f:spec": {"f:template": {"f:spec": {"f:containers": SIDECAR}}}}


def options(*said: str) -> Options:
    return Options(app(syncPolicy={"syncOptions": list(said)}), SyncOperation())


def entry(fields: Raw, manager: str = CLIENT, operation: str = "Update", api: str = "v1") -> Raw:
    return {"manager": manager, "operation": operation, "apiVersion": api, "fieldsV1": fields}


def managed(raw: Raw, *entries: Raw) -> Raw:
    made: Raw = put(raw, ("metadata", "managedFields"), list(entries))
    return put(made, ("metadata", "resourceVersion"), "7")  # type: ignore[no-any-return]


def data(*names: str) -> Raw:
    return {"f:data": {f"f:{name}": {} for name in names}}


LIVE = managed(config(level="1", old="1"), entry(data("level", "old")))


def test_the_fields_of_a_client_side_apply_become_ours() -> None:
    found = take_over(LIVE, options())
    assert found
    assert (found.guard, found.managed_fields) == ("7", (entry(data("level", "old"), "tidegate", "Apply"),))


def test_they_are_joined_with_what_is_ours_and_others_keep_theirs() -> None:
    mine, other = entry(data("level"), "tidegate", "Apply"), entry(data("size"), "kubectl-edit")
    found = take_over(managed(LIVE, mine, other, entry(data("old"))), options())
    assert found
    assert found.managed_fields == (other, entry(data("level", "old"), "tidegate", "Apply"))


def test_nothing_is_taken_over_where_nobody_applied_or_that_is_switched_off() -> None:
    assert take_over(managed(LIVE, entry(data("level"), "tidegate", "Apply")), options()) is None
    assert take_over(LIVE, options("ClientSideApplyMigration=false")) is None
    assert take_over(None, options()) is None


def test_another_clients_name_may_be_said() -> None:
    live = noted(managed(LIVE, entry(data("old"), "terraform")), MANAGER, "terraform")
    found = take_over(live, options())
    assert found
    assert found.managed_fields[0]["manager"] == "tidegate"


def test_what_would_go_is_shown_before() -> None:
    got = foreseen(Predicted(LIVE), config(level="1"), LIVE, options())
    assert got.raw["data"] == {"level": "1"}


def test_what_we_own_too_goes_and_what_another_owns_too_stays() -> None:
    mine = entry(data("old"), "tidegate", "Apply")
    both = managed(LIVE, entry(data("level", "old")), mine)
    assert foreseen(Predicted(both), config(level="1"), both, options()).raw["data"] == {"level": "1"}
    live = managed(LIVE, entry(data("level", "old")), entry(data("old"), "kubectl-edit"))
    assert foreseen(Predicted(live), config(level="1"), live, options()).raw["data"] == LIVE["data"]


def test_a_container_goes_as_a_whole() -> None:
    containers = ("spec", "template", "spec", "containers")
    side = {"name": "side", "image": "side:v1"}
    live = put(deployment(), containers, [get(deployment(), *containers, 0), side])
    live = managed(live, entry(POD, api="apps/v1"))
    got = foreseen(Predicted(live), deployment(), live, options())
    assert [one["name"] for one in get(got.raw, *containers)] == ["api"]


def test_a_sync_takes_over_before_it_applies_and_does_so_once() -> None:
    cluster = Cluster(git=[config(level="1")]).has(LIVE)
    assert cluster.run().phase == "Succeeded"
    assert cluster.log == ["take over ConfigMap/settings", "apply ConfigMap/settings"]
