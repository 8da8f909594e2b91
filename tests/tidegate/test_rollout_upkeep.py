"""What is kept up on a Rollout and its newest ReplicaSet beside sizes."""

from __future__ import annotations

from typing import Any

from crds.paths import drop, get, put
from crds.refs import REPLICA_SET, ROLLOUT
from tests.tidegate.test_rollout_planner import brief, hash_of, mesh, planned, replica_set
from tidegate.planners.plan import MergePatch

Raw = dict[str, Any]
PREFIX = "rollout.argoproj.io"


def patches(raw: Raw, *sets: Raw) -> list[MergePatch]:
    """What is patched of a Rollout and its ReplicaSets; the first of `sets` is stable."""
    stable = get(sets[0], "metadata", "labels", "rollouts-pod-template-hash") if sets else ""
    status = {"stableRS": stable, "currentPodHash": hash_of(raw)} if sets else {}
    found = mesh(0, stable, stable)
    plan = planned({**raw, "status": status}, *sets, found=found)
    return [write for write in plan.writes if isinstance(write, MergePatch)]


def test_replicas_that_nobody_wrote_are_written_for_who_scales() -> None:
    (patch,) = patches(drop(brief(), ("spec", "replicas")))
    assert (patch.ref.kind, patch.body) == (
        ROLLOUT,
        {"metadata": {"resourceVersion": "7"}, "spec": {"replicas": 1}},
    )


def test_min_ready_seconds_and_annotations_that_were_edited_come_to_the_newest_replica_set() -> None:
    raw = put(brief(), ("spec", "minReadySeconds"), 5)
    raw["metadata"]["annotations"] = {"team": "shop", f"{PREFIX}/revision": "1", "kept": "as it was"}
    carried = put(replica_set(raw, 10), ("metadata", "annotations", "kept"), "as it was")
    (patch,) = patches(raw, carried)
    assert patch.ref.kind == REPLICA_SET
    assert patch.body == {"metadata": {"annotations": {"team": "shop"}}, "spec": {"minReadySeconds": 5}}


def test_a_replica_set_that_is_the_newest_again_tells_which_revisions_it_was() -> None:
    old, new = brief("api:v1"), brief("api:v2")
    again = put(replica_set(old, 0, 2), ("metadata", "annotations", f"{PREFIX}/revision-history"), "1")
    found = [
        get(patch.body, "metadata", "annotations") for patch in patches(old, replica_set(new, 10, 3), again)
    ]
    assert {f"{PREFIX}/revision": "4", f"{PREFIX}/revision-history": "1,2"} in found


def test_the_first_revision_of_a_replica_set_is_no_history() -> None:
    old, new = brief("api:v1"), brief("api:v2")
    again = drop(replica_set(old, 0), ("metadata", "annotations", f"{PREFIX}/revision"))
    found = [
        get(patch.body, "metadata", "annotations") for patch in patches(old, replica_set(new, 10, 3), again)
    ]
    assert {f"{PREFIX}/revision": "4", f"{PREFIX}/revision-history": None} in found


def test_a_rollout_that_is_undone_carries_its_new_revision_at_once() -> None:
    old, new = brief("api:v1"), brief("api:v2")
    old["metadata"]["annotations"] = {f"{PREFIX}/revision": "2"}
    found = [patch.body for patch in patches(old, replica_set(new, 10, 2), replica_set(old, 0, 1))]
    assert [get(body, "metadata", "annotations") for body in found if "spec" not in body][-1] == {
        f"{PREFIX}/revision": "3"
    }
