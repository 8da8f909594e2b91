"""The brief's repository at work on a real control plane: a controller as deployed, and what commits do."""

from __future__ import annotations

import base64
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from tests.e2e.repository import AUTOMATED, WEBHOOK_PORT, Repository, named, written
from tests.e2e.scene import ROOT, Raw, Scene, path, quick
from tests.e2e.witness import Saw, Watch
from tests.lab.kube import ApiError
from tests.lab.state import read_state
from tests.lab.waiting import Late, until

APPLICATIONS = "/apis/argoproj.io/v1alpha1/namespaces/argocd/applications"
SPLITS = path("virtualservices", group="networking.istio.io/v1")
DEPLOYED = (
    "deploy/namespace.yaml",
    "deploy/rbac.yaml",
    "crds/gitops",
    "deploy/applications/namespace.yaml",
    "deploy/applications/rbac.yaml",
)
PRODUCTION, STAGING = "apps/production/api-app.yaml", "apps/staging/api-app.yaml"
BACK = {"spec": {"rollback": {"enabled": True, "git": {"signing": {"secretRef": {"name": "revert-key"}}}}}}


class Gitops:
    """The scene with a repository, and words for what is seen of its Applications."""

    def __init__(self, scene: Scene, repository: Repository) -> None:
        self.scene, self.repository = scene, repository

    def serve(self) -> None:
        """What deploy/ makes, so that Applications can be applied."""
        self.scene.deployed(*DEPLOYED)
        until(lambda: self.there(APPLICATIONS), 30, "Applications to be served")

    def allow_reverts(self) -> None:
        """The server takes pushes, and Secrets hold what a revert is pushed and signed with."""
        key = self.scene.folder / "revert-key"
        subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(key)], check=True)
        self.repository.takes_pushes()
        self.repository.believes(key.with_suffix(".pub"))
        for secret in (_writer(self.repository), _signer(key)):
            self.scene.kube.apply(secret)

    def controller(
        self, *flags: str, kubeconfig: Path | None = None, inside: tuple[str, ...] = ()
    ) -> subprocess.Popen[bytes]:
        """With the rights of deploy/, and told of pushes."""
        return self.scene.controller(
            "--applications=argocd",
            f"--git-cache={self.scene.folder / 'cache'}",
            f"--git-webhook-port={WEBHOOK_PORT}",
            *flags,
            kubeconfig=kubeconfig or self.scene.as_deployed(),
            home="argo-rollouts",
            inside=inside,
        )

    def production(self, version: str, **environment: str) -> str:
        """The parent's file that defines the Application, synced and taken back without being asked."""
        return written(self.repository.production(version, AUTOMATED, BACK, **environment))

    def files(self, rollout: Raw) -> dict[str, str]:
        """The brief's repository without staging, production at v1."""
        files = self.repository.files(rollout) | {PRODUCTION: self.production("v1")}
        return {name: text for name, text in files.items() if name != STAGING}

    def bring_up(self) -> None:
        """The parent is applied, and what production is at becomes known as good."""
        self.scene.kube.apply(self.repository.root())
        until(lambda: self.there(path("rollouts", "api")), 60, lambda: self.said("root"))
        self.scene.healthy("v1", 90)
        until(lambda: "lastKnownGood" in self.app("api-prod").get("status", {}), 60, "v1 to be known as good")

    def app(self, name: str) -> Raw:
        with suppress(ApiError):
            found: Raw = self.scene.kube.get(f"{APPLICATIONS}/{name}")
            return found
        return {}

    def stands(self, name: str) -> tuple[str, str, str]:
        """Sync, health and revision."""
        status = self.app(name).get("status", {})
        sync = status.get("sync", {})
        return sync.get("status", ""), status.get("health", {}).get("status", ""), sync.get("revision", "")

    def rollback(self) -> str:
        """How far production's is."""
        return phase(self.app("api-prod"))

    @contextmanager
    def phases(self) -> Iterator[Callable[[], list[str]]]:
        """Where production's was from now on, however shortly; where it stands now is the first."""
        with Watch(self.scene.kube, APPLICATIONS) as seen:
            yield lambda: list(dict.fromkeys(phase(one.object) for one in seen.saw if is_production(one)))

    def synced(self, name: str, revision: str, seconds: float = 60) -> None:
        last: Raw = {}

        def holds() -> bool:
            last.update(self.app(name).get("status", {}))
            over = last.get("operationState", {}).get("phase", "Succeeded") == "Succeeded"
            sync, _, at = self.stands(name)
            return over and (sync, at) == ("Synced", revision)

        try:
            until(holds, seconds, f"{name} to be Synced at {revision}")
        except Late as late:
            raise Late(f"{late}; the last status was {last}") from None

    def said(self, name: str) -> str:
        """Its conditions, and what its last sync says of itself."""
        status = self.app(name).get("status", {})
        told = [f"{one['type']}: {one['message']}" for one in status.get("conditions", [])]
        return "; ".join([*told, status.get("operationState", {}).get("message", "")])

    def settings(self, namespace: str = "production") -> Raw | None:
        return self.there(f"/api/v1/namespaces/{namespace}/configmaps/settings").get("data")

    def there(self, where: str) -> Raw:
        with suppress(ApiError):
            found: Raw = self.scene.kube.get(where)
            return found
        return {}

    def cli(self, *words: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "tidegate", "app", *words]
        environment = {**os.environ, "KUBECONFIG": self.scene.state.kubeconfig}
        return subprocess.run(command, capture_output=True, text=True, env=environment, cwd=ROOT, check=False)


def phase(application: Raw) -> str:
    """How far its rollback is."""
    return str(application.get("status", {}).get("rollback", {}).get("phase", ""))


def is_production(saw: Saw) -> bool:
    return bool(saw.object["metadata"]["name"] == "api-prod")


def small(manifest: Raw) -> None:
    quick(manifest)
    manifest["spec"]["replicas"] = 3


@contextmanager
def staged(folder: Path, edit: Callable[[Raw], None] = small) -> Iterator[Gitops]:
    """A scene where Applications can be applied, and a repository that is empty yet."""
    with Scene(read_state(), folder) as scene, Repository(folder) as repository:
        here = Gitops(scene, repository)
        scene.install()
        scene.edit = edit
        here.serve()
        yield here


def _writer(repository: Repository) -> Raw:
    meta = {
        "name": "writer",
        "namespace": "argocd",
        "labels": {"argocd.argoproj.io/secret-type": "repository-write"},
    }
    return named("Secret", "writer") | {"metadata": meta, "data": {"url": _encoded(repository.url)}}


def _signer(key: Path) -> Raw:
    secret = named("Secret", "revert-key", namespace="argocd")
    return secret | {"data": {"ssh-privatekey": _encoded(key.read_text())}}


def _encoded(text: str) -> str:
    return base64.b64encode(text.encode()).decode()
