"""Whether one commit contains another, asked of Git with the rights of who asks.

No sooner than the controller should itself have seen a commit that was just pushed, and once for each pair.
Where Git cannot be asked the answer is no for now, and that is said once; where it never can, waiting ends.
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
from tidegate.cli.failure import Failure
from tidegate.fetch.credentials import Credentials
from tidegate.git import address
from tidegate.git.errors import GitError, NoRevision
from tidegate.git.repositories import Repositories
from tidegate.git.workers import Workers
from tidegate.kube.errors import KubeError

PATIENCE = 30.0
"""Seconds that a commit is given to be seen, and Git to answer: reading a history is dear."""
MOST_TRIES = 3


class Lineage:
    """Of one repository, whose mirror lies in `folder`."""

    def __init__(self, repo: str, access: Credentials, folder: Path, protocols: tuple[str, ...]) -> None:
        self._repo, self._access, self._folder, self._protocols = repo, access, folder, protocols
        self._from = time.monotonic() + PATIENCE
        self._known: dict[tuple[str, str], bool] = {}
        self._failed = 0

    def contains(self, commit: str, older: str) -> bool:
        if time.monotonic() < self._from:
            return False
        if (commit, older) not in self._known:
            try:
                self._known[commit, older] = self._told_of(commit, older)
            except (GitError, Invalid, KubeError) as problem:
                self._again(f"cannot tell whether {commit[:10]} contains {older[:10]}: {problem}")
        return self._known.get((commit, older), False)

    def _told_of(self, commit: str, older: str) -> bool:
        try:
            return asyncio.run(self._asked(commit, older))
        except NoRevision:
            return False

    async def _asked(self, commit: str, older: str) -> bool:
        repositories = Repositories(self._folder, Workers(1), self._access, self._protocols)
        try:
            return await repositories.contains(self._repo, commit, older)
        finally:
            await repositories.close()

    def _again(self, why: str) -> None:
        """Later. Failure once that is hopeless."""
        self._failed += 1
        self._from = time.monotonic() + PATIENCE
        if self._failed == 1:
            print(why, file=sys.stderr)
        if self._failed == MOST_TRIES:
            raise Failure(f"{why}; it was asked {MOST_TRIES} times")


@contextmanager
def lineage(
    line: Line, home: str, repo: str, protocols: tuple[str, ...] = address.PROTOCOLS
) -> Iterator[Lineage]:
    """`home` is the namespace in which the repository's credentials lie."""
    with TemporaryDirectory(prefix="tidegate-wait-") as folder:
        yield Lineage(repo, Credentials(OneByOne(line), home), Path(folder), protocols)
