"""The brief's repository on a Git server of its own, with the few edits it needs to run on a lab.

Its kustomization names the Rollout, and not the Deployment of the same name; the Rollout's image is the one
that the overrides name; the mesh and a ConfigMap lie beside it; staging has a namespace and host of its own.
"""

from __future__ import annotations

import json
import urllib.request
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any

import yaml

from tests.crds.applications import PRODUCTION, ROOT, brief, merged
from tests.lab.worlds import mesh_of
from tests.tidegate.git.origin import Origin, Server

Raw = dict[str, Any]
Asked = Callable[[BaseHTTPRequestHandler], bool]
IMAGE = "myregistry.azurecr.io/api"
GIT_PORT, WEBHOOK_PORT = 9901, 9900
AUTOMATED = {"spec": {"syncPolicy": {"automated": {"prune": True, "selfHeal": True}}}}
EVERYTHING = {
    "sourceRepos": ["*"],
    "destinations": [{"server": "*", "namespace": "*"}],
    "clusterResourceWhitelist": [{"group": "*", "kind": "*"}],
}


class Repository:
    """Use as a context manager; each `commit` is told to the controller, as a Git server tells of a push."""

    def __init__(self, folder: Path) -> None:
        self._origin = Origin(folder / "infrastructure")
        self._server = Server(folder, port=GIT_PORT)

    def __enter__(self) -> Repository:
        self._server.__enter__()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.__exit__()

    @property
    def url(self) -> str:
        return f"{self._server.url}/infrastructure/.git"

    @property
    def folder(self) -> Path:
        """Of who commits here."""
        return self._origin.folder

    def commit(self, files: dict[str, str], message: str = "a change", *, gone: tuple[str, ...] = ()) -> str:
        """Its id."""
        for name in gone:
            self._origin.git("rm", "-q", name)
        return self._origin.commit(dict(files), message)

    def push(self, files: dict[str, str], message: str = "a change", *, gone: tuple[str, ...] = ()) -> str:
        """A commit that the server tells of."""
        made = self.commit(files, message, gone=gone)
        told = json.dumps({"repository": {"clone_url": self.url}}).encode()
        where = f"http://127.0.0.1:{WEBHOOK_PORT}/api/webhook"
        asked = urllib.request.Request(where, told, {"Content-Type": "application/json"})
        with urllib.request.urlopen(asked, timeout=10) as answer:
            assert answer.status == 204
        return made

    def takes_pushes(self) -> None:
        """Also of others; the folder of who commits here follows."""
        for name, value in (("http.receivepack", "true"), ("receive.denyCurrentBranch", "updateInstead")):
            self._origin.git("config", name, value)

    def asks(self, refuse: Asked, lose: Asked) -> None:
        """Before the server does what it is asked, and before it answers; who says yes is not answered."""
        self._server.refuse, self._server.lose = refuse, lose

    def believes(self, key: Path) -> None:
        """Whoever signs with this public key."""
        allowed = self.folder.with_suffix(".allowed")
        allowed.write_text(f'* namespaces="git" {key.read_text()}')
        self._origin.git("config", "gpg.ssh.allowedSignersFile", str(allowed))

    @property
    def tip(self) -> str:
        return self._origin.git("rev-parse", "main")

    def is_signed(self, commit: str) -> bool:
        """By a key that is believed."""
        return self._origin.git("log", "-1", "--format=%G?", commit) == "G"

    def reverts(self) -> list[str]:
        """The commits on any branch that are a controller's, newest first."""
        return self._origin.git("log", "--all", "--grep", "Rollback-Id", "--format=%H").split()

    def message(self, commit: str) -> str:
        return self._origin.git("log", "-1", "--format=%B", commit)

    def differs(self, one: str, other: str) -> str:
        """The files in which two commits differ."""
        return self._origin.git("diff", "--name-only", one, other)

    def files(self, rollout: Raw) -> dict[str, str]:
        """Everything, for a Rollout that is the brief's."""
        return {
            "apps/app-of-apps.yaml": written(self.root()),
            "apps/namespaces.yaml": written(
                *(named("Namespace", name) for name in ("production", "staging"))
            ),
            "apps/projects.yaml": written(*(project(name) for name in ("production", "staging"))),
            "apps/production/api-app.yaml": written(self.production("v1")),
            "apps/staging/api-app.yaml": written(self.staging("v1")),
            "services/api/kustomization.yaml": kustomization("rollout.yaml", "mesh.yaml", "settings.yaml"),
            "services/api/rollout.yaml": written(with_image(rollout)),
            "services/api/mesh.yaml": written(*mesh_of()[1:]),
            "services/api/settings.yaml": settings(level="1"),
        }

    def root(self) -> Raw:
        return self._here(brief(ROOT))

    def production(self, version: str, *fragments: Raw, **environment: str) -> Raw:
        """The brief's, with fragments merged into it; its pods are given the environment."""
        made = self._here(brief(PRODUCTION))
        for fragment in fragments:
            made = merged(made, fragment)
        kustomize = made["spec"]["source"]["kustomize"]
        kustomize["images"] = [{"name": IMAGE, "newTag": version}]
        if environment:
            told = [{"name": name, "value": value} for name, value in environment.items()]
            kustomize["patches"] = [_patched("Rollout", "/spec/template/spec/containers/0/env", told)]
        return made

    def staging(self, version: str) -> Raw:
        """The brief's, in a namespace of its own, small, and without the mesh's names of production."""
        made: Raw = merged(self.production(version, AUTOMATED), {"metadata": {"name": "api-staging"}})
        made["spec"] |= {
            "project": "staging",
            "destination": made["spec"]["destination"] | {"namespace": "staging"},
        }
        service = "api.staging.svc.cluster.local"
        patches = [
            _patched("VirtualService", "/spec/hosts", ["staging.example.com"]),
            _patched("VirtualService", "/spec/http/0/route/0/destination/host", service),
            _patched("VirtualService", "/spec/http/0/route/1/destination/host", service),
            _patched("DestinationRule", "/spec/host", service),
            _patched("Rollout", "/spec/replicas", 1),
        ]
        made["spec"]["source"]["kustomize"] |= {"namespace": "staging", "patches": patches}
        return made

    def directory(self, name: str, namespace: str) -> Raw:
        """An automated Application over plain manifests."""
        made: Raw = merged(self.production("v1", AUTOMATED), {"metadata": {"name": name}})
        made["spec"]["source"] |= {"path": f"services/{name}"}
        del made["spec"]["source"]["kustomize"]
        made["spec"]["destination"] |= {"namespace": namespace}
        return made

    def _here(self, application: Raw) -> Raw:
        made: Raw = merged(application, {"spec": {"source": {"repoURL": self.url}}})
        return made


def with_image(rollout: Raw) -> Raw:
    """The Rollout, its image by the name that the overrides go by."""
    rollout["spec"]["template"]["spec"]["containers"][0]["image"] = f"{IMAGE}:v0"
    return rollout


def project(name: str) -> Raw:
    return named("AppProject", name, api="argoproj.io/v1alpha1", namespace="argocd") | {"spec": EVERYTHING}


def kustomization(*resources: str) -> str:
    return written(
        {"apiVersion": "kustomize.config.k8s.io/v1beta1", "kind": "Kustomization", "resources": [*resources]}
    )


def settings(**data: str) -> str:
    return written(named("ConfigMap", "settings", namespace="production") | {"data": data})


def written(*objects: Raw) -> str:
    return str(yaml.safe_dump_all(objects))


def named(kind: str, name: str, *, api: str = "v1", namespace: str = "") -> Raw:
    where = {"namespace": namespace} if namespace else {}
    return {"apiVersion": api, "kind": kind, "metadata": {"name": name, **where}}


def _patched(kind: str, path: str, value: Any) -> Raw:
    change = yaml.safe_dump([{"op": "add", "path": path, "value": value}])
    return {"target": {"kind": kind}, "patch": change}
