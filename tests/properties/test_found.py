"""Histories that once broke a law or never came to rest, each in its smallest form."""

from __future__ import annotations

import pytest

from tests.properties.history import DEADLINE, History
from tests.properties.scenes import HOSTS, PODS, SUBSETS, Scene
from tests.properties.story import V1, V2, V3, V4
from tidegate.sandbox.objects import at
from tidegate.sandbox.resources import REPLICA_SETS

EVERY: tuple[Scene, ...] = ((SUBSETS,), (PODS,), (HOSTS,))


@pytest.mark.parametrize("scene", EVERY)
def test_when_the_stable_replica_set_is_deleted_what_is_asked_for_takes_its_place(scene: Scene) -> None:
    with History(scene) as history:
        history.removes_set()
        history.ships(V2)
        history.ends()
        assert at(history.world.rollout(scene[0]), "status", "phase") == "Healthy"


@pytest.mark.parametrize("scene", EVERY)
def test_a_stable_revision_that_a_person_made_up_is_not_waited_for(scene: Scene) -> None:
    with History(scene) as history:
        history.writes_status({"stableRS": "made-up"})
        history.passes(5)
        history.ships(V2)
        history.ends()


def test_a_deadline_nobody_can_read_is_none() -> None:
    with History((PODS,)) as history:
        history.notes("soon")
        history.ends()


@pytest.mark.parametrize("scene", EVERY)
def test_no_pods_asked_for_walk_the_steps_without_traffic(scene: Scene) -> None:
    with History(scene) as history:
        history.edits({"replicas": 0})
        history.ships(V2)
        history.passes(60)
        history.says("promote")
        history.ends()
        assert at(history.world.rollout(scene[0]), "status", "phase") == "Healthy"


@pytest.mark.parametrize("seconds", [-30, -7200])
@pytest.mark.parametrize("scene", EVERY)
def test_a_clock_that_is_set_back_on_the_way_keeps_nobody_from_resting(scene: Scene, seconds: int) -> None:
    with History(scene) as history:
        history.ships(V2)
        history.passes(14)
        history.clock_steps(seconds)
        history.ends()


def test_pods_left_behind_go_though_the_clock_was_set_back_while_they_waited() -> None:
    with History((HOSTS,)) as history:
        history.ships(V4)
        history.passes(24)
        history.ships(V3)
        history.passes(6)
        history.clock_steps(-7200)
        history.says("abort")
        history.ends()


def test_weights_moved_by_hand_are_set_back_by_a_clock_that_was_set_back() -> None:
    with History((SUBSETS,)) as history:
        history.clock_steps(-7200)
        history.ships(V4)
        history.moves_weights(10)
        history.ends()


def test_a_scale_down_that_arrives_late_takes_no_pods_that_are_needed_again() -> None:
    """What a deposed leader, or a proxy on the way, still had in hand."""
    with History((HOSTS,)) as history:
        history.edits({"strategy": {"canary": {"steps": []}}})
        history.ships(V2)
        history.world.until(lambda _: bool(leaving(history)), 120, "the old pods are told to leave")
        (old,) = leaving(history)
        history.passes(5)
        history.strikes("done late")
        history.world.until(lambda _: pods_of(history, old) == 0, 60, "the old pods are gone")
        history.ships(V1)
        history.world.until(lambda _: pods_of(history, old) == 5, 10, "they are needed again")
        orders = generation_of(history, old)
        history.passes(40)
        assert (pods_of(history, old), generation_of(history, old)) == (5, orders)


def leaving(history: History) -> list[str]:
    """Names of the ReplicaSets that wait for their end."""
    sets = history.world.every(REPLICA_SETS)
    return [one["metadata"]["name"] for one in sets if DEADLINE in one["metadata"]["annotations"]]


def pods_of(history: History, name: str) -> int:
    return int(history.world.named(REPLICA_SETS, name)["spec"]["replicas"])


def generation_of(history: History, name: str) -> int:
    return int(history.world.named(REPLICA_SETS, name)["metadata"]["generation"])


def test_the_dead_pods_of_an_aborted_release_hold_no_room_that_stable_needs() -> None:
    with History((PODS,)) as history:
        history.ships(V2)
        history.passes(11)
        history.ships(V4)
        history.edits({"strategy": {"canary": {"steps": None}}})
        history.ends()
        assert at(history.world.rollout(PODS), "status", "abort") is True


@pytest.mark.parametrize("scene", EVERY)
def test_counts_kept_back_as_a_clock_is_set_back_are_told_and_their_deadline_comes(scene: Scene) -> None:
    with History(scene) as history:
        history.ships(V4)
        history.passes(2)
        history.clock_steps(-7200)
        history.ends()
