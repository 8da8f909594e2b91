"""A pod in two words, as `kubectl get pods` puts it: what it is doing, and whether that is well."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from crds.paths import get

Raw = dict[str, Any]

_WAITING = {"Pending", "Terminating", "ContainerCreating", "PodInitializing"}
_WELL = {"Running", "Completed", "Succeeded"}
_PULLING = {"ImagePullBackOff", "ErrImagePull", "RegistryUnavailable", "Unknown"}


def doing(pod: Raw) -> str:
    """`Running`, `Pending`, `Terminating`, or the reason a container gives: `CrashLoopBackOff`."""
    if get(pod, "metadata", "deletionTimestamp"):
        return "Terminating"
    phase = get(pod, "status", "reason") or get(pod, "status", "phase", default="Pending")
    return next(_reasons(pod), str(phase))


def _reasons(pod: Raw) -> Iterator[str]:
    for container in get(pod, "status", "initContainerStatuses", default=()):
        if reason := _reason(container, ending="Completed"):
            yield f"Init:{reason}"
    for container in get(pod, "status", "containerStatuses", default=()):
        if reason := _reason(container):
            yield reason


def _reason(container: Raw, ending: str = "") -> str:
    """Why a container is not running; `ending` is the reason that is no trouble."""
    state = get(container, "state", default={})
    if get(state, "running"):
        return ""
    reason = get(state, "waiting", "reason") or get(state, "terminated", "reason", default="")
    return "" if reason == ending else str(reason)


def glyph(doing: str) -> str:
    """✔ well, ◌ on its way, ⚠ an image that does not come, ✖ everything else."""
    reason = doing.removeprefix("Init:")
    if reason in _WELL:
        return "✔"
    if reason in _WAITING:
        return "◌"
    return "⚠" if reason in _PULLING else "✖"


def readiness(pod: Raw) -> str:
    """`ready:1/2,restarts:3`; restarts are told once there are any."""
    containers = get(pod, "status", "containerStatuses", default=())
    ready = sum(bool(get(one, "ready")) for one in containers)
    restarts = sum(get(one, "restartCount", default=0) for one in containers)
    total = len(get(pod, "spec", "containers", default=containers))
    return f"ready:{ready}/{total}" + (f",restarts:{restarts}" if restarts else "")
