"""How long a release took, and how much of that people were waited for: `status.duration`.

It begins with a new revision or a retry, and ends with the promotion or the abort. A revision that is
overtaken leaves no end: the next one's beginning takes its place.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

import msgspec
from msgspec.structs import replace

from crds.steps import Pause
from crds.times import Time, rfc3339
from rollouts.memory import Memory, Reason
from rollouts.progress import on_the_way
from rollouts.world import World


class Duration(msgspec.Struct, frozen=True, rename="camel"):
    """As in Argo's status; `completion_status` is one of Promoted, FastPromoted, Aborted, RolledBack and
    FastRolledBack, where fast means without the steps."""

    rollout_started_at: Time | None = None
    manual_pause_started_at: Time | None = None
    total_manual_pause_duration_seconds: int = 0
    finished_at: Time | None = None
    completion_status: str = ""


def measure(world: World, memory: Memory, was: Duration) -> Duration:
    """What is to be said of it after this look; `was` is what the status said."""
    if _begins(world, memory):
        was = Duration(rollout_started_at=world.now)
    if was.rollout_started_at is None or was.finished_at:
        return was
    was = _paused(was, _waits_for_people(world, memory), world.now)
    end = _end(world, memory)
    return (
        replace(_paused(was, False, world.now), finished_at=world.now, completion_status=end) if end else was
    )


def _begins(world: World, memory: Memory) -> bool:
    before = world.memory
    if before.pod_hash != memory.pod_hash:
        return bool(before.pod_hash) or memory.stable != memory.pod_hash  # else only the status was lost
    return before.aborted_at is not None and memory.aborted_at is None and on_the_way(world.ask, memory)


def _waits_for_people(world: World, memory: Memory) -> bool:
    step = world.ask.steps[memory.step] if memory.step < len(world.ask.steps) else None
    for_ever = isinstance(step, Pause) and step.duration is None
    return (
        world.ask.paused
        or memory.paused_for(Reason.INCONCLUSIVE) is not None
        or (for_ever and memory.paused_for(Reason.STEP) is not None)
    )


def _paused(was: Duration, waits: bool, now: datetime) -> Duration:
    since = was.manual_pause_started_at
    if waits:
        return was if since else replace(was, manual_pause_started_at=now)
    if since is None:
        return was
    waited = max(0, int((now - since).total_seconds()))
    total = was.total_manual_pause_duration_seconds + waited
    return replace(was, manual_pause_started_at=None, total_manual_pause_duration_seconds=total)


def _end(world: World, memory: Memory) -> str:
    """How it ended; "" while it has not."""
    if memory.abort:
        return "Aborted"
    if memory.stable != memory.pod_hash:
        return ""
    if world.memory.stable == memory.pod_hash or world.rolls_back:
        return "FastRolledBack"
    if _older(world):
        return "RolledBack"
    return "FastPromoted" if world.memory.promote_full else "Promoted"


def _older(world: World) -> bool:
    new, stable = world.new, world.revision_of(world.memory.stable)
    first, last = new and new.created, stable and stable.created
    return bool(first and last and first < last)


def written(duration: Duration) -> dict[str, Any]:
    """The fields of `status.duration`; those that say nothing are left out."""
    said = {
        "rolloutStartedAt": _time(duration.rollout_started_at),
        "manualPauseStartedAt": _time(duration.manual_pause_started_at),
        "totalManualPauseDurationSeconds": duration.total_manual_pause_duration_seconds,
        "finishedAt": _time(duration.finished_at),
        "completionStatus": duration.completion_status,
    }
    return {key: value for key, value in said.items() if value}


def _time(moment: datetime | None) -> str | None:
    return rfc3339(moment) if moment else None
