"""What a status tells at once, and which counts it keeps for a moment."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from rollouts.promptness import LATER, LONGEST, PATIENCE, may_wait_until

FIRST = datetime(2026, 3, 15, 10, 30, tzinfo=UTC)
PROGRESSING = {
    "type": "Progressing",
    "status": "True",
    "reason": "ReplicaSetUpdated",
    "message": "",
    "lastUpdateTime": "2026-03-15T10:30:00Z",
}
STATUS = {"phase": "Progressing", "availableReplicas": 2, "message": "some", "conditions": [PROGRESSING]}


MOVED: dict[str, Any] = {
    "canary": {"weights": {"canary": {"weight": 20}}},
    "tidegate": {"traffic": {"weight": 20}},
}
SETTLED = FIRST + timedelta(seconds=5)


def until(
    now_is: dict[str, Any], after: timedelta = PATIENCE / 2, settled_at: datetime | None = None
) -> datetime | None:
    return may_wait_until(STATUS, {**STATUS, **now_is}, FIRST + after, FIRST, settled_at)


def test_a_count_waits_for_a_moment() -> None:
    assert until({"availableReplicas": 3, "message": "other"}) == FIRST + PATIENCE


def test_a_count_that_has_waited_is_told() -> None:
    assert until({"availableReplicas": 3}, after=PATIENCE) is None


def test_a_renewed_condition_waits_with_its_count() -> None:
    renewed = {**PROGRESSING, "lastUpdateTime": "2026-03-15T10:30:01Z"}
    assert until({"conditions": [renewed], "replicas": 3}) == FIRST + PATIENCE


def test_another_reason_to_expect_pods_waits_with_their_count() -> None:
    resumed = {**PROGRESSING, "status": "Unknown", "reason": "RolloutResumed"}
    assert until({"conditions": [resumed], "replicas": 3}) == FIRST + PATIENCE


def test_pods_that_are_expected_no_longer_are_told_at_once() -> None:
    assert until({"conditions": [{**PROGRESSING, "reason": "NewReplicaSetAvailable"}]}) is None
    assert until({"conditions": [{**PROGRESSING, "status": "Unknown", "reason": "RolloutPaused"}]}) is None


def test_a_turned_condition_a_phase_and_what_is_remembered_are_told_at_once() -> None:
    assert until({"conditions": [{**PROGRESSING, "status": "False"}]}) is None
    assert until({"phase": "Healthy"}) is None
    assert until({"currentStepIndex": 1, "availableReplicas": 3}) is None


@pytest.mark.parametrize("seconds", [1, 3, 5])
def test_what_the_router_says_waits_with_the_counts_until_it_has_settled(seconds: int) -> None:
    waits = until({**MOVED, "availableReplicas": 3}, timedelta(seconds=seconds), SETTLED)
    assert waits == SETTLED + LATER


def test_what_the_router_says_is_told_at_once_when_that_has_settled() -> None:
    assert until(MOVED, after=timedelta(seconds=6), settled_at=SETTLED) is None
    assert until(MOVED, settled_at=FIRST - timedelta(minutes=1)) is None


def test_however_often_the_router_moves_its_news_is_told_in_the_end() -> None:
    assert until(MOVED, after=LONGEST, settled_at=FIRST + LONGEST) is None


def test_other_news_of_a_run_or_a_verdict_waits_for_no_settling() -> None:
    run = {**MOVED["canary"], "currentBackgroundAnalysisRunStatus": {"status": "Failed"}}
    assert until({"canary": run}, settled_at=SETTLED) is None
    assert until({"tidegate": {**MOVED["tidegate"], "verdict": "bad"}}, settled_at=SETTLED) is None


def test_nothing_waits_longer_because_the_clock_was_set_back() -> None:
    an_hour_back = timedelta(hours=-1)
    assert until({"availableReplicas": 3}, after=an_hour_back) is None
