"""Which pods a restart sees, and how it asks for their end."""

from __future__ import annotations

from typing import Any

from crds.paths import put
from crds.refs import POD, Ref
from rollouts.podhash import step_hash
from tests.tidegate.test_rollout_planner import NOW, PLANNER, Raw, brief, hash_of, mesh, planned, replica_set
from tidegate.planners.needs import Answer, Known, Need, Owned, Pods
from tidegate.planners.plan import Evict, Plan, Record

BEFORE, AT, AFTER = "2026-03-01T11:00:00Z", "2026-03-01T11:30:00Z", "2026-03-01T11:45:00Z"


def standing(**status: Any) -> Raw:
    """v1 at rest, and a restart asked for half an hour ago."""
    raw = brief()
    steps = step_hash(raw["spec"]["strategy"]["canary"]["steps"])
    hashes = {"stableRS": hash_of(raw), "currentPodHash": hash_of(raw), "currentStepHash": steps}
    at_rest = {**hashes, "currentStepIndex": 4, **status}
    return {**put(raw, ("spec", "restartAt"), AT), "status": at_rest}


def pod(name: str, created: str, owner: str = "", **meta: Any) -> Raw:
    owners = [{"uid": owner or f"rs-{hash_of(brief())}", "controller": True}]
    labels = {"rollouts-pod-template-hash": hash_of(brief())}
    said = {"name": name, "uid": f"u-{name}", "creationTimestamp": created, "labels": labels, **meta}
    ready = {"conditions": [{"type": "Ready", "status": "True"}]}
    return {"metadata": {**said, "ownerReferences": owners}, "status": ready}


def asked(raw: Raw, *sets: Raw) -> list[Pods]:
    first = PLANNER.needs(raw, {}, NOW)
    found: dict[Need, Answer] = {
        need: Known(sets if isinstance(need, Owned) and need.uid and need.kind.kind == "ReplicaSet" else ())
        for need in first
        if isinstance(need, Owned)
    }
    answers = found | mesh(0, hash_of(raw), hash_of(raw))
    return [need for need in PLANNER.needs(raw, answers, NOW) if isinstance(need, Pods)]


def restarted(*pods: Raw, missing: int = 0) -> Plan:
    """These pods and young ones, ten in all but those that are missing."""
    raw, sets = standing(), replica_set(brief(), 10)
    (need,) = asked(raw, sets)
    young = (pod(f"young-{at}", AFTER) for at in range(10 - missing - len(pods)))
    found = {**mesh(0, hash_of(raw), hash_of(raw)), need: Known((*pods, *young))}
    return planned(raw, sets, found=found)


def evicted(plan: Plan) -> list[str]:
    return [write.ref.name for write in plan.writes if isinstance(write, Evict)]


def test_only_pods_from_before_the_restart_go() -> None:
    assert evicted(restarted(pod("old", BEFORE), pod("young", AFTER))) == ["old"]


def test_a_pod_that_is_going_already_is_not_asked_to() -> None:
    assert evicted(restarted(pod("old", BEFORE, deletionTimestamp=AFTER))) == []


def test_a_pod_that_went_is_missed_before_its_replica_set_says_so() -> None:
    """Its status tells of ten available pods still; two may be missing."""
    old = [pod(f"old-{at}", BEFORE) for at in range(3)]
    assert len(evicted(restarted(*old))) == 2
    assert len(evicted(restarted(*old, missing=1))) == 1
    gone = pod("gone", BEFORE, deletionTimestamp=AFTER)
    assert evicted(restarted(*old, gone, missing=1)) == []


def test_pods_of_others_are_left_alone() -> None:
    assert evicted(restarted(pod("old", BEFORE, owner="rs-of-another"))) == []


def test_evictions_come_after_the_status_and_mean_one_pod() -> None:
    plan = restarted(pod("old", BEFORE))
    assert plan.writes[-1] == Evict(Ref(POD, "production", "old"), "u-old")
    assert isinstance(plan.writes[-2], Record)


def test_with_no_old_pod_left_the_status_says_when_it_was_restarted() -> None:
    plan = restarted(pod("young", AFTER))
    assert next(w.patch for w in plan.writes if isinstance(w, Record))["restartedAt"] == AT


def test_pods_are_listed_only_while_a_restart_is_under_way() -> None:
    sets = replica_set(brief(), 10)
    assert len(asked(standing(), sets)) == 1
    assert asked(standing(restartedAt=AT), sets) == []
    assert asked(put(standing(), ("spec", "restartAt"), "2026-03-01T12:30:00Z"), sets) == []


def test_pods_are_listed_anew_when_a_replica_set_changed() -> None:
    sets = replica_set(brief(), 10)
    changed = put(sets, ("metadata", "resourceVersion"), "4")
    assert asked(standing(), sets) != asked(standing(), changed)
