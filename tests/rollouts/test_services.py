"""The stable and the canary Service of a Rollout without a router: which pods they mean, and from when on."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from msgspec.structs import replace

from crds.steps import Pause, SetWeight
from rollouts.actions import Point, Scale
from rollouts.conditions import INVALID
from rollouts.memory import Meant, Memory
from rollouts.plan import plan
from rollouts.status import remembered, report
from rollouts.world import Pods, Service, Services, Trouble, World
from tests.rollouts.test_status import read
from tests.rollouts.worlds import MINUTES, START, Stage, ask, pods, world

SECONDS = timedelta(seconds=1)
STEPS = (SetWeight(20), Pause(), SetWeight(60), Pause(10 * SECONDS))
OLD, NEW = Service("old"), Service("new")


def beside(
    *standing: Pods, stable: Service | None = OLD, canary: Service | None = OLD, **asked: Any
) -> World:
    """Ten old pods, and `new` on its way; the stable Service has meant `old` for long."""
    usual = {"steps": STEPS, "max_surge": 3, "max_unavailable": 2}
    wanted = ask(routed=False, **(usual | asked))
    made = world(traffic=None, ask=wanted, pods=standing or (pods("old", 10),))
    served = Meant("old", START - 1 * MINUTES)
    memory = replace(made.memory, traffic=None, served=served)
    return replace(made, memory=memory, services=Services(stable, canary))


def pointed(seen: World) -> list[Point]:
    return [action for action in plan(seen).actions if isinstance(action, Point)]


def means(stage: Stage) -> tuple[str, str]:
    services = stage.world.services
    assert isinstance(services, Services)
    assert services.stable
    assert services.canary
    return services.stable.means, services.canary.means


def test_the_canary_service_means_the_canary_once_a_pod_of_it_is_there() -> None:
    assert pointed(beside(pods("old", 9), pods("new", 2, 1, revision=2))) == [Point("", "new")]


def test_a_canary_without_a_pod_that_is_available_gets_no_service() -> None:
    assert pointed(beside(pods("old", 9), pods("new", 2, 0, revision=2))) == []


@pytest.mark.parametrize(("available", "expected"), [(1, []), (2, [Point("", "new")])])
def test_a_service_that_was_never_switched_waits_for_all_pods(available: int, expected: list[Point]) -> None:
    fresh = Service("", ours=False)
    assert pointed(beside(pods("old", 9), pods("new", 2, available, revision=2), canary=fresh)) == expected


def test_one_service_may_be_named_alone() -> None:
    seen = beside(pods("old", 9), pods("new", 2, revision=2), canary=None)
    assert pointed(seen) == []


def test_a_first_deployment_gets_both_services_with_all_its_pods() -> None:
    fresh = Service("", ours=False)
    first = Stage(replace(beside(stable=fresh, canary=fresh), pods=(), memory=Memory()))
    first.run(until=1 * MINUTES)
    assert (means(first), first.world.memory.stable) == (("new", "new"), "new")


def test_at_the_end_both_services_mean_the_new_revision_and_no_old_pod_is_left() -> None:
    walk = Stage(beside())
    walk.run(until=1 * MINUTES)
    assert means(walk) == ("old", "new")
    walk.person(pauses=())
    walk.run(until=1 * MINUTES)
    assert (means(walk), walk.size("old"), walk.world.memory.stable) == (("new", "new"), 0, "new")


@pytest.mark.parametrize("surge", [0, 3])
def test_the_stable_service_is_never_without_a_pod(surge: int) -> None:
    walk = Stage(beside(max_surge=surge))
    walk.person(promote_full=True)
    for _ in range(40):
        decision = plan(walk.world)
        walk.perform(decision)
        assert walk.size(means(walk)[0]) > 0
        walk.world = replace(walk.world, now=walk.world.now + 0.5 * SECONDS)
    assert (means(walk), walk.size("old"), walk.size("new")) == (("new", "new"), 0, 10)


def test_the_last_old_pod_waits_until_the_stable_service_has_settled_elsewhere() -> None:
    seen = beside(pods("old", 1), pods("new", 10, revision=2), stable=NEW, canary=NEW)
    just_now = replace(seen.memory, step=4, served=Meant("new", START - 1 * SECONDS))
    assert plan(replace(seen, memory=just_now)).actions == ()
    settled = replace(just_now, served=Meant("new", START - 2 * SECONDS))
    assert plan(replace(seen, memory=settled)).actions == (Scale("api-old", 0, 1),)


def test_where_nobody_promises_a_pod_none_is_kept_for_the_service() -> None:
    walk = Stage(beside(pods("old", 1), replicas=1, max_surge=0, max_unavailable=1))
    walk.person(promote_full=True)
    walk.run(until=1 * MINUTES)
    assert (means(walk), walk.size("new")) == (("new", "new"), 1)


def test_where_no_pods_are_asked_for_the_services_follow_without_any() -> None:
    none = beside(pods("old", 0), pods("new", 0, revision=2), replicas=0)
    walk = Stage(none)
    walk.person(promote_full=True)
    walk.run(until=1 * MINUTES)
    assert (means(walk), walk.world.memory.stable) == (("new", "new"), "new")


def test_where_no_pods_are_asked_for_an_aborted_release_gets_no_service() -> None:
    seen = beside(pods("old", 0), pods("new", 0, revision=2), replicas=0, canary=NEW)
    gone = replace(seen, memory=replace(seen.memory, abort=True, aborted_at=START - 1 * MINUTES))
    assert pointed(gone) == [Point("", "old")]


def test_an_abort_gives_the_canary_service_back_with_the_first_write() -> None:
    walk = Stage(beside())
    walk.run(until=1 * MINUTES)
    walk.person(abort=True)
    first, second, *_ = plan(walk.world).actions
    assert (first, second) == (Point("", "old"), Scale("api-old", 10, 8))
    walk.run(until=1 * MINUTES)
    assert (means(walk), walk.size("new")) == (("old", "old"), 0)


def test_an_abort_at_100_percent_gives_the_stable_service_back_once_there_are_pods_for_it() -> None:
    walk = Stage(beside(steps=(SetWeight(100), Pause())))
    walk.run(until=1 * MINUTES)
    assert (means(walk), walk.size("old")) == (("new", "new"), 0)
    walk.person(abort=True)
    for _ in range(40):
        served, decision = means(walk)[0], plan(walk.world)
        if Point("old", "") in decision.actions or Point("old", "old") in decision.actions:
            assert walk.size("old") >= min(8, walk.size(served))
        walk.perform(decision)
        assert walk.size(means(walk)[0]) > 0
        walk.world = replace(walk.world, now=walk.world.now + 0.5 * SECONDS)
    assert (means(walk), walk.size("old"), walk.size("new")) == (("old", "old"), 10, 0)


def test_a_revision_that_is_overtaken_loses_the_canary_service_to_stable_until_the_next_has_pods() -> None:
    walk = Stage(beside())
    walk.run(until=1 * MINUTES)
    walk.broken = frozenset({"newer"})
    walk.release("newer")
    walk.run(until=1 * MINUTES)
    assert (means(walk), walk.size("new")) == (("old", "old"), 0)


def test_a_service_that_somebody_points_elsewhere_is_set_back() -> None:
    seen = beside(pods("old", 9), pods("new", 2, revision=2), stable=Service("gone"), canary=NEW)
    assert pointed(seen) == [Point("old", "")]


def test_services_that_mean_what_they_should_are_left_alone() -> None:
    assert pointed(beside(pods("old", 9), pods("new", 2, revision=2), canary=NEW)) == []


def test_a_service_that_cannot_be_used_holds_the_steps_and_is_an_invalid_spec() -> None:
    wrong = Trouble(INVALID, 'The Rollout "api" is invalid')
    seen = replace(beside(pods("old", 8), pods("new", 2, revision=2)), services=wrong)
    decision = plan(seen)
    status = report(seen, decision.memory, read({}), {})
    assert (decision.memory.step, status["phase"]) == (0, "Degraded")
    assert status["message"] == 'InvalidSpec: The Rollout "api" is invalid'


def test_a_status_that_was_lost_is_told_the_stable_revision_by_its_service() -> None:
    seen = replace(beside(pods("old", 8), pods("new", 2, revision=2)), memory=Memory())
    assert plan(seen).memory.stable == "old"


def test_since_when_the_stable_service_means_its_pods_is_remembered() -> None:
    seen = beside(canary=None)
    status = report(seen, plan(seen).memory, read({}), {})
    assert remembered(read(status)).served == Meant("old", START - 1 * MINUTES)
