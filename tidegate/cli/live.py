"""Keep looking at something: at once when it changes, every two seconds in any case."""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from typing import TypeVar

from tidegate.kube.errors import KubeError, Unreachable

Seen = TypeVar("Seen")

LOOK_SECONDS = 2.0
PACE_SECONDS = 0.25
FOR_EVER = float("inf")
SILENT = "(no answer from the API server; asking again)"


class Bell:
    """Rings when something changed; without it, looking every `LOOK_SECONDS` goes on."""

    def __init__(self, changes: Iterable[object]) -> None:
        self._rung = threading.Event()
        threading.Thread(target=self._listen, args=(changes,), daemon=True).start()

    def wait(self, seconds: float) -> None:
        """Up to `seconds`; never shorter than the pace, so that a storm of changes is one redraw."""
        time.sleep(min(PACE_SECONDS, seconds))
        self._rung.wait(seconds - PACE_SECONDS)
        self._rung.clear()

    def _listen(self, changes: Iterable[object]) -> None:
        with suppress(KubeError):  # who may not watch may still look
            for _ in changes:
                self._rung.set()


def looks(look: Callable[[], Seen], bell: Bell, seconds: float = FOR_EVER) -> Iterator[Seen | None]:
    """What `look` gives, for `seconds`; None while the API server does not answer, except at first."""
    until = time.monotonic() + seconds
    yield look()
    while (left := until - time.monotonic()) > 0:
        bell.wait(min(LOOK_SECONDS, left))
        try:
            yield look()
        except Unreachable:
            yield None


@contextmanager
def drawing() -> Iterator[Callable[[str], None]]:
    """A hand that draws over what it drew before."""
    from rich.live import Live
    from rich.text import Text

    with Live(auto_refresh=False) as live:
        yield lambda text: live.update(Text.from_ansi(text), refresh=True)


def printing() -> Callable[[str], None]:
    """A hand that prints a line when it differs from the one before."""
    last = [""]

    def print_new(text: str) -> None:
        if text != last[0]:
            print(text)
            sys.stdout.flush()
            last[0] = text

    return print_new
