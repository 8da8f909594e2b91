"""What stands beside the API server: controllers and nodes, played by counts and in the time they are told.

What a player knows stands in the store; it keeps settings, and when it need not look. `tick(now)` does what
is due.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Container
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from tidegate.sandbox.deleting import goes_last, is_going, let_go
from tidegate.sandbox.objects import Raw, at, owner_uids
from tidegate.sandbox.resources import PODS, REPLICA_SETS, RESOURCES, Resource
from tidegate.sandbox.store import Store

SECOND = timedelta(seconds=1)
CRASHING_TAG = "crash"
MISSING_REGISTRY = "nowhere.invalid"


def written(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def never_starts(image: str) -> str:
    """The waiting reason of an image that will never be ready, or nothing: it is said by its name."""
    if image.partition("/")[0] == MISSING_REGISTRY:
        return "ImagePullBackOff"
    tag = image.rpartition("/")[2].partition(":")[2]
    return "CrashLoopBackOff" if tag.endswith(CRASHING_TAG) else ""


def is_ready(pod: Raw) -> bool:
    return any(c["type"] == "Ready" and c["status"] == "True" for c in _conditions(pod))


def image_of(pod: Raw) -> str:
    image: str = at(pod, "spec", "containers", 0, "image", default="")
    return image


def _conditions(pod: Raw) -> list[Raw]:
    found: list[Raw] = at(pod, "status", "conditions", default=[])
    return found


def _ready_since(pod: Raw) -> datetime:
    ready = next(c for c in _conditions(pod) if c["type"] == "Ready")
    return datetime.fromisoformat(ready["lastTransitionTime"])


class Glance:
    """Spares a player a look at what it has seen: nothing of these kinds changed, and nothing is due."""

    def __init__(self, store: Store, *kinds: Resource) -> None:
        self._store = store
        self._kinds = kinds
        self._seen = -1
        self._due: datetime | None = None

    def is_due(self, now: datetime) -> bool:
        """Whether to look; what makes another look due after this one is said by `again`."""
        newest = self._store.touched(*self._kinds)
        if newest == self._seen and (self._due is None or now < self._due):
            return False
        self._seen, self._due = newest, None
        return True

    def again(self, moment: datetime) -> None:
        self._due = min(moment, self._due or moment)


class Pods:
    """The kubelets: a pod is ready `start` after its creation, unless its image never starts.

    `crashing` are images that crash whatever their name.
    """

    def __init__(self, store: Store, start: timedelta = SECOND, crashing: Container[str] = ()) -> None:
        self._store = store
        self._start = start
        self._crashing = crashing
        self._glance = Glance(store, PODS)

    def tick(self, now: datetime) -> None:
        for pod in self._store.every(PODS) if self._glance.is_due(now) else ():
            status = self._status(pod, now)
            if status != pod.get("status"):
                self._store.put(PODS, {**pod, "status": status})

    def _status(self, pod: Raw, now: datetime) -> Raw:
        created = datetime.fromisoformat(pod["metadata"]["creationTimestamp"])
        if reason := self._never_starts(image_of(pod)):
            self._glance.again(now + SECOND)
            return _stuck(pod, reason, now - created)
        if now - created < self._start:
            self._glance.again(created + self._start)
            return _pod_status("Pending", [], _container(pod, {"waiting": {"reason": "ContainerCreating"}}))
        if is_ready(pod):
            return dict(pod["status"])
        ready = {"type": "Ready", "status": "True", "lastTransitionTime": written(now)}
        running = _container(pod, {"running": {"startedAt": written(now)}})
        return _pod_status("Running", [ready], {**running, "ready": True})

    def _never_starts(self, image: str) -> str:
        return "CrashLoopBackOff" if image in self._crashing else never_starts(image)


def _stuck(pod: Raw, reason: str, age: timedelta) -> Raw:
    state = {"waiting": {"reason": reason, "message": f"back-off: {image_of(pod)} does not start"}}
    pulled = reason != "ImagePullBackOff"
    restarts = _restarts(age) if pulled else 0
    not_ready = {
        "type": "Ready",
        "status": "False",
        "lastTransitionTime": pod["metadata"]["creationTimestamp"],
    }
    container = {**_container(pod, state), "restartCount": restarts}
    return _pod_status("Running" if pulled else "Pending", [not_ready], container)


def _restarts(age: timedelta) -> int:
    """A kubelet waits 10 s, 20 s, 40 s, ... up to 300 s between the starts of a crashing container."""
    seconds = age.total_seconds()
    return 1 + int(math.log2(seconds / 10 + 1)) if seconds < 310 else 6 + int((seconds - 310) // 300)


def _pod_status(phase: str, conditions: list[Raw], container: Raw) -> Raw:
    return {"phase": phase, "conditions": conditions, "containerStatuses": [container]}


def _container(pod: Raw, state: Raw) -> Raw:
    name = at(pod, "spec", "containers", 0, "name", default="")
    return {"name": name, "image": image_of(pod), "ready": False, "restartCount": 0, "state": state}


class ReplicaSets:
    """The ReplicaSet controller: as many pods as the spec says, unhealthy and young ones deleted first."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._glance = Glance(store, REPLICA_SETS, PODS)

    def tick(self, now: datetime) -> None:
        if not self._glance.is_due(now):
            return
        owned = _by_owner(self._store.every(PODS))
        for replica_set in self._store.every(REPLICA_SETS):
            if is_going(replica_set):
                continue
            pods = self._scaled(replica_set, owned[replica_set["metadata"]["uid"]])
            status = self._counts(replica_set, pods, now)
            if status != replica_set.get("status"):
                self._store.put(REPLICA_SETS, {**replica_set, "status": status})

    def _scaled(self, replica_set: Raw, pods: list[Raw]) -> list[Raw]:
        wanted: int = replica_set["spec"]["replicas"]
        if len(pods) > wanted:
            pods = sorted(pods, key=_keep_first)
        for pod in pods[wanted:]:
            self._store.remove(PODS, pod)
        born = [self._born(replica_set) for _ in range(wanted - len(pods))]
        return pods[:wanted] + born

    def _born(self, replica_set: Raw) -> Raw:
        meta, template = replica_set["metadata"], replica_set["spec"]["template"]
        owner = {
            "apiVersion": "apps/v1",
            "kind": "ReplicaSet",
            "name": meta["name"],
            "uid": meta["uid"],
            "controller": True,
            "blockOwnerDeletion": True,
        }
        pod_meta = {
            **template["metadata"],
            "name": f"{meta['name']}-{self._store.version:05d}",
            "namespace": meta["namespace"],
            "ownerReferences": [owner],
        }
        status = {"phase": "Pending"}
        return self._store.put(PODS, {"metadata": pod_meta, "spec": template["spec"], "status": status})

    def _counts(self, replica_set: Raw, pods: list[Raw], now: datetime) -> Raw:
        minimum = timedelta(seconds=at(replica_set, "spec", "minReadySeconds", default=0))
        available_at = [_ready_since(pod) + minimum for pod in pods if is_ready(pod)]
        for moment in available_at:
            if moment > now:
                self._glance.again(moment)
        counts = {
            "fullyLabeledReplicas": len(pods),
            "readyReplicas": len(available_at),
            "availableReplicas": sum(moment <= now for moment in available_at),
        }
        shown = {name: count for name, count in counts.items() if count}
        generation = replica_set["metadata"]["generation"]
        return {"replicas": len(pods), **shown, "observedGeneration": generation}


def _by_owner(pods: tuple[Raw, ...]) -> defaultdict[str, list[Raw]]:
    owned = defaultdict(list)
    for pod in pods:
        for uid in owner_uids(pod):
            owned[uid].append(pod)
    return owned


def _keep_first(pod: Raw) -> tuple[bool, str, str]:
    return (not is_ready(pod), pod["metadata"]["creationTimestamp"], pod["metadata"]["name"])


@dataclass
class Garbage:
    """The garbage collector: what has owners, all of them gone, goes too; what is deleted in the foreground
    goes behind its dependents."""

    store: Store
    seen: int = -1

    def tick(self, _now: datetime) -> None:
        while self.store.census != self.seen:
            self.seen = self.store.census
            self._collect()

    def _collect(self) -> None:
        everything = [(kind, raw) for kind in RESOURCES.values() for raw in self.store.every(kind)]
        staying = {raw["metadata"]["uid"] for _, raw in everything if not goes_last(raw)}
        owning = {uid for _, raw in everything for uid in owner_uids(raw)}
        for kind, raw in everything:
            if owner_uids(raw) and not is_going(raw) and not staying & set(owner_uids(raw)):
                self.store.delete(kind, raw)
            elif goes_last(raw) and raw["metadata"]["uid"] not in owning:
                self.store.freed(kind, raw, let_go(raw))
