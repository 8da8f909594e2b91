"""canaryMetadata and stableMetadata over the real controller in virtual time: every pod carries its part."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.properties.faults import walks_with_a_fault
from tests.properties.story import CHAPTERS, ERRORS, V2, play, say, ship, stands, waits_for_a_person
from tests.properties.wire import HOWS, How
from tests.properties.world import NAME, World
from tidegate.sandbox.objects import at
from tidegate.sandbox.players import image_of
from tidegate.sandbox.resources import PODS, ROLLOUTS

ASKED = {
    "canaryMetadata": {"labels": {"part": "canary"}, "annotations": {"look": "here"}},
    "stableMetadata": {"labels": {"part": "stable"}},
}


@pytest.fixture
def v1() -> Iterator[World]:
    """v1 stands without any, and then they are asked for."""
    with World(ERRORS) as world:
        play(world, CHAPTERS[0])
        yield world


def names(world: World) -> set[str]:
    return {pod["metadata"]["name"] for pod in world.every(PODS)}


def parts(world: World) -> set[tuple[str, str | None, str | None]]:
    return {
        (image_of(pod), at(pod, "metadata", "labels", "part"), at(pod, "metadata", "annotations", "look"))
        for pod in world.every(PODS)
    }


def ask(world: World) -> None:
    world.apply(ROLLOUTS, NAME, {"spec": {"strategy": {"canary": ASKED}}})


def walk(world: World) -> None:
    ask(world)
    ship(V2)(world)
    world.until(waits_for_a_person, 240, "v2 waits")
    say("promote")(world)
    world.until(stands, 240, "v2 stands")
    world.until_quiet()


def test_pods_that_stand_get_it_without_a_restart(v1: World) -> None:
    before = names(v1)
    ask(v1)
    v1.until_quiet()
    assert [(part, look) for _, part, look in parts(v1)] == [("stable", None)]
    assert names(v1) == before


def test_the_canary_carries_its_own_until_it_is_stable(v1: World) -> None:
    ask(v1)
    ship(V2)(v1)
    v1.until(waits_for_a_person, 240, "v2 waits")
    assert (V2, "canary", "here") in parts(v1)
    assert len(parts(v1)) == 2
    say("promote")(v1)
    v1.until(stands, 240, "v2 stands")
    v1.until_quiet()
    assert parts(v1) == {(V2, "stable", None)}


@pytest.mark.parametrize("how", HOWS)
def test_a_fault_at_any_write_leaves_no_pod_out(v1: World, how: How) -> None:
    for _, world, struck in walks_with_a_fault(v1, walk, how, 13):
        assert parts(world) == {(V2, "stable", None)}, struck
