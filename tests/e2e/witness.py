"""Who watches while a story plays: the API server's own events and Envoy's counters, each with its moment.

Moments are this process' monotonic clock, so that what different witnesses saw can be put in order.
"""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from itertools import pairwise
from typing import Any, Generic, TypeVar

import msgspec

from tests.lab.kube import Kube
from tests.lab.waiting import until

Raw = dict[str, Any]
T = TypeVar("T")

EVERY = 0.1


class Saw(msgspec.Struct, frozen=True):
    """ADDED, MODIFIED or DELETED, as the API server told it."""

    at: float
    type: str
    object: Raw


class Watch:
    """Everything that happens to a collection, from the moment of `with` on; what stands already is ADDED."""

    def __init__(self, api: Kube, collection: str) -> None:
        self._api = api
        self._collection = collection
        self._thread = threading.Thread(target=self._listen, daemon=True)
        self.saw: list[Saw] = []

    def __enter__(self) -> Watch:
        listed = self._api.get(self._collection)
        now = time.monotonic()
        self.saw += [Saw(now, "ADDED", each) for each in listed["items"]]
        self._lines = self._api.watch(self._collection, listed["metadata"]["resourceVersion"])
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._lines.stop()
        self._thread.join()

    def first(self, holds: Any, seconds: float, what: str) -> Saw:
        """The first that `holds`, waited for. Raises `Late`."""
        return until(lambda: next((one for one in self.saw if holds(one)), None), seconds, what, every=0.005)

    def _listen(self) -> None:
        for line in self._lines:
            event = json.loads(line)
            self.saw.append(Saw(time.monotonic(), event["type"], event["object"]))


class Counted(msgspec.Struct, Generic[T], frozen=True):
    """One look."""

    at: float
    value: T


class Sampler(Generic[T]):
    """What `look` answers, ten times a second from `with` on."""

    def __init__(self, look: Callable[[], T]) -> None:
        self._look = look
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self.counted: list[Counted[T]] = []

    def __enter__(self) -> Sampler[T]:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()

    def between(self, began: float, ended: float) -> list[T]:
        return [one.value for one in self.counted if began <= one.at <= ended]

    def _run(self) -> None:
        while not self._over.wait(EVERY):
            with suppress(OSError):
                self.counted.append(Counted(time.monotonic(), self._look()))


def canary_weights(seen: Watch) -> list[int]:
    """The canary's weight in each version of VirtualService api, repeats left out."""
    return list(_changes(_canary_weight(one.object) for one in seen.saw if _is_api(one.object)))


def rises_after_abort(routes: Watch, rollouts: Watch) -> list[tuple[int, int]]:
    """(from, to) of each time the canary's weight rose after its Rollout was first aborted.

    In the order in which the API server stored both, whoever of the two was told first.
    """
    bad = next(_version(saw) for saw in rollouts.saw if saw.object.get("status", {}).get("abort"))
    told = [(_version(saw), _canary_weight(saw.object)) for saw in routes.saw if _is_api(saw.object)]
    return [(a, b) for (_, a), (at, b) in pairwise(told) if at > bad and b > a]


def _changes(weights: Iterator[int]) -> Iterator[int]:
    last = None
    for weight in weights:
        if weight != last:
            yield weight
        last = weight


def _version(saw: Saw) -> int:
    return int(saw.object["metadata"]["resourceVersion"])


def _is_api(virtual_service: Raw) -> bool:
    return bool(virtual_service["metadata"]["name"] == "api")


def _canary_weight(virtual_service: Raw) -> int:
    weight: int = virtual_service["spec"]["http"][0]["route"][1].get("weight", 0)
    return weight
