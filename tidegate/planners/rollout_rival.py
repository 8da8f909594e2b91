"""Argo Rollouts at work on a Rollout that we work on too, with another Lease than ours.

The API server keeps who wrote a status last, and when. Where Argo Rollouts wrote after us, and a moment ago,
two controllers would fight over pods and weights: we write nothing until it has been silent for a while.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from crds.paths import get
from crds.times import parse as parse_time

Raw = dict[str, Any]

US = "tidegate"
RIVAL = "rollouts-controller"
SILENCE = timedelta(seconds=30)
CONFLICT = "ControllerConflict"
WORDS = (
    f"{RIVAL} wrote this Rollout's status after us; nothing is written while it does, and for "
    f"{SILENCE.total_seconds():.0f} s after. Stop one of the two, or give each its --instance-id"
)


def rival_until(raw: Raw, now: datetime) -> datetime | None:
    """Until when to write nothing; None where nobody contests the status."""
    ours, theirs = wrote(raw, US), wrote(raw, RIVAL)
    if ours is None or theirs is None or not ours < theirs:
        return None
    until = theirs + SILENCE
    return until if now < until else None


def wrote(raw: Raw, manager: str, part: str = "status") -> datetime | None:
    """When this manager last changed the status, or the object itself where `part` is ""."""
    entries: list[Raw] = get(raw, "metadata", "managedFields", default=[])
    times = (
        parse_time(one["time"])
        for one in entries
        if one.get("manager") == manager and one.get("subresource", "") == part and one.get("time")
    )
    return max(times, default=None)
