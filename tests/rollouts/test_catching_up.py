"""After the API server was away: nothing counts as settled before those who follow the router had a minute.

What takes traffic away is written at once all the same (docs/decisions/0020).
"""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from msgspec.structs import replace

from rollouts.actions import LeaveAt, Point, Route, Scale
from rollouts.memory import Meant, Memory
from rollouts.plan import plan
from rollouts.world import Service, Services, Traffic, World
from tests.rollouts.worlds import START, Stage, ask, noted, pods, world

SECONDS = timedelta(seconds=1)
BACK = START + 60 * SECONDS


def behind(seen: World, **memory: Any) -> World:
    """The API server is just back; the router was seen to say what it says long ago."""
    return replace(seen, memory=replace(seen.memory, **memory), caught_up_at=BACK)


def test_a_weight_rises_once_all_have_had_time_to_come_back() -> None:
    seen = behind(world(canary=1))
    assert (plan(seen).actions, plan(seen).look_again) == ((), BACK)
    assert plan(replace(seen, now=BACK)).actions == (Route(10),)


def test_a_step_is_not_over_while_some_may_be_behind() -> None:
    seen = behind(world(weight=10))
    assert plan(seen).memory.pauses == ()
    assert plan(replace(seen, now=BACK)).memory.pauses


def test_what_is_said_late_settles_as_always() -> None:
    seen = behind(world(weight=10), traffic=noted(10, ago=-59))
    assert plan(replace(seen, now=BACK)).look_again == BACK + 1 * SECONDS


@pytest.mark.parametrize(
    "seen",
    [
        world(weight=10, memory={"abort": True}),
        world(canary=5, available=0, weight=50, memory={"step": 2}),
        world(weight=10, ask=ask(pod_hash="old")),
        world(weight=10, ask=ask(pod_hash="newer"), pods=(pods("old", 10), pods("new", 1), pods("newer", 1))),
    ],
    ids=["an abort", "lost pods", "a rollback to stable", "a release that overtakes"],
)
def test_what_takes_traffic_away_waits_for_nobody(seen: World) -> None:
    assert plan(behind(seen)).actions[0] == Route(0)


def test_an_aborted_canary_keeps_its_pods_until_all_know_of_the_abort() -> None:
    seen = behind(world(), abort=True)
    assert plan(seen).actions == ()
    assert plan(replace(seen, now=BACK)).actions == (LeaveAt("api-new", BACK + 30 * SECONDS),)


def test_pods_whose_time_has_come_stay_until_all_know_that_they_are_left() -> None:
    memory = Memory(pod_hash="new", step_hash="steps", stable="new", step=4, traffic=noted(0, "new", "new"))
    standing = (pods("old", 10, leave_at=START), pods("new", 10, revision=2))
    seen = behind(world(memory={}, pods=standing, traffic=Traffic(0, "new", "new")))
    seen = replace(seen, memory=memory)
    assert plan(seen).actions == ()
    assert plan(replace(seen, now=BACK)).actions == (Scale("api-old", 0, 10),)


def test_weights_come_back_once_all_know_the_promoted_arm() -> None:
    memory = {"step": 4, "pod_hash": "new", "stable": "new", "traffic": noted(100, "new", "new")}
    seen = behind(world(canary=10, weight=100, memory=memory, traffic=Traffic(100, "new", "new")))
    assert plan(seen).actions == ()
    assert plan(replace(seen, now=BACK)).actions == (Route(0),)


def test_a_canary_arm_that_may_still_get_requests_is_pointed_nowhere_else() -> None:
    seen = behind(world(traffic=Traffic(0, "old", "former")), traffic=noted(0, "old", "former"))
    assert plan(seen).actions == ()
    assert plan(replace(seen, now=BACK)).actions == (Point("", "new"),)


def test_a_service_without_a_router_keeps_its_last_old_pod_as_long() -> None:
    served = Meant("new", START - 60 * SECONDS)
    memory = replace(world().memory, traffic=None, served=served, stable="new", step=4)
    seen = world(traffic=None, ask=ask(routed=False), pods=(pods("old", 1), pods("new", 10, revision=2)))
    seen = behind(replace(seen, memory=memory, services=Services(Service("new"))))
    assert plan(seen).actions == ()
    assert plan(replace(seen, now=BACK)).actions == (Scale("api-old", 0, 1),)


def test_a_release_after_an_outage_walks_as_always() -> None:
    stage = Stage(behind(world(canary=0, pods=(pods("old", 10),))))
    stage.run(until=1800 * SECONDS)
    assert (stage.weights, stage.world.memory.step) == ([0, 10], 1)
