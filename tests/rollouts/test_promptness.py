"""What a status tells at once, and which counts it keeps for a moment."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from crds.meta import read_status
from crds.rollout_status import RolloutStatus
from rollouts.promptness import PATIENCE, may_wait_until

TOLD = datetime(2026, 3, 15, 10, 30, tzinfo=UTC)
PROGRESSING = {
    "type": "Progressing",
    "status": "True",
    "reason": "ReplicaSetUpdated",
    "message": "",
    "lastUpdateTime": "2026-03-15T10:30:00Z",
}
STATUS = {"phase": "Progressing", "availableReplicas": 2, "message": "some", "conditions": [PROGRESSING]}


def until(now_is: dict[str, Any], after: timedelta = PATIENCE / 2) -> datetime | None:
    return may_wait_until(read_status(STATUS, RolloutStatus), STATUS, {**STATUS, **now_is}, TOLD + after)


def test_a_count_waits_for_a_moment() -> None:
    assert until({"availableReplicas": 3, "message": "other"}) == TOLD + PATIENCE


def test_a_count_that_has_waited_is_told() -> None:
    assert until({"availableReplicas": 3}, after=PATIENCE) is None


def test_a_renewed_condition_waits_with_its_count() -> None:
    renewed = {**PROGRESSING, "lastUpdateTime": "2026-03-15T10:30:01Z"}
    assert until({"conditions": [renewed], "replicas": 3}) == TOLD + PATIENCE


def test_another_reason_to_expect_pods_waits_with_their_count() -> None:
    resumed = {**PROGRESSING, "status": "Unknown", "reason": "RolloutResumed"}
    assert until({"conditions": [resumed], "replicas": 3}) == TOLD + PATIENCE


def test_pods_that_are_expected_no_longer_are_told_at_once() -> None:
    assert until({"conditions": [{**PROGRESSING, "reason": "NewReplicaSetAvailable"}]}) is None
    assert until({"conditions": [{**PROGRESSING, "status": "Unknown", "reason": "RolloutPaused"}]}) is None


def test_a_turned_condition_a_phase_and_what_is_remembered_are_told_at_once() -> None:
    assert until({"conditions": [{**PROGRESSING, "status": "False"}]}) is None
    assert until({"phase": "Healthy"}) is None
    assert until({"currentStepIndex": 1, "availableReplicas": 3}) is None


def test_nothing_waits_for_a_progress_told_in_the_future() -> None:
    assert until({"availableReplicas": 3}, after=timedelta(seconds=-60)) is None
