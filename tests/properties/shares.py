"""Who has which share of the requests and how many pods, before and after a plan: laws 4 and 5."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cached_property
from typing import Any

from crds.paths import get
from crds.refs import REPLICA_SET, Ref
from crds.rollout import parse, surge
from tidegate.planners.needs import Answers, Known, Object, Owned, known
from tidegate.planners.plan import JsonPatch, MergePatch, Plan
from tidegate.sandbox.patches import json_patched

Raw = dict[str, Any]
HASH = "rollouts-pod-template-hash"


class Sight:
    """A Rollout and what was seen around it, read without the help of what decides on it."""

    def __init__(self, raw: Raw, answers: Answers) -> None:
        self._raw = raw
        self._answers = answers
        self._objects: dict[Ref, Raw] = {
            need.ref: answer.value
            for need, answer in answers.items()
            if isinstance(need, Object) and isinstance(answer, Known)
        }

    @property
    def version(self) -> int:
        return int(self._raw["metadata"]["resourceVersion"])

    @property
    def current(self) -> str:
        return str(get(self._raw, "status", "currentPodHash", default=""))

    @property
    def is_condemned(self) -> bool:
        said = get(self._raw, "status", "abort") is True and get(self._raw, "status", "tidegate", "verdict")
        return bool(said) and self.current != get(self._raw, "status", "stableRS")

    def raised(self, plan: Plan) -> Iterator[str]:
        """Law 4, shares: nothing gets more than its pods can carry, but by an abort, which says so."""
        before, after = self._shares(self._objects), self._shares(self._after(plan))
        for pod_hash, share in after.items():
            wanted = self._wanted(pod_hash, share)
            carrying = sum(self._usable(one) for one in self._sets if _hash(one) == pod_hash)
            excused = (
                ("aborted" in plan.why and not self._is_dynamic)
                or "although" in plan.why
                or (self._is_scaled_apart and pod_hash == self.current)
            )
            if share > before.get(pod_hash, 0) and carrying < wanted and not excused:
                yield f"law 4: {pod_hash} gets {share} % and has {carrying} of {wanted} pods available"

    def _wanted(self, pod_hash: str, share: int) -> int:
        """Pods for a share: rounded up for the canary, down for stable (rollouts.md §2.4)."""
        up = pod_hash == self.current
        return -(-share * self._replicas // 100) if up else share * self._replicas // 100

    def lowered(self, plan: Plan) -> Iterator[str]:
        """Law 4, pods: the promise is kept, or what there is of it."""
        if self._is_routed:
            yield from self._taken_from_traffic(plan)
            return
        before = sum(self._usable(one) for one in self._sets)
        after = sum(self._left(one, plan) for one in self._sets)
        promise = self._replicas - self._may_miss
        if after < min(before, promise):
            yield f"law 4: {after} pods are left of {before}, {promise} are promised"

    def revived(self, plan: Plan, condemned: str | None) -> Iterator[str]:
        """Law 5."""
        if not condemned:
            return
        before, after = self._shares(self._objects), self._shares(self._after(plan))
        if after.get(condemned, 0) > before.get(condemned, 0):
            yield f"law 5: the share of {condemned} rises to {after[condemned]} after a bad verdict"
        for one in self._sets:
            orders = self._orders(plan).get(one["metadata"]["name"], 0)
            if not self._is_routed and _hash(one) == condemned and orders > one["spec"]["replicas"]:
                yield f"law 5: {condemned} is scaled up to {orders} after a bad verdict"

    def _taken_from_traffic(self, plan: Plan) -> Iterator[str]:
        shares = self._shares(self._objects)
        for one in self._sets:
            share, now, left = shares.get(_hash(one), 0), self._usable(one), self._left(one, plan)
            needed = -(-share * self._replicas // 100)
            apart = self._is_scaled_apart and _hash(one) == self.current
            if left < min(now, needed) and not apart:
                yield f"law 4: {_hash(one)} keeps {left} of {now} pods and carries {share} %"

    @property
    def _is_dynamic(self) -> bool:
        return bool(get(self._raw, "spec", "strategy", "canary", "dynamicStableScale"))

    @property
    def _replicas(self) -> int:
        return int(get(self._raw, "spec", "replicas", default=1))

    @cached_property
    def _may_miss(self) -> int:
        return surge(parse(self._raw))[1]

    @property
    def _is_routed(self) -> bool:
        return get(self._raw, "spec", "strategy", "canary", "trafficRouting") is not None

    @property
    def _is_scaled_apart(self) -> bool:
        """The spec orders canary pods apart from the weight."""
        canary = get(self._raw, "spec", "strategy", "canary", default={})
        return any("setCanaryScale" in step for step in get(canary, "steps", default=[]))

    @cached_property
    def _sets(self) -> tuple[Raw, ...]:
        uid, namespace = self._raw["metadata"]["uid"], self._raw["metadata"]["namespace"]
        found = known(self._answers, Owned(REPLICA_SET, namespace, uid), ())
        return tuple(one for one in found if _hash(one))

    def _usable(self, one: Raw) -> int:
        available: int = get(one, "status", "availableReplicas", default=0)
        return min(available, self._asked(one))

    def _asked(self, one: Raw) -> int:
        return int(one["spec"]["replicas"])

    def _left(self, one: Raw, plan: Plan) -> int:
        return min(self._usable(one), self._orders(plan).get(one["metadata"]["name"], self._asked(one)))

    def _orders(self, plan: Plan) -> dict[str, int]:
        return {
            write.ref.name: write.body["spec"]["replicas"]
            for write in plan.writes
            if isinstance(write, MergePatch) and get(write.body, "spec", "replicas") is not None
        }

    def _after(self, plan: Plan) -> dict[Ref, Raw]:
        objects = dict(self._objects)
        for write in plan.writes:
            if isinstance(write, JsonPatch) and write.ref in objects:
                objects[write.ref] = json_patched(objects[write.ref], list(write.operations))
        return objects

    def _shares(self, objects: dict[Ref, Raw]) -> dict[str, int]:
        """Percent of the requests by pod hash, the most that any route gives; an arm that means nobody in
        particular is left out."""
        means = dict(self._meanings(objects))
        most: dict[str, int] = {}
        for ref, raw in objects.items():
            if ref.kind.kind != "VirtualService":
                continue
            for one in get(raw, "spec", "http", default=[]):
                for pod_hash, share in _split(one, means).items():
                    most[pod_hash] = max(share, most.get(pod_hash, 0))
        return most

    def _meanings(self, objects: dict[Ref, Raw]) -> Iterator[tuple[str, str]]:
        """The pod hash of each arm: of a subset, or of a Service."""
        for ref, raw in objects.items():
            if ref.kind.kind == "Service":
                yield ref.name, get(raw, "spec", "selector", HASH, default="")
            if ref.kind.kind == "DestinationRule":
                for subset in get(raw, "spec", "subsets", default=[]):
                    yield subset["name"], get(subset, "labels", HASH, default="")


def _hash(one: Raw) -> str:
    return str(get(one, "metadata", "labels", HASH, default=""))


def _split(http: Raw, means: dict[str, str]) -> dict[str, int]:
    shares: dict[str, int] = {}
    for route in get(http, "route", default=[]):
        host = str(get(route, "destination", "host", default="")).partition(".")[0]
        if pod_hash := means.get(get(route, "destination", "subset") or host):
            shares[pod_hash] = shares.get(pod_hash, 0) + route.get("weight", 0)
    return shares
