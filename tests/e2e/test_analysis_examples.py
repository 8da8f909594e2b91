"""The examples of docs/analysis.md do what they say, on a real Prometheus."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
import yaml

from tests.e2e.scene import HOST, ROOT, Raw, Scene, path
from tests.lab.load import Load
from tests.lab.waiting import until

pytestmark = pytest.mark.lab

EXAMPLES = ROOT / "examples" / "analysis"
RUNS = ("by-hand", "limits", "dry-run", "range", "secret", "counters")
QUICKER = {": 10s": ": 1s", ": 30s": ": 1s"}
SURE = {"sum(up) / count(up)": "vector(1)", "avg(up)": "vector(1)", "sum(up)": "vector(1)"}
"""Whether a scrape is late on a busy machine is no subject here."""
SCRAPED = {": 10s": ": 4s"}
"""Counters are looked at no faster than they are scraped."""


@pytest.fixture
def asking(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> Scene:
    """A scene whose controller asks the lab's Prometheus where a metric names none."""
    monkeypatch.setenv("ARGO_ROLLOUTS_PROMETHEUS_ADDRESS", scene.state.prometheus)
    scene.controller()
    return scene


def example(name: str) -> list[Raw]:
    text = (EXAMPLES / f"{name}.yaml").read_text()
    for written, short in {**SURE, **(SCRAPED if name == "counters" else QUICKER)}.items():
        text = text.replace(written, short)
    return [one for one in yaml.safe_load_all(text) if one]


def apply(scene: Scene, objects: list[Raw]) -> None:
    """As a person does, by kubectl."""
    command = [scene.state.kubectl, "--kubeconfig", scene.state.kubeconfig, "apply", "-f", "-"]
    subprocess.run(command, input=yaml.safe_dump_all(objects).encode(), check=True, capture_output=True)


def run_named(scene: Scene, name: str) -> Raw:
    found: Raw = scene.kube.get(path("analysisruns", name))
    return found


def ended(scene: Scene, name: str) -> Raw:
    """The run once it has ended."""

    def run() -> Raw | None:
        found = run_named(scene, name)
        return found if found.get("status", {}).get("completedAt") else None

    return until(run, 60, f"{name} to end")


def test_runs_made_by_hand_end_as_their_first_lines_say(asking: Scene) -> None:
    objects = [one for name in RUNS for one in example(name)]
    apply(asking, objects)
    names = [one["metadata"]["name"] for one in objects if one["kind"] == "AnalysisRun"]
    runs = [ended(asking, name) for name in names]
    assert {run["metadata"]["name"]: run["status"]["phase"] for run in runs} == dict.fromkeys(
        names, "Successful"
    )
    said = [Path(EXAMPLES / f"{name}.yaml").read_text().split(maxsplit=2)[1] for name in RUNS]
    assert {one.strip(":") for one in said} == {"Successful"}
    assert run_named(asking, "dry-run")["status"]["dryRunSummary"]["failed"] == 1
    assert "s3cret" not in str(run_named(asking, "with-a-token"))


def standing(scene: Scene, name: str) -> str:
    """Phase of the newest spec; "" before it was seen."""
    rollout = scene.kube.get(path("rollouts", name))
    status = rollout.get("status", {})
    seen = status.get("observedGeneration") == str(rollout["metadata"]["generation"])
    return str(status.get("phase", "")) if seen else ""


def with_image(objects: list[Raw], version: str, **environment: str) -> list[Raw]:
    rollout = next(one for one in objects if one["kind"] == "Rollout")
    (container,) = rollout["spec"]["template"]["spec"]["containers"]
    container["image"] = f"myregistry/api:{version}"
    container["env"] = [{"name": key, "value": value} for key, value in environment.items()]
    return objects


def test_templates_measure_a_release_in_the_background_and_in_a_step(asking: Scene) -> None:
    for version in ("v1", "v2"):
        apply(asking, with_image(example("templates"), version))
        until(lambda: standing(asking, "checked") == "Healthy", 60, f"{version} to be healthy")
    kinds = {run["metadata"]["labels"]["rollout-type"]: run for run in asking.analysis_runs()}
    assert {
        kind: ended(asking, run["metadata"]["name"])["status"]["phase"] for kind, run in kinds.items()
    } == {
        "Background": "Successful",
        "Step": "Successful",
    }
    assert kinds["Background"]["spec"]["args"] == [{"name": "least", "value": "0.8"}]
    assert kinds["Background"]["metadata"]["labels"]["team"] == "shop"
    args = {one["name"]: one["value"] for one in kinds["Step"]["spec"]["args"]}
    assert args == {
        "app": "checked",
        "hash": kinds["Step"]["metadata"]["labels"]["rollouts-pod-template-hash"],
    }


def test_a_step_waits_for_the_evidence_and_goes_by_it(asking: Scene) -> None:
    apply(asking, with_image(example("step"), "v1"))
    asking.healthy("v1")
    with Load(asking.state.gateway, HOST, rate=100):
        apply(asking, with_image(example("step"), "v2"))
        asking.healthy("v2", 90)
        (run,) = asking.analysis_runs()
        assert run["status"]["metricResults"][0]["measurements"][-1]["metadata"]["decision"] == "pass"
        apply(asking, with_image(example("step"), "v3", ERROR_RATE="0.3"))
        degraded = asking.wait(90, "v3 to be aborted", lambda s: s.get("phase") == "Degraded")
    assert "Step-based analysis phase error/failed" in degraded["message"]
