"""Rollouts as the API server shows them, for tests of what people see and say."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

Raw = dict[str, Any]
NOW = datetime(2026, 3, 15, 10, 30, tzinfo=UTC)
STEPS: list[Raw] = [
    {"setWeight": 10, "duration": "5m"},
    {"pause": {}},
    {"setWeight": 50, "duration": "10m"},
    {"setWeight": 100},
]


def ago(**span: float) -> str:
    return (NOW - timedelta(**span)).strftime("%Y-%m-%dT%H:%M:%SZ")


def rollout(spec: Raw | None = None, **status: Any) -> Raw:
    """The brief's `api` with revision 2 (`new`) beside a stable revision 1 (`old`)."""
    canary: Raw = {"steps": STEPS, "trafficRouting": {"istio": {"virtualService": {"name": "api"}}}}
    return {
        "apiVersion": "argoproj.io/v1alpha1",
        "kind": "Rollout",
        "metadata": {
            "name": "api",
            "namespace": "production",
            "uid": "ro-1",
            "generation": 2,
            "creationTimestamp": ago(days=3),
            "annotations": {"rollout.argoproj.io/revision": "2"},
        },
        "spec": {
            "replicas": 10,
            "selector": {"matchLabels": {"app": "api"}},
            "strategy": {"canary": canary},
            "template": {"spec": {"containers": [{"name": "api", "image": "myregistry/api:v2.1.0"}]}},
            **(spec or {}),
        },
        "status": {
            "observedGeneration": "2",
            "currentPodHash": "new",
            "stableRS": "old",
            "currentStepIndex": 0,
            "phase": "Progressing",
            "message": "more replicas need to be updated",
            "replicas": 11,
            "updatedReplicas": 1,
            "readyReplicas": 11,
            "availableReplicas": 11,
            **status,
        },
    }


def paused(**status: Any) -> Raw:
    """Held in its first step since 100 s."""
    pause = {"reason": "CanaryPauseStep", "startTime": ago(seconds=100)}
    held = {"pauseConditions": [pause], "controllerPause": True}
    return rollout(**{"phase": "Paused", "message": "CanaryPauseStep", **held, **status})


def promoted(**status: Any) -> Raw:
    healthy: Raw = {"stableRS": "new", "currentStepIndex": 4, "phase": "Healthy", "message": ""}
    return rollout(**{**healthy, "replicas": 10, **status})


def child(name: str, owner: str, revision: int = 0, **labels: str) -> Raw:
    """Metadata of something `owner` (a uid) made 100 s ago."""
    return {
        "name": name,
        "namespace": "production",
        "uid": f"uid-{name}",
        "creationTimestamp": ago(seconds=100),
        "labels": {"app": "api", **labels},
        "annotations": {"rollout.argoproj.io/revision": str(revision)},
        "ownerReferences": [{"kind": "Rollout", "name": "api", "uid": owner}],
    }


def replica_set(pod_hash: str, revision: int, replicas: int, image: str = "v2.1.0") -> Raw:
    template = {"spec": {"containers": [{"name": "api", "image": f"myregistry/api:{image}"}]}}
    return {
        "metadata": child(f"api-{pod_hash}", "ro-1", revision, **{"rollouts-pod-template-hash": pod_hash}),
        "spec": {"replicas": replicas, "template": template},
        "status": {"replicas": replicas, "availableReplicas": replicas},
    }


def pod(name: str, pod_hash: str, **status: Any) -> Raw:
    containers = [{"name": "api", "ready": True, "restartCount": 0, "state": {"running": {}}}]
    return {
        "metadata": child(name, f"uid-api-{pod_hash}"),
        "spec": {"containers": [{"name": "api"}]},
        "status": {"phase": "Running", "containerStatuses": containers, **status},
    }


def crashing(name: str, pod_hash: str) -> Raw:
    waiting = {"waiting": {"reason": "CrashLoopBackOff"}}
    return pod(
        name,
        pod_hash,
        containerStatuses=[{"name": "api", "ready": False, "restartCount": 4, "state": waiting}],
    )


def measurement(phase: str = "Successful", seconds: int = 30, **metadata: str) -> Raw:
    return {
        "phase": phase,
        "value": metadata.get("estimate", ""),
        "startedAt": ago(seconds=seconds),
        "finishedAt": ago(seconds=seconds),
        "metadata": metadata,
    }


def analysis_run(
    name: str, *measurements: Raw, revision: int = 2, phase: str = "Running", labels: Raw | None = None
) -> Raw:
    good = sum(one["phase"] == "Successful" for one in measurements)
    result = {
        "name": "error-rate",
        "phase": phase,
        "measurements": list(measurements),
        "successful": good,
        "failed": len(measurements) - good,
        "metadata": {"limit": "0.05", "alpha": "0.05"},
    }
    return {
        "metadata": child(name, "ro-1", revision, **(labels or {})),
        "spec": {"metrics": [{"name": "error-rate", "thresholdRange": {"max": 0.05}}]},
        "status": {"phase": phase, "startedAt": ago(seconds=90), "metricResults": [result]},
    }
