"""A release by pod counts between two Services, over the real controller in virtual time.

People's requests come through the stable Service; whatever strikes, it is never without a pod.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tests.properties.ends import assert_same, end
from tests.properties.faults import walks_with_a_fault
from tests.properties.story import (
    ERRORS,
    V1,
    V2,
    V4,
    is_aborted,
    say,
    ship,
    stands,
    template,
    waits_for_a_person,
)
from tests.properties.wire import HOWS, How
from tests.properties.world import NAME, World
from tidegate.sandbox.objects import at
from tidegate.sandbox.resources import ROLLOUTS, SERVICES, VIRTUAL_SERVICES

ARMS = ("api-stable", "api-canary")
STEPS: list[dict[str, Any]] = [
    {"setWeight": 20},
    {"pause": {}},
    {"setWeight": 100},
    {"pause": {"duration": 5}},
]


def begin(world: World) -> None:
    for name in ARMS:
        world.create(SERVICES, {"metadata": {"name": name}, "spec": {"selector": {"app": NAME}}})
    route = [{"destination": {"host": ARMS[0]}}]
    world.create(VIRTUAL_SERVICES, {"metadata": {"name": NAME}, "spec": {"http": [{"route": route}]}})
    canary = {"steps": STEPS, "stableService": ARMS[0], "canaryService": ARMS[1]}
    spec = {"selector": {"matchLabels": {"app": NAME}}, "replicas": 4, "strategy": {"canary": canary}}
    world.create(ROLLOUTS, {"metadata": {"name": NAME}, "spec": {**spec, "template": template(V1)}})


@pytest.fixture
def v1() -> Iterator[World]:
    with World(ERRORS) as world:
        begin(world)
        world.until(stands, 120, "v1 stands")
        world.until_quiet()
        yield world


def selected(world: World) -> list[str]:
    found = (world.store.find(SERVICES, "production", name) for name in ARMS)
    return [str(at(one, "spec", "selector", "rollouts-pod-template-hash")) for one in found]


def walk(world: World) -> None:
    ship(V2)(world)
    world.until(waits_for_a_person, 120, "v2 waits at its pause")
    say("promote")(world)
    world.until(stands, 120, "v2 stands")
    world.until_quiet()


def test_the_services_follow_a_release_to_its_end_and_nobody_finds_no_pod(v1: World) -> None:
    before, unserved = selected(v1), v1.mesh.traffic.unserved
    assert before == [v1.rollout()["status"]["stableRS"]] * 2
    ship(V2)(v1)
    v1.until(waits_for_a_person, 120, "v2 waits at its pause")
    assert selected(v1) == [before[0], v1.rollout()["status"]["currentPodHash"]]
    say("promote")(v1)
    v1.until(stands, 120, "v2 stands")
    assert selected(v1) == [v1.rollout()["status"]["stableRS"]] * 2 != before
    assert v1.mesh.traffic.unserved == unserved


@pytest.mark.parametrize("how", HOWS)
def test_a_fault_at_any_write_changes_nothing_in_the_end(v1: World, how: How) -> None:
    unserved = v1.mesh.traffic.unserved
    for told, world, struck in walks_with_a_fault(v1, walk, how, 2):
        assert_same(end(told), world, struck)
        assert selected(world) == selected(told), struck
        assert world.mesh.traffic.unserved == unserved, struck


def test_services_seen_late_leave_nobody_without_a_pod(v1: World) -> None:
    v1.wire.lag["services"], unserved = 1.5, v1.mesh.traffic.unserved
    walk(v1)
    assert v1.mesh.traffic.unserved == unserved


def test_a_release_that_never_starts_is_aborted_and_both_services_mean_the_old(v1: World) -> None:
    before = selected(v1)
    ship(V4)(v1)
    v1.until(is_aborted, 240, "v4 is aborted")
    v1.until_quiet()
    assert selected(v1) == before


def test_services_of_a_rollout_that_is_deleted_select_every_pod_again(v1: World) -> None:
    v1.store.remove(ROLLOUTS, v1.rollout())
    v1.run(5)
    assert selected(v1) == ["None", "None"]


def test_services_that_are_not_named_any_more_select_every_pod_again(v1: World) -> None:
    v1.apply(ROLLOUTS, NAME, {"spec": {"strategy": {"canary": {"canaryService": None}}}})
    v1.run(5)
    stable, canary = selected(v1)
    assert (stable != "None", canary) == (True, "None")
