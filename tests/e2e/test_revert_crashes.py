"""The controller is killed before and after each write and push of a bad release, on a real control plane.

As on the sandbox in `tests/tidegate/runtime/test_revert_crashes.py`. Here it is a process that gets SIGKILL,
with all it started; the next one finds what the API server, Git and the mirrors on its disk hold.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from itertools import count
from typing import NamedTuple

import pytest

from tests.e2e.doom import PUSH, Doom, Lives
from tests.e2e.gitops import PRODUCTION, SPLITS, Gitops, staged
from tests.e2e.repository import kustomization, project, with_image, written
from tests.e2e.scene import HOST, Raw, Scene, path, quick
from tests.e2e.witness import Watch, canary_weights, rises_after_abort
from tests.lab.load import Load
from tests.lab.waiting import until

pytestmark = pytest.mark.lab

MOVED = (path("rollouts", "api"), f"{SPLITS}/api", path("destinationrules", "api", "networking.istio.io/v1"))
WALK = [0, 50, 0]
"""The canary's weights: it is never let in a second time, and the way back has no steps."""
FEW = 40
"""Writes that a bad release takes at least; it is some more, as changes are told in one status or in two."""


class World(NamedTuple):
    """`specs` and `pods` are what stood while the good release was alone."""

    here: Gitops
    lives: Lives
    specs: list[Raw]
    pods: set[str]


def brisk(manifest: Raw) -> None:
    """One pod an arm and no delay; half of the requests go to the canary until it is judged."""
    quick(manifest)
    manifest["spec"]["replicas"] = 1
    canary = manifest["spec"]["strategy"]["canary"]
    canary |= {"steps": [{"setWeight": 50}, {"pause": {}}], "scaleDownDelaySeconds": 0}


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """An Application with rollback, defined in its parent's file, at a good release."""
    with staged(tmp_path_factory.mktemp("crashes"), brisk) as here:
        scene = here.scene
        here.allow_reverts()
        scene.kube.apply(project("production"))
        here.repository.commit(
            {
                PRODUCTION: here.production("v1"),
                "services/api/kustomization.yaml": kustomization("rollout.yaml"),
                "services/api/rollout.yaml": written(with_image(scene.rollout_manifest("v1"))),
            }
        )
        with Lives(here) as lives:
            lives.begin()
            here.bring_up()
            with Load(scene.state.gateway, HOST, rate=200):
                yield World(here, lives, specs(here), pods(scene))


@pytest.mark.parametrize("landed", [False, True], ids=["before", "after"])
def test_whoever_dies_at_a_write_there_is_one_revert_in_the_end(world: World, landed: bool) -> None:
    deaths = 0
    for write in count(1):
        doom = world.lives.doomed(write, landed)
        story(world, doom, f"{'after' if landed else 'before'}-{write}")
        if not doom.come:
            break
        deaths += 1
    assert deaths >= FEW


@pytest.mark.parametrize("landed", [False, True], ids=["before", "after"])
def test_whoever_dies_at_the_push_there_is_one_revert_in_the_end(world: World, landed: bool) -> None:
    doom = world.lives.doomed(1, landed, PUSH)
    story(world, doom, f"{'after' if landed else 'before'}-the-push")
    assert doom.come


def story(world: World, doom: Doom, version: str) -> None:
    """A bad release, from its commit until all is as it was; whoever dies in it has a successor."""
    scene, repository = world.here.scene, world.here.repository
    earlier, began = set(repository.reverts()), time.monotonic()
    with Watch(scene.kube, SPLITS) as routes, Watch(scene.kube, path("rollouts")) as rollouts:
        bad = repository.push({PRODUCTION: world.here.production(version, ERROR_RATE="1")})
        until(lambda: doom.come or is_over(world, earlier), 120, f"{version} to be over, or the death")
        if not doom.lifted():
            world.lives.begin()
        until(lambda: is_over(world, earlier), 120, lambda: f"{version} to be over: {how(world)}")
        until(lambda: len(canary_weights(routes)) >= len(WALK), 30, "the weights to be told")
        rollouts.first(lambda saw: saw.object.get("status", {}).get("abort"), 30, "the verdict to be told")
    print(f"{time.monotonic() - began:.1f} s: {version}, {doom.wrote[-1]}", flush=True)
    (revert,) = set(repository.reverts()) - earlier
    assert (repository.tip, repository.differs(revert, f"{bad}^")) == (revert, "")
    assert f"This reverts commit {bad}." in repository.message(revert)
    assert canary_weights(routes) == WALK
    assert rises_after_abort(routes, rollouts) == []
    assert specs(world.here) == world.specs


def is_over(world: World, earlier: set[str]) -> bool:
    """Recovered, Synced at a revert that was not there earlier, Healthy, and none but the good pods stay."""
    made = set(world.here.repository.reverts()) - earlier
    sync, health, at = world.here.stands("api-prod")
    stands = (world.here.rollback(), sync, health, pods(world.here.scene))
    return at in made and stands == ("Recovered", "Synced", "Healthy", world.pods)


def how(world: World) -> str:
    here = world.here
    return f"{here.rollback()}, {here.stands('api-prod')}, {here.said('api-prod')}, {pods(here.scene)}"


def specs(here: Gitops) -> list[Raw]:
    return [here.there(one)["spec"] for one in MOVED]


def pods(scene: Scene) -> set[str]:
    """The names of those that nobody deleted."""
    found = [pod["metadata"] for pod in scene.kube.get(path("pods", group="v1"))["items"]]
    return {pod["name"] for pod in found if "deletionTimestamp" not in pod}
