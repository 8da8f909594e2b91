"""What deploy/ gives is enough, and no more is needed: the controller under its own RBAC."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest
import yaml

from tests.e2e.scene import ROOT, Raw, Scene

pytestmark = pytest.mark.lab


def test_a_release_walks_with_the_permissions_of_deploy(scene: Scene) -> None:
    scene.deployed("deploy/namespace.yaml", "deploy/rbac.yaml")
    process = scene.controller(kubeconfig=scene.as_deployed(), home="argo-rollouts")
    scene.release("v1")
    scene.healthy("v1")
    scene.release("v2")
    scene.wait(60, "the preflight to ask", lambda s: s.get("phase") in ("Paused", "Progressing"))
    scene.cli("promote", "api", "--full")
    scene.healthy("v2")
    assert process.poll() is None
    assert "forbidden" not in (scene.folder / "controller-1.log").read_text()


def built(scene: Scene, folder: Path) -> list[Raw]:
    words = [scene.state.kubectl, "kustomize", str(folder)]
    done = subprocess.run(words, check=True, capture_output=True, text=True)
    return list(yaml.safe_load_all(done.stdout))


def test_the_kustomization_builds(scene: Scene) -> None:
    kinds = [one["kind"] for one in built(scene, ROOT / "deploy")]
    assert {"Namespace", "Deployment", "ClusterRole", "ServiceAccount"} <= set(kinds)


def test_applications_are_a_component_of_it(scene: Scene, tmp_path: Path) -> None:
    shutil.copytree(ROOT / "deploy", tmp_path / "deploy")
    with (tmp_path / "deploy" / "kustomization.yaml").open("a") as written:
        written.write("components: [applications]\n")
    objects = built(scene, tmp_path / "deploy")
    (container,) = next(
        one["spec"]["template"]["spec"]["containers"] for one in objects if one["kind"] == "Deployment"
    )
    assert "--applications=argocd" in container["args"]
    assert container["image"].startswith("tidegate:")
    assert "tidegate-sync" in [one["metadata"]["name"] for one in objects]
