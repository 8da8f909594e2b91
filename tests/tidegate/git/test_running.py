"""The gits of a controller that ends end with it."""

from __future__ import annotations

import asyncio
import subprocess
import threading
from pathlib import Path
from typing import Any

import pytest

from tests.tidegate.git.origin import Server, anyone
from tests.tidegate.kube.waiting import SCALE, until
from tidegate.git.repositories import Repositories
from tidegate.git.workers import Workers

pytestmark = pytest.mark.git


async def test_what_hangs_when_all_ends_is_killed_and_nothing_more_begins(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else the process would wait for its threads, and be killed without its gits."""
    begun = list[subprocess.Popen[bytes]]()
    plain = subprocess.Popen

    def noted(*words: Any, **more: Any) -> subprocess.Popen[bytes]:
        begun.append(plain(*words, **more))
        return begun[-1]

    monkeypatch.setattr("subprocess.Popen", noted)
    gone = threading.Event()
    with Server(tmp_path) as server:
        server.refuse = lambda _: gone.wait(60 * SCALE)
        try:
            made = Repositories(tmp_path / "cache", Workers(1), anyone, ("http",))
            looks = [made.heads(f"{server.url}/{name}.git", ["main"]) for name in ("one", "other")]
            asked = [asyncio.ensure_future(look) for look in looks]
            await until(lambda: len(begun) == len(looks))
            await made.close()
            await until(lambda: all(process.poll() is not None for process in begun))
            await until(lambda: not any(one.name.startswith("git-server") for one in threading.enumerate()))
            assert len(begun) == len(looks)
            await asyncio.gather(*asked, return_exceptions=True)
        finally:
            gone.set()
