"""While a freeze lasts, no canary begins; what has begun goes on, and aborts go on."""

from __future__ import annotations

from typing import Any

from crds.paths import put
from crds.refs import CONFIG_MAP, Ref
from crds.returns import marked
from tests.tidegate.cli.cluster import Cluster, say
from tests.tidegate.test_rollout_planner import brief, hash_of, mesh, planned, recorded, replica_set, settled
from tidegate.planners.needs import Known, Need, Object, Pending
from tidegate.planners.plan import Create, MergePatch
from tidegate.planners.settings import FROZEN, Settings

Raw = dict[str, Any]
OLD, NEW = brief("myregistry/api:v1"), brief("myregistry/api:v2")
CATALOGUE = "/api/v1/namespaces/argo-rollouts/configmaps/tidegate-metrics"
FREEZE: dict[Need, Any] = {
    Object(Ref(CONFIG_MAP, "argo-rollouts", Settings().catalogue)): Known(
        {"metadata": {"annotations": {FROZEN: "by eve: the shop is open"}}}
    )
}


def scaled(raw: Raw, pods: int, frozen: bool = True) -> list[int]:
    """To how many pods the new revision is scaled."""
    found = {**mesh(0, hash_of(OLD), hash_of(NEW)), **(FREEZE if frozen else {})}
    plan = planned(raw, replica_set(OLD, 10), replica_set(NEW, pods, 2), found=found)
    patches = (write.body for write in plan.writes if isinstance(write, MergePatch | Create))
    return [body["spec"]["replicas"] for body in patches if body.get("spec", {}).get("replicas")]


def test_no_canary_begins_in_a_freeze() -> None:
    raw = settled(OLD, NEW)
    assert (scaled(raw, 0), scaled(raw, 0, frozen=False)) == ([], [1])


def test_it_says_who_has_frozen_it_and_what_ends_that() -> None:
    plan = planned(
        settled(OLD, NEW),
        replica_set(OLD, 10),
        replica_set(NEW, 0, 2),
        found={**mesh(0, hash_of(OLD), hash_of(NEW)), **FREEZE},
    )
    said = "frozen: by eve: the shop is open; to go on: tidegate unfreeze"
    assert (recorded(plan)["phase"], recorded(plan)["message"]) == ("Paused", said)


def test_a_release_that_was_good_may_come_back_in_a_freeze() -> None:
    assert scaled(marked(settled(OLD, NEW)), 0)


def test_a_freeze_is_an_annotation_beside_the_controller() -> None:
    there = {"metadata": {"name": "tidegate-metrics", "resourceVersion": "1"}}
    cluster = Cluster({CATALOGUE: there})
    assert say("freeze --reason sale", cluster) == 0
    assert say("unfreeze", cluster) == 0
    (_, first), (_, second) = cluster.patches()
    assert first["metadata"]["annotations"][FROZEN].endswith(": sale")
    assert second["metadata"]["annotations"] == {FROZEN: None}


def test_nothing_is_begun_before_it_is_known_whether_there_is_a_freeze() -> None:
    found = {**mesh(0, hash_of(OLD), hash_of(NEW)), **dict.fromkeys(FREEZE, Pending())}
    plan = planned(settled(OLD, NEW), replica_set(OLD, 10), replica_set(NEW, 0, 2), found=found)
    assert plan.writes == ()


def test_what_has_begun_is_not_held_by_a_freeze() -> None:
    raw = put(settled(OLD, NEW), ("metadata", "labels"), {})
    found = {**mesh(10, hash_of(OLD), hash_of(NEW)), **FREEZE}
    plan = planned(raw, replica_set(OLD, 10), replica_set(NEW, 1, 2), found=found)
    assert "frozen" not in str(recorded(plan))
