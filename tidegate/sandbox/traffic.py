"""Requests as counts: each tick draws how many went where and how many failed, as a mesh would count them.

The weights are the VirtualService's, the subsets the DestinationRule's, the endpoints the ready pods. Errors
of Envoy's own making (503, no healthy upstream) count in `upstream_rq` and not in `upstream_rq_total`, as
Envoy does it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import NamedTuple

import numpy

from tidegate.sandbox.objects import Raw, at, carries, labels_of
from tidegate.sandbox.players import image_of, is_ready
from tidegate.sandbox.resources import DESTINATION_RULES, PODS, SERVICES, VIRTUAL_SERVICES
from tidegate.sandbox.store import Store

Labels = tuple[tuple[str, str], ...]
READ = (VIRTUAL_SERVICES, DESTINATION_RULES, SERVICES, PODS)


class Place(NamedTuple):
    """Where requests may go: Envoy's cluster, its weight, and its ready pods by image."""

    cluster: Labels
    weight: float
    images: tuple[tuple[str, int], ...]


class Map(NamedTuple):
    """All places, as of a version of what they are read from."""

    places: tuple[Place, ...]
    seen: int


@dataclass
class Traffic:
    """`rate` requests a second through one VirtualService; `errors` gives the error rate of an image.

    Where there is no such VirtualService they go to the Service of that name, as in any mesh.

    `counters` are cumulative, by metric name and labels. `served` counts by image: requests, and errors the
    service itself sent under the key (image, "error").
    """

    store: Store
    namespace: str
    virtual_service: str
    rate: float
    errors: Mapping[str, float]
    seed: int = 1
    counters: Counter[tuple[str, Labels]] = field(default_factory=Counter)
    served: Counter[tuple[str, str]] = field(default_factory=Counter)
    unserved: int = 0

    def __post_init__(self) -> None:
        self._draw = numpy.random.default_rng(self.seed)
        self._owed = 0.0
        self._map = Map((), 0)

    def tick(self, span: timedelta) -> None:
        """Sends the requests of `span`; parts of a request are kept for the next tick."""
        self._owed += self.rate * span.total_seconds()
        total, self._owed = int(self._owed), self._owed % 1
        if self._map.seen != (newest := self.store.touched(*READ)):
            self._map = Map(tuple(self._places()), newest)
        shares = self._split(total, [place.weight for place in self._map.places])
        if not shares:
            self.unserved += total
        for place, count in zip(self._map.places, shares, strict=bool(shares)):
            self._send(place, count)

    def goes_on_from(self, other: Traffic) -> None:
        """Takes over what another has counted, and its luck; counters may be shared by several."""
        self.counters |= other.counters
        self.served.update(other.served)
        self.unserved, self._owed = other.unserved, other._owed
        self._draw.bit_generator.state = other._draw.bit_generator.state

    def _split(self, count: int, weights: Sequence[float]) -> list[int]:
        """How many go where; nowhere at all if no weight is above 0."""
        if not any(weights):
            return []
        if len(weights) == 1:
            return [count]
        shares = numpy.array(weights, dtype=float)
        return [int(one) for one in self._draw.multinomial(count, shares / shares.sum())]

    def _places(self) -> Iterator[Place]:
        for destination, weight in self._routes():
            images = Counter(image_of(pod) for pod in self._endpoints(destination))
            yield Place(self._cluster(destination), weight, tuple(sorted(images.items())))

    def _routes(self) -> list[tuple[Raw, float]]:
        service = self.store.find(VIRTUAL_SERVICES, self.namespace, self.virtual_service)
        if service is None and self.store.find(SERVICES, self.namespace, self.virtual_service):
            return [({"host": self.virtual_service}, 100)]
        routes = at(service, "spec", "http", 0, "route", default=[])
        alone = len(routes) == 1
        return [(route["destination"], route.get("weight", 100 if alone else 0)) for route in routes]

    def _send(self, place: Place, count: int) -> None:
        cluster = place.cluster
        self.counters["envoy_cluster_upstream_rq_total", cluster] += 0
        if not place.images:
            self._answered(cluster, "503", count)
            self.unserved += count
            return
        parts = self._split(count, [pods for _, pods in place.images])
        for (image, _), part in zip(place.images, parts, strict=True):
            self._serve(cluster, image, part)

    def _serve(self, cluster: Labels, image: str, count: int) -> None:
        rate = self.errors.get(image, 0.0)
        failed = int(self._draw.binomial(count, rate)) if rate else 0
        self.counters["envoy_cluster_upstream_rq_total", cluster] += count
        self._answered(cluster, "200", count - failed)
        self._answered(cluster, "500", failed)
        for code, answers in (("200", count - failed), ("500", failed)):
            self.counters["sandbox_requests_total", (("image", image), ("code", code))] += answers
        self.served[image, "request"] += count
        self.served[image, "error"] += failed

    def _answered(self, cluster: Labels, code: str, count: int) -> None:
        if count:
            self.counters["envoy_cluster_upstream_rq", (*cluster, ("envoy_response_code", code))] += count
            self.counters["istio_requests_total", _as_istio(cluster, code)] += count

    def _cluster(self, destination: Raw) -> Labels:
        port = at(destination, "port", "number", default=80)
        subset = destination.get("subset", "")
        host = _full(destination["host"], self.namespace)
        return (("envoy_cluster_name", f"outbound|{port}|{subset}|{host}"),)

    def _endpoints(self, destination: Raw) -> list[Raw]:
        """The ready pods of the host's Service, where there is one, that carry the subset's labels."""
        host = _full(destination["host"], self.namespace)
        service = self.store.find(SERVICES, self.namespace, host.partition(".")[0])
        wanted = dict(at(service, "spec", "selector", default={}))
        if subset := destination.get("subset"):
            labels = self._subset(host, subset)
            if labels is None:
                return []
            wanted |= labels
        pods = self.store.every(PODS, self.namespace)
        return [pod for pod in pods if is_ready(pod) and carries(labels_of(pod), wanted)]

    def _subset(self, host: str, name: str) -> dict[str, str] | None:
        for rule in self.store.every(DESTINATION_RULES, self.namespace):
            if _full(rule["spec"]["host"], self.namespace) == host:
                for subset in at(rule, "spec", "subsets", default=[]):
                    if subset["name"] == name:
                        return dict(at(subset, "labels", default={}))
        return None


def _as_istio(cluster: Labels, code: str) -> Labels:
    """As the caller's sidecar counts it."""
    ((_, upstream),) = cluster
    return (("reporter", "source"), ("upstream_cluster", upstream), ("response_code", code))


def _full(host: str, namespace: str) -> str:
    return host if "." in host else f"{host}.{namespace}.svc.cluster.local"
