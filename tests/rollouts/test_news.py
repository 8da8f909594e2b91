"""What is told of a rollout, and in which order: one story, one list of reasons."""

from __future__ import annotations

from datetime import timedelta

from msgspec.structs import replace

from crds.analysis import RolloutAnalysis
from crds.steps import Pause, RunAnalysis, SetWeight, Step
from rollouts.actions import Told
from rollouts.memory import Memory
from rollouts.plan import plan
from rollouts.world import Run, Traffic, World
from tests.rollouts.worlds import MINUTES, Stage, ask, pods, world

STEPS = (SetWeight(10), Pause(), SetWeight(50), Pause(timedelta(seconds=30)))


class Listener(Stage):
    """A stage on which every decision's news are heard."""

    def __init__(self, seen: World) -> None:
        super().__init__(seen)
        self.heard: list[Told] = []

    def perform(self, decision) -> None:  # type: ignore[no-untyped-def]
        self.heard += decision.told
        super().perform(decision)

    def reasons(self) -> list[str]:
        told, self.heard = [one.reason for one in self.heard], []
        return told

    def messages(self, reason: str) -> list[str]:
        return [one.message for one in self.heard if one.reason == reason]


def unborn(steps: tuple[Step, ...] = STEPS) -> Listener:
    empty = world(ask=ask(pod_hash="old", steps=steps), pods=(), traffic=Traffic(0, "", ""))
    return Listener(replace(empty, memory=Memory()))


def deployed(steps: tuple[Step, ...] = STEPS) -> Listener:
    stage = unborn(steps)
    stage.run(MINUTES)
    stage.reasons()
    return stage


def released(steps: tuple[Step, ...] = STEPS) -> Listener:
    stage = deployed(steps)
    stage.release("new")
    stage.run(MINUTES)
    return stage


def test_a_first_deployment() -> None:
    stage = unborn()
    stage.run(MINUTES)
    assert stage.reasons() == [
        "RolloutUpdated",
        "NewReplicaSetCreated",
        "RolloutNotCompleted",
        "ScalingReplicaSet",
        "RolloutCompleted",
    ]


def test_a_release_up_to_its_pause() -> None:
    assert released().reasons() == [
        "RolloutUpdated",
        "NewReplicaSetCreated",
        "RolloutNotCompleted",
        "ScalingReplicaSet",
        "TrafficWeightUpdated",
        "RolloutStepCompleted",
        "RolloutPaused",
    ]


def test_a_promotion_to_the_end() -> None:
    stage = released()
    stage.reasons()
    stage.person(pauses=())
    stage.run(10 * MINUTES)
    assert stage.reasons() == [
        "RolloutStepCompleted",
        "RolloutResumed",
        "ScalingReplicaSet",
        "TrafficWeightUpdated",
        "RolloutStepCompleted",
        "RolloutPaused",
        "RolloutStepCompleted",
        "RolloutResumed",
        "ScalingReplicaSet",
        "TrafficWeightUpdated",
        "RolloutCompleted",
        "TrafficWeightUpdated",
        "ScalingReplicaSet",
    ]


HELD = (SetWeight(10, timedelta(seconds=30)), Pause(), SetWeight(100))


def test_a_pause_after_a_hold_is_told_as_another_one() -> None:
    """Who is to approve hears of it when there is something to approve."""
    stage = released(HELD)
    assert stage.reasons()[-5:] == [
        "TrafficWeightUpdated",
        "RolloutPaused",
        "RolloutStepCompleted",
        "RolloutResumed",
        "RolloutPaused",
    ]


def test_steps_are_told_with_their_number_and_what_they_are() -> None:
    stage = released()
    stage.person(pauses=())
    stage.run(10 * MINUTES)
    assert stage.messages("RolloutStepCompleted") == [
        "Rollout step 1/4 completed (setWeight: 10)",
        "Rollout step 2/4 completed (pause)",
        "Rollout step 3/4 completed (setWeight: 50)",
        "Rollout step 4/4 completed (pause: 30s)",
    ]


def test_an_abort_is_told_once_with_what_is_against_it() -> None:
    failed = Run("api-new-2", "Failed", 2, message="12 % errors")
    stage = Listener(world(weight=10, ask=ask(judged=True), run=failed))
    stage.run(MINUTES)
    assert stage.messages("RolloutAborted") == [
        "Rollout aborted update to revision 2: Background analysis phase error/failed: 12 % errors"
    ]


def test_a_full_promotion_is_told_as_asked_for_and_its_steps_are_not() -> None:
    stage = released()
    stage.reasons()
    stage.person(promote_full=True)
    stage.run(MINUTES)
    assert stage.messages("RolloutCompleted")[0].endswith(": Full promotion requested")
    assert "RolloutStepCompleted" not in stage.reasons()


def test_going_back_to_stable_skips_the_steps() -> None:
    stage = released()
    stage.reasons()
    stage.release("old")
    stage.run(MINUTES)
    assert stage.reasons()[:2] == ["RolloutUpdated", "SkipSteps"]


def test_a_release_on_top_of_another_does_not_begin_twice() -> None:
    stage = released()
    stage.reasons()
    stage.release("newer")
    stage.run(MINUTES)
    told = stage.reasons()
    assert ("RolloutUpdated" in told, "RolloutNotCompleted" in told) == (True, False)


def test_an_older_replica_set_that_comes_back_is_told_by_its_new_number() -> None:
    back = world(canary=0, pods=(pods("old", 10, revision=2), pods("new", 0, revision=1)))
    scaled = [told.message for told in plan(back).told if told.reason == "ScalingReplicaSet"]
    assert scaled == ["Scaled up ReplicaSet api-new (revision 3) from 0 to 1"]


def test_a_status_that_was_lost_is_no_release() -> None:
    stands = world(pods=(pods("new", 10),), traffic=Traffic(0, "new", "new"))
    assert plan(replace(stands, memory=Memory())).told == ()


def test_a_pause_that_comes_first_is_told_with_its_reason() -> None:
    assert released((Pause(), SetWeight(50))).messages("RolloutPaused") == [
        "Rollout is paused (CanaryPauseStep)"
    ]


def test_a_steps_analysis_is_told_to_be_good_before_its_step_is_complete() -> None:
    asked = ask(steps=(RunAnalysis(RolloutAnalysis()), Pause()))
    good = Run("api-new-2-0", "Successful", 2, step=0)
    told = plan(world(ask=asked, step_runs=(good,))).told
    assert [one.reason for one in told[:2]] == ["AnalysisRunSuccessful", "RolloutStepCompleted"]
    assert told[0].message == "Step Analysis Run 'api-new-2-0' Status New: 'Successful' Previous: 'Running'"


def test_a_stable_revision_that_is_lost_completes_neither_steps_nor_the_rollout() -> None:
    lost = world(pods=(pods("new", 1, revision=2),), memory={"step": 1})
    reasons = [one.reason for one in plan(lost).told]
    assert not {"RolloutStepCompleted", "RolloutCompleted"} & set(reasons)


def without_pods() -> Listener:
    """A Rollout of no replicas, that shares by pod counts."""
    empty = world(ask=ask(pod_hash="old", steps=STEPS, replicas=0, routed=False), pods=(), traffic=None)
    return Listener(replace(empty, memory=Memory()))


def test_a_first_deployment_of_no_replicas_is_told_like_any_other() -> None:
    stage = without_pods()
    stage.run(MINUTES)
    assert stage.reasons() == [
        "RolloutUpdated",
        "NewReplicaSetCreated",
        "RolloutNotCompleted",
        "RolloutCompleted",
    ]


def test_steps_that_are_complete_at_the_first_look_are_told() -> None:
    stage = without_pods()
    stage.run(MINUTES)
    stage.reasons()
    stage.release("new")
    stage.run(MINUTES)
    assert stage.reasons() == [
        "RolloutUpdated",
        "NewReplicaSetCreated",
        "RolloutNotCompleted",
        "RolloutStepCompleted",
        "RolloutPaused",
    ]


def test_steps_that_were_edited_are_told_from_the_first() -> None:
    walked = {"step": 1, "step_hash": "others"}
    seen = world(weight=10, ask=ask(steps=(SetWeight(10), SetWeight(10), Pause())), memory=walked)
    told = [one.message for one in plan(seen).told if one.reason == "RolloutStepCompleted"]
    assert told == [f"Rollout step {n}/3 completed (setWeight: 10)" for n in (1, 2)]


def test_a_status_that_was_lost_on_the_way_completes_nothing() -> None:
    """The stable revision is known again by the router, and the steps begin anew."""
    stage = released()
    stage.reasons()
    stage.world = replace(stage.world, memory=Memory())
    stage.run(MINUTES)
    assert "RolloutCompleted" not in stage.reasons()
