"""Which news a status may keep for a moment: pods that come and go change several times a second, and to
tell each count at once would take as many writes as the rollout itself.

Whatever is remembered, any condition that turns, and any change of phase is told at once. Pods on their way
are one thing to say, whether a new ReplicaSet, a pause that is over or the last progress brought that about.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from crds.rollout_status import RolloutStatus
from rollouts.conditions import EXPECTING

Raw = dict[str, Any]

PATIENCE = timedelta(seconds=2)
MAY_WAIT = frozenset(
    {"message", "replicas", "updatedReplicas", "readyReplicas", "availableReplicas", "HPAReplicas"}
)
TIMES = ("lastUpdateTime", "lastTransitionTime")


def may_wait_until(status: RolloutStatus, was: Raw, now_is: Raw, now: datetime) -> datetime | None:
    """When `now_is` is to be written, `was` being the status as it stands and `status` the same as read; None
    for at once. It is reckoned from the last progress told, unless that lies in the future."""
    told = next((c.last_update_time for c in status.conditions if c.type == "Progressing"), None)
    if told is None or not told <= now < told + PATIENCE or _lasting(was) != _lasting(now_is):
        return None
    return told + PATIENCE


def _lasting(status: Raw) -> Raw:
    """What may not wait. The order of conditions is that of their renewals, which may."""
    said = [_said(one) for one in status.get("conditions") or ()]
    lasting = {key: value for key, value in status.items() if key not in MAY_WAIT}
    return {**lasting, "conditions": sorted(said, key=lambda one: str(one.get("type")))}


def _said(condition: Raw) -> Raw:
    expecting = condition.get("reason") in EXPECTING and condition.get("status") != "False"
    unsaid = (*TIMES, "status", "reason", "message") if expecting else TIMES
    return {key: value for key, value in condition.items() if key not in unsaid}
