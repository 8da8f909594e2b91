"""A canary's walk, as sentences: one world, one fact."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from msgspec.structs import replace

from crds.analysis import RolloutAnalysis
from crds.steps import Pause, RunAnalysis, SetWeight
from rollouts.actions import (
    CreateReplicaSet,
    LeaveAt,
    Point,
    Renumber,
    Route,
    Scale,
    StartAnalysis,
    StopAnalysis,
    Told,
)
from rollouts.memory import Memory, Paused, Walked
from rollouts.plan import plan
from rollouts.world import Run, Traffic, Trouble, World
from tests.rollouts.worlds import BRIEF, MINUTES, START, Stage, ask, noted, pods, world

SECONDS = timedelta(seconds=1)
MEASURING = Run("api-new-2", "Running", 2, measures=True, informed=True)


def test_the_first_revision_is_stable_once_all_its_pods_stand_and_the_router_means_them() -> None:
    stage = Stage(world(pods=(), traffic=Traffic(0, "", ""), memory={}))
    stage.world = replace(stage.world, memory=Memory())
    stage.run(until=1 * MINUTES)
    assert (stage.world.memory.stable, stage.size("new"), stage.weights) == ("new", 10, [0])


def test_the_first_revision_is_not_stable_before_the_router_has_settled_on_it() -> None:
    first = Stage(replace(world(pods=(), traffic=Traffic(0, "", "")), memory=Memory()))
    first.settle()
    assert (first.log[-1], first.world.memory.stable) == (repr(Point("new", "new")), "")


def test_a_good_release_walks_its_steps_and_stops_at_the_pause() -> None:
    stage = Stage(world(canary=0, pods=(pods("old", 10),)))
    stage.run(until=30 * MINUTES)
    assert (stage.weights, stage.world.memory.step) == ([0, 10], 1)


def test_promotion_lets_it_go_on_to_the_end_and_gives_the_weights_back() -> None:
    stage = Stage(world(canary=0, pods=(pods("old", 10),)))
    stage.run(until=6 * MINUTES)
    stage.person(pauses=())
    stage.run(until=30 * MINUTES)
    assert (stage.weights, stage.world.memory.stable) == ([0, 10, 50, 100, 0], "new")


def test_after_promotion_the_old_pods_stay_for_their_delay_and_go() -> None:
    stage = Stage(world(canary=10, weight=100, memory={"step": 4}))
    stage.run(until=20 * SECONDS)
    assert stage.size("old") == 10
    stage.run(until=20 * SECONDS)
    assert stage.size("old") == 0


def test_the_stable_arm_is_switched_and_settled_before_the_weights_come_back() -> None:
    stage = Stage(world(canary=10, weight=100, memory={"step": 4}))
    stage.settle()
    assert stage.log == [repr(Point("new", "new"))]


def test_traffic_waits_for_pods() -> None:
    got = plan(world(canary=1, available=0))
    assert got.actions == ()


def test_the_weight_rises_once_the_pods_are_there() -> None:
    assert plan(world(canary=1)).actions == (Route(10),)


def test_the_canary_arm_is_pointed_at_the_new_pods_before_they_get_a_request() -> None:
    seen = replace(world(), memory=replace(world().memory, traffic=noted(canary="former")))
    got = plan(replace(seen, traffic=Traffic(0, "old", "former")))
    assert got.actions == (Point("", "new"),)


def test_a_weight_that_was_just_set_is_not_yet_a_step_completed() -> None:
    seen = replace(world(weight=10), memory=replace(world().memory, traffic=noted(10, ago=1)))
    assert plan(seen).memory.pauses == ()


def test_a_held_step_shows_itself_as_a_pause_once_its_weight_has_settled() -> None:
    assert plan(world(weight=10)).memory.pauses == (Paused("CanaryPauseStep", START),)


def test_promoting_a_held_step_ends_its_hold() -> None:
    held = {"controller_pause": True, "held_for": ("CanaryPauseStep",), "pauses": ()}
    assert plan(world(weight=10, memory=held)).memory.step == 1


def test_a_person_aborts_and_the_first_write_takes_the_traffic_away() -> None:
    got = plan(world(weight=10, memory={"abort": True}))
    assert got.actions[0] == Route(0)


def test_an_abort_does_not_wait_for_stable_pods_and_says_so() -> None:
    got = plan(
        world(weight=10, memory={"abort": True}, pods=(pods("old", 10, 4), pods("new", 1, revision=2)))
    )
    assert got.actions[0] == Route(0)
    assert "although only 4/10 stable pods are available" in got.why


def test_an_abort_gives_the_canary_service_back_to_stable_once_it_carries_nothing() -> None:
    stage = Stage(world(weight=10, memory={"abort": True}, ask=ask(canary_service="api-canary")))
    stage.run(until=1 * SECONDS)
    assert [line for line in stage.log if line.startswith("Point")] == []
    stage.run(until=2 * SECONDS)
    assert repr(Point("", "old")) in stage.log
    assert stage.size("new") == 1


def test_an_abort_leaves_the_canary_subset_as_it_is() -> None:
    stage = Stage(world(weight=10, memory={"abort": True}))
    stage.run(until=MINUTES)
    assert [line for line in stage.log if line.startswith("Point")] == []


def test_a_retry_gets_its_canary_service_again_before_its_weight() -> None:
    stage = Stage(world(weight=10, memory={"abort": True}, ask=ask(canary_service="api-canary")))
    stage.run(until=10 * SECONDS)
    stage.person(abort=False)
    stage.log.clear()
    stage.run(until=MINUTES)
    moved = [line for line in stage.log if line.startswith(("Point", "Route"))]
    assert moved[:2] == [repr(Point("", "new")), repr(Route(10))]


def test_an_aborted_canary_keeps_its_pods_until_its_delay_is_over() -> None:
    stage = Stage(world(weight=10, memory={"abort": True}))
    stage.run(until=30 * SECONDS)
    assert stage.size("new") == 1
    stage.run(until=10 * SECONDS)
    assert stage.size("new") == 0


def test_a_retry_walks_from_the_first_step_again_with_a_run_of_its_own() -> None:
    got = plan(world(memory={"abort": False, "aborted_at": START - MINUTES, "verdict": "bad"}))
    assert (got.memory.step, got.memory.attempt, got.memory.verdict) == (0, 1, "")


def test_a_failed_analysis_aborts_with_its_reason() -> None:
    failed = Run("api-new-2", "Failed", 2, message="12 % errors against a limit of 5 %")
    got = plan(world(weight=10, ask=ask(judged=True), run=failed))
    assert (got.actions[0], got.memory.verdict) == (
        Route(0),
        "Background analysis phase error/failed: 12 % errors against a limit of 5 %",
    )


def test_a_revision_that_comes_back_is_not_judged_by_its_former_run() -> None:
    failed = Run("api-new-2", "Failed", 2, message="12 % errors against a limit of 5 %")
    back = (pods("old", 10, revision=3), pods("new", 1, revision=2))
    assert not plan(world(ask=ask(judged=True), run=failed, pods=back)).memory.abort


def test_new_steps_do_not_forgive_a_bad_verdict() -> None:
    got = plan(
        world(ask=ask(step_hash="other"), memory={"abort": True, "verdict": "bad", "aborted_at": START})
    )
    assert got.memory.abort


def test_new_steps_clear_a_persons_abort() -> None:
    got = plan(world(ask=ask(step_hash="other"), memory={"abort": True, "aborted_at": START}))
    assert not got.memory.abort


def test_a_judged_canary_gets_no_request_before_its_analysis_measures() -> None:
    got = plan(world(ask=ask(judged=True)))
    assert got.actions == (StartAnalysis("new", 2, 0),)


def test_a_judged_canary_gets_its_weight_once_the_analysis_measures() -> None:
    assert plan(world(ask=ask(judged=True), run=MEASURING, runs=(MEASURING,))).actions == (Route(10),)


def test_missing_metrics_hold_the_canary_at_nothing_and_name_the_fix() -> None:
    got = plan(world(ask=ask(judged=True), metrics=Trouble("NoSeries", "correct the selector")))
    assert (got.actions, got.memory.pauses) == ((), (Paused("MetricsNotReady", START),))


def test_a_canary_taken_over_in_its_walk_is_held_where_it_is_until_it_can_be_measured() -> None:
    got = plan(world(weight=10, ask=ask(judged=True), metrics=Trouble("NoSeries", "correct the selector")))
    assert (got.actions, got.memory.pauses) == ((), (Paused("MetricsNotReady", START),))
    assert got.look_again == START + 10 * SECONDS


def test_metrics_that_come_back_let_it_go_on_by_itself() -> None:
    held = {
        "pauses": (Paused("MetricsNotReady", START - MINUTES),),
        "controller_pause": True,
        "held_for": ("MetricsNotReady",),
    }
    got = plan(world(ask=ask(judged=True), memory=held))
    assert (got.memory.pauses, got.memory.controller_pause) == ((), False)


DEAF = replace(MEASURING, deaf="http://prometheus:9090 gives no answer")


def test_a_canary_that_nobody_hears_any_more_goes_no_step_further() -> None:
    long_held = {"controller_pause": True, "pauses": (Paused("CanaryPauseStep", START - 60 * MINUTES),)}
    got = plan(world(weight=10, ask=ask(judged=True), run=DEAF, memory=long_held))
    assert (got.memory.step, got.memory.pauses[-1].reason) == (0, "MetricsNotReady")
    assert got.actions == ()


def test_a_canary_that_is_heard_again_goes_on_by_itself() -> None:
    pauses = (Paused("CanaryPauseStep", START - 60 * MINUTES), Paused("MetricsNotReady", START - MINUTES))
    deaf_until_now = {"controller_pause": True, "pauses": pauses}
    got = plan(world(weight=10, ask=ask(judged=True), run=MEASURING, memory=deaf_until_now))
    assert (got.memory.step, [p.reason for p in got.memory.pauses]) == (1, ["CanaryPauseStep"])


def test_promoting_overrides_missing_metrics() -> None:
    held = {"controller_pause": True, "held_for": ("MetricsNotReady",)}
    got = plan(world(ask=ask(judged=True), memory=held, metrics=Trouble("NoSeries", "correct the selector")))
    assert got.memory.overridden


def test_an_inconclusive_analysis_pauses_and_moves_nothing() -> None:
    unsure = replace(MEASURING, phase="Inconclusive", measures=False)
    got = plan(world(weight=10, ask=ask(judged=True), run=unsure))
    assert (got.actions, got.memory.pauses[0].reason) == ((), "InconclusiveAnalysisRun")


def test_pods_that_never_start_are_a_verdict() -> None:
    got = plan(world(canary=1, available=0, stuck="canary pods never started: CrashLoopBackOff"))
    assert (got.memory.abort, got.actions) == (True, (LeaveAt("api-new", START + 30 * SECONDS),))


def test_a_canary_pod_lost_takes_its_share_with_it() -> None:
    got = plan(world(canary=5, available=4, weight=50, memory={"step": 2}))
    assert got.actions == (Route(40),)


def test_the_share_comes_back_with_the_pod() -> None:
    got = plan(world(canary=5, weight=40, memory={"step": 2}))
    assert got.actions == (Route(50),)


def test_a_new_revision_in_mid_canary_takes_the_traffic_from_the_overtaken_one_first() -> None:
    stage = Stage(world(weight=10))
    stage.release("newer")
    stage.run(until=30 * SECONDS)
    assert stage.weights == [10, 0, 10]
    assert (stage.size("new"), stage.size("newer")) == (0, 1)


def test_an_overtaken_revision_keeps_its_pods_while_it_may_get_requests() -> None:
    stage = Stage(world(weight=10))
    stage.release("newer")
    stage.settle()
    assert stage.size("new") == 1


def test_an_overtaken_revision_keeps_its_pods_for_a_while_after_its_last_request() -> None:
    stage = Stage(world(weight=10))
    stage.release("newer")
    stage.run(until=5 * SECONDS)
    assert (stage.weights[:2], stage.size("new")) == ([10, 0], 1)


def test_a_rollback_to_stable_walks_no_steps() -> None:
    stage = Stage(world(weight=10))
    stage.release("old")
    stage.run(until=60 * SECONDS)
    assert (stage.weights, stage.size("new"), stage.world.memory.step) == ([10, 0], 0, len(BRIEF))


def test_a_step_that_ends_keeps_what_the_analysis_knew() -> None:
    knows = replace(MEASURING, message="0 of 251")
    walked = (Walked(START - MINUTES),)
    held = {"pauses": (Paused("CanaryPauseStep", START - 5 * MINUTES),), "walked": walked}
    got = plan(world(weight=10, ask=ask(judged=True), run=knows, runs=(knows,), memory=held))
    assert got.memory.walked == (Walked(START - MINUTES, "0 of 251"), Walked(START))


def test_an_older_revision_that_comes_back_is_numbered_as_the_newest() -> None:
    got = plan(world(pods=(pods("old", 10, revision=3), pods("new", 1, revision=2))))
    assert Renumber("api-new", 4) in got.actions


def test_promote_full_goes_straight_to_everything() -> None:
    stage = Stage(world(weight=10, ask=ask(judged=True), run=MEASURING, runs=(MEASURING,)))
    stage.person(promote_full=True)
    stage.run(until=60 * SECONDS)
    assert stage.weights == [10, 100, 0]
    assert repr(StopAnalysis("api-new-2")) in stage.log


def test_weights_that_someone_else_moved_are_set_back_and_told() -> None:
    edited = replace(world(weight=10), traffic=Traffic(60, "old", "new", where="VirtualService p/api"))
    got = plan(edited)
    assert got.actions == (Route(10),)
    assert got.memory.edited.startswith("VirtualService p/api gave the canary 60 % where 10 % was set")
    assert Told("TrafficEdited", got.memory.edited, warning=True) in got.told


def test_a_weight_that_was_on_its_way_when_the_release_was_rejected_is_nobodys_edit() -> None:
    """Who set it died before it was noted."""
    failed = Run("api-new-2", "Failed", 2, message="12 % errors against a limit of 5 %")
    judged = world(ask=ask(judged=True), run=failed)
    got = plan(replace(judged, traffic=Traffic(10, "old", "new")))
    assert (got.actions[0], got.memory.edited) == (Route(0), "")


def test_weights_that_someone_moved_at_rest_are_set_back_and_told_until_they_settle() -> None:
    promoted = {"stable": "new", "step": 4, "traffic": noted(0, stable="new")}
    rest = world(canary=10, memory=promoted)
    moved = replace(rest, traffic=Traffic(60, "new", "new", where="VirtualService p/api"))
    stage = Stage(moved)
    stage.settle()
    assert (stage.weights, stage.world.memory.edited[:22]) == ([60, 0], "VirtualService p/api g")
    stage.run(until=5 * SECONDS)
    assert stage.world.memory.edited == ""


def test_a_router_that_cannot_be_read_moves_nothing_and_takes_no_pod() -> None:
    got = plan(world(weight=10, traffic=Trouble("VirtualServiceNotFound", "it does not exist")))
    assert (got.actions, got.why) == ((), "it does not exist")


def test_a_paused_rollout_gets_no_more_traffic() -> None:
    assert plan(world(ask=ask(paused=True))).actions == ()


def test_scaling_in_mid_canary_scales_both_revisions() -> None:
    got = plan(world(weight=10, ask=ask(replicas=20)))
    assert {Scale("api-old", 20, 10), Scale("api-new", 2, 1)} <= set(got.actions)


def test_a_lost_status_recognises_the_stable_revision_by_the_router() -> None:
    lost = replace(world(weight=10), memory=Memory())
    assert plan(lost).memory.stable == "old"


def test_a_stable_revision_that_never_was_counts_as_lost() -> None:
    patched = world(weight=10)
    patched = replace(patched, memory=replace(patched.memory, stable="nonsense"))
    assert plan(patched).memory.stable == "old"


def test_a_lost_status_leaves_the_run_that_judges_alone() -> None:
    lost = replace(world(weight=10, ask=ask(judged=True)), memory=Memory(), run=MEASURING, runs=(MEASURING,))
    assert plan(lost).actions == ()


def test_a_missing_replica_set_is_created_with_the_next_revision() -> None:
    got = plan(world(pods=(pods("old", 10, revision=7),)))
    assert got.actions == (CreateReplicaSet("new", 8),)


@pytest.mark.parametrize("steps", [(), (Pause(SECONDS),), (SetWeight(30), SetWeight(5), SetWeight(100))])
def test_any_steps_end_with_everything_on_the_new_revision(steps: tuple[Pause | SetWeight, ...]) -> None:
    stage = Stage(world(canary=0, pods=(pods("old", 10),), ask=ask(steps=steps)))
    stage.run(until=5 * MINUTES)
    assert (stage.world.memory.stable, stage.size("new"), stage.size("old")) == ("new", 10, 0)


def test_a_pause_of_nought_is_over_in_the_next_second() -> None:
    stage = Stage(world(weight=10, ask=ask(steps=(Pause(timedelta()), Pause()))))
    stage.world = replace(stage.world, now=START + timedelta(seconds=0.4))
    stage.run(until=2 * SECONDS)
    assert stage.world.memory.step == 1


STEP_ANALYSIS = (SetWeight(10), RunAnalysis(RolloutAnalysis()), SetWeight(100))


def at_analysis(*step_runs: Run, **changes: Any) -> World:
    memory = {"step": 1, **changes.pop("memory", {})}
    asked = ask(steps=STEP_ANALYSIS)
    return world(weight=10, ask=asked, memory=memory, step_runs=step_runs, runs=step_runs, **changes)


def step_run(phase: str, **more: Any) -> Run:
    return Run("api-new-2-1", phase, 2, step=1, informed=True, **more)


def test_an_analysis_step_starts_its_run() -> None:
    assert plan(at_analysis()).actions == (StartAnalysis("new", 2, 0, step=1),)


def test_an_analysis_step_waits_for_its_run() -> None:
    got = plan(at_analysis(step_run("Running")))
    assert (got.actions, got.memory.step) == ((), 1)


def test_a_successful_run_completes_its_step() -> None:
    assert plan(at_analysis(replace(step_run("Successful")))).memory.step == 2


def test_a_failed_step_run_aborts_in_argos_words() -> None:
    got = plan(at_analysis(step_run("Failed", message="too slow")))
    assert (got.actions[0], got.memory.verdict) == (
        Route(0),
        "Step-based analysis phase error/failed: too slow",
    )


def test_an_inconclusive_step_run_pauses() -> None:
    got = plan(at_analysis(step_run("Inconclusive")))
    assert got.memory.pauses[0].reason == "InconclusiveAnalysisRun"


def test_promoting_past_an_inconclusive_step_goes_on() -> None:
    """As the plugin does: the pauses cleared, `controllerPause` false, and the next step's index."""
    held = {"held_for": ("InconclusiveAnalysisRun",), "step": 2}
    got = plan(
        at_analysis(
            step_run("Inconclusive"), memory=held, pods=(pods("old", 10), pods("new", 10, revision=2))
        )
    )
    assert got.actions[0] == Route(100)


def test_a_missing_template_holds_its_step_with_its_fix() -> None:
    got = plan(at_analysis(metrics=Trouble("TemplateNotFound", "create it")))
    assert (got.actions, got.memory.pauses[0].reason) == ((), "MetricsNotReady")


def test_a_run_of_a_step_that_was_left_is_stopped() -> None:
    left = Run("api-new-2-0", "Running", 2, step=0)
    assert StopAnalysis("api-new-2-0") in plan(at_analysis(left)).actions


@pytest.mark.parametrize("routed", [True, False])
def test_what_runs_grows_with_the_rollout_before_a_new_replica_set_that_may_be_refused(routed: bool) -> None:
    seen = world(pods=(pods("old", 10),), ask=ask(replicas=20, routed=routed))
    assert plan(seen).actions == (Scale("api-old", 20, 10), CreateReplicaSet("new", 2))


@pytest.mark.parametrize(
    ("run", "attempt"),
    [
        (replace(MEASURING, phase="Successful"), 1),
        (replace(MEASURING, ending=True), 1),
        (MEASURING, 0),
    ],
    ids=["ended, by an abort perhaps", "about to end", "measuring"],
)
def test_steps_that_were_edited_are_walked_with_a_judge(run: Run, attempt: int) -> None:
    """A person's abort had ended the run as Successful: the walk that the edit begins needs another."""
    edited = ask(step_hash="other", judged=True)
    seen = world(ask=edited, memory={"abort": True, "aborted_at": START}, run=run, runs=(run,))
    assert plan(seen).memory.attempt == attempt


def test_a_judge_that_was_sent_away_judges_no_more() -> None:
    """The analysis was taken out of the spec, or its first step came to lie ahead; it is asked for again."""
    stopped = replace(MEASURING, phase="Successful", stopped=True)
    assert plan(world(ask=ask(judged=True), run=stopped)).actions == (StartAnalysis("new", 2, 0),)


def test_a_judge_that_nobody_asks_for_on_the_way_is_marked_as_sent_away() -> None:
    """Not so at an abort or a promotion, for which nothing but its end is decided."""
    assert StopAnalysis("api-new-2", unasked=True) in plan(world(runs=(MEASURING,), run=MEASURING)).actions
    aborted = plan(world(ask=ask(judged=True), runs=(MEASURING,), run=MEASURING, memory={"abort": True}))
    assert StopAnalysis("api-new-2") in aborted.actions
