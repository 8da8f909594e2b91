"""A planner that is watched while it plans: the laws that hold of every single plan are asked of each.

Law 1: the same world gives the same plan. Law 4: no plan raises a version's share above what its pods that
are available in that very world can carry, and none takes pods that are needed. Law 5: nothing with a bad
verdict gets more, until a person says so.
"""

from __future__ import annotations

import traceback
from collections import Counter
from datetime import datetime
from typing import Any

from crds.pruning import whole
from tests.properties.faults import THOROUGH
from tests.properties.halves import Look, overdone
from tests.properties.shares import Sight
from tidegate.planners.needs import Answers, Need
from tidegate.planners.plan import Plan
from tidegate.runtime.reconcile import Planner

Raw = dict[str, Any]
BUSY = 40
SELDOM = 1 if THOROUGH else 8
"""Of the plans that are asked for twice, so manieth is asked for with something out, too."""


class Witness:
    """Plans as the planner does, and notes in `breaches` where a law is broken.

    An assertion inside a controller would be caught as a planner's bug and tried again, so the breaches are
    kept for the world to raise; and so is whatever the planner itself raises. Each `sparing`-th plan is asked
    for twice; where it is `thorough`, each with whatever may be out.
    """

    def __init__(self, planner: Planner, breaches: list[str]) -> None:
        self._planner = planner
        self._breaches = breaches
        self._looks: Counter[tuple[str, datetime]] = Counter()
        self._condemned: dict[str, str] = {}
        self._pardoned: dict[str, int] = {}
        self._planned = 0
        self.sparing = 1
        self.thorough = False

    def pardon(self, uid: str, version: int) -> None:
        """A person had a say in this object by its `version`: what was bad is theirs to answer."""
        self._pardoned[uid] = max(version, self._pardoned.get(uid, 0))
        self._condemned.pop(uid, None)

    def needs(self, raw: Raw, answers: Answers, now: datetime) -> tuple[Need, ...]:
        try:
            return self._planner.needs(raw, answers, now)
        except Exception as bug:
            self._breaches.append(f"needs: {_where(bug)}")
            raise

    def plan(self, raw: Raw, answers: Answers, now: datetime) -> Plan:
        plan = self._plan(raw, answers, now)
        uid = raw["metadata"]["uid"]
        self._looks[uid, now] += 1
        if self._looks[uid, now] > BUSY:
            self._breaches.append(f"law 2: {BUSY} looks in no time, the last for {plan}")
            raise AssertionError("a busy loop ends here, by the reconciler's back-off")
        self._planned += 1
        if self._planned % self.sparing == 0:
            self._ask_again(raw, answers, now, plan)
        if self.thorough or self._planned % (SELDOM * self.sparing) == 0:
            self._see_less(Look(raw, answers, now), plan)
        if raw["kind"] == "Rollout":
            sight = Sight(whole(raw), answers)
            self._condemn(uid, sight)
            wrong = (
                *sight.raised(plan),
                *sight.lowered(plan),
                *sight.revived(plan, self._condemned.get(uid)),
            )
            self._breaches += [f"{text}; why: {plan.why}" for text in wrong]
        return plan

    def _ask_again(self, raw: Raw, answers: Answers, now: datetime, plan: Plan) -> None:
        turned = dict(reversed(answers.items())) if isinstance(answers, dict) else answers
        if self._plan(raw, turned, now) != plan:
            self._breaches.append(f"law 1: the same world gave another plan than {plan.why!r}")

    def _see_less(self, look: Look, plan: Plan) -> None:
        turn = None if self.thorough else self._planned // (SELDOM * self.sparing)
        more = overdone(self._planner, look, plan, turn)
        self._breaches += [f"who has seen less does more: {look.raw['kind']} {text}" for text in more]

    def _plan(self, raw: Raw, answers: Answers, now: datetime) -> Plan:
        try:
            return self._planner.plan(raw, answers, now)
        except Exception as bug:
            self._breaches.append(f"plan: {_where(bug)}")
            raise

    def _condemn(self, uid: str, sight: Sight) -> None:
        if sight.is_condemned and sight.version > self._pardoned.get(uid, 0):
            self._condemned[uid] = sight.current
        if sight.current != self._condemned.get(uid):
            self._condemned.pop(uid, None)


def _where(bug: Exception) -> str:
    last = traceback.extract_tb(bug.__traceback__)[-1]
    return f"{type(bug).__name__}: {bug} at {last.filename.rpartition('/')[2]}:{last.lineno}"
