"""setCanaryScale on a real control plane: pods first, and traffic apart from them."""

from __future__ import annotations

import pytest

from tests.e2e.scene import Raw, Scene, quick

pytestmark = pytest.mark.lab

STEPS = [
    {"setCanaryScale": {"replicas": 3}},
    {"pause": {}},
    {"setWeight": 20},
    {"setCanaryScale": {"matchTrafficWeight": True}},
    {"pause": {}},
]


def scaled(manifest: Raw) -> None:
    quick(manifest)
    canary = manifest["spec"]["strategy"]["canary"]
    canary["steps"] = STEPS
    del canary["analysis"]


def canaries(scene: Scene) -> int:
    """Canary pods that are not on their way out."""
    pods = scene.pods(scene.status()["currentPodHash"])
    return sum("deletionTimestamp" not in pod["metadata"] for pod in pods)


def test_canary_pods_come_before_the_traffic_and_follow_it_when_told_to(scene: Scene) -> None:
    scene.edit = scaled
    scene.controller()
    scene.release("v1")
    scene.healthy("v1")
    scene.release("v2")
    scene.wait(60, "the first pause", lambda s: s.get("currentStepIndex") == 1 and s.get("controllerPause"))
    assert (canaries(scene), scene.weights()) == (3, (100, 0))
    scene.cli("promote", "api")
    scene.wait(60, "the second pause", lambda s: s.get("currentStepIndex") == 4 and s.get("controllerPause"))
    assert scene.weights() == (80, 20)
    replicas = scene.rollout()["spec"]["replicas"]
    assert canaries(scene) == -(-20 * replicas // 100)
    scene.cli("promote", "api")
    scene.healthy("v2")
