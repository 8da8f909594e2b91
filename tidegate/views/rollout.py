"""A Rollout and what belongs to it, gathered into one value that every view draws from."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import msgspec

from crds.errors import Invalid
from crds.paths import get
from crds.times import duration, parse
from tidegate.views.ages import span
from tidegate.views.family import Node, Parts, owned, pod_hash, roles, tree
from tidegate.views.status import Standing, standing
from tidegate.views.steering import fully_promoted

Raw = dict[str, Any]

# Of these, what matters is in phase and message; any other condition names a fix.
_USUAL = {"Available", "Progressing", "Healthy", "Completed", "Paused"}


class Image(msgspec.Struct, frozen=True):
    """An image that runs, and the roles of the ReplicaSets that run it."""

    name: str
    roles: tuple[str, ...] = ()


class Condition(msgspec.Struct, frozen=True):
    type: str
    message: str


class Counts(msgspec.Struct, frozen=True):
    """Pods: wanted by the spec, and seen by the controller."""

    desired: int
    current: int
    updated: int
    ready: int
    available: int


class RolloutView(msgspec.Struct, frozen=True):
    """What people see of a Rollout. `step` is `1/4` or empty; weights are percent, None for blue-green."""

    name: str
    namespace: str
    standing: Standing
    strategy: str
    step: str
    set_weight: int | None
    actual_weight: int | None
    images: tuple[Image, ...]
    replicas: Counts
    conditions: tuple[Condition, ...]
    next: str
    tree: Node


def view(rollout: Raw, parts: Parts, now: datetime) -> RolloutView:
    """The Rollout as people see it at `now`."""
    sets = owned(parts.replica_sets, rollout)
    canary = get(rollout, "spec", "strategy", "canary")
    return RolloutView(
        name=rollout["metadata"]["name"],
        namespace=get(rollout, "metadata", "namespace", default=""),
        standing=standing(rollout),
        strategy=strategy(rollout),
        step=step(rollout),
        set_weight=None if canary is None else set_weight(rollout),
        actual_weight=None if canary is None else _actual_weight(rollout, sets),
        images=_images(rollout, sets),
        replicas=counts(rollout),
        conditions=_conditions(rollout),
        next=_next(rollout, now),
        tree=tree(rollout, parts, now),
    )


def set_weight(rollout: Raw) -> int:
    """The share the steps ask for now: the last setWeight walked to, 0 when aborted, 100 at the end."""
    if get(rollout, "status", "abort"):
        return 0
    steps, index = _steps(rollout), _index(rollout)
    if fully_promoted(rollout) or index >= len(steps):
        return 100
    walked = (get(one, "setWeight") for one in reversed(steps[: index + 1]))
    return int(next((weight for weight in walked if weight is not None), 0))


def _actual_weight(rollout: Raw, sets: tuple[Raw, ...]) -> int:
    """The share last seen in the router; without one, the canary's share of available pods."""
    if fully_promoted(rollout):
        return 100
    routed = get(rollout, "status", "canary", "weights", "canary", "weight")
    if routed is not None or get(rollout, "spec", "strategy", "canary", "trafficRouting"):
        return int(routed or 0)
    available = {pod_hash(one): get(one, "status", "availableReplicas", default=0) for one in sets}
    total = sum(available.values())
    current = available.get(get(rollout, "status", "currentPodHash"), 0)
    return int(current * 100 / total) if total else 0


def _steps(rollout: Raw) -> list[Raw]:
    return list(get(rollout, "spec", "strategy", "canary", "steps", default=()))


def _index(rollout: Raw) -> int:
    return int(get(rollout, "status", "currentStepIndex", default=0))


def strategy(rollout: Raw) -> str:
    return "Canary" if get(rollout, "spec", "strategy", "blueGreen") is None else "BlueGreen"


def step(rollout: Raw) -> str:
    """The steps walked over the steps there are; "" where there are none."""
    steps = _steps(rollout)
    return f"{_index(rollout)}/{len(steps)}" if steps else ""


def counts(rollout: Raw) -> Counts:
    status = get(rollout, "status", default={})
    return Counts(
        desired=get(rollout, "spec", "replicas", default=1),
        current=get(status, "replicas", default=0),
        updated=get(status, "updatedReplicas", default=0),
        ready=get(status, "readyReplicas", default=0),
        available=get(status, "availableReplicas", default=0),
    )


def _conditions(rollout: Raw) -> tuple[Condition, ...]:
    """Those that name something to mend, unless the message says it already."""
    told = get(rollout, "status", "message", default="")
    found = (
        Condition(get(one, "type", default=""), get(one, "message") or get(one, "reason", default=""))
        for one in get(rollout, "status", "conditions", default=())
        if get(one, "type") not in _USUAL and get(one, "status") != "False"
    )
    return tuple(one for one in found if one.message not in told)


def _next(rollout: Raw, now: datetime) -> str:
    """What ends the present standstill: a clock, or a person's word."""
    name = f"{get(rollout, 'metadata', 'name')} -n {get(rollout, 'metadata', 'namespace', default='default')}"
    if get(rollout, "status", "abort"):
        return f"walk the steps again with: kubectl argo rollouts retry rollout {name}"
    pause = get(rollout, "status", "pauseConditions", 0)
    if pause is None:
        return ""
    return f"{_waits(pause, _left(rollout, pause, now))} kubectl argo rollouts promote {name}"


def _waits(pause: Raw, left: timedelta | None) -> str:
    if get(pause, "reason") == "MetricsNotReady":
        return "goes on when its metrics are there, or with:"
    if left is None:
        return "waits for a person:"
    if left <= timedelta():
        return "its time is over; where it does not go on, see whether the controller runs, or try:"
    return f"{span(left)} left of this step, or go on with:"


def _left(rollout: Raw, pause: Raw, now: datetime) -> timedelta | None:
    """What a timed step has still to wait; None where only a person ends it."""
    here = get(_steps(rollout), _index(rollout), default={})
    written = get(here, "pause", "duration", default=get(here, "duration"))
    since = get(pause, "startTime")
    if written is None or since is None or get(pause, "reason") != "CanaryPauseStep":
        return None
    try:
        return parse(since) + duration(written, "duration") - now
    except (Invalid, ValueError, TypeError):  # what nobody can read, or compare for want of a zone
        return None


def _images(rollout: Raw, sets: tuple[Raw, ...]) -> tuple[Image, ...]:
    """Images of ReplicaSets with pods; of the spec while there are none."""
    found: dict[str, dict[str, None]] = {}
    running = [one for one in sets if get(one, "spec", "replicas") or get(one, "status", "replicas")]
    for source in running or [rollout]:
        for container in get(source, "spec", "template", "spec", "containers", default=()):
            held = found.setdefault(get(container, "image", default=""), {})
            held.update(dict.fromkeys(roles(rollout, source)))
    return tuple(Image(name, tuple(held)) for name, held in sorted(found.items()))
