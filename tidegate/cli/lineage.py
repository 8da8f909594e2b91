"""Whether one commit contains another, asked of Git with the rights of who asks.

No sooner than the controller should itself have seen a commit that was just pushed, and once for each pair.
Where Git cannot be asked the answer is no, and that is said once.
"""

from __future__ import annotations

import asyncio
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from crds.errors import Invalid
from tidegate.cli.api import Line
from tidegate.cli.diffing import OneByOne
from tidegate.fetch.credentials import Credentials
from tidegate.git import address
from tidegate.git.errors import GitError, NoRevision
from tidegate.git.repositories import Repositories
from tidegate.git.workers import Workers
from tidegate.kube.errors import KubeError

PATIENCE = 30.0
"""Seconds that a commit is given to be seen: reading a history is dear."""


class Lineage:
    """Of one repository, whose mirror lies in `folder`."""

    def __init__(self, repo: str, access: Credentials, folder: Path, protocols: tuple[str, ...]) -> None:
        self._repo, self._access, self._folder, self._protocols = repo, access, folder, protocols
        self._from = time.monotonic() + PATIENCE
        self._known: dict[tuple[str, str], bool] = {}
        self._told = ""

    def contains(self, commit: str, older: str) -> bool:
        if time.monotonic() < self._from:
            return False
        if (commit, older) not in self._known:
            self._known[commit, older] = self._told_of(commit, older)
        return self._known[commit, older]

    def _told_of(self, commit: str, older: str) -> bool:
        try:
            return asyncio.run(self._asked(commit, older))
        except NoRevision:
            return False
        except (GitError, Invalid, KubeError) as problem:
            self._tell(f"cannot tell whether {commit[:10]} contains {older[:10]}: {problem}")
        return False

    async def _asked(self, commit: str, older: str) -> bool:
        repositories = Repositories(self._folder, Workers(1), self._access, self._protocols)
        try:
            return await repositories.contains(self._repo, commit, older)
        finally:
            await repositories.close()

    def _tell(self, why: str) -> None:
        if not self._told:
            print(why, file=sys.stderr)
        self._told = why


@contextmanager
def lineage(
    line: Line, home: str, repo: str, protocols: tuple[str, ...] = address.PROTOCOLS
) -> Iterator[Lineage]:
    """`home` is the namespace in which the repository's credentials lie."""
    with TemporaryDirectory(prefix="tidegate-wait-") as folder:
        yield Lineage(repo, Credentials(OneByOne(line), home), Path(folder), protocols)
