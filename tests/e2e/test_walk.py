"""The brief's Rollout walks on a real control plane."""

from __future__ import annotations

import pytest

from tests.e2e.scene import HOST, Scene
from tests.lab.load import Load

pytestmark = pytest.mark.lab


def test_a_good_release_walks_is_promoted_by_a_person_and_ends_healthy(scene: Scene) -> None:
    scene.controller()
    scene.release("v1")
    scene.healthy("v1")
    with Load(scene.state.gateway, HOST, rate=100):
        scene.release("v2")
        scene.wait(
            60, "the pause at 10 %", lambda s: s.get("currentStepIndex") == 1 and s.get("controllerPause")
        )
        assert scene.weights() == (90, 10)
        scene.cli("promote", "api")
        scene.healthy("v2", 60)
    assert scene.weights() == (100, 0)
    assert scene.analysis_runs()[0]["status"]["phase"] == "Successful"
