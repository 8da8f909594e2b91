"""The Rollout the tests of the language start from: the brief's own, with its indentation."""

from __future__ import annotations

from typing import Any

import yaml

_BRIEF = """
apiVersion: argoproj.io/v1alpha1
kind: Rollout
metadata: {name: api, namespace: production}
spec:
  replicas: 10
  selector:
    matchLabels: {app: api}
  strategy:
    canary:
      steps:
      - setWeight: 10
        duration: 5m
      - pause: {}
      - setWeight: 50
        duration: 10m
      - setWeight: 100
      analysis:
        interval: 30s
        threshold: 5
        metrics:
        - name: error-rate
          thresholdRange: {max: 0.05}
          interval: 1m
      trafficRouting:
        istio:
          virtualService: {name: api}
          destinationRule: {name: api}
  template:
    metadata:
      labels: {app: api}
    spec:
      containers:
      - name: api
        image: myregistry/api:v2.1.0
        resources:
          requests: {cpu: 500m, memory: 512Mi}
        readinessProbe:
          httpGet: {path: /health, port: 3000}
          initialDelaySeconds: 10
          periodSeconds: 5
"""


def brief() -> dict[str, Any]:
    """A fresh copy each time."""
    raw: dict[str, Any] = yaml.safe_load(_BRIEF)
    return raw
