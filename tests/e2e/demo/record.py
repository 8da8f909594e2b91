"""What was observed, when, by whom: values only, so that facts can be judged, and tested, without a lab.

`at` is always seconds since the record began. Versions are image tags, `hash` is a pod template hash.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from itertools import groupby
from typing import TypeVar

import msgspec

from tests.lab.load import Tally
from tidegate.views.seen import Asked, Compared, Released, Seen, Stood
from tidegate.views.seen import Observed as InTheCluster


class Reading(Seen, frozen=True):
    """Envoy at one moment: the canary's weight in its route table, its canary cluster's counters
    upstream_rq_total and upstream_rq_active; and all that users have been answered until then."""

    weight: int
    total: int
    active: int
    answers: Tally = Tally()


class Pushed(Seen, frozen=True):
    """A person's commit of a version is on the branch that all push to, and told of."""

    version: str
    commit: str


class Reverted(Seen, frozen=True):
    """A commit that says to be the controller's is on a branch of the repository. `signed` by the key it was
    given, and `restored` if nothing differs from before the commit that it takes back."""

    commit: str
    message: str
    signed: bool
    restored: bool


class Broke(Seen, frozen=True):
    """A witness lost sight."""

    what: str


Observed = InTheCluster | Reading | Pushed | Reverted | Broke
S = TypeVar("S", bound=Seen)


class Past(msgspec.Struct, frozen=True):
    """Everything observed, in order."""

    seen: tuple[Observed, ...]

    def of(self, kind: type[S]) -> list[S]:
        return [each for each in self.seen if isinstance(each, kind)]

    def chapter(self, version: str) -> Past:
        """From a version's release until the next one's."""
        starts = [(n, each.version) for n, each in enumerate(self.seen) if isinstance(each, Released)]
        ends = [n for n, _ in starts[1:]] + [len(self.seen)]
        parts = {name: self.seen[n:end] for (n, name), end in zip(starts, ends, strict=False)}
        return Past(parts.get(version, ()))

    @property
    def applications(self) -> list[Compared]:
        """The last that was told of each."""
        return list({each.app: each for each in self.of(Compared)}.values())

    def synced(self, commit: str) -> bool:
        """Both Applications are, at this commit, and Healthy; no rollback is open."""
        stand = [(each.sync, each.revision, each.health) for each in self.applications]
        over = all(each.phase in ("", "Recovered") for each in self.applications)
        return over and stand == [("Synced", commit, "Healthy")] * 2

    @property
    def hashes(self) -> dict[str, str]:
        """Version to pod hash, as the Rollout's status told."""
        return {each.version: each.hash for each in self.of(Stood) if each.current and each.hash}

    @property
    def versions(self) -> dict[str, str]:
        return {pod_hash: version for version, pod_hash in self.hashes.items()}

    @property
    def asked(self) -> list[int]:
        """The VirtualService's weights, each once as they came."""
        return [weight for weight, _ in groupby(each.weight for each in self.of(Asked))]

    @property
    def routed(self) -> list[int]:
        """The weights in Envoy's route table, each once as they came."""
        return [weight for weight, _ in groupby(each.weight for each in self.of(Reading))]

    def routed_at(self, weight: int) -> list[Reading]:
        """The readings of the first stretch in which Envoy routed by this weight, without its two edges."""
        stretches = groupby(self.of(Reading), key=lambda each: each.weight)
        return next((list(those)[1:-1] for found, those in stretches if found == weight), [])


class Record:
    """Takes observations from several threads and hands each on to a listener, one at a time."""

    def __init__(self, listener: Callable[[Observed], None]) -> None:
        self._listener = listener
        self._lock = threading.Lock()
        self._seen: list[Observed] = []
        self._began = time.monotonic()

    @property
    def now(self) -> float:
        return time.monotonic() - self._began

    def note(self, make: Callable[[float], Observed]) -> None:
        """`make` gets the time."""
        with self._lock:
            observed = make(self.now)
            self._seen.append(observed)
            self._listener(observed)

    @property
    def past(self) -> Past:
        with self._lock:
            return Past(tuple(self._seen))
