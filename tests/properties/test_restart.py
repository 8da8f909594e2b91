"""A restart, and a ReplicaSet's name that is another's, over the real controller in virtual time."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from crds.times import rfc3339
from rollouts.podhash import pod_template_hash
from tests.properties.story import CHAPTERS, ERRORS, V2, play, ship, stands, template, waits_for_a_person
from tests.properties.wire import HOWS, Fault, How
from tests.properties.world import NAME, World
from tidegate.sandbox.objects import at
from tidegate.sandbox.resources import PODS, REPLICA_SETS, ROLLOUTS


@pytest.fixture
def v1() -> Iterator[World]:
    with World(ERRORS) as world:
        play(world, CHAPTERS[0])
        yield world


def ready(world: World) -> int:
    return sum(at(one, "status", "availableReplicas", default=0) for one in world.every(REPLICA_SETS))


def restart(world: World) -> set[str]:
    """Asks for it; the names of the pods that are to go."""
    world.run(1)
    world.apply(ROLLOUTS, NAME, {"spec": {"restartAt": rfc3339(world.clock.now())}})
    return {pod["metadata"]["name"] for pod in world.every(PODS)}


def is_restarted(world: World) -> bool:
    raw = world.rollout()
    return stands(world) and at(raw, "status", "restartedAt") == raw["spec"]["restartAt"]


def test_a_restart_replaces_every_pod_and_never_takes_more_than_may_be_unavailable(v1: World) -> None:
    before, least = restart(v1), ready(v1)
    while not is_restarted(v1):
        v1.run(1)
        least = min(least, ready(v1))
    after = {pod["metadata"]["name"] for pod in v1.every(PODS)}
    assert (len(after), after & before) == (10, set())
    assert least >= 8
    v1.until_quiet()


@pytest.mark.parametrize("how", HOWS)
@pytest.mark.parametrize("which", [1, 2, 4])
def test_a_restart_that_is_struck_goes_on_to_its_end(v1: World, which: int, how: How) -> None:
    v1.wire.fault = Fault(len(v1.wire.writes) + which, how)
    before = restart(v1)
    v1.until(is_restarted, 240, "every pod is replaced")
    assert not before & {pod["metadata"]["name"] for pod in v1.every(PODS)}
    v1.until_quiet()


def test_a_release_whose_name_is_anothers_walks_under_the_next_hash(v1: World) -> None:
    wanted = pod_template_hash(template(V2))
    labels = {"app": "alien"}
    body = {
        "metadata": {"name": f"{NAME}-{wanted}", "labels": labels},
        "spec": {"replicas": 0, "selector": {"matchLabels": labels}, "template": {**template(V2)}},
    }
    body["spec"]["template"] = {**template(V2), "metadata": {"labels": labels}}  # type: ignore[index]
    v1.create(REPLICA_SETS, body)
    ship(V2)(v1)
    v1.until(waits_for_a_person, 240, "v2 waits at its pause")
    status = v1.rollout()["status"]
    assert (status["collisionCount"], status["currentPodHash"] != wanted) == (1, True)
