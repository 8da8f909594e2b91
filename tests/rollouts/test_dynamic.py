"""dynamicStableScale: stable shrinks as its traffic goes, and never gets more than its pods carry."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from msgspec.structs import replace

from crds.steps import Pause, SetCanaryScale, SetWeight
from rollouts.actions import Point, Route, Scale
from rollouts.plan import plan
from rollouts.world import Traffic, World
from tests.rollouts.worlds import MINUTES, START, Stage, ask, noted, pods, world

SECONDS = timedelta(seconds=1)
STEPS = (SetWeight(20), Pause(), SetWeight(60), Pause(), SetWeight(100), Pause())


def at(weight: int, stable: int, canary: int, step: int = 1, **changes: Any) -> World:
    """Ten pods' worth of traffic, `weight` percent of it on the canary for a minute."""
    asked = {"dynamic": True, "delay": timedelta(0), "abort_delay": timedelta(0), "steps": STEPS}
    memory = {"step": step, "traffic": noted(weight), **changes.pop("memory", {})}
    standing = (pods("old", stable), pods("new", canary, revision=2))
    wanted = ask(**(asked | changes.pop("asked", {})))
    return world(weight=weight, ask=wanted, pods=standing, memory=memory, **changes)


def walk(seen: World, **said: Any) -> Stage:
    """The walk from here on: at every moment, an arm has the pods for its share."""
    stage = Stage(seen)
    stage.person(**said)
    for _ in range(80):
        stage.perform(plan(stage.world))
        assert_carried(stage.world)
        stage.world = replace(stage.world, now=stage.world.now + 0.5 * SECONDS)
    return stage


def assert_carried(seen: World) -> None:
    assert isinstance(seen.traffic, Traffic)
    weight, stable, canary = seen.traffic.weight, seen.traffic.stable, seen.traffic.canary
    for pod_hash, share in ((stable, 100 - weight), (canary, weight)):
        carries = seen.available(seen.revision_of(pod_hash))
        assert 10 * carries >= share, f"{pod_hash} has {carries} pods for {share} %"


def sizes(stage: Stage) -> tuple[int, int]:
    return stage.size("old"), stage.size("new")


def test_stable_shrinks_once_its_traffic_was_seen_to_go_and_settled() -> None:
    assert plan(at(20, 10, 2)).actions == (Scale("api-old", 8, 10),)
    fresh = {"traffic": noted(20, ago=1)}
    assert plan(at(20, 10, 2, memory=fresh)).actions == ()


@pytest.mark.parametrize(("weight", "left"), [(90, 3), (100, 0)])
def test_a_stable_that_carries_anything_keeps_the_least_pods_of_a_replica_set(weight: int, left: int) -> None:
    asked = {"least_pods": 3, "steps": (SetWeight(weight), Pause())}
    assert plan(at(weight, 10, weight // 10, asked=asked)).actions == (Scale("api-old", left, 10),)


def test_before_the_weight_rises_stable_keeps_what_it_has() -> None:
    assert plan(at(20, 8, 6, step=2)).actions == (Route(60),)


def test_a_walk_to_the_end_leaves_ten_pods_and_none_of_the_old() -> None:
    stage = walk(at(20, 10, 2))
    for expected in ((8, 2), (4, 6), (0, 10)):
        assert sizes(stage) == expected
        stage = walk(stage.world, pauses=())
    assert (sizes(stage), stage.world.memory.stable, stage.weights[-1]) == ((0, 10), "new", 0)


def test_an_abort_scales_stable_back_before_any_traffic_moves() -> None:
    aborted = at(60, 4, 6, step=3, memory={"abort": True, "aborted_at": START})
    assert plan(aborted).actions == (Scale("api-old", 10, 4),)


@pytest.mark.parametrize(("available", "expected"), [(7, ()), (8, (Route(20),)), (9, (Route(20),))])
def test_traffic_comes_back_by_the_steps_weights_as_pods_allow(
    available: int, expected: tuple[Route, ...]
) -> None:
    aborted = at(60, 10, 6, step=3, memory={"abort": True, "aborted_at": START})
    short = replace(aborted, pods=(pods("old", 10, available), pods("new", 6, revision=2)))
    assert plan(short).actions == expected


def test_an_aborted_canary_goes_with_its_traffic() -> None:
    back = at(20, 10, 6, memory={"abort": True, "aborted_at": START})
    short = replace(back, pods=(pods("old", 10, 8), pods("new", 6, revision=2)))
    assert plan(short).actions == (Scale("api-new", 2, 6),)


def test_an_aborted_canary_stays_as_long_as_it_is_asked_to() -> None:
    kept = at(60, 10, 6, asked={"abort_delay": None}, memory={"abort": True, "aborted_at": START})
    stage = walk(kept)
    assert (stage.weights[-1], sizes(stage)) == (0, (10, 6))


@pytest.mark.parametrize(("weight", "stable", "step"), [(20, 8, 1), (60, 4, 3), (100, 0, 5)])
def test_an_abort_ends_with_all_of_stable_and_nothing_of_the_canary(
    weight: int, stable: int, step: int
) -> None:
    stage = walk(at(weight, stable, 10 - stable, step=step), abort=True)
    assert (sizes(stage), stage.weights[-1]) == ((10, 0), 0)


def test_going_back_to_stable_in_mid_canary_brings_its_pods_first() -> None:
    stage = Stage(at(60, 4, 6, step=3))
    stage.release("old")
    stage = walk(stage.world)
    assert (sizes(stage), stage.weights[-1]) == ((10, 0), 0)


def test_a_revision_that_overtakes_the_canary_waits_for_stables_pods() -> None:
    stage = Stage(at(60, 4, 6, step=3))
    stage.release("newer")
    stage = walk(stage.world)
    assert (stage.size("old"), stage.size("new"), stage.size("newer")) == (8, 0, 2)


def test_a_canary_that_lost_pods_gives_back_what_stable_can_take() -> None:
    hurt = at(60, 4, 6, step=3)
    short = replace(hurt, pods=(pods("old", 4), pods("new", 6, 1, revision=2)))
    assert plan(short).actions == (Scale("api-old", 9, 4),)


def test_promote_full_moves_the_traffic_as_the_canarys_pods_come() -> None:
    full = at(20, 8, 10, memory={"promote_full": True})
    arriving = replace(full, pods=(pods("old", 8), pods("new", 10, 7, revision=2)))
    assert plan(arriving).actions == (Route(70),)


def test_scaling_in_mid_canary_keeps_each_part() -> None:
    grown = walk(at(60, 4, 6, step=3, asked={"replicas": 10}))
    grown.world = replace(grown.world, ask=replace(grown.world.ask, replicas=20))
    grown.run(until=1 * MINUTES)
    assert sizes(grown) == (8, 12)


def test_a_scale_step_does_not_wait_for_stable_to_have_all_its_pods() -> None:
    steps = (SetWeight(20), SetCanaryScale(replicas=5), Pause())
    assert plan(at(20, 8, 5, asked={"steps": steps})).memory.step == 2


def test_both_arms_move_only_to_pods_that_carry_both_shares() -> None:
    gone = {"stable": "", "step": 0, "traffic": noted(100, canary="old")}
    seen = at(100, 0, 0, memory=gone, traffic=Traffic(100, "old", "old"))
    for available, expected in ((0, []), (9, []), (10, [Point("new", "new")])):
        alone = replace(seen, pods=(pods("new", 10, available),))
        assert [action for action in plan(alone).actions if isinstance(action, Point)] == expected, available
