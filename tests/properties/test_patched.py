"""People patch status by hand, sensibly or not, at any moment of a release; it ends as it should."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.properties.faults import THOROUGH
from tests.properties.story import CHAPTERS, ERRORS, V2, play, say, ship, stands, waits_for_a_person
from tests.properties.world import NAME, World
from tidegate.sandbox.objects import Raw, at
from tidegate.sandbox.resources import ROLLOUTS, VIRTUAL_SERVICES

LONG_AGO = "2020-01-01T00:00:00Z"
NONSENSE: dict[str, Raw] = {
    "the first step again": {"currentStepIndex": 0},
    "a step beyond the last": {"currentStepIndex": 99},
    "a step before the first": {"currentStepIndex": -3},
    "no step": {"currentStepIndex": None},
    "a stable revision that never was": {"stableRS": "nonsense"},
    "no stable revision": {"stableRS": None},
    "another revision": {"currentPodHash": "nonsense"},
    "other steps": {"currentStepHash": "nonsense"},
    "no pause": {"pauseConditions": None},
    "a pause of long ago": {"pauseConditions": [{"reason": "CanaryPauseStep", "startTime": LONG_AGO}]},
    "a pause for no reason we know": {"pauseConditions": [{"reason": "Lunch", "startTime": LONG_AGO}]},
    "no pause of the controller's": {"controllerPause": None},
    "a pause of the controller's": {"controllerPause": True},
    "a phase": {"phase": "Healthy", "message": "all is well"},
    "no conditions": {"conditions": None},
    "counts": {"replicas": 0, "updatedReplicas": 77, "availableReplicas": 0},
    "an observation of the future": {"observedGeneration": "77"},
    "no memory of ours": {"tidegate": None},
    "a memory of ours of another kind": {"tidegate": {"traffic": "all of it", "attempt": "many"}},
    "other weights": {"canary": {"weights": {"canary": {"weight": 100}}}},
    "nothing at all": {"abort": None},
}
MOMENTS = (1, 6, 12, 17, 22, 30, 41, 52)
"""Seconds into the release: pods, arms, the weight, its hold, the pause, and after it."""
OF_THEIR_OWN = ("CanaryPauseStep", "MetricsNotReady")
"""Pauses that end by themselves, but for the brief's second step."""


@pytest.fixture(scope="module")
def before() -> Iterator[World]:
    with World(ERRORS) as world:
        play(world, CHAPTERS[0])
        yield world


@pytest.mark.parametrize("patch", NONSENSE.values(), ids=NONSENSE)
def test_a_release_ends_well_whatever_people_patch_into_its_status_and_when(
    before: World, patch: Raw
) -> None:
    for moment in tried(patch):
        with before.copied() as world:
            ship(V2)(world)
            attended(world, moment)
            world.apply(ROLLOUTS, NAME, {"status": patch}, "status")
            attended(world, 150)
            assert stands(world), f"after {moment} s: {world.rollout()['status']}"
            assert at(world.rollout(), "spec", "template", "spec", "containers", 0, "image") == V2
            assert weights(world) == (100, 0)


def tried(patch: Raw) -> tuple[int, ...]:
    """All moments in `make test`, one in `make check`: for each patch another."""
    if THOROUGH:
        return MOMENTS
    return (MOMENTS[list(NONSENSE.values()).index(patch) % len(MOMENTS)],)


def attended(world: World, seconds: int) -> None:
    """Lets time pass with a person beside it who promotes whatever waits for one."""
    for _ in range(seconds):
        world.run(1)
        paused = {one["reason"] for one in at(world.rollout(), "status", "pauseConditions", default=[])}
        if waits_for_a_person(world) or paused - {*OF_THEIR_OWN}:
            say("promote")(world)


def weights(world: World) -> tuple[int, int]:
    (service,) = world.every(VIRTUAL_SERVICES)
    stable, canary = at(service, "spec", "http", 0, "route")
    return stable["weight"], canary["weight"]
