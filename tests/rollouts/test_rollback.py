"""A rollback within the window: pods that are still there take everything again, and nobody judges them."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from rollouts.actions import Route, StartAnalysis, Told
from rollouts.memory import Memory
from rollouts.plan import plan
from rollouts.progress import remember
from rollouts.world import Pods, World
from tests.rollouts.worlds import MINUTES, START, Stage, ask, noted, pods, world

SECONDS = timedelta(seconds=1)


def made(pod_hash: str, desired: int, at: int, revision: int = 1) -> Pods:
    """A ReplicaSet made in the `at`-th hour."""
    return pods(pod_hash, desired, revision=revision, created=START + timedelta(hours=at - 24))


def back(*between: Pods, desired: int = 10, window: int = 1, **more: Any) -> World:
    """`old` is stable; a person asks for `new` again, which was made before it."""
    memory = Memory(pod_hash="old", step_hash="steps", stable="old", step=4, traffic=noted(0, "old", "old"))
    standing = (made("new", desired, at=1), *between, made("old", 10, at=9, revision=5))
    return World(ask=ask(window=window, **more), memory=memory, pods=standing, traffic=None, now=START)


def test_the_revision_before_stable_skips_the_steps() -> None:
    assert remember(back()).step == 4


def test_pods_that_are_gone_walk_the_steps_again() -> None:
    assert remember(back(desired=0)).step == 0


def test_revisions_made_in_between_fill_the_window() -> None:
    one, two = made("one", 0, at=2), made("two", 0, at=3)
    assert remember(back(one, two, window=3)).step == 4
    assert remember(back(one, two, window=2)).step == 0


def test_without_a_window_every_rollback_walks_the_steps() -> None:
    assert remember(back(window=0)).step == 0


def test_a_revision_made_after_stable_is_no_rollback() -> None:
    later = made("new", 10, at=12)
    seen = back()
    seen = World(ask=seen.ask, memory=seen.memory, pods=(seen.pods[1], later), traffic=None, now=START)
    assert remember(seen).step == 0


def test_skipped_steps_are_told() -> None:
    told = plan(back()).told
    assert Told("SkipSteps", "Rollback to an active ReplicaSets within RollbackWindow") in told


def test_a_rollback_to_stable_is_told_in_its_own_words() -> None:
    seen = world(ask=ask(pod_hash="old"))
    assert Told("SkipSteps", "Rollback to stable ReplicaSets") in plan(seen).told


def test_a_rollback_that_walks_its_steps_tells_of_none_skipped() -> None:
    assert not any(one.reason == "SkipSteps" for one in plan(back(desired=0)).told)


@pytest.mark.parametrize("desired", [0, 10])
def test_a_rollback_within_the_window_needs_no_analysis(desired: int) -> None:
    assert not back(desired=desired, judged=True).judged


def test_a_release_forward_is_judged() -> None:
    assert world(ask=ask(judged=True, window=5)).judged


def rolled_back(**more: Any) -> Stage:
    seen = world(ask=ask(window=1, **more), memory={"step": 4})
    standing = (made("old", 10, at=9, revision=2), made("new", 10, at=1, revision=3))
    stage = Stage(World(ask=seen.ask, memory=seen.memory, pods=standing, traffic=seen.traffic, now=START))
    stage.run(until=1 * MINUTES)
    return stage


def test_the_traffic_goes_back_in_one_stride() -> None:
    stage = rolled_back()
    assert (stage.weights, stage.world.memory.stable) == ([0, 100, 0], "new")


def test_a_judged_rollout_goes_back_without_a_run() -> None:
    stage = rolled_back(judged=True)
    assert (repr(Route(100)) in stage.log, stage.world.memory.stable) == (True, "new")
    assert not any(StartAnalysis.__name__ in line for line in stage.log)


def test_a_completed_rollback_says_that_it_was_one() -> None:
    seen = world(canary=10, weight=100, ask=ask(window=1), memory={"step": 4})
    standing = (made("old", 10, at=9, revision=2), made("new", 10, at=1, revision=3))
    got = plan(World(ask=seen.ask, memory=seen.memory, pods=standing, traffic=seen.traffic, now=START))
    done = "Rollout completed update to revision 3 (new): Rollback within window"
    assert Told("RolloutCompleted", done) in got.told


def test_a_rollback_whose_pods_have_all_come_walks_no_further() -> None:
    seen = world(canary=10, weight=50, ask=ask(window=1), memory={"step": 1})
    standing = (made("old", 10, at=9, revision=2), made("new", 10, at=1, revision=3))
    got = plan(World(ask=seen.ask, memory=seen.memory, pods=standing, traffic=seen.traffic, now=START))
    assert (got.memory.step, got.actions[0]) == (4, Route(100))
    assert "RolloutStepCompleted" not in [one.reason for one in got.told]
