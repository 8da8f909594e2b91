"""Where the lab keeps things: binaries in a cache outside the checkout, a running lab in a temporary folder.

A running lab holds a shared lock on its folder. The kernel drops the lock when the lab dies, however it dies:
a folder nobody locks is a leftover. `reap` needs no process ids and works across pid namespaces.
"""

from __future__ import annotations

import fcntl
import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

CHECKOUT = Path(__file__).resolve().parents[2]
GO_MODULES = Path(__file__).resolve().parent / "go"


def cache() -> Path:
    return Path(os.environ.get("TIDEGATE_LAB_CACHE") or Path.home() / ".cache" / "tidegate-lab")


def labs() -> Path:
    """The folder that holds one folder for each lab of this user."""
    where = Path(tempfile.gettempdir()) / f"tidegate-lab-{os.getuid()}"
    where.mkdir(mode=0o700, exist_ok=True)
    return where


def new_lab() -> tuple[Path, int]:
    """A fresh folder for a lab, and the descriptor that keeps it locked while this process lives."""
    folder = Path(tempfile.mkdtemp(prefix="lab-", dir=labs()))
    (folder / "logs" / "pods").mkdir(parents=True)
    return folder, lock(folder)


def said_by(folder: Path) -> Path:
    """What a lab in the background prints; beside its folder, to be there still when the lab fails."""
    return folder.with_name(f"said-by-{folder.name}")


def lock(folder: Path) -> int:
    descriptor = os.open(folder / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    fcntl.flock(descriptor, fcntl.LOCK_SH)
    return descriptor


def alive(folder: Path) -> bool:
    """True while any process of the lab holds its lock."""
    try:
        descriptor = os.open(folder / "lock", os.O_RDWR | os.O_CLOEXEC)
    except FileNotFoundError:
        return _just_made(folder)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(descriptor)
    return False


def _just_made(folder: Path) -> bool:
    """Between making the folder and locking it there is a moment in which nobody may reap it."""
    try:
        return (folder.stat().st_mtime + 60) > _clock_of(folder.parent)
    except FileNotFoundError:
        return False


def _clock_of(folder: Path) -> float:
    """Now, by the clock of the file system that stamped the folder."""
    with tempfile.TemporaryFile(dir=folder) as probe:
        return os.fstat(probe.fileno()).st_mtime


def running() -> Iterator[Path]:
    return (folder for folder in sorted(labs().glob("lab-*")) if alive(folder))


def reap() -> list[Path]:
    """Remove what dead labs left behind, except folders somebody asked to keep."""
    dead = [each for each in labs().glob("lab-*") if not alive(each) and not (each / "keep").exists()]
    for folder in dead:
        shutil.rmtree(folder, ignore_errors=True)
        said_by(folder).unlink(missing_ok=True)
    return dead
