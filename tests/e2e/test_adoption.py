"""A Rollout that Argo Rollouts left in mid-canary is taken over where it stands, pods untouched."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import msgspec
import pytest

from crds.times import rfc3339
from rollouts.podhash import pod_template_hash, step_hash
from tests.e2e.scene import HOST, Raw, Scene, path, quick
from tests.e2e.witness import Watch, canary_weights
from tests.lab.load import Load
from tests.lab.state import read_state
from tests.lab.waiting import until
from tests.lab.worlds import HASH, available, destination_rule, virtual_service

pytestmark = pytest.mark.lab

SERVICES = path("virtualservices", group="networking.istio.io/v1")
ROLLOUT = path("rollouts", "api")
REVISION = "rollout.argoproj.io/revision"
SETS = path("replicasets", group="apps/v1")


class Left(msgspec.Struct, frozen=True):
    """v1 stable with ten pods, v2 with one at 10 %, paused at the brief's `pause: {}`; no controller."""

    scene: Scene
    stable: str
    canary: str


@pytest.fixture
def left(tmp_path: Path) -> Iterator[Left]:
    with Scene(read_state(), tmp_path) as scene:
        scene.install()
        scene.edit = quick
        old = scene.rollout_manifest("v1")["spec"]["template"]
        scene.release("v2")
        rollout = scene.rollout()
        stable, canary = (pod_template_hash(t) for t in (old, rollout["spec"]["template"]))
        for revision, template, pods in ((1, old, 10), (2, rollout["spec"]["template"], 1)):
            scene.kube.create(argos_replica_set(rollout, template, revision, pods))
        available(scene.kube, f"api-{stable}", 10)
        available(scene.kube, f"api-{canary}", 1)
        rule = destination_rule("api", hashes={"stable": stable, "canary": canary})
        rule["metadata"]["annotations"] = {"argo-rollouts.argoproj.io/managed-by-rollouts": "api"}
        scene.kube.apply(rule)
        scene.kube.apply(virtual_service("api", canary=10))
        scene.kube.merge(f"{ROLLOUT}/status", {"status": argos_status(rollout, stable, canary)})
        scene.kube.merge(ROLLOUT, {"metadata": {"annotations": {REVISION: "2"}}})
        with Load(scene.state.gateway, HOST, rate=100):
            yield Left(scene, stable, canary)


def argos_replica_set(rollout: Raw, template: Raw, revision: int, replicas: int) -> Raw:
    pod_hash = pod_template_hash(template)
    labels = {**template["metadata"]["labels"], HASH: pod_hash}
    annotations = {
        "rollout.argoproj.io/desired-replicas": "10",
        "rollout.argoproj.io/revision": str(revision),
    }
    owner = {"apiVersion": rollout["apiVersion"], "kind": "Rollout", "name": "api", "controller": True,
             "uid": rollout["metadata"]["uid"], "blockOwnerDeletion": True}  # fmt: skip
    return {
        "apiVersion": "apps/v1", "kind": "ReplicaSet",
        "metadata": {"name": f"api-{pod_hash}", "namespace": "production", "labels": labels,
                     "annotations": annotations, "ownerReferences": [owner]},
        "spec": {"replicas": replicas, "selector": {"matchLabels": labels},
                 "template": {**template, "metadata": {**template["metadata"], "labels": labels}}},
    }  # fmt: skip


def argos_status(rollout: Raw, stable: str, canary: str) -> Raw:
    """As Argo Rollouts v1.9 writes it at an indefinite pause in step 1."""
    an_hour_ago = rfc3339(datetime.now(UTC) - timedelta(hours=1))
    steps = rollout["spec"]["strategy"]["canary"]["steps"]
    times = {"lastTransitionTime": an_hour_ago, "lastUpdateTime": an_hour_ago}
    paused = {"status": "Unknown", "type": "Progressing", "reason": "RolloutPaused"}
    return {
        "HPAReplicas": 11, "availableReplicas": 11, "readyReplicas": 11, "replicas": 11, "updatedReplicas": 1,
        "blueGreen": {}, "canary": {"weights": {"canary": {"weight": 10, "podTemplateHash": canary},
                                                "stable": {"weight": 90, "podTemplateHash": stable}}},
        "conditions": [
            {"status": "True", "type": "Available", "reason": "AvailableReason",
             "message": "Rollout has minimum availability", **times},
            {**paused, "message": "Rollout is paused", **times},
        ],
        "controllerPause": True, "pauseConditions": [{"reason": "CanaryPauseStep", "startTime": an_hour_ago}],
        "currentPodHash": canary, "currentStepHash": step_hash(steps), "currentStepIndex": 1,
        "observedGeneration": str(rollout["metadata"]["generation"]), "phase": "Paused",
        "message": "CanaryPauseStep", "selector": "app=api", "stableRS": stable,
    }  # fmt: skip


def standing(scene: Scene) -> tuple[set[str], dict[str, tuple[str, int]]]:
    """The pods' uids, and each ReplicaSet's uid and generation, which every change of its spec raises."""
    pods = scene.kube.get(path("pods", group="v1"))["items"]
    sets = scene.kube.get(SETS)["items"]
    return {pod["metadata"]["uid"] for pod in pods}, {
        one["metadata"]["name"]: (one["metadata"]["uid"], one["metadata"]["generation"]) for one in sets
    }


def test_argos_canary_stands_untouched_until_a_person_promotes_it(left: Left) -> None:
    scene, before = left.scene, standing(left.scene)
    with Watch(scene.kube, SERVICES) as routes:
        scene.controller()
        scene.wait(30, "it to be looked at", lambda s: "tidegate" in s)
        until(lambda: running(scene), 30, "an analysis to judge it from here on")
        status = scene.at_pause(left.canary)
        assert (status["phase"], status["stableRS"]) == ("Paused", left.stable)
        assert standing(scene) == before
        scene.cli("promote", "api")
        scene.healthy("v2", 90)
        assert canary_weights(routes) == [10, 50, 100, 0]
    assert set(standing(scene)[1]) == {f"api-{left.stable}", f"api-{left.canary}"}


def running(scene: Scene) -> bool:
    return any(run.get("status", {}).get("phase") == "Running" for run in scene.analysis_runs())
