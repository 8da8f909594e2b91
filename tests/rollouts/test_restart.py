"""restartAt: every pod from before it goes once, stable's first, a few at a time."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from crds.rollout_status import RolloutStatus
from rollouts.actions import Evict
from rollouts.memory import Memory
from rollouts.plan import plan
from rollouts.restart import evictions
from rollouts.status import report
from rollouts.world import Aged, Traffic, World
from tests.rollouts.worlds import START, ask, noted, pods, world

SECONDS = timedelta(seconds=1)


def old_pods(pod_hash: str, count: int, ready: bool = True) -> tuple[Aged, ...]:
    return tuple(Aged(f"{pod_hash}-{at}", f"u-{pod_hash}-{at}", pod_hash, ready) for at in range(count))


def restarting(aged: tuple[Aged, ...] | None, unavailable: int = 1, **changes: Any) -> World:
    """Ten stable pods and one canary pod, a second after the moment to restart."""
    asked = ask(restart_at=START - SECONDS, max_unavailable=unavailable)
    return world(ask=asked, aged=aged, weight=10, **changes)


def evicted(seen: World) -> list[str]:
    return [action.name for action in plan(seen).actions if isinstance(action, Evict)]


def test_no_more_pods_go_at_once_than_may_be_unavailable() -> None:
    assert evicted(restarting(old_pods("old", 10), unavailable=2)) == ["old-0", "old-1"]


def test_the_next_waits_until_the_last_is_back() -> None:
    standing = (pods("old", 10, 9), pods("new", 1, revision=2))
    assert evicted(restarting(old_pods("old", 9), pods=standing)) == []


def test_stable_pods_go_before_the_canarys() -> None:
    assert evicted(restarting((*old_pods("new", 1), *old_pods("old", 1)))) == ["old-0"]


def test_one_pod_goes_even_where_none_may_be_unavailable() -> None:
    assert evicted(restarting(old_pods("old", 10), unavailable=0)) == ["old-0"]


def test_pods_that_serve_nobody_hold_nothing_up() -> None:
    standing = (pods("old", 10, 8), pods("new", 1, revision=2))
    sick = old_pods("old", 2, ready=False)
    assert evicted(restarting((*old_pods("new", 1), *sick), pods=standing)) == ["old-0", "old-1"]


def test_nothing_goes_before_the_pods_are_known() -> None:
    assert evicted(restarting(None)) == []


def test_a_restart_in_the_future_is_waited_for() -> None:
    later = ask(restart_at=START + 7 * SECONDS)
    got = plan(world(ask=later, weight=10, memory={"step": 1}))
    assert (got.memory.restarted_at, got.look_again) == (None, START + 7 * SECONDS)


def test_while_it_goes_on_it_is_looked_at_again() -> None:
    assert plan(restarting(old_pods("old", 3), memory={"step": 1})).look_again == START + 30 * SECONDS


def test_a_restart_is_over_when_no_old_pod_is_left() -> None:
    assert plan(restarting(())).memory.restarted_at == START - SECONDS


def test_a_restart_that_is_over_takes_no_more_pods() -> None:
    seen = restarting(old_pods("old", 3), memory={"restarted_at": START - SECONDS})
    assert evicted(seen) == []


def test_a_new_revision_needs_no_restart() -> None:
    seen = restarting(old_pods("old", 10))
    released = World(
        ask=ask(pod_hash="newer", restart_at=START - SECONDS),
        memory=seen.memory,
        pods=seen.pods,
        traffic=seen.traffic,
        now=START,
        aged=seen.aged,
    )
    assert plan(released).memory.restarted_at == START - SECONDS


def test_a_rollout_at_rest_restarts_too_and_says_so() -> None:
    memory = Memory(pod_hash="old", step_hash="steps", stable="old", step=4, traffic=noted(0, "old", "old"))
    seen = World(
        ask=ask(pod_hash="old", restart_at=START - SECONDS, max_unavailable=3),
        memory=memory,
        pods=(pods("old", 10),),
        traffic=Traffic(0, "old", "old"),
        now=START,
        aged=old_pods("old", 10),
    )
    assert len(evictions(seen, memory)) == 3
    said = report(seen, plan(seen).memory, RolloutStatus(), {})
    assert (said["phase"], said["message"]) == ("Progressing", "rollout is restarting")
