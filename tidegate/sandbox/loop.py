"""An event loop in which nothing waits: when nothing is ready, its clock jumps to what is due next."""

from __future__ import annotations

import asyncio
import selectors
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

START = datetime(2026, 3, 15, 10, 30, tzinfo=UTC)
"""When it is, where nobody says."""


class _Impatient(selectors.SelectSelector):
    """Polls, and counts the time it was asked to wait."""

    passed = 0.0

    def select(self, timeout: float | None = None) -> list[Any]:
        if timeout is None:
            raise RuntimeError("everything waits for everything: nothing is due any more")
        ready = super().select(0)
        if not ready:
            self.passed += max(timeout, 0.0)
        return ready


class VirtualLoop(asyncio.SelectorEventLoop):
    def __init__(self) -> None:
        self._impatient = _Impatient()
        super().__init__(self._impatient)

    def time(self) -> float:
        return self._impatient.passed

    def run_in_executor(  # type: ignore[override]
        self, _executor: Any, func: Callable[..., Any], *args: Any
    ) -> asyncio.Future[Any]:
        """At once and in place: a thread would take real time, and this clock would run away from it."""
        future = self.create_future()
        try:
            future.set_result(func(*args))
        except Exception as problem:
            future.set_exception(problem)
        return future


class LoopClock:
    """Domain time on a loop: `tidegate.runtime.clock.Clock`."""

    def __init__(self, loop: asyncio.AbstractEventLoop, start: datetime) -> None:
        self._loop = loop
        self._start = start

    def now(self) -> datetime:
        return self._start + timedelta(seconds=self._loop.time())

    def call_at(self, moment: datetime, ring: Callable[[], None]) -> asyncio.TimerHandle:
        return self._loop.call_at((moment - self._start).total_seconds(), ring)
