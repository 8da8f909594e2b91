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
        owner = manager(raw)
        return (Object(Ref(ROLLOUT, raw["metadata"]["namespace"], owner)),) if owner else ()

    def plan(self, raw: Raw, answers: Answers, now: datetime) -> Plan:
        ref = ref_of(self._kind, raw)
        for need in self.needs(raw, answers, now):
            match answers.get(need):
                case Absent():
                    return Plan((JsonPatch(ref, let_go(raw)),), why=f"Rollout {manager(raw)} is gone")
                case Known(rollout) if not names(rollout, ref):
                    why = f"Rollout {manager(raw)} does not name it any more"
                    return Plan((JsonPatch(ref, let_go(raw)),), why=why)
        return Plan()
