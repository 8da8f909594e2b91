"""What deploy/ gives is enough, and no more is needed: the controller under its own RBAC."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
import yaml

from tests.e2e.scene import ROOT, Scene
from tests.lab.kube import Kube

pytestmark = pytest.mark.lab


def token(kube: Kube) -> str:
    path = "/api/v1/namespaces/argo-rollouts/serviceaccounts/tidegate/token"
    asked = kube.call(
        "POST", path, {"apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest", "spec": {}}
    )
    return str(asked["status"]["token"])


def kubeconfig(scene: Scene, folder: Path) -> Path:
    """One that is the service account, in its namespace."""
    config = yaml.safe_load(Path(scene.state.kubeconfig).read_text())
    config["users"][0]["user"] = {"token": token(scene.kube)}
    config["contexts"][0]["context"]["namespace"] = "argo-rollouts"
    written = folder / "as-tidegate"
    written.write_text(yaml.safe_dump(config))
    return written


def test_a_release_walks_with_the_permissions_of_deploy(scene: Scene, tmp_path: Path) -> None:
    kubectl = [scene.state.kubectl, "--kubeconfig", scene.state.kubeconfig]
    for name in ("namespace.yaml", "rbac.yaml"):
        subprocess.run(
            [*kubectl, "apply", "-f", str(ROOT / "deploy" / name)], check=True, capture_output=True
        )
    catalogue = scene.catalogue()
    catalogue["metadata"]["namespace"] = "argo-rollouts"
    scene.kube.apply(catalogue)
    process = scene.controller(kubeconfig=kubeconfig(scene, tmp_path), home="argo-rollouts")
    scene.release("v1")
    scene.healthy("v1")
    scene.release("v2")
    scene.wait(60, "the preflight to ask", lambda s: s.get("phase") in ("Paused", "Progressing"))
    scene.cli("promote", "api", "--full")
    scene.healthy("v2")
    assert process.poll() is None
    assert "forbidden" not in (scene.folder / "controller-1.log").read_text()


def test_the_kustomization_builds(scene: Scene) -> None:
    built = subprocess.run(
        [scene.state.kubectl, "kustomize", str(ROOT / "deploy")], check=True, capture_output=True, text=True
    )
    kinds = [one["kind"] for one in yaml.safe_load_all(built.stdout)]
    assert {"Namespace", "Deployment", "ClusterRole", "ServiceAccount"} <= set(kinds)
