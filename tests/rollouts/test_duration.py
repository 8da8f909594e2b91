"""How long releases took, as sentences: one story, one fact."""

from __future__ import annotations

from datetime import timedelta

from msgspec.structs import replace

from crds.steps import Pause, SetWeight
from rollouts.actions import Decision
from rollouts.duration import Duration, measure, written
from rollouts.memory import Memory
from rollouts.world import Run, Traffic, World
from tests.rollouts.worlds import MINUTES, START, Stage, ask, noted, pods, world

STEPS = (SetWeight(10), Pause(), SetWeight(50))


class Timed(Stage):
    """A stage on which the duration is kept as a status keeps it."""

    def __init__(self, seen: World) -> None:
        super().__init__(seen)
        self.duration = Duration()

    def perform(self, decision: Decision) -> None:
        self.duration = measure(self.world, decision.memory, self.duration)
        super().perform(decision)


def released() -> Timed:
    """Paused for a person a moment after its release."""
    before = Memory(pod_hash="old", step_hash="steps", stable="old", traffic=noted(canary="old"))
    steady = world(ask=ask(steps=STEPS), pods=(pods("old", 10),), traffic=Traffic(0, "old", "old"))
    stage = Timed(replace(steady, memory=before))
    stage.run(MINUTES)
    return stage


def test_a_release_begins_with_its_revision() -> None:
    got = released().duration
    assert (got.rollout_started_at, got.finished_at) == (START, None)


def test_a_pause_without_an_end_is_time_that_people_were_waited_for() -> None:
    stage = released()
    began = stage.duration.manual_pause_started_at
    stage.world = replace(stage.world, now=stage.world.now + 10 * MINUTES)
    stage.person(pauses=())
    stage.run(MINUTES)
    waited = int((START + 11 * MINUTES - began).total_seconds()) if began else 0
    assert stage.duration.manual_pause_started_at is None
    assert stage.duration.total_manual_pause_duration_seconds == waited > 600


def test_a_timed_pause_is_nobodys_waiting() -> None:
    timed = world(ask=ask(steps=(Pause(timedelta(hours=1)),)), canary=0)
    stage = Timed(timed)
    stage.duration = Duration(rollout_started_at=START)
    stage.run(MINUTES)
    assert stage.duration.manual_pause_started_at is None


def test_a_promotion_is_its_end() -> None:
    stage = released()
    stage.person(pauses=())
    stage.run(MINUTES)
    assert stage.duration.completion_status == "Promoted"
    assert stage.duration.finished_at is not None


def test_a_full_promotion_is_a_fast_one() -> None:
    stage = released()
    stage.person(promote_full=True)
    stage.run(MINUTES)
    assert stage.duration.completion_status == "FastPromoted"


def test_an_abort_ends_it_and_a_retry_begins_anew() -> None:
    stage = released()
    stage.person(abort=True)
    stage.settle()
    assert stage.duration.completion_status == "Aborted"
    stage.person(abort=False)
    stage.settle()
    assert (stage.duration.completion_status, stage.duration.finished_at) == ("", None)


def test_an_end_is_kept_however_often_it_is_looked_at() -> None:
    failed = Run("api-new-2", "Failed", 2, message="12 % errors")
    stage = Timed(world(weight=10, ask=ask(judged=True), run=failed))
    stage.duration = Duration(rollout_started_at=START - MINUTES)
    stage.settle()
    ended = stage.duration
    stage.run(10 * MINUTES)
    assert (stage.duration, ended.completion_status) == (ended, "Aborted")


def test_going_back_to_stable_is_a_fast_way_back() -> None:
    stage = released()
    stage.release("old")
    stage.run(MINUTES)
    assert stage.duration.completion_status == "FastRolledBack"


def test_an_older_revision_that_walks_the_steps_is_rolled_back_to() -> None:
    hours = timedelta(hours=1)
    older = pods("new", 10, revision=3, created=START - 2 * hours)
    stable = pods("old", 10, revision=2, created=START - hours)
    stage = Timed(world(weight=100, pods=(older, stable), memory={"step": 4}))
    stage.duration = Duration(rollout_started_at=START - hours)
    stage.run(MINUTES)
    assert stage.duration.completion_status == "RolledBack"


def test_a_release_over_another_begins_anew() -> None:
    stage = released()
    at = stage.world.now
    stage.release("newer")
    stage.settle()
    assert stage.duration == Duration(rollout_started_at=at)


def test_what_argo_measured_stays_when_nothing_happens() -> None:
    argos = Duration(rollout_started_at=START - MINUTES)
    seen = world(canary=1, weight=0)
    assert measure(seen, seen.memory, argos) == argos


def test_only_what_is_said_is_written() -> None:
    assert written(Duration(rollout_started_at=START, total_manual_pause_duration_seconds=7)) == {
        "rolloutStartedAt": "2026-03-01T12:00:00Z",
        "totalManualPauseDurationSeconds": 7,
    }
