"""Canary pods apart from the weight: setCanaryScale, minPodsPerReplicaSet, replicaProgressThreshold."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from msgspec.structs import replace

from crds.rollout import ReplicaProgressThreshold
from crds.steps import Pause, SetCanaryScale, SetWeight, Step
from rollouts.actions import Point, Route, Scale
from rollouts.memory import Memory
from rollouts.orders import canary_pods, enough, step_weight
from rollouts.plan import plan
from rollouts.world import Traffic, World
from tests.rollouts.worlds import MINUTES, Stage, ask, noted, pods, world

FOLLOW = SetCanaryScale(match_traffic_weight=True)


def at(step: int, *steps: Step, **changes: object) -> tuple[int, int]:
    """Weight and pods that ten replicas' step orders."""
    asked, memory = ask(steps=steps, **changes), Memory(step=step)
    return step_weight(asked, memory), canary_pods(asked, memory)


def walk(*steps: Step, **changes: object) -> Stage:
    return Stage(world(canary=0, ask=ask(steps=steps, **changes), pods=(pods("old", 10),)))


def mid(step: int, *steps: Step, **changes: Any) -> World:
    return world(memory={"step": step}, ask=ask(steps=steps), **changes)


def percent(value: int) -> ReplicaProgressThreshold:
    return ReplicaProgressThreshold("Percent", value)


def test_a_scale_step_orders_pods_before_any_traffic() -> None:
    assert at(0, SetCanaryScale(replicas=3)) == (0, 3)


def test_a_scale_in_percent_is_rounded_up() -> None:
    assert at(0, SetCanaryScale(weight=25)) == (0, 3)


def test_later_weights_leave_the_ordered_pods_alone() -> None:
    assert at(1, SetCanaryScale(replicas=1), SetWeight(50)) == (50, 1)


def test_pods_follow_the_weight_again_when_told_to() -> None:
    assert at(2, SetCanaryScale(replicas=1), SetWeight(50), FOLLOW) == (50, 5)


def test_past_the_last_step_every_pod_is_ordered() -> None:
    assert at(1, SetCanaryScale(replicas=1)) == (100, 10)


def test_a_canary_ordered_to_have_no_pods_is_ordered_no_traffic() -> None:
    assert at(1, SetCanaryScale(replicas=0), SetWeight(50)) == (0, 0)


def test_without_a_router_a_scale_is_passed_over() -> None:
    assert at(1, SetCanaryScale(replicas=7), SetWeight(20), routed=False) == (20, 2)


def test_a_weight_gets_the_least_pods_of_a_replica_set() -> None:
    assert at(0, SetWeight(10), least_pods=3) == (10, 3)


def test_the_least_pods_are_no_more_than_the_rollout_has() -> None:
    assert at(0, SetWeight(10), least_pods=30) == (10, 10)


def test_no_weight_needs_no_least_pods() -> None:
    assert at(0, SetWeight(0), least_pods=3) == (0, 0)


def test_pods_ordered_by_number_are_not_raised_to_the_least() -> None:
    assert at(0, SetCanaryScale(replicas=1), least_pods=3) == (0, 1)


@pytest.mark.parametrize(
    ("threshold", "needed"),
    [
        (percent(90), 9),
        (percent(85), 9),
        (percent(100), 10),
        (ReplicaProgressThreshold("Pods", 4), 4),
        (ReplicaProgressThreshold("Pods", 40), 10),
    ],
)
def test_a_threshold_says_how_many_of_ten_pods_are_enough(
    threshold: ReplicaProgressThreshold, needed: int
) -> None:
    assert enough(ask(threshold=threshold), 10) == needed


def test_a_scale_step_is_done_once_its_pods_are_there_and_before_any_request() -> None:
    stage = walk(SetCanaryScale(replicas=4), Pause())
    stage.run(until=1 * MINUTES)
    assert (stage.size("new"), stage.weights, stage.world.memory.step) == (4, [0], 1)


def test_a_scale_step_waits_for_its_pods() -> None:
    got = plan(mid(0, SetCanaryScale(replicas=4), Pause(), canary=4, available=3))
    assert got.memory.step == 0


def test_a_scale_step_that_takes_pods_away_waits_until_they_are_gone() -> None:
    seen = mid(1, SetWeight(50), SetCanaryScale(replicas=2), Pause(), canary=5, weight=50)
    got = plan(seen)
    assert (got.memory.step, got.actions) == (1, (Scale("api-new", 2, 5),))


def test_fewer_pods_carry_more_where_the_spec_orders_it() -> None:
    assert plan(mid(1, SetCanaryScale(replicas=1), SetWeight(50))).actions == (Route(50),)


def test_traffic_stays_while_the_pods_catch_up_with_it() -> None:
    steps = (SetCanaryScale(replicas=1), SetWeight(50), FOLLOW)
    got = plan(mid(2, *steps, canary=1, weight=50))
    assert got.actions == (Scale("api-new", 5, 1),)


def test_a_lost_pod_takes_its_part_of_the_ordered_share_with_it() -> None:
    steps = (SetCanaryScale(replicas=2), SetWeight(50), Pause())
    got = plan(mid(2, *steps, canary=2, available=1, weight=50))
    assert got.actions == (Route(25),)


def test_all_steps_with_scales_end_with_everything_on_the_new_revision() -> None:
    stage = walk(SetCanaryScale(weight=50), SetWeight(10), FOLLOW, SetCanaryScale(replicas=1), SetWeight(80))
    stage.run(until=5 * MINUTES)
    assert (stage.weights, stage.world.memory.stable) == ([0, 10, 80, 100, 0], "new")
    assert (stage.size("new"), stage.size("old")) == (10, 0)


def test_an_abort_of_a_scaled_canary_keeps_its_pods_for_their_delay() -> None:
    stage = walk(SetCanaryScale(replicas=4), Pause())
    stage.run(until=1 * MINUTES)
    stage.person(abort=True)
    stage.run(until=timedelta(seconds=20))
    assert stage.size("new") == 4
    stage.run(until=1 * MINUTES)
    assert stage.size("new") == 0


def test_a_weight_rises_once_enough_pods_are_there() -> None:
    asked = ask(steps=(SetWeight(50),), threshold=percent(80))
    assert plan(world(canary=5, available=4, ask=asked)).actions == (Route(50),)
    assert plan(world(canary=5, available=3, ask=asked)).actions == ()


def test_a_step_is_done_once_enough_pods_are_there() -> None:
    asked = ask(steps=(SetWeight(50), Pause()), threshold=ReplicaProgressThreshold("Pods", 4))
    assert plan(world(canary=5, available=4, weight=50, ask=asked)).memory.step == 1


def test_the_canary_arm_is_pointed_once_enough_pods_are_there() -> None:
    asked = ask(steps=(SetWeight(50),), threshold=percent(80))
    seen = world(canary=5, available=4, ask=asked)
    from_former = plan(_pointing_at_former(seen))
    assert from_former.actions == (Point("", "new"),)


def _pointing_at_former(seen: World) -> World:
    memory = replace(seen.memory, traffic=noted(canary="former"))
    return replace(seen, memory=memory, traffic=Traffic(0, "old", "former"))


def test_by_pod_counts_a_step_is_done_once_enough_of_its_pods_are_there() -> None:
    asked = ask(steps=(SetWeight(50), Pause()), routed=False, max_surge=1, threshold=percent(80))
    standing = (pods("old", 5), pods("new", 5, 4, revision=2))
    assert plan(world(ask=asked, pods=standing, traffic=None)).memory.step == 1


def test_scaling_a_paused_rollout_scales_its_canary_with_it() -> None:
    standing = (pods("old", 10), pods("new", 1, revision=2, sized_for=10))
    got = plan(world(weight=10, ask=ask(replicas=20, paused=True), pods=standing))
    assert {Scale("api-old", 20, 10), Scale("api-new", 2, 1)} <= set(got.actions)
