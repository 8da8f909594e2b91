"""Analysis steps with a template, on a real Prometheus."""

from __future__ import annotations

import pytest

from tests.e2e.scene import NAMESPACE, Raw, Scene, quick

pytestmark = pytest.mark.lab


def template(scene: Scene, answer: int) -> Raw:
    """Prometheus always answers `answer`; good is anything below 1, twice."""
    metric = {
        "name": "errors",
        "interval": "1s",
        "count": 2,
        "successCondition": "result[0] < asFloat('{{args.limit}}')",
        "provider": {"prometheus": {"address": scene.state.prometheus, "query": f"vector({answer})"}},
    }
    return {
        "apiVersion": "argoproj.io/v1alpha1",
        "kind": "AnalysisTemplate",
        "metadata": {"name": "errors", "namespace": NAMESPACE},
        "spec": {"args": [{"name": "limit"}], "metrics": [metric]},
    }


def judged_by_steps(manifest: Raw) -> None:
    quick(manifest)
    canary = manifest["spec"]["strategy"]["canary"]
    del canary["analysis"]
    analysis = {"templates": [{"templateName": "errors"}], "args": [{"name": "limit", "value": "1"}]}
    canary["steps"] = [{"setWeight": 20}, {"analysis": analysis}, {"setWeight": 100}]


def test_a_release_passes_its_analysis_step_or_is_aborted_by_it(scene: Scene) -> None:
    scene.edit = judged_by_steps
    scene.kube.apply(template(scene, 0))
    scene.controller()
    scene.release("v1")
    scene.healthy("v1")
    scene.release("v2")
    scene.healthy("v2")
    (run,) = scene.analysis_runs()
    assert (run["metadata"]["labels"]["step-index"], run["status"]["phase"]) == ("1", "Successful")
    scene.kube.apply(template(scene, 1))
    scene.release("v3")
    degraded = scene.wait(60, "v3 to be aborted", lambda s: s.get("phase") == "Degraded")
    assert "Step-based analysis phase error/failed" in degraded["message"]
    assert scene.weights() == (100, 0)
