"""The processes that a pool's threads have started: they end when the pool does, whatever they wait for.

Else a server that hangs would keep the process from ending for as long as git is patient, and a git that is
left behind would go on after it.
"""

from __future__ import annotations

import os
import signal
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from tidegate.git.errors import Unreachable

_thread = threading.local()


class Running:
    """Of one pool; `adopt` is what each of its threads begins with."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._processes: set[subprocess.Popen[bytes]] = set()
        self.over = False

    def adopt(self) -> None:
        _thread.running = self

    def end(self) -> None:
        """Kill what runs, and let nothing more begin."""
        with self._lock:
            self.over = True
            for process in self._processes:
                kill(process)

    @contextmanager
    def holding(self, process: subprocess.Popen[bytes]) -> Iterator[None]:
        """For as long as it runs; one that was begun while all ended is killed."""
        with self._lock:
            self._processes.add(process)
            if self.over:
                kill(process)
        try:
            yield
        finally:
            with self._lock:
                self._processes.discard(process)

    def check(self) -> None:
        """Raises Unreachable where all is to end."""
        if self.over:
            raise Unreachable("nothing more is asked of Git: the controller ends")


def mine() -> Running:
    """That of this thread's pool; a thread of nobody's has one that never ends."""
    found: Running = getattr(_thread, "running", _NOBODYS)
    return found


def kill(process: subprocess.Popen[bytes]) -> None:
    """Everything it started too: git's transports are processes of their own."""
    if process.poll() is None:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)


_NOBODYS = Running()
