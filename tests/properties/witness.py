"""A planner that is watched while it plans: the laws that hold of every single plan are asked of each.

Law 1: the same world gives the same plan. Law 4: no plan raises a version's share above what its pods that
are available in that very world can carry. Law 5: no plan raises the share of a version with a bad verdict.
"""

from __future__ import annotations

import math
from collections import Counter
from datetime import datetime
from typing import Any

from crds.paths import get
from crds.refs import DESTINATION_RULE, REPLICA_SET, VIRTUAL_SERVICE
from tidegate.planners.needs import Answers, Known, Need, Object, Owned, known
from tidegate.planners.plan import JsonPatch, Plan
from tidegate.runtime.reconcile import Planner
from tidegate.sandbox.patches import json_patched

Raw = dict[str, Any]
BUSY = 40
HASH = "rollouts-pod-template-hash"


class Witness:
    """Plans as the planner does, and notes in `breaches` where a law is broken.

    An assertion inside a controller would be caught as a planner's bug and tried again, so the breaches are
    kept for the world to raise.
    """

    def __init__(self, planner: Planner, breaches: list[str]) -> None:
        self._planner = planner
        self._breaches = breaches
        self._looks: Counter[datetime] = Counter()

    def needs(self, raw: Raw, answers: Answers, now: datetime) -> tuple[Need, ...]:
        return self._planner.needs(raw, answers, now)

    def plan(self, raw: Raw, answers: Answers, now: datetime) -> Plan:
        plan = self._planner.plan(raw, answers, now)
        self._looks[now] += 1
        if self._looks[now] > BUSY:
            self._breaches.append(f"law 2: {BUSY} looks in no time, the last for {plan}")
            raise AssertionError("a busy loop ends here, by the reconciler's back-off")
        turned = dict(reversed(answers.items())) if isinstance(answers, dict) else answers
        if self._planner.plan(raw, turned, now) != plan:
            self._breaches.append(f"law 1: the same world gave another plan than {plan.why!r}")
        self._breaches += [f"{text}; why: {plan.why}" for text in _raised(raw, answers, plan)]
        return plan


def _raised(raw: Raw, answers: Answers, plan: Plan) -> list[str]:
    """What is wrong with the shares this plan orders, if it orders any."""
    service, rule = _one(answers, VIRTUAL_SERVICE.kind), _one(answers, DESTINATION_RULE.kind)
    if service is None or rule is None:
        return []
    before = _shares(service, rule)
    for write in plan.writes:
        if isinstance(write, JsonPatch) and write.ref.kind == VIRTUAL_SERVICE:
            service = json_patched(service, list(write.operations))
        if isinstance(write, JsonPatch) and write.ref.kind == DESTINATION_RULE:
            rule = json_patched(rule, list(write.operations))
    after = _shares(service, rule)
    grown = {pod_hash: share for pod_hash, share in after.items() if share > before.get(pod_hash, 0)}
    return [text for pod_hash, share in grown.items() for text in _breach(raw, answers, pod_hash, share)]


def _breach(raw: Raw, answers: Answers, pod_hash: str, share: int) -> list[str]:
    status = get(raw, "status", default={})
    condemned = get(status, "abort") or get(status, "tidegate", "verdict")
    if condemned and pod_hash == get(status, "currentPodHash") != get(status, "stableRS"):
        return [f"law 5: the share of {pod_hash} rises to {share} after a bad verdict"]
    wanted = math.ceil(share * get(raw, "spec", "replicas", default=1) / 100)
    available = _available(answers, pod_hash)
    if available < wanted and not condemned:
        return [f"law 4: {pod_hash} gets {share} % and has {available} of {wanted} pods available"]
    return []


def _one(answers: Answers, kind: str) -> Raw | None:
    found = [
        answer.value
        for need, answer in answers.items()
        if isinstance(need, Object) and need.ref.kind.kind == kind and isinstance(answer, Known)
    ]
    return found[0] if found else None


def _shares(service: Raw, rule: Raw) -> dict[str, int]:
    """Percent of the requests by pod hash; a subset without a hash belongs to everybody, and is left out."""
    meant = {
        subset["name"]: get(subset, "labels", HASH) for subset in get(rule, "spec", "subsets", default=[])
    }
    shares: dict[str, int] = {}
    for route in get(service, "spec", "http", 0, "route", default=[]):
        pod_hash = meant.get(get(route, "destination", "subset"))
        if pod_hash:
            shares[pod_hash] = shares.get(pod_hash, 0) + route.get("weight", 0)
    return shares


def _available(answers: Answers, pod_hash: str) -> int:
    sets = [
        raw
        for need in answers
        if isinstance(need, Owned) and need.kind == REPLICA_SET and need.uid
        for raw in known(answers, need, ())
    ]
    return sum(
        get(raw, "status", "availableReplicas", default=0)
        for raw in sets
        if get(raw, "metadata", "labels", HASH) == pod_hash
    )
