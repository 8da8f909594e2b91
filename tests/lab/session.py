"""Owning a lab from outside: a namespace for it, its orders, its signals, and its end."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path
from types import FrameType

import msgspec

from tests.lab import places
from tests.lab.parts import Failed, tail
from tests.lab.places import CHECKOUT
from tests.lab.state import State, read_state
from tests.lab.supervisor import Orders, exit_code
from tests.lab.waiting import until

UNSHARE = ["unshare", "--net", "--pid", "--fork", "--kill-child", "--mount-proc"]


class Unknown(Exception):
    """No such lab; the message lists the ones there are."""


def run(command: list[str], keep: bool = False) -> int:
    """A fresh lab around one command; its exit code, or 70 when the lab did not come up."""
    places.reap()
    folder, held = places.new_lab()
    ours, theirs = os.pipe()
    orders = _orders(command, keep)
    with _passing_signals(_launch(folder, orders, ours)) as supervisor:
        os.close(ours)
        code = supervisor.wait()
    os.close(theirs)
    os.close(held)
    if not keep:
        shutil.rmtree(folder, ignore_errors=True)
    return exit_code(code)


def up(keep: bool = False) -> State:
    """A lab that stays, in a session of its own. Raises `Failed`."""
    places.reap()
    folder, held = places.new_lab()
    supervisor = _launch(folder, _orders([], keep), None)
    until(
        lambda: (folder / "ready").exists() or supervisor.poll() is not None,
        120,
        "the lab to be up",
        every=0.1,
    )
    os.close(held)
    if not (folder / "ready").exists():
        raise Failed(f"the lab did not come up:\n{tail(places.said_by(folder))}")
    return read_state(folder / "state.json")


def down(name: str | None) -> list[str]:
    """Stop labs that `up` started: the named one, or all. Returns the names."""
    chosen = [_find(name)] if name else [folder for folder in places.running() if _stays(folder)]
    for folder in chosen:
        with suppress(ProcessLookupError):
            os.kill(_supervisor(folder), signal.SIGTERM)
    for folder in chosen:
        until(partial(_ended, folder), 30, f"{folder.name} to end")
        places.said_by(folder).unlink(missing_ok=True)
    places.reap()
    return [folder.name for folder in chosen]


def enter(command: list[str], name: str | None) -> int:
    """Run a command inside a running lab; its exit code."""
    folder = _find(name)
    state = read_state(folder / "state.json")
    user = [] if os.getuid() == 0 else ["--user", "--preserve-credentials"]
    inside = [
        "nsenter",
        "--target",
        str(_supervisor(folder)),
        *user,
        "--net",
        "--pid",
        "--mount",
        f"--wd={Path.cwd()}",
    ]
    from tests.lab.supervisor import guest_environment

    return exit_code(subprocess.call([*inside, *command], env={**os.environ, **guest_environment(state)}))


def _find(name: str | None) -> Path:
    """The named lab, or the only one there is. Raises `Unknown`."""
    there = [folder for folder in places.running() if (folder / "ready").exists()]
    named = [folder for folder in there if name in (None, folder.name)]
    if len(named) != 1:
        known = ", ".join(folder.name for folder in there) or "none"
        raise Unknown(f"{'which lab? say --lab NAME' if named else 'no such lab'}; running: {known}")
    return named[0]


def _ended(folder: Path) -> bool:
    return not places.alive(folder)


def _stays(folder: Path) -> bool:
    return not msgspec.json.decode((folder / "orders.json").read_bytes(), type=Orders).command


def _supervisor(folder: Path) -> int:
    return int((folder / "supervisor.pid").read_text())


def _orders(command: list[str], keep: bool) -> Orders:
    return Orders(command, keep, str(Path.cwd()), dict(os.environ), terminal=sys.stdin.isatty())


def _launch(folder: Path, orders: Orders, pipe: int | None) -> subprocess.Popen[bytes]:
    """Starts the supervisor as process 1 of new namespaces, and notes its pid as we see it."""
    (folder / "orders.json").write_bytes(msgspec.json.encode(orders))
    if orders.keep:
        (folder / "keep").touch()
    user = [] if os.getuid() == 0 else ["--user", "--map-root-user"]
    inner = [sys.executable, "-m", "tests.lab.supervisor", str(folder), str(-1 if pipe is None else pipe)]
    command = [*UNSHARE, *user, "--", *inner]
    environment = {**os.environ, "PYTHONPATH": str(CHECKOUT)}
    if pipe is None:
        with places.said_by(folder).open("wb") as log:
            process = subprocess.Popen(
                command,
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
    else:
        process = subprocess.Popen(command, env=environment, pass_fds=[pipe])
    _note_pid(folder, process)
    return process


def _note_pid(folder: Path, unshare: subprocess.Popen[bytes]) -> None:
    """unshare's only child is the supervisor."""
    children = Path(f"/proc/{unshare.pid}/task/{unshare.pid}/children")
    found = until(
        lambda: unshare.poll() is not None or _read(children), 10, "unshare to make a namespace", every=0.005
    )
    (folder / "supervisor.pid").write_text(str(found).strip())


def _read(path: Path) -> str:
    try:
        return path.read_text()
    except OSError:
        return ""


@contextmanager
def _passing_signals(process: subprocess.Popen[bytes]) -> Iterator[subprocess.Popen[bytes]]:
    """What we are told, the supervisor is told; on a terminal Ctrl-C reaches the guest without us."""

    def passed(number: int, _: FrameType | None) -> None:
        children = _read(Path(f"/proc/{process.pid}/task/{process.pid}/children")).split()
        with suppress(ProcessLookupError):
            for child in children:
                os.kill(int(child), number)

    before = {
        number: signal.signal(number, passed) for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)
    }
    try:
        yield process
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
