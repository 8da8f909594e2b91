"""A Service or a DestinationRule that a Rollout managed is let go once that is gone or names it no more.

It would mean the pods of one revision for ever, and there will be none of it some day.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from crds.refs import ROLLOUT, Kind, Ref, ref_of
from tidegate.planners.needs import Absent, Answers, Known, Need, Object
from tidegate.planners.plan import JsonPatch, Plan
from tidegate.planners.rollout_traffic import names
from traffic.arms import let_go, manager

Raw = dict[str, Any]


class ManagedPlanner:
    """Plans for all objects of one kind; those that no Rollout manages need nothing."""

    def __init__(self, kind: Kind) -> None:
        self._kind = kind

    def needs(self, raw: Raw, _answers: Answers, _now: datetime) -> tuple[Need, ...]:
        return (_owner(raw),) if manager(raw) else ()

    def plan(self, raw: Raw, answers: Answers, _now: datetime) -> Plan:
        ref, owner = ref_of(self._kind, raw), _owner(raw)
        match answers.get(owner):
            case Absent():
                why = f"{owner.ref} is gone"
            case Known(rollout) if not names(rollout, ref):
                why = f"{owner.ref} does not name it any more"
            case _:
                return Plan()
        return Plan((JsonPatch(ref, let_go(raw)),), why=why)


def _owner(raw: Raw) -> Object:
    return Object(Ref(ROLLOUT, raw["metadata"]["namespace"], manager(raw)))
