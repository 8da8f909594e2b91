"""Argo's guards of an automated sync, in Argo's order."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from crds.application import parse
from gitops.automation import Later, Nothing, Start, automatic, heal_after
from gitops.compare import Compared, Comparison
from gitops.objects import Key
from gitops.wellness import Health
from tests.gitops.examples import NOW, REVISION, raw_app

BOTH = {"prune": True, "selfHeal": True}


def one(
    name: str = "api", status: str = "OutOfSync", *, prune: bool = False, kind: str = "Service"
) -> Compared:
    return Compared(Key("", kind, "production", name), "v1", status, requires_pruning=prune)


def seen(*resources: Compared, pending: bool = False) -> Comparison:
    return Comparison(resources, Health("Healthy"), pending)


DRIFT = seen(one(), one("other", "Synced"))


def choose(
    comparison: Comparison = DRIFT,
    automated: Any = BOTH,
    *,
    later: float = 0,
    released: str = "",
    **state: Any,
) -> Start | Later | Nothing:
    """Given an operation that ended at NOW with `state`, and a release that was let go at 10:`released`."""
    raw = raw_app(syncPolicy={} if automated is None else {"automated": automated})
    if state:
        result = {"revision": REVISION, "source": raw["spec"]["source"], **state.pop("result", {})}
        last = {"finishedAt": "2026-03-15T10:30:00Z", "syncResult": result, **state}
        raw["status"] = {"operationState": last}
    if released:
        raw["status"]["rollback"] = {"releasedAt": f"2026-03-15T10:{released}:00Z"}
    return automatic(parse(raw), comparison, REVISION, NOW + timedelta(seconds=later))


def test_what_differs_is_synced_once_with_five_more_tries() -> None:
    found = choose()
    assert isinstance(found, Start)
    assert found.operation.sync
    assert found.operation.retry
    assert (found.operation.sync.revision, found.operation.sync.prune) == (REVISION, True)
    assert (found.operation.initiated_by.automated, found.operation.retry.limit) == (True, 5)
    assert found.why == "Initiated automated sync to '5c2d89b'"


@pytest.mark.parametrize(
    ("comparison", "automated", "why"),
    [
        (DRIFT, None, "not automated"),
        (DRIFT, {"enabled": False}, "not automated"),
        (seen(one(status="Synced")), BOTH, "Synced"),
        (seen(one(status="Unknown")), BOTH, "Unknown"),
        (seen(one(), pending=True), BOTH, "comparing"),
        (seen(one(prune=True)), {}, "only pruning is left, and automated.prune is off"),
    ],
)
def test_there_is_nothing_to_do(comparison: Comparison, automated: Any, why: str) -> None:
    assert choose(comparison, automated) == Nothing(why)


def test_a_running_operation_is_left_alone() -> None:
    assert choose(phase="Running") == Nothing("an operation is there")


def test_an_operation_that_waits_to_begin_is_left_alone() -> None:
    raw = raw_app(syncPolicy={"automated": {}}) | {"operation": {"sync": {}}}
    assert automatic(parse(raw), DRIFT, REVISION, NOW) == Nothing("an operation is there")


def test_an_application_that_is_being_deleted_is_left_alone() -> None:
    raw = raw_app(syncPolicy={"automated": {}})
    raw["metadata"]["deletionTimestamp"] = "2026-03-15T10:30:00Z"
    assert automatic(parse(raw), DRIFT, REVISION, NOW) == Nothing("being deleted")


def test_what_failed_is_not_tried_again_even_with_self_heal() -> None:
    found = choose(phase="Failed", message="no such namespace", later=3600)
    assert isinstance(found, Nothing)
    assert found.condition == "Failed last sync attempt to [5c2d89b]: no such namespace"


def test_what_failed_at_another_revision_is_tried_at_this_one() -> None:
    assert isinstance(choose(phase="Failed", result={"revision": "older"}), Start)


def test_what_failed_with_another_source_is_tried_with_this_one() -> None:
    assert isinstance(choose(phase="Failed", result={"source": {"path": "other"}}), Start)


def test_drift_after_a_good_sync_stays_without_self_heal() -> None:
    assert choose(automated={}, phase="Succeeded", later=60) == Nothing(
        "synced once, and automated.selfHeal is off"
    )


def test_drift_is_healed_object_by_object_after_a_moment() -> None:
    assert choose(phase="Succeeded") == Later(NOW + timedelta(seconds=2), "healing in 2 s")
    found = choose(phase="Succeeded", later=2)
    assert isinstance(found, Start)
    assert found.operation.sync
    assert [res.name for res in found.operation.sync.resources] == ["api"]
    assert found.operation.sync.auto_heal_attempts_count == 1


def test_drift_that_comes_back_is_healed_ever_later() -> None:
    assert [heal_after(n).total_seconds() for n in range(6)] == [2, 6, 18, 54, 162, 300]
    again = {"sync": {"autoHealAttemptsCount": 2}}
    assert choose(phase="Succeeded", operation=again) == Later(NOW + timedelta(seconds=18), "healing in 18 s")


def test_after_a_quiet_while_healing_is_quick_again() -> None:
    found = choose(phase="Succeeded", operation={"sync": {"autoHealAttemptsCount": 9}}, later=331)
    assert isinstance(found, Start)
    assert found.operation.sync
    assert found.operation.sync.auto_heal_attempts_count == 1


def test_an_empty_rendering_wipes_nothing_out() -> None:
    found = choose(seen(one(prune=True), one("b", prune=True)))
    assert isinstance(found, Nothing)
    assert found.condition == "Skipping sync attempt to [5c2d89b]: auto-sync will wipe out all resources"


def test_an_empty_rendering_is_obeyed_where_that_is_allowed() -> None:
    assert isinstance(choose(seen(one(prune=True)), {"prune": True, "allowEmpty": True}), Start)


def test_what_asks_not_to_be_pruned_is_left_alone_and_nobody_tries_again() -> None:
    left = {"kind": "ConfigMap", "namespace": "production", "name": "api", "status": "PruneSkipped"}
    result = {"resources": [left | {"message": "ignored (no prune)"}]}
    found = choose(seen(one(prune=True, kind="ConfigMap")), later=600, phase="Succeeded", result=result)
    assert found == Nothing("what is left in the cluster asks not to be pruned")


def test_what_was_kept_for_a_release_is_pruned_behind_it() -> None:
    kept = {"kind": "ConfigMap", "namespace": "production", "name": "old", "status": "PruneSkipped"}
    kept |= {"message": "kept while Rollout production/api is in mid-release"}
    left = seen(one("old", prune=True, kind="ConfigMap"), one("x", "Synced"))
    found = choose(left, {"prune": True}, phase="Succeeded", result={"resources": [kept]})
    assert isinstance(found, Start)
    assert found.operation.sync
    assert [res.name for res in found.operation.sync.resources] == ["old"]


@pytest.mark.parametrize("phase", ["Succeeded", "Error"])
def test_what_a_person_has_let_go_since_is_synced_anew(phase: str) -> None:
    state: Any = {"phase": phase, "startedAt": "2026-03-15T10:29:00Z"}
    found = choose(automated={}, released="31", **state)
    assert isinstance(found, Start)
    assert found.operation.sync
    assert found.operation.sync.resources == ()
    assert isinstance(choose(automated={}, released="28", **state), Nothing)
