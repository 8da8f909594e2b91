"""What was given back stays so while its release is quarantined, whoever edits it: with `selfHeal` it is put
back, ever later as any drift is; else it is said.

A Rollout on its way to what was rejected is a person's retry only before it went back.
"""

from __future__ import annotations

from datetime import datetime

from msgspec.structs import replace

from crds.application_rollback import RollbackStatus
from gitops.automation import FORGOTTEN, heal_after
from gitops.rollback import UNMENDED, Case


def holds(case: Case) -> bool:
    """Whether what was rejected is declared still, and kept out of the cluster."""
    rollback = case.memory.rollback
    declared = rollback.phase in UNMENDED and case.rendering == rollback.rendering
    return declared and quarantined(case) and case.policy.quarantine.hold


def quarantined(case: Case) -> bool:
    """Whether what is declared was rejected, and no person has let it go since."""
    return bool(case.rendering) and any(one.rendering == case.rendering for one in case.memory.bads)


def went_back(rollback: RollbackStatus) -> bool:
    return rollback.restored_at is not None or rollback.heals > 0


def watched(case: Case, rollback: RollbackStatus) -> RollbackStatus:
    """With when all was seen to be back, or that it is to be put back once more."""
    if case.astray is None or not holds(case):
        return rollback
    if not case.astray:
        seen = rollback.restored_at or case.now.replace(microsecond=0)
        return replace(rollback, restored_at=seen)
    due = heals_at(case)
    if due is None or case.now < due:
        return rollback
    return replace(rollback, restored_at=None, heals=_heals(case) + 1)


def puts_back(case: Case) -> bool:
    """Whether it was recorded that it is."""
    rollback = case.memory.rollback
    return case.heals and rollback.heals > 0 and rollback.restored_at is None


def heals_at(case: Case) -> datetime | None:
    """When drift is put back; None where there is none, or nobody heals it."""
    since = case.memory.rollback.restored_at
    if not (case.astray and case.heals and since and holds(case)):
        return None
    return since + heal_after(_heals(case))


def drift(case: Case) -> str:
    """What is no more as it was given back."""
    rollback = case.memory.rollback
    if not (case.astray and went_back(rollback) and holds(case)):
        return ""
    off = f"automated.selfHeal is off: undo it, or let the release go: tidegate app retry {case.application}"
    what = "selfHeal puts it back" if case.heals else off
    return f"{', '.join(case.astray)} is not as {rollback.good.revision[:10]} declares it any more; {what}"


def _heals(case: Case) -> int:
    """How often in a row."""
    rollback = case.memory.rollback
    calm = rollback.restored_at is not None and case.now >= rollback.restored_at + FORGOTTEN
    return 0 if calm else rollback.heals
