"""Figures of one object: they stay a while after its deletion, so that the last of them are scraped too."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import NamedTuple, Protocol, TypeVar

from prometheus_client.metrics import MetricWrapperBase

from crds.refs import Ref
from tidegate.runtime.clock import Alarm

SECONDS = 65.0
"""Of transport time: Prometheus' usual interval of a minute, and a little."""

M = TypeVar("M", bound=MetricWrapperBase)


class Later(Protocol):
    def __call__(self, seconds: float, ring: Callable[[], object], /) -> Alarm: ...


class Key(NamedTuple):
    """An object as requests name it."""

    plural: str
    namespace: str
    name: str


def key_of(ref: Ref) -> Key:
    return Key(ref.kind.plural, ref.namespace, ref.name)


class Lingering:
    """Every series with an object's name in its labels is taken from here; `later` is the loop's timer."""

    def __init__(self, later: Later | None = None) -> None:
        self._later = later or (lambda seconds, ring: asyncio.get_running_loop().call_later(seconds, ring))
        self._series: dict[Key, set[tuple[MetricWrapperBase, tuple[str, ...]]]] = {}
        self._leaving: dict[Key, Alarm] = {}

    def series(self, key: Key, metric: M, labels: tuple[str, ...]) -> M:
        """The metric's series with these labels, which goes with the object; who comes back keeps it."""
        if alarm := self._leaving.pop(key, None):
            alarm.cancel()
        self._series.setdefault(key, set()).add((metric, labels))
        return metric.labels(*labels)

    def gone(self, key: Key) -> None:
        """The object is no more, or no longer ours."""
        if key in self._series and key not in self._leaving:
            self._leaving[key] = self._later(SECONDS, lambda: self._forget(key))

    def _forget(self, key: Key) -> None:
        self._leaving.pop(key, None)
        for metric, labels in self._series.pop(key, ()):
            metric.remove(*labels)
