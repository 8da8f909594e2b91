"""Which keys to look at, each once, in the order they came due.

A key that is knocked for while a worker has it is given out again afterwards, never to two workers at once.
Some kinds wait apart, for workers of their own: the sync of a thousand objects holds up no abort.
"""

from __future__ import annotations

import asyncio
from datetime import datetime
from typing import Protocol

from crds.refs import Kind, Ref
from tidegate.runtime.clock import Alarm, Clock

FIRST_DELAY = 0.005
LONGEST_DELAY = 30.0
"""What was refused may be accepted any time: a quota is raised, a permission is given, and no watch tells."""


class Watcher(Protocol):
    """Hears of keys that come, are taken by a worker, are done with, and are to be tried again."""

    def added(self, key: Ref) -> None: ...

    def taken(self, key: Ref) -> None: ...

    def done(self, key: Ref) -> None: ...

    def retried(self, key: Ref) -> None: ...


class Queue:
    """One timer a key: the end of a back-off, or the moment its last plan asked to be woken at."""

    def __init__(self, clock: Clock, watcher: Watcher, apart: frozenset[Kind] = frozenset()) -> None:
        self._clock = clock
        self._watcher = watcher
        self._apart = apart
        self._due: dict[bool, asyncio.Queue[Ref]] = {False: asyncio.Queue(), True: asyncio.Queue()}
        self._waiting: set[Ref] = set()
        self._busy: set[Ref] = set()
        self._again: set[Ref] = set()
        self._alarms: dict[Ref, Alarm] = {}
        self._failures: dict[Ref, int] = {}

    def __len__(self) -> int:
        return len(self._waiting)

    def add(self, key: Ref) -> None:
        """Look at `key` as soon as a worker is free."""
        if key in self._busy:
            self._again.add(key)
        elif key not in self._waiting:
            self._waiting.add(key)
            self._watcher.added(key)
            self._due[key.kind in self._apart].put_nowait(key)

    async def take(self, apart: bool = False) -> Ref:
        """The next key, of those that wait apart or of the others; the worker must call `done` with it."""
        key = await self._due[apart].get()
        self._waiting.discard(key)
        self._busy.add(key)
        self._watcher.taken(key)
        return key

    def done(self, key: Ref) -> None:
        self._busy.discard(key)
        self._watcher.done(key)
        if key in self._again:
            self._again.discard(key)
            self.add(key)

    def settle(self, key: Ref, wake_at: datetime | None) -> None:
        """A round went well: no back-off any more, and the next look is at `wake_at` or upon a change."""
        self._failures.pop(key, None)
        self._silence(key)
        if wake_at is not None:
            self._alarms[key] = self._clock.call_at(wake_at, lambda: self.add(key))

    def retry(self, key: Ref, longest: float = LONGEST_DELAY) -> float:
        """A round failed: look again after a back-off, 5 ms doubled with each failure; its seconds."""
        failures = self._failures.get(key, 0)
        self._failures[key] = failures + 1
        self._watcher.retried(key)
        delay = min(FIRST_DELAY * 2.0 ** min(failures, 30), longest)
        self.after(key, delay)
        return delay

    def after(self, key: Ref, seconds: float) -> None:
        """Look again after so much transport time."""
        self._silence(key)
        self._alarms[key] = asyncio.get_running_loop().call_later(seconds, self.add, key)

    def forget(self, key: Ref) -> None:
        """Nothing of this key is of interest any more."""
        self._failures.pop(key, None)
        self._silence(key)

    def _silence(self, key: Ref) -> None:
        if alarm := self._alarms.pop(key, None):
            alarm.cancel()
