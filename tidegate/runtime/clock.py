"""Domain time: pauses, intervals and deadlines. Transport time (timeouts, back-off, Lease) is the loop's.

Tests and the demo bring a clock of their own; production has this one, and no flag for another.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Protocol

LONGEST_SLEEP = 60.0


class Alarm(Protocol):
    def cancel(self) -> object: ...


class Clock(Protocol):
    def now(self) -> datetime:
        """Aware, UTC."""
        ...

    def call_at(self, moment: datetime, ring: Callable[[], None]) -> Alarm:
        """Ring once `now()` has reached `moment`, never before, unless the clock is set back meanwhile."""
        ...


class WallClock:
    """The machine's clock, and the running loop's timers."""

    def now(self) -> datetime:
        return datetime.now(UTC)

    def call_at(self, moment: datetime, ring: Callable[[], None]) -> Alarm:
        return _WallAlarm(self, moment, ring)


class _WallAlarm:
    """Looks at the wall clock again at least once a minute: it may be set while we sleep.

    One that was set back rings at once: what was reckoned from it is to be thought over.
    """

    def __init__(self, clock: WallClock, moment: datetime, ring: Callable[[], None]) -> None:
        self._clock = clock
        self._moment = moment
        self._ring = ring
        self._arm()

    def cancel(self) -> None:
        self._timer.cancel()

    def _arm(self) -> None:
        self._armed = self._clock.now()
        left = (self._moment - self._armed).total_seconds()
        self._timer = asyncio.get_running_loop().call_later(min(max(left, 0.0), LONGEST_SLEEP), self._due)

    def _due(self) -> None:
        now = self._clock.now()
        if now >= self._moment or now < self._armed:
            self._ring()
        else:
            self._arm()
