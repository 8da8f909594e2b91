"""What is seen of a release, and when: values only, out of the objects that tell it.

`at` is seconds since the looking began. Versions are image tags, `hash` is a pod template hash.
"""

from __future__ import annotations

from typing import Any

import msgspec

from crds.paths import get
from crds.refs import HASH_LABEL

Raw = dict[str, Any]


class Seen(msgspec.Struct, frozen=True):
    at: float


class Released(Seen, frozen=True):
    """A person applied a version."""

    version: str
    image: str = ""


class Typed(Seen, frozen=True):
    """A command a person would type."""

    command: str


class Ended(Seen, frozen=True):
    """That command, with its exit code and what it printed."""

    code: int
    output: str


class Asked(Seen, frozen=True):
    """The canary's weight in percent, as the VirtualService has it, or who else shares requests out."""

    weight: int
    by: str = "VirtualService"


class Stood(Seen, frozen=True):
    """The Rollout's status. `current` says that it speaks of the newest spec; `pauses` are reasons."""

    version: str
    hash: str
    stable: str
    phase: str
    message: str = ""
    step: int = 0
    steps: int = 0
    pauses: tuple[str, ...] = ()
    current: bool = True


class Judged(Seen, frozen=True):
    """An AnalysisRun's phase and words."""

    run: str
    hash: str
    phase: str
    message: str


class Told(Seen, frozen=True):
    """An Event about the Rollout."""

    reason: str
    message: str


class Compared(Seen, frozen=True):
    """An Application's status: how it stands to Git, how far its rollback is, from `bad` back to `good`."""

    app: str
    sync: str
    revision: str
    health: str
    phase: str = ""
    bad: str = ""
    good: str = ""


class Leaving(Seen, frozen=True):
    """A pod got its deletionTimestamp."""

    pod: str
    hash: str


class Gone(Seen, frozen=True):
    pod: str
    hash: str


Observed = Released | Typed | Ended | Asked | Stood | Judged | Told | Compared | Leaving | Gone


def version_of(image: str) -> str:
    """Its tag."""
    return image.partition("@")[0].rpartition("/")[2].partition(":")[2] or "latest"


def stood(raw: Raw, at: float) -> Stood | None:
    status = raw.get("status")
    if not status:
        return None
    return Stood(
        at,
        version=version_of(get(raw, "spec", "template", "spec", "containers", 0, "image", default="")),
        hash=get(status, "currentPodHash", default=""),
        stable=get(status, "stableRS", default=""),
        phase=get(status, "phase", default=""),
        message=get(status, "message", default=""),
        step=get(status, "currentStepIndex", default=0),
        steps=len(get(raw, "spec", "strategy", "canary", "steps", default=[])),
        pauses=tuple(each["reason"] for each in get(status, "pauseConditions", default=[])),
        current=get(status, "observedGeneration", default="") == str(raw["metadata"]["generation"]),
    )


def judged(raw: Raw, at: float) -> Judged | None:
    phase = get(raw, "status", "phase", default="")
    if not phase:
        return None
    pod_hash = get(raw, "metadata", "labels", HASH_LABEL, default="")
    return Judged(at, raw["metadata"]["name"], pod_hash, phase, get(raw, "status", "message", default=""))


def told(raw: Raw, at: float) -> Told | None:
    if raw["involvedObject"]["kind"] != "Rollout":
        return None
    return Told(at, raw["reason"], raw["message"])


def compared(raw: Raw, at: float) -> Compared | None:
    status = raw.get("status") or {}
    if not (get(status, "sync", "status", default="") and get(status, "health", "status", default="")):
        return None
    return Compared(
        at,
        app=raw["metadata"]["name"],
        sync=get(status, "sync", "status"),
        revision=get(status, "sync", "revision", default=""),
        health=get(status, "health", "status"),
        phase=get(status, "rollback", "phase", default=""),
        bad=get(status, "rollback", "from", default=""),
        good=get(status, "rollback", "good", "revision", default=""),
    )
