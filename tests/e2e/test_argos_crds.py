"""Beside Argo Rollouts' own CRD, which does not know `status.tidegate`: a release walks as ever."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from crds.paths import get, put
from crds.pruning import KEPT
from tests.e2e.scene import ROOT, Raw, Scene, path, quick
from tests.lab.state import read_state

pytestmark = pytest.mark.lab

STATUS = ("spec", "versions", 0, "schema", "openAPIV3Schema", "properties", "status")


@pytest.fixture
def scene(tmp_path: Path) -> Iterator[Scene]:
    """Our CRDs, the one for Rollouts with a status that knows no more than an older Argo's does."""
    with Scene(read_state(), tmp_path) as scene:
        scene.install()
        ours = yaml.safe_load((ROOT / "crds" / "rollouts.yaml").read_text())
        known = get(ours, *STATUS, "properties")
        closed = {key: known[key] for key in known if key not in ("tidegate", "duration")}
        _replace(scene, put(ours, STATUS, {"type": "object", "properties": closed}))
        yield scene
        scene.install()


def _replace(scene: Scene, definition: Raw) -> None:
    kubectl = [scene.state.kubectl, "--kubeconfig", scene.state.kubeconfig]
    subprocess.run([*kubectl, "replace", "-f", "-"], input=yaml.safe_dump(definition).encode(), check=True)


def plain(manifest: Raw) -> None:
    quick(manifest)
    del manifest["spec"]["strategy"]["canary"]["analysis"]


def test_a_release_walks_to_its_end_under_a_crd_that_prunes_our_part_of_the_status(scene: Scene) -> None:
    scene.edit = plain
    scene.controller()
    scene.release("v1")
    scene.healthy("v1")
    scene.release("v2")
    scene.at_pause()
    scene.cli("promote", "api")
    scene.healthy("v2", 90)
    rollout = scene.kube.get(path("rollouts", "api"))
    assert not {"tidegate", "duration"} & set(rollout["status"])
    assert get(rollout, "metadata", "annotations", KEPT)
