"""The processes a lab is made of: each started with a log, awaited with a deadline, stopped by name.

`stop` and `start` work from inside the lab, by what the state file says: a test that wants Prometheus gone
for a while says `parts.stop(state, "prometheus")`.
"""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from tests.lab.state import PartState, State, write_state
from tests.lab.waiting import Late, until


class Failed(Exception):
    """A part of the lab died or was late; the message ends with the tail of its log."""


def launch(argv: list[str], log: Path, env: dict[str, str]) -> subprocess.Popen[bytes]:
    """In a session of its own, so that Ctrl-C on the terminal reaches the command and not the lab."""
    with log.open("ab") as out:
        return subprocess.Popen(
            argv, stdin=subprocess.DEVNULL, stdout=out, stderr=out,
            env={**os.environ, **env}, start_new_session=True,
        )  # fmt: skip


def tail(log: Path, lines: int = 15) -> str:
    with suppress(FileNotFoundError):
        return "\n".join("    " + line for line in log.read_text(errors="replace").splitlines()[-lines:])
    return "    (no log)"


class Part:
    """A running process of the lab."""

    def __init__(self, name: str, argv: list[str], log: Path, env: dict[str, str] | None = None) -> None:
        self.name, self.argv, self.log, self.env = name, argv, log, env or {}
        self.process = launch(argv, log, self.env)

    def ready(self, ask: Callable[[], object], seconds: float) -> None:
        """Until `ask` answers. Raises `Failed`, with the log's tail, when the part dies first or is late."""
        try:
            until(lambda: self._asked(ask), seconds, self.name)
        except Late as late:
            raise Failed(f"{self.name} is not ready: {late}; its log ends\n{tail(self.log)}") from None

    def _asked(self, ask: Callable[[], object]) -> bool:
        if (code := self.process.poll()) is not None:
            raise Failed(f"{self.name} ended with {code}; its log ends\n{tail(self.log)}")
        with suppress(OSError):
            return bool(ask())
        return False

    def kill(self) -> None:
        """At once: nothing here is worth a goodbye, and an apiserver without etcd hangs on SIGTERM."""
        self.process.kill()
        self.process.wait()

    def state(self) -> PartState:
        return PartState(pid=self.process.pid, argv=self.argv, log=str(self.log), env=self.env)


def stop(state: State, name: str) -> None:
    """Kill one part and wait until it is gone."""
    pid = state.parts[name].pid
    with suppress(ProcessLookupError):
        os.kill(pid, signal.SIGKILL)
    until(lambda: not _exists(pid), 10, f"{name} to end")


_started: list[subprocess.Popen[bytes]] = []
"""They outlive whoever started them, and end with the lab."""


def start(state: State, name: str) -> State:
    """Start a stopped part again, as a child of this process; the state file knows the new pid."""
    part = state.parts[name]
    process = launch(part.argv, Path(part.log), part.env)
    _started.append(process)
    parts = {**state.parts, name: PartState(process.pid, part.argv, part.log, part.env)}
    return write_state(state, parts)


def _exists(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False
