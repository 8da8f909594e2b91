"""Rendering in processes of its own, with a deadline: what a stranger wrote may hang or kill only those.

Each place is a pool of one process, so that one who has to be killed takes nobody else's work along.
"""

from __future__ import annotations

import asyncio
import contextlib
import multiprocessing
import os
import signal
import threading
from collections.abc import AsyncIterator
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import asynccontextmanager
from pathlib import Path

import msgspec

from crds.errors import Invalid
from tidegate.git.errors import Damaged, GitError, Slow, Unrenderable
from tidegate.git.render import Asked, Rendering, render
from tidegate.git.tree import Missing

RENDER_SECONDS = 90.0
START_SECONDS = 60.0


class Wrong(msgspec.Struct, frozen=True):
    """Why there is no rendering, in words. `again`: not by what was committed, so asking again may help.

    `slow`: by what was committed, or because the machine was busy.
    """

    why: str
    again: bool = False
    slow: bool = False
    damaged: bool = False


class Lacking(msgspec.Struct, frozen=True):
    """Contents that the mirror has to fetch first."""

    blobs: tuple[str, ...]


Outcome = Rendering | Wrong | Lacking


def work(mirror: str, commit: str, question: Asked) -> Outcome:
    """What a worker does. Errors come as values: not every exception survives the way between processes."""
    try:
        return render(Path(mirror), commit, question)
    except Missing as lacking:
        return Lacking(lacking.blobs)
    except (Unrenderable, Invalid) as problem:
        return Wrong(str(problem), slow=isinstance(problem, Slow))
    except (GitError, OSError) as problem:
        return Wrong(str(problem), again=True, damaged=isinstance(problem, Damaged))


class Workers:
    """At most `most` renderings at a time; `finished` counts them. Close it."""

    def __init__(self, most: int = 2, seconds: float = RENDER_SECONDS) -> None:
        self._places = [_Place() for _ in range(most)]
        self._free: asyncio.Queue[_Place] = asyncio.Queue()
        for place in self._places:
            self._free.put_nowait(place)
        self._seconds = seconds
        self.finished = 0

    async def render(self, mirror: Path, commit: str, question: Asked) -> Outcome:
        async with self._place() as place:
            try:
                await place.started()
                async with asyncio.timeout(self._seconds):
                    outcome = await asyncio.wrap_future(place.submit(str(mirror), commit, question))
                self.finished += isinstance(outcome, Rendering)
                return outcome
            except TimeoutError:
                place.kill()
                why = f"not rendered within {self._seconds:g} s; make the source smaller, or split it"
                return Wrong(why, slow=True)
            except BrokenProcessPool:
                place.kill()
                return Wrong(
                    "the process that rendered it died; it needed too much memory, perhaps", again=True
                )
            except asyncio.CancelledError:
                place.kill()
                raise

    def close(self) -> None:
        for place in self._places:
            place.kill()

    @asynccontextmanager
    async def _place(self) -> AsyncIterator[_Place]:
        place = await self._free.get()
        try:
            yield place
        finally:
            self._free.put_nowait(place)


def _begin() -> None:
    """A session of its own, which ends with who started it: by itself a worker would wait for ever."""
    os.setsid()
    parent = multiprocessing.parent_process()
    assert parent is not None

    def outlive() -> None:
        parent.join()
        os.killpg(0, signal.SIGKILL)

    threading.Thread(target=outlive, daemon=True).start()


class _Place:
    """One process, started when first needed, and anew after it was killed."""

    def __init__(self) -> None:
        self._pool: ProcessPoolExecutor | None = None
        self._pid = 0

    async def started(self) -> None:
        if self._pool is None:
            # Spawned: a fork of a process with threads may inherit a lock that nobody will ever release.
            context = multiprocessing.get_context("spawn")
            self._pool = ProcessPoolExecutor(1, context, initializer=_begin)
            async with asyncio.timeout(START_SECONDS):
                self._pid = await asyncio.wrap_future(self._pool.submit(os.getpid))

    def submit(self, mirror: str, commit: str, question: Asked) -> Future[Outcome]:
        assert self._pool is not None
        return self._pool.submit(work, mirror, commit, question)

    def kill(self) -> None:
        """The worker and all it started, which are a session of their own."""
        pool, pid, self._pool, self._pid = self._pool, self._pid, None, 0
        if pid:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(pid, signal.SIGKILL)
        if pool is not None:
            pool.shutdown(wait=False, cancel_futures=True)
