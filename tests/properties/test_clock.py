"""What is promised when a controller's clock is set back (docs/decisions/0010)."""

from __future__ import annotations

import pytest

from tests.properties.history import History
from tests.properties.scenes import HOSTS, PODS, SUBSETS
from tests.properties.story import V2, V3
from tidegate.sandbox.objects import at
from tidegate.sandbox.resources import ANALYSIS_RUNS, VIRTUAL_SERVICES

WATCH = "watch"
PAUSE = 5.0
LATENESS = 2.0
"""Rounding to whole seconds, and the look itself."""


def step(history: History) -> int:
    return int(at(history.world.rollout(history.scene[0]), "status", "currentStepIndex"))


def weight(history: History) -> int:
    (service,) = history.world.every(VIRTUAL_SERVICES)
    return int(at(service, "spec", "http", 0, "route", 1, "weight"))


def measured(history: History) -> int:
    """Measurements of the run in the background."""
    results = (
        at(run, "status", "metricResults", 0, default={}) for run in history.world.every(ANALYSIS_RUNS)
    )
    return max((one.get("count", 0) for one in results if one.get("name") == WATCH), default=0)


@pytest.mark.parametrize("back", [-2, -30, -7200])
@pytest.mark.parametrize("after", [0, 1, 4])
def test_a_pause_never_ends_early_and_lasts_once_more_at_most(after: int, back: int) -> None:
    with History((PODS,)) as history:
        history.ships(V2)
        history.world.until(lambda _: step(history) == 1, 60, "it pauses")
        began = history.world.loop.time()
        history.passes(after)
        history.clock_steps(back)
        history.world.until(lambda _: step(history) == 2, 60, "it goes on")
        lasted = history.world.loop.time() - began
        assert PAUSE - 1 <= lasted <= 2 * PAUSE + LATENESS  # seen to begin up to a second late


@pytest.mark.parametrize("back", [-30, -7200])
def test_an_abort_waits_for_no_clock(back: int) -> None:
    with History((SUBSETS,)) as history:
        history.ships(V2)
        history.world.until(lambda _: weight(history) == 10, 60, "it gets requests")
        history.clock_steps(back)
        history.says("abort")
        history.world.until(lambda _: weight(history) == 0, 5, "nothing goes to the canary")


def test_a_bad_release_is_caught_though_the_clock_was_set_back() -> None:
    with History((SUBSETS,)) as history:
        history.ships(V3)
        history.world.until(lambda _: weight(history) == 10, 60, "it gets requests")
        history.clock_steps(-30)
        history.world.until(
            lambda _: bool(at(history.world.rollout(), "status", "abort")), 90, "it is aborted"
        )


def test_a_run_measures_on_though_the_clock_was_set_back_by_hours() -> None:
    with History((HOSTS,)) as history:
        history.ships(V2)
        history.world.until(lambda _: measured(history) == 1, 90, "it is measured")
        history.clock_steps(-7200)
        history.world.until(lambda _: measured(history) >= 3, 120, "it is measured on")


def test_counters_that_a_clock_cannot_place_hold_the_release() -> None:
    with History((SUBSETS,)) as history:
        history.edits(
            {"strategy": {"canary": {"steps": [{"setWeight": 10}, {"pause": {"duration": "600s"}}]}}}
        )
        history.ships(V3)
        history.world.until(lambda _: weight(history) == 10, 60, "it gets requests")
        history.clock_steps(-7200)
        history.passes(900)
        assert weight(history) in (0, 10)
