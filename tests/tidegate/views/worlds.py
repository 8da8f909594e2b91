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
