"""dynamicStableScale over the real controller in virtual time: nobody gets more than its pods carry, ever.

In an abort too: stable's pods come back first, and the traffic after them.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import pytest

from tests.properties.ends import assert_same, end
from tests.properties.faults import walks_with_a_fault
from tests.properties.story import ERRORS, V2, V3, begin, is_aborted, say, ship, stands
from tests.properties.wire import HOWS, How
from tests.properties.world import NAME, World
from tidegate.sandbox.objects import at
from tidegate.sandbox.resources import DESTINATION_RULES, REPLICA_SETS, ROLLOUTS, VIRTUAL_SERVICES

HASH = "rollouts-pod-template-hash"
STEPS: list[dict[str, Any]] = [
    {"setWeight": 20, "duration": "8s"},
    {"setWeight": 60, "duration": "8s"},
    {"pause": {}},
]


@pytest.fixture
def v1() -> Iterator[World]:
    with World(ERRORS) as world:
        begin(world)
        canary = {"steps": STEPS, "dynamicStableScale": True}
        gone = {"scaleDownDelaySeconds": None, "abortScaleDownDelaySeconds": None}
        world.apply(ROLLOUTS, NAME, {"spec": {"strategy": {"canary": {**canary, **gone}}}})
        world.until(stands, 120, "v1 stands")
        world.until_quiet()
        yield world


def uncarried(world: World) -> list[str]:
    """The arms that get more than their available pods can carry of ten."""
    subsets = world.store.find(DESTINATION_RULES, "production", NAME)
    means = [at(subsets, "spec", "subsets", arm, "labels", HASH) for arm in (0, 1)]
    service = world.store.find(VIRTUAL_SERVICES, "production", NAME)
    shares = [at(service, "spec", "http", 0, "route", arm, "weight", default=0) for arm in (0, 1)]
    has = {one["metadata"]["labels"][HASH]: _available(one) for one in world.every(REPLICA_SETS)}
    return [
        f"{pod_hash} has {has.get(pod_hash, 0)} pods for {share} %"
        for pod_hash, share in zip(means, shares, strict=True)
        if has.get(pod_hash, 0) < math.ceil(share / 10)
    ]


def _available(replica_set: Any) -> int:
    return int(at(replica_set, "status", "availableReplicas", default=0))


def play(world: World, end_of: Any, what: str) -> None:
    """Lets time pass until `end_of`, looking every second."""
    for _ in range(300):
        if end_of(world):
            return
        world.run(1)
        assert uncarried(world) == []
    raise AssertionError(f"{what}: {world.rollout()['status']}")


def waits(world: World) -> bool:
    pauses = at(world.rollout(), "status", "pauseConditions", default=[])
    return bool(pauses) and at(world.rollout(), "status", "currentStepIndex") == 2


def sizes(world: World) -> list[int]:
    return sorted(one["spec"]["replicas"] for one in world.every(REPLICA_SETS))


def walk(world: World) -> None:
    ship(V2)(world)
    play(world, waits, "v2 at its pause")
    say("promote")(world)
    play(world, stands, "v2 stands")
    world.until_quiet()


def test_ten_pods_are_enough_for_the_whole_walk(v1: World) -> None:
    ship(V2)(v1)
    play(
        v1, lambda world: waits(world) and sizes(world) == [4, 6], "v2 at its pause with its part of ten pods"
    )
    say("promote")(v1)
    play(v1, stands, "v2 stands")
    v1.until_quiet()
    assert sizes(v1) == [0, 10]


def test_an_abort_brings_stable_back_before_its_traffic(v1: World) -> None:
    ship(V2)(v1)
    play(v1, lambda world: waits(world) and sizes(world) == [4, 6], "v2 at its pause")
    say("abort")(v1)
    play(v1, lambda world: is_aborted(world) and sizes(world) == [0, 10], "aborted, and the canary gone")


def test_a_bad_release_gives_the_traffic_back(v1: World) -> None:
    ship(V3)(v1)
    play(v1, lambda world: is_aborted(world) and sizes(world) == [0, 10], "aborted, and the canary gone")


@pytest.mark.parametrize("how", HOWS)
def test_a_fault_at_any_write_changes_nothing_in_the_end(v1: World, how: How) -> None:
    for told, world, struck in walks_with_a_fault(v1, walk, how, 9):
        assert_same(end(told), world, struck)
