"""Which news a status may keep for a moment: pods that come and go change several times a second, and to
tell each count at once would take as many writes as the rollout itself.

Whatever is decided on, any condition that turns, and any change of phase is told at once. Pods on their way
are one thing to say, whether a new ReplicaSet, a pause that is over or the last progress brought that about.
What the router was seen to say is told with what its settling brings about: until then it decides nothing.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from rollouts.conditions import EXPECTING

Raw = dict[str, Any]

PATIENCE = timedelta(seconds=2)
LATER = timedelta(seconds=1)
"""What settling brings about is decided on within this time."""
LONGEST = timedelta(seconds=20)
"""However often the router moves, its news is not kept longer."""
MAY_WAIT = frozenset(
    {"message", "replicas", "updatedReplicas", "readyReplicas", "availableReplicas", "HPAReplicas"}
)
OF_THE_ROUTER = {"canary": "weights", "tidegate": "traffic"}
TIMES = ("lastUpdateTime", "lastTransitionTime")


def may_wait_until(
    was: Raw, now_is: Raw, now: datetime, unsaid_since: datetime, settled_at: datetime | None = None
) -> datetime | None:
    """When `now_is` is to be written, `was` being the status as it stands; None for at once.

    `unsaid_since` is when something was first kept back, `settled_at` when the router will have settled. What
    was kept back by a clock that has been set back since is told at once.
    """
    if unsaid_since > now:
        return None
    settling = settled_at is not None and now < settled_at + LATER
    end = unsaid_since + PATIENCE
    if settled_at is not None and settling:
        end = max(end, min(settled_at + LATER, unsaid_since + LONGEST))
    return end if now < end and _lasting(was, settling) == _lasting(now_is, settling) else None


def _lasting(status: Raw, settling: bool) -> Raw:
    """What may not wait. The order of conditions is that of their renewals, which may."""
    said = [_said(one) for one in status.get("conditions") or ()]
    lasting = {key: value for key, value in status.items() if key not in MAY_WAIT}
    lasting["conditions"] = sorted(said, key=lambda one: str(one.get("type")))
    for part, field in OF_THE_ROUTER.items() if settling else ():
        lasting[part] = {key: value for key, value in (lasting.get(part) or {}).items() if key != field}
    return lasting


def _said(condition: Raw) -> Raw:
    expecting = condition.get("reason") in EXPECTING and condition.get("status") != "False"
    unsaid = (*TIMES, "status", "reason", "message") if expecting else TIMES
    return {key: value for key, value in condition.items() if key not in unsaid}
