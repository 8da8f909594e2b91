"""Git back, on a real control plane: a bad release is caught by its requests, quarantined, and reverted once.

The brief's repository, its tag in the parent's file; the server takes pushes, and the controller is killed.
"""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest

from tests.e2e.gitops import PRODUCTION, SPLITS, Gitops, staged
from tests.e2e.repository import IMAGE, with_image, written
from tests.e2e.scene import HOST, path
from tests.e2e.witness import Watch, canary_weights, rises_after_abort
from tests.lab.load import Load
from tests.lab.waiting import until

pytestmark = pytest.mark.lab


@pytest.fixture(scope="module")
def gitops(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gitops]:
    """The brief's repository, production automated and with rollback, at a good release."""
    with staged(tmp_path_factory.mktemp("reverts")) as here:
        here.allow_reverts()
        here.repository.commit(here.files(here.scene.rollout_manifest("v1")))
        here.controller()
        here.bring_up()
        yield here


def bad(here: Gitops, version: str) -> str:
    """A commit of a release that fails an eighth of its requests."""
    manifest = with_image(here.scene.rollout_manifest(version, ERROR_RATE="0.12"))
    return here.repository.push(
        {PRODUCTION: here.production(version), "services/api/rollout.yaml": written(manifest)}
    )


def test_a_bad_release_is_caught_quarantined_and_reverted_once(gitops: Gitops) -> None:
    scene, repository = gitops.scene, gitops.repository
    with Load(scene.state.gateway, HOST, rate=100), Watch(scene.kube, SPLITS) as routes:
        at = bad(gitops, "v2")
        until(lambda: scene.status().get("abort"), 120, "v2 to be rejected")
        rejected = time.monotonic()
        until(lambda: image(gitops) == f"{IMAGE}:v1", 60, "v1 to be back in the cluster")
        back = time.monotonic()
        until(repository.reverts, 60, "the revert to be pushed")
        pushed = time.monotonic()
        until(lambda: gitops.rollback() == "Recovered", 90, lambda: gitops.said("api-prod"))
    print(f"cluster back after {back - rejected:.1f} s, pushed after {pushed - rejected:.1f} s")
    (revert,) = repository.reverts()
    assert canary_weights(routes) == [0, 10, 0]
    assert f"This reverts commit {at}." in repository.message(revert)
    assert repository.differs(revert, f"{at}^") == ""
    assert repository.is_signed(revert)
    gitops.synced("api-prod", revert)
    scene.healthy("v1")


def image(here: Gitops) -> str:
    rollout = here.there(path("rollouts", "api"))
    return str(rollout["spec"]["template"]["spec"]["containers"][0]["image"])


@pytest.mark.parametrize("when", ["Quarantined", "Committed", "Pushed"])
def test_a_controller_that_is_killed_leaves_one_revert(gitops: Gitops, when: str) -> None:
    scene, repository = gitops.scene, gitops.repository
    before = repository.reverts()
    splits, rollouts = Watch(scene.kube, SPLITS), Watch(scene.kube, path("rollouts"))
    with Load(scene.state.gateway, HOST, rate=100), splits, rollouts, gitops.phases() as phases:
        bad(gitops, f"v-{when.lower()}")
        until(lambda: when in phases(), 150, lambda: f"{when} among {phases()}; {gitops.said('api-prod')}")
        scene.kill(scene.running[-1])
        gitops.controller()
        until(lambda: gitops.rollback() == "Recovered", 120, "the rollback to be over")
    assert len(repository.reverts()) == len(before) + 1
    assert rises_after_abort(splits, rollouts) == []
    scene.healthy("v1")
