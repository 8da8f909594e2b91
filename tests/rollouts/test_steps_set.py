"""A person sets `currentStepIndex`, as `promote --skip-current-step` and older plugins do."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from msgspec.structs import replace

from crds.analysis import RolloutAnalysis
from crds.steps import Pause, RunAnalysis, SetWeight
from rollouts.actions import StartAnalysis
from rollouts.memory import Paused, Walked
from rollouts.plan import plan
from rollouts.world import Run, World
from tests.rollouts.worlds import MINUTES, START, Stage, ask, pods, world

HOUR = timedelta(hours=1)
STEPS = (SetWeight(10), Pause(), SetWeight(10, 5 * MINUTES), Pause(5 * MINUTES), SetWeight(100))


def waiting(**memory: Any) -> World:
    """At the second step's pause, for an hour."""
    paused = {"pauses": (Paused("CanaryPauseStep", START - HOUR),), "controller_pause": True, "step": 1}
    walked = (Walked(START - 2 * HOUR), Walked(START - HOUR))
    known = {**paused, "held_for": ("CanaryPauseStep",), "walked": walked, **memory}
    return world(weight=10, ask=ask(steps=STEPS), memory=known)


def test_a_pause_that_was_skipped_takes_nothing_from_the_hold_behind_it() -> None:
    got = plan(waiting(step=2)).memory
    assert (got.step, got.pauses) == (2, (Paused("CanaryPauseStep", START),))


def test_a_pause_that_was_skipped_takes_nothing_from_the_next_pause() -> None:
    got = plan(waiting(step=3)).memory
    assert (got.step, got.pauses) == (3, (Paused("CanaryPauseStep", START),))


def test_a_step_set_together_with_cleared_pauses_is_the_step_gone_to() -> None:
    assert plan(waiting(step=2, pauses=())).memory.step == 2


def test_a_step_set_back_is_walked_once_more() -> None:
    stage = Stage(waiting(step=0))
    stage.run(until=1 * MINUTES)
    assert (stage.world.memory.step, len(stage.world.memory.walked)) == (1, 2)
    assert stage.world.memory.pauses[0].since > START - HOUR


def test_the_last_step_skipped_goes_all_the_way() -> None:
    skipped = waiting(step=len(STEPS))
    standing = (pods("old", 10), pods("new", 10, revision=2))
    assert plan(replace(skipped, pods=standing)).why.startswith("weight 10 to 100")


def test_a_step_beyond_the_last_is_the_end_and_fills_no_status() -> None:
    got = plan(waiting(step=2_000_000)).memory
    assert (got.step, len(got.walked)) == (len(STEPS), len(STEPS) + 1)


ANALYSED = (SetWeight(10), RunAnalysis(RolloutAnalysis()), Pause(), SetWeight(100))
DONE = Run("api-new-2-1", "Successful", 2, step=1, informed=True)


def analysed(step: int, *runs: Run) -> World:
    """At the pause behind an analysis, and a person sets the step."""
    walked = tuple(Walked(START - hours * HOUR) for hours in (3, 2, 1))
    paused = {"pauses": (Paused("CanaryPauseStep", START - HOUR),), "controller_pause": True, "step": step}
    return world(weight=10, ask=ask(steps=ANALYSED), memory={**paused, "walked": walked}, step_runs=runs)


def test_an_analysis_step_that_a_person_goes_back_to_is_measured_anew() -> None:
    got = plan(analysed(1, DONE))
    assert (got.memory.step, got.actions) == (1, (StartAnalysis("new", 2, 1, step=1),))


def test_a_failed_analysis_that_a_person_goes_back_behind_aborts_nothing() -> None:
    got = plan(analysed(0, replace(DONE, phase="Failed"))).memory
    assert (got.abort, got.step, got.attempt) == (False, 1, 1)


def test_going_back_to_steps_that_nothing_was_measured_in_keeps_their_judge() -> None:
    assert plan(analysed(0)).memory.attempt == 0
    assert plan(analysed(3, DONE)).memory.attempt == 0
