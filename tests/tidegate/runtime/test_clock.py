"""The wall clock's alarms, on a loop that jumps."""

from __future__ import annotations

import asyncio
from datetime import datetime, timedelta

from tests.properties.controller import Skewed
from tidegate.sandbox.loop import START, LoopClock, VirtualLoop


def rings(set_back_after: float, by: float, due: float) -> list[float]:
    """When an alarm of `due` seconds rings, if the clock is set back in between."""
    loop = VirtualLoop()
    clock, heard = Skewed(LoopClock(loop, START)), list[float]()

    def set_back() -> None:
        clock.by -= timedelta(seconds=by)

    async def live() -> None:
        loop.call_later(set_back_after, set_back)
        clock.call_at(moment(due), lambda: heard.append(loop.time()))
        await asyncio.sleep(4000)

    loop.run_until_complete(live())
    loop.close()
    return heard


def moment(seconds: float) -> datetime:
    return START + timedelta(seconds=seconds)


def test_an_alarm_rings_once_when_its_moment_has_come() -> None:
    assert rings(set_back_after=100, by=0, due=90) == [90.0]


def test_a_clock_set_back_a_little_rings_later_by_as_much() -> None:
    assert rings(set_back_after=10, by=3, due=90) == [93.0]


def test_a_clock_set_back_beyond_the_last_look_rings_within_a_minute() -> None:
    assert rings(set_back_after=10, by=7200, due=90) == [60.0]
