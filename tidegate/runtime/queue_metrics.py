"""The queue as figures, under the names that client-go's work queues have."""

from __future__ import annotations

import asyncio
from collections import Counter as Tally
from collections.abc import Iterable, Iterator

from prometheus_client import CollectorRegistry, Counter, Histogram
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from crds.refs import Kind, Ref

SECONDS = (1e-6, 1e-5, 1e-4, 1e-3, 0.01, 0.1, 1.0, 10.0, 100.0, 1000.0)
"""As client-go has them."""


class QueueFigures(Collector):
    """Hears of every key of the queue. Times are the loop's."""

    def __init__(self, kinds: Iterable[Kind], registry: CollectorRegistry) -> None:
        def histogram(name: str, about: str) -> Histogram:
            return Histogram(name, about, ("name",), buckets=SECONDS, registry=registry)

        adds = Counter("workqueue_adds", "Keys added", ("name",), registry=registry)
        retries = Counter("workqueue_retries", "Keys to be looked at again", ("name",), registry=registry)
        waited = histogram("workqueue_queue_duration_seconds", "How long keys waited for a worker")
        worked = histogram("workqueue_work_duration_seconds", "How long keys were worked on")
        self._names = {kind: f"{kind.kind}s" for kind in kinds}
        self._adds = {kind: adds.labels(name) for kind, name in self._names.items()}
        self._retries = {kind: retries.labels(name) for kind, name in self._names.items()}
        self._waited = {kind: waited.labels(name) for kind, name in self._names.items()}
        self._worked = {kind: worked.labels(name) for kind, name in self._names.items()}
        self._waiting: dict[Ref, float] = {}
        self._busy: dict[Ref, float] = {}
        registry.register(self)

    def added(self, key: Ref) -> None:
        self._waiting[key] = _now()
        self._adds[key.kind].inc()

    def taken(self, key: Ref) -> None:
        self._busy[key] = now = _now()
        self._waited[key.kind].observe(now - self._waiting.pop(key, now))

    def done(self, key: Ref) -> None:
        now = _now()
        self._worked[key.kind].observe(now - self._busy.pop(key, now))

    def retried(self, key: Ref) -> None:
        self._retries[key.kind].inc()

    def describe(self) -> Iterable[GaugeMetricFamily]:
        return ()

    def collect(self) -> Iterator[GaugeMetricFamily]:
        depth = Tally(key.kind for key in self._waiting)
        yield self._gauge("workqueue_depth", "Keys that wait", {kind: depth[kind] for kind in self._names})
        now = _now() if self._busy else 0.0
        ages = {
            kind: [now - at for key, at in self._busy.items() if key.kind == kind] for kind in self._names
        }
        unfinished = {kind: sum(found) for kind, found in ages.items()}
        longest = {kind: max(found, default=0.0) for kind, found in ages.items()}
        yield self._gauge("workqueue_unfinished_work_seconds", "Age of all work under way", unfinished)
        yield self._gauge("workqueue_longest_running_processor_seconds", "Age of the oldest work", longest)

    def _gauge(self, name: str, about: str, values: dict[Kind, float]) -> GaugeMetricFamily:
        family = GaugeMetricFamily(name, about, labels=("name",))
        for kind, value in values.items():
            family.add_metric((self._names[kind],), value)
        return family


def _now() -> float:
    return asyncio.get_running_loop().time()
