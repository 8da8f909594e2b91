"""Waiting on conditions with deadlines, never on guesses of time."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Awaitable, Callable
from typing import TypeVar

T = TypeVar("T")
SCALE = float(os.environ.get("TIDEGATE_DEADLINE_SCALE", "1"))


async def until(condition: Callable[[], object], seconds: float = 10.0) -> None:
    """Return once `condition()` holds; fails after `seconds`, scaled for slow machines."""
    async with asyncio.timeout(seconds * SCALE):
        while not condition():  # noqa: ASYNC110  no event tells what a test waits for
            await asyncio.sleep(0.005)


async def answered(ask: Callable[[], Awaitable[T]], refusal: type[Exception], seconds: float = 10.0) -> T:
    """What `ask` gives once it stops raising `refusal`."""
    async with asyncio.timeout(seconds * SCALE):
        while True:
            try:
                return await ask()
            except refusal:
                await asyncio.sleep(0.005)
