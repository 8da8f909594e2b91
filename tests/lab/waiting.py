"""Every wait in the lab has a deadline; a slow machine stretches all of them with TIDEGATE_DEADLINE_SCALE."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")


class Late(Exception):
    """Something did not happen in time; the message says what was waited for."""


def deadline(seconds: float) -> float:
    """`seconds` as this machine should count them."""
    return seconds * float(os.environ.get("TIDEGATE_DEADLINE_SCALE") or 1)


def until(
    ask: Callable[[], T | None], seconds: float, what: str | Callable[[], str], every: float = 0.05
) -> T:
    """The first truthy answer of `ask`. Raises `Late` naming `what` after the scaled deadline.

    `what` may be asked for then, to tell how things stand once it is too late.
    """
    last = time.monotonic() + deadline(seconds)
    while not (answer := ask()):
        if time.monotonic() > last:
            raise Late(f"waited {deadline(seconds):.0f} s for {what if isinstance(what, str) else what()}")
        time.sleep(every)
    return answer
