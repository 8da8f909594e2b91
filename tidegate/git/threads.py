"""Threads for what blocks: some read mirrors, and towards a repository's server there is one at a time.

So whoever asks much of a server that hangs waits without a thread, and takes none from others.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Hashable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any, TypeVar

from tidegate.git.running import Running

T = TypeVar("T")

READERS = 8
SERVERS = 32
"""That may hang at a time before others wait for them."""


class Threads:
    def __init__(self) -> None:
        self._running = Running()
        self._readers = ThreadPoolExecutor(READERS, "git", self._running.adopt)
        self._askers = ThreadPoolExecutor(SERVERS, "git-server", self._running.adopt)
        self._turns: dict[Hashable, asyncio.Lock] = {}

    async def read(self, work: Callable[..., T], *arguments: Any) -> T:
        """The answer of what asks no network."""
        return await asyncio.wrap_future(self._readers.submit(work, *arguments))

    async def ask(self, work: Callable[..., T], *arguments: Any) -> T:
        """The answer of what asks a server and waits for no turn."""
        return await asyncio.wrap_future(self._askers.submit(work, *arguments))

    async def turn(self, repository: Hashable) -> Turn:
        """Wait until nobody else asks this repository's server. Use the turn at once."""
        lock = self._turns.setdefault(repository, asyncio.Lock())
        await lock.acquire()
        return Turn(self._askers, lock)

    def close(self) -> None:
        """At once: whoever still asks a server is answered no more, and no process is left behind."""
        for pool in (self._readers, self._askers):
            pool.shutdown(wait=False, cancel_futures=True)
        self._running.end()


class Turn:
    """Ends with the thread's work, also where nobody waits for that any more."""

    def __init__(self, pool: ThreadPoolExecutor, lock: asyncio.Lock) -> None:
        self._pool, self._lock = pool, lock

    async def ask(self, work: Callable[..., T], *arguments: Any) -> T:
        loop = asyncio.get_running_loop()

        def over(_: Future[T]) -> None:
            with contextlib.suppress(RuntimeError):  # the loop has ended before the thread
                loop.call_soon_threadsafe(self._lock.release)

        asked = self._pool.submit(work, *arguments)
        asked.add_done_callback(over)
        return await asyncio.wrap_future(asked)
