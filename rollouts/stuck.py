"""Pods that never start are a verdict too: what a canary's pods say for themselves when none is available.

A crash loop counts from its third restart, an image that cannot be pulled from the kubelet's first back-off;
one of several pods in trouble is bad luck, all of them are the release.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from crds.paths import get

Raw = dict[str, Any]

NEVER_STARTS = ("ImagePullBackOff", "InvalidImageName", "CreateContainerConfigError", "CreateContainerError")
RESTARTS = 3


def why_stuck(pods: Sequence[Raw]) -> str:
    """Why these pods cannot start, in words; "" while any of them may still."""
    reasons = [_trouble(pod) for pod in pods]
    return f"canary pods never started: {reasons[0]}" if reasons and all(reasons) else ""


def _trouble(pod: Raw) -> str:
    statuses = [
        *get(pod, "status", "initContainerStatuses", default=[]),
        *get(pod, "status", "containerStatuses", default=[]),
    ]
    found = (_waits(pod["metadata"]["name"], container) for container in statuses)
    return next((words for words in found if words), "")


def _waits(pod: str, container: Raw) -> str:
    reason = get(container, "state", "waiting", "reason", default="")
    message = get(container, "state", "waiting", "message", default="")
    restarts = get(container, "restartCount", default=0)
    if reason in NEVER_STARTS:
        return f"pod {pod}, container {container['name']}: {reason}: {message}".rstrip(": ")
    if reason == "CrashLoopBackOff" and restarts >= RESTARTS:
        return f"pod {pod}, container {container['name']}: {reason} after {restarts} restarts"
    return ""
