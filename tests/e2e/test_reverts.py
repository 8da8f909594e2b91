"""Git back, on a real control plane: a bad release is caught by its requests, quarantined, and reverted once.

The brief's repository, its tag in the parent's file; the server takes pushes, and the controller is killed.
"""

from __future__ import annotations

import base64
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.repository import AUTOMATED, IMAGE, WEBHOOK_PORT, Repository, named, with_image, written
from tests.e2e.scene import HOST, Raw, Scene, path
from tests.e2e.test_applications import APPLICATIONS, DEPLOYED, PRODUCTION, Gitops, small
from tests.e2e.witness import Watch, canary_weights
from tests.lab.load import Load
from tests.lab.state import read_state
from tests.lab.waiting import until

pytestmark = pytest.mark.lab

SPLITS = path("virtualservices", group="networking.istio.io/v1")
BACK = {"spec": {"rollback": {"enabled": True, "git": {"signing": {"secretRef": {"name": "revert-key"}}}}}}


@pytest.fixture(scope="module")
def gitops(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gitops]:
    """The brief's repository, production automated and with rollback, at a good release."""
    folder = tmp_path_factory.mktemp("reverts")
    with Scene(read_state(), folder) as scene, Repository(folder) as repository:
        here = Gitops(scene, repository)
        scene.install()
        scene.edit = small
        scene.deployed(*DEPLOYED)
        until(lambda: here.there(APPLICATIONS), 30, "Applications to be served")
        repository.takes_pushes()
        for secret in (writer(repository), signer(folder)):
            scene.kube.apply(secret)
        files = repository.files(scene.rollout_manifest("v1"))
        del files["apps/staging/api-app.yaml"]
        repository.commit(files | {PRODUCTION: production(repository, "v1")})
        controller(here)
        scene.kube.apply(repository.root())
        until(lambda: here.there(path("rollouts", "api")), 60, here.said("root"))
        scene.healthy("v1", 90)
        until(lambda: "lastKnownGood" in here.app("api-prod").get("status", {}), 60, "v1 to be known as good")
        yield here


def controller(here: Gitops) -> subprocess.Popen[bytes]:
    return here.scene.controller(
        "--applications=argocd",
        f"--git-cache={here.scene.folder / 'cache'}",
        f"--git-webhook-port={WEBHOOK_PORT}",
        kubeconfig=here.scene.as_deployed(),
        home="argo-rollouts",
    )


def production(repository: Repository, version: str) -> str:
    return written(repository.production(version, AUTOMATED, BACK))


def writer(repository: Repository) -> Raw:
    meta = {
        "name": "writer",
        "namespace": "argocd",
        "labels": {"argocd.argoproj.io/secret-type": "repository-write"},
    }
    return named("Secret", "writer") | {"metadata": meta, "data": {"url": _encoded(repository.url)}}


def signer(folder: Path) -> Raw:
    key = folder / "revert-key"
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(key)], check=True)
    secret = named("Secret", "revert-key", namespace="argocd")
    return secret | {"data": {"ssh-privatekey": _encoded(key.read_text())}}


def _encoded(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


def bad(here: Gitops, version: str) -> str:
    """A commit of a release that fails an eighth of its requests."""
    manifest = with_image(here.scene.rollout_manifest(version, ERROR_RATE="0.12"))
    return here.repository.push(
        {PRODUCTION: production(here.repository, version), "services/api/rollout.yaml": written(manifest)}
    )


def phase(here: Gitops) -> str:
    return str(here.app("api-prod").get("status", {}).get("rollback", {}).get("phase", ""))


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
        until(lambda: phase(gitops) == "Recovered", 90, gitops.said("api-prod"))
    print(f"cluster back after {back - rejected:.1f} s, pushed after {pushed - rejected:.1f} s")
    (revert,) = repository.reverts()
    assert canary_weights(routes) == [0, 10, 0]
    assert f"This reverts commit {at}." in repository.message(revert)
    assert repository.differs(revert, f"{at}^") == ""
    gitops.synced("api-prod", revert)
    scene.healthy("v1")


def image(here: Gitops) -> str:
    rollout = here.there(path("rollouts", "api"))
    return str(rollout["spec"]["template"]["spec"]["containers"][0]["image"])


@pytest.mark.parametrize("when", ["Quarantined", "Committed", "Pushed"])
def test_a_controller_that_is_killed_leaves_one_revert(gitops: Gitops, when: str) -> None:
    scene, repository = gitops.scene, gitops.repository
    before = repository.reverts()
    with Load(scene.state.gateway, HOST, rate=100):
        bad(gitops, f"v-{when.lower()}")
        until(lambda: phase(gitops) == when, 150, f"the rollback to be {when}")
        scene.kill(scene.running[-1])
        controller(gitops)
        until(lambda: phase(gitops) == "Recovered", 120, "the rollback to be over")
    assert len(repository.reverts()) == len(before) + 1
    scene.healthy("v1")
