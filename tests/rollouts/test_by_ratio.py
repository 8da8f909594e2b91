"""A canary without a traffic router: its pods are its share."""

from __future__ import annotations

from datetime import timedelta

from msgspec.structs import replace

from crds.analysis import RolloutAnalysis
from crds.steps import Pause, RunAnalysis, SetWeight
from rollouts.actions import Scale, StartAnalysis
from rollouts.memory import Memory
from rollouts.plan import plan
from rollouts.world import Ask, Run, Trouble
from tests.rollouts.worlds import MINUTES, Stage, ask, pods, world

SECONDS = timedelta(seconds=1)
STEPS = (SetWeight(20), Pause(), SetWeight(60), Pause(10 * SECONDS))


def by_pods(**changes: object) -> Ask:
    return ask(routed=False, max_surge=3, max_unavailable=2, steps=STEPS, **changes)


def stage(**changes: object) -> Stage:
    made = world(canary=0, traffic=None, ask=by_pods(**changes), pods=(pods("old", 10),))
    return Stage(replace(made, memory=replace(made.memory, traffic=None)))


def sizes(at: Stage) -> tuple[int, int]:
    return at.size("new"), at.size("old")


def test_a_first_deployment_takes_all_its_pods_at_once_and_is_stable_with_them() -> None:
    first = Stage(replace(world(pods=(), traffic=None, ask=by_pods()), memory=Memory()))
    first.run(until=1 * MINUTES)
    assert (first.size("new"), first.world.memory.stable) == (10, "new")


def test_a_step_whose_template_is_missing_is_waited_at_and_not_before() -> None:
    steps = (SetWeight(20), RunAnalysis(RolloutAnalysis()))
    run = Run("api-new-2", "Running", 2, measures=True, informed=True)
    seen = world(
        canary=2,
        traffic=None,
        ask=replace(by_pods(judged=True), steps=steps),
        pods=(pods("old", 8), pods("new", 2, revision=2)),
        run=run,
        runs=(run,),
        metrics=Trouble("TemplateNotFound", "create it"),
        memory={"traffic": None},
    )
    got = Stage(seen).settle().memory
    assert (got.step, [p.reason for p in got.pauses]) == (1, ["MetricsNotReady"])


def test_the_pods_come_to_the_weight_and_wait() -> None:
    walk = stage()
    walk.run(until=1 * MINUTES)
    assert (sizes(walk), walk.world.memory.step) == ((2, 8), 1)


def test_promotion_walks_to_the_end_and_leaves_no_old_pod() -> None:
    walk = stage()
    walk.run(until=1 * MINUTES)
    walk.person(pauses=())
    walk.run(until=1 * MINUTES)
    assert (sizes(walk), walk.world.memory.stable) == ((10, 0), "new")


def test_an_abort_gives_the_pods_back_at_once() -> None:
    walk = stage()
    walk.run(until=1 * MINUTES)
    walk.person(abort=True)
    walk.run(until=1 * SECONDS)
    assert sizes(walk) == (0, 10)


def test_a_revision_that_is_overtaken_makes_room() -> None:
    walk = stage()
    walk.run(until=1 * MINUTES)
    walk.release("newer")
    walk.run(until=1 * MINUTES)
    assert (walk.size("newer"), walk.size("new"), walk.size("old")) == (2, 0, 8)


def test_pods_that_do_not_start_take_no_serving_pod_away() -> None:
    walk = stage()
    walk.broken = frozenset({"new"})
    walk.run(until=1 * MINUTES)
    assert walk.size("old") >= 8


def test_a_judged_canary_gets_its_analysis_before_its_first_pod() -> None:
    walk = stage(judged=True)
    walk.world = replace(walk.world, pods=(pods("old", 10), pods("new", 0, revision=2)))
    assert plan(walk.world).actions == (StartAnalysis("new", 2, 0),)


def test_a_judged_canary_grows_once_the_analysis_measures() -> None:
    walk = stage(judged=True)
    run = Run("api-new-2", "Running", 2, measures=True, informed=True)
    walk.world = replace(walk.world, pods=(pods("old", 10), pods("new", 0, revision=2)), run=run, runs=(run,))
    assert plan(walk.world).actions == (Scale("api-new", 2, 0),)


def test_scaling_in_pause_keeps_the_ratio() -> None:
    walk = stage()
    walk.run(until=1 * MINUTES)
    walk.world = replace(walk.world, ask=replace(walk.world.ask, replicas=20))
    walk.run(until=1 * MINUTES)
    assert sizes(walk) == (4, 16)


def test_scaling_a_paused_rollout_keeps_the_ratio() -> None:
    walk = stage()
    walk.run(until=1 * MINUTES)
    walk.world = replace(walk.world, ask=replace(walk.world.ask, replicas=20, paused=True))
    walk.run(until=1 * MINUTES)
    assert sizes(walk) == (4, 16)


def test_a_paused_rollout_whose_canary_has_no_pods_gives_it_none() -> None:
    walk = stage(paused=True)
    walk.run(until=1 * MINUTES)
    walk.world = replace(walk.world, ask=replace(walk.world.ask, replicas=20))
    walk.run(until=1 * MINUTES)
    assert sizes(walk) == (0, 20)
