"""Sees what happens to a Rollout at the moment it happens, by the store's own history."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import NamedTuple

from crds.paths import get
from tidegate.sandbox.objects import Raw, at, carries
from tidegate.sandbox.resources import (
    ANALYSIS_RUNS,
    EVENTS,
    REPLICA_SETS,
    ROLLOUTS,
    SERVICES,
    VIRTUAL_SERVICES,
)
from tidegate.sandbox.store import Change, Store
from tidegate.views.seen import Asked, Observed, judged, stood, told


class Sight(NamedTuple):
    """The Rollout that is looked at: who shares its requests out, and which of them are the canary's.

    `door` is a VirtualService, or where there is none a Service.
    """

    namespace: str
    door: str
    canary: Raw
    image: str = ""


class Eyes:
    """`note` is told from now on, in seconds of `clock` since now."""

    def __init__(
        self, store: Store, sight: Sight, clock: Callable[[], float], note: Callable[[Observed], None]
    ) -> None:
        self._store = store
        self._sight = sight
        self._clock = clock
        self._note = note
        self._seen = store.version
        self._began = clock()
        for kind in (ROLLOUTS, ANALYSIS_RUNS, VIRTUAL_SERVICES, SERVICES, REPLICA_SETS, EVENTS):
            store.listeners[kind].append(self._look)

    @property
    def now(self) -> float:
        return self._clock() - self._began

    def _look(self) -> None:
        news = self._store.since(self._seen)
        self._seen = self._store.version
        for change in news:
            for observed in self._observed(change):
                self._note(observed)

    def _observed(self, change: Change) -> Iterator[Observed]:
        raw = change.after
        if raw is None or raw["metadata"].get("namespace") != self._sight.namespace:
            return
        found: Observed | None = None
        match change.resource:
            case kind if kind is ROLLOUTS:
                found = stood(raw, self.now)
            case kind if kind is ANALYSIS_RUNS:
                found = judged(raw, self.now)
            case kind if kind is EVENTS:
                found = told(raw, self.now)
            case kind if kind is VIRTUAL_SERVICES and raw["metadata"]["name"] == self._sight.door:
                found = Asked(self.now, self._weight(raw))
            case kind if kind in (REPLICA_SETS, SERVICES) and not self._store.every(VIRTUAL_SERVICES):
                found = Asked(self.now, self._share(), by="ready pods")
        if found:
            yield found

    def _weight(self, raw: Raw) -> int:
        routes = get(raw, "spec", "http", 0, "route", default=[])
        return sum(route.get("weight", 0) for route in routes if self._is_canary(route["destination"]))

    def _is_canary(self, destination: Raw) -> bool:
        if "subset" in self._sight.canary:
            return destination.get("subset") == str(self._sight.canary["subset"])
        return str(destination.get("host", "")).partition(".")[0] == str(self._sight.canary["host"])

    def _share(self) -> int:
        """Percent of the pods that the Service leads to."""
        service = self._store.find(SERVICES, self._sight.namespace, self._sight.door)
        wanted = at(service, "spec", "selector", default={})
        pods = {True: 0, False: 0}
        for one in self._store.every(REPLICA_SETS, self._sight.namespace):
            if not carries(at(one, "spec", "template", "metadata", "labels", default={}), wanted):
                continue
            image = at(one, "spec", "template", "spec", "containers", 0, "image")
            pods[image == self._sight.image] += at(one, "status", "availableReplicas", default=0)
        return round(100 * pods[True] / max(1, sum(pods.values())))
