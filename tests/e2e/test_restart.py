"""`kubectl argo rollouts restart` on a real control plane: each pod once, as disruption budgets allow."""

from __future__ import annotations

import pytest

from tests.e2e.scene import NAMESPACE, Scene, path, quick
from tests.lab.waiting import until

pytestmark = pytest.mark.lab

BUDGET = {
    "apiVersion": "policy/v1",
    "kind": "PodDisruptionBudget",
    "metadata": {"name": "all-of-them", "namespace": NAMESPACE},
    "spec": {"minAvailable": "100%", "selector": {"matchLabels": {"app": "api"}}},
}


def names(scene: Scene) -> set[str]:
    return {pod["metadata"]["name"] for pod in scene.pods(scene.status()["currentPodHash"])}


def log(scene: Scene) -> str:
    return (scene.folder / "controller-1.log").read_text()


def test_a_restart_waits_for_the_disruption_budget_and_then_replaces_every_pod(scene: Scene) -> None:
    scene.edit = quick
    scene.controller()
    scene.release("v1")
    scene.healthy("v1")
    before = names(scene)
    budget = scene.kube.create(BUDGET)["metadata"]["name"]
    where = path("poddisruptionbudgets", budget, group="policy/v1")
    try:
        scene.cli("restart", "api")
        scene.wait(30, "the restart to begin", lambda s: s.get("message") == "rollout is restarting")
        until(lambda: "stays for now" in log(scene), 30, "the budget to be asked")
        assert names(scene) == before
    finally:
        scene.kube.delete(where)
    scene.wait(120, "the restart to end", lambda s: s.get("restartedAt") and s.get("phase") == "Healthy")
    until(lambda: not names(scene) & before, 30, "the last old pod to be gone")
