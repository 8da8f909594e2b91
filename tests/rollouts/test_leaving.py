"""When the pods that were left behind may go: delays, their limit, and what keeps them (rollouts.md §2.5)."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest
from msgspec.structs import replace

from rollouts.actions import LeaveAt, Scale
from rollouts.memory import Memory
from rollouts.plan import plan
from rollouts.world import Pods, Traffic, World
from tests.rollouts.worlds import MINUTES, START, Stage, ask, noted, pods, world

SECONDS = timedelta(seconds=1)


def left(pod_hash: str, revision: int, leave_at: datetime | None = None) -> Pods:
    return pods(pod_hash, 10, revision=revision, leave_at=leave_at)


def promoted(*behind: Pods, **changes: Any) -> World:
    """`new` is stable and has all traffic on its arm; the others still have their pods."""
    memory = Memory(pod_hash="new", step_hash="steps", stable="new", step=4, traffic=noted(0, "new", "new"))
    standing = (*behind, pods("new", 10, revision=9))
    return World(
        ask=ask(**changes), memory=memory, pods=standing, traffic=Traffic(0, "new", "new"), now=START
    )


def test_the_former_stable_is_given_its_deadline_once_promoted() -> None:
    got = plan(promoted(left("old", 1), delay=45 * SECONDS))
    assert got.actions == (LeaveAt("api-old", START + 45 * SECONDS),)


def test_a_deadline_that_has_come_takes_the_pods() -> None:
    got = plan(promoted(left("old", 1, leave_at=START)))
    assert got.actions == (Scale("api-old", 0, 10),)


def test_a_delay_begun_within_a_second_is_written_no_shorter_than_asked() -> None:
    seen = replace(promoted(left("old", 1), delay=1 * SECONDS), now=START + 0.4 * SECONDS)
    assert plan(seen).actions == (LeaveAt("api-old", START + 2 * SECONDS),)


def test_without_a_delay_the_pods_go_at_once() -> None:
    assert plan(promoted(left("old", 1), delay=0 * SECONDS)).actions == (Scale("api-old", 0, 10),)


def test_pods_that_a_router_still_means_stay_past_their_deadline() -> None:
    seen = promoted(left("old", 1, leave_at=START))
    kept = World(
        ask=seen.ask, memory=seen.memory, pods=seen.pods, traffic=Traffic(0, "new", "new", False), now=START
    )
    assert not any(isinstance(action, Scale) for action in plan(kept).actions)


def test_of_more_revisions_than_may_wait_the_oldest_go_at_once() -> None:
    later = START + 20 * SECONDS
    behind = (left("one", 1, later), left("two", 2, later), left("three", 3, later))
    assert plan(promoted(*behind, delayed=2)).actions == (Scale("api-one", 0, 10),)


def test_with_a_limit_of_none_no_old_pod_waits() -> None:
    assert plan(promoted(left("old", 1), delayed=0)).actions == (Scale("api-old", 0, 10),)


def test_without_a_limit_all_wait() -> None:
    later = START + 20 * SECONDS
    assert plan(promoted(left("one", 1, later), left("two", 2, later))).actions == ()


def test_the_limit_takes_no_pods_from_where_requests_may_go() -> None:
    seen = world(canary=1, weight=10, ask=ask(pod_hash="newer", delayed=0))
    got = plan(seen)
    assert not any(isinstance(action, Scale) and action.name == "api-new" for action in got.actions)


@pytest.mark.parametrize("pod_hash", ["new", "old"])
def test_a_revision_that_is_asked_for_again_loses_its_deadline(pod_hash: str) -> None:
    standing = tuple(
        pods(name, 10, revision=at, leave_at=START + SECONDS if name == pod_hash else None)
        for at, name in enumerate(("old", "new"), start=1)
    )
    got = plan(world(pods=standing, weight=10, ask=ask(pod_hash="new")))
    assert LeaveAt(f"api-{pod_hash}", None) in got.actions


def test_a_former_stable_keeps_its_deadline_when_the_next_release_comes() -> None:
    standing = (
        pods("former", 10, revision=1, leave_at=START + 20 * SECONDS),
        pods("old", 10, revision=2),
        pods("new", 1, revision=3),
    )
    stage = Stage(world(pods=standing))
    stage.run(until=19 * SECONDS)
    assert stage.size("former") == 10
    stage.run(until=2 * SECONDS)
    assert stage.size("former") == 0


def aborted(stable: int = 10, **changes: Any) -> World:
    standing = (pods("old", 10, stable), pods("new", 1, revision=2))
    return world(pods=standing, memory={"abort": True, "aborted_at": START}, ask=ask(**changes))


def test_an_aborted_canary_is_given_its_deadline_once_stable_is_whole() -> None:
    assert plan(aborted()).actions == (LeaveAt("api-new", START + 30 * SECONDS),)
    assert plan(aborted(stable=9)).actions == ()


def test_an_abort_delay_of_nought_keeps_the_canary_for_ever() -> None:
    stage = Stage(aborted(abort_delay=None))
    stage.run(until=60 * MINUTES)
    assert stage.size("new") == 1
