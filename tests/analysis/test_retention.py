"""Which runs have had their time."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from analysis.retention import Past, expires, surplus
from crds.analysis import parse_run

ENDED = datetime(2026, 3, 15, 10, 30, tzinfo=UTC)


def seconds_left(phase: str, **ttl: Any) -> float | None:
    status = {"phase": phase, "completedAt": "2026-03-15T10:30:00Z"}
    gone = expires(parse_run({"spec": {"ttlStrategy": ttl}, "status": status}))
    return (gone - ENDED).total_seconds() if gone else None


@pytest.mark.parametrize(("phase", "left"), [("Successful", 20), ("Failed", 30), ("Inconclusive", 30)])
def test_the_outcomes_own_time_to_live_goes_first(phase: str, left: int) -> None:
    ttl = {"secondsAfterCompletion": 10, "secondsAfterSuccess": 20, "secondsAfterFailure": 30}
    assert seconds_left(phase, **ttl) == left
    assert seconds_left(phase, secondsAfterCompletion=10) == 10


def test_without_a_time_to_live_a_run_stays() -> None:
    assert seconds_left("Successful", secondsAfterFailure=30) is None
    assert expires(parse_run({"spec": {}})) is None


def past(name: str, age: int, phase: str, *, needed: bool = False, kept: bool = True) -> Past:
    return Past(name, ENDED - timedelta(minutes=age), phase, needed=needed, revision_kept=kept)


def test_what_judged_a_revision_that_is_forgotten_goes_with_it() -> None:
    runs = [
        past("forgotten", 9, "Failed", kept=False),
        past("running", 8, "Running", kept=False),
        past("needed", 7, "Successful", needed=True, kept=False),
        past("kept", 6, "Successful"),
    ]
    assert surplus(runs) == ("forgotten",)


def test_the_newest_of_each_outcome_are_kept() -> None:
    runs = [past(f"good-{age}", age, "Successful") for age in range(1, 8)]
    runs += [past("bad-1", 1, "Failed"), past("bad-2", 2, "Error"), past("bad-3", 3, "Inconclusive")]
    assert surplus(runs, unsuccessful=1) == ("good-7", "good-6", "bad-3", "bad-2")
    assert surplus(runs, successful=0, unsuccessful=9)[0] == "good-7"


def test_what_runs_or_is_needed_is_neither_deleted_nor_counted() -> None:
    runs = [
        past("running", 9, "Running"),
        past("needed", 8, "Successful", needed=True),
        past("old", 7, "Successful"),
        past("new", 1, "Successful"),
    ]
    assert surplus(runs, successful=1) == ("old",)
