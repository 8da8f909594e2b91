"""What a cluster does by itself around its API server: pods come and go, users ask, Prometheus counts."""

from __future__ import annotations

from collections.abc import Container, Iterable
from datetime import datetime, timedelta

from tidegate.sandbox.players import SECOND, Garbage, Pods, ReplicaSets
from tidegate.sandbox.prometheus import Prometheus
from tidegate.sandbox.store import Store
from tidegate.sandbox.traffic import Traffic

SCRAPE = 5 * SECOND
START = 2 * SECOND
"""From a pod's creation to its readiness."""


class Mesh:
    """Moved on by `tick`, each a `span` after the one before; `crashing` are images that never start."""

    def __init__(
        self,
        store: Store,
        every_traffic: Iterable[Traffic],
        prometheus: Prometheus,
        crashing: Container[str] = (),
        scrape: timedelta = SCRAPE,
    ) -> None:
        self.every_traffic = tuple(every_traffic)
        self.prometheus = prometheus
        self._scrape = scrape.total_seconds()
        sets, pods = ReplicaSets(store), Pods(store, START, crashing)
        self._players = (Garbage(store), sets, pods, sets)

    @property
    def traffic(self) -> Traffic:
        """The first route's."""
        return self.every_traffic[0]

    def tick(self, now: datetime, span: timedelta = SECOND) -> None:
        for player in self._players:
            player.tick(now)
        for traffic in self.every_traffic:
            traffic.tick(span)
        if now.timestamp() % self._scrape < span.total_seconds():
            self.prometheus.scrape(now)
