"""Git behind needs: heads that are asked again while somebody needs them, and renderings.

A repository is asked once for all revisions that are needed of it, every few seconds: what people push is
live soon without a webhook, too. What is learnt is handed to the observer, which wakes who asked. One that
does not answer delays no other.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterable
from contextlib import suppress
from typing import Protocol
from zlib import crc32

from crds.addresses import hidden
from crds.errors import Invalid
from gitops.sources import Found, Lost, Manifests, Unrenderable
from tidegate.git import errors
from tidegate.git.mirror import Head as There
from tidegate.git.mirror import Lost as Gone
from tidegate.git.render import Asked, Rendering
from tidegate.git.repositories import Repositories
from tidegate.planners.needs import Answer, Failed, Head, Known, Rendered

log = logging.getLogger("tidegate.sources")

TICK = 1.0
EVERY, APART = 15.0, 1.0
"""Seconds between two questions to one repository, and on the average between two to whichever."""
FORGIVEN = 1
"""Questions in a row that a repository may leave unanswered before anybody is told."""
FIRST_RETRY, LONGEST_RETRY = 5.0, 60.0


class Audience(Protocol):
    """Who needs heads, and hears of them: the observer."""

    def heads(self) -> Iterable[Head]: ...

    def learn(self, need: Head, answer: Answer) -> None: ...


class Heads:
    """Answers a `Head` when it is first asked; `run` asks again for as long as it is needed."""

    def __init__(self, repositories: Repositories) -> None:
        self._repositories = repositories
        self._rests: dict[str, float] = {}
        self._due: dict[str, float] = {}
        self._failures: dict[str, int] = {}
        self._hurried: set[str] = set()
        self._knock = asyncio.Event()
        self._asking: dict[str, asyncio.Task[None]] = {}

    async def __call__(self, need: Head) -> Answer:
        return (await self._answers(need.repo, (need.revision,)))[need.revision]

    async def run(self, audience: Audience) -> None:
        """For ever; cancel to end."""
        try:
            while True:
                self._knock.clear()
                self.tick(audience)
                with suppress(TimeoutError):
                    async with asyncio.timeout(TICK):
                        await self._knock.wait()
        finally:
            for task in self._asking.values():
                task.cancel()

    def tick(self, audience: Audience) -> None:
        """Begin to ask the repositories that are due."""
        now = asyncio.get_running_loop().time()
        needed: dict[str, list[Head]] = {}
        for need in audience.heads():
            needed.setdefault(need.repo, []).append(need)
        self._rests = {repo: _rest_of(needs, len(needed)) for repo, needs in needed.items()}
        first = {repo: now + _spread(repo) * seconds for repo, seconds in self._rests.items()}
        self._due = {repo: self._due.get(repo, at) for repo, at in first.items()}
        for repo, needs in needed.items():
            due = now >= self._due[repo] or repo in self._hurried
            if due and repo not in self._asking:
                self._hurried.discard(repo)
                self._asking[repo] = asyncio.create_task(self._ask(repo, needs, audience))

    def hurry(self, repo: str) -> None:
        """Ask this repository at once, or once it has answered: somebody knows of a push."""
        self._hurried.add(repo)
        self._knock.set()

    async def _ask(self, repo: str, needs: list[Head], audience: Audience) -> None:
        try:
            await self._tell(repo, needs, audience)
        finally:
            del self._asking[repo]
            if repo in self._hurried:
                self._knock.set()

    async def _tell(self, repo: str, needs: list[Head], audience: Audience) -> None:
        answers = await self._answers(repo, {need.revision for need in needs})
        failed = any(isinstance(answer, Failed) for answer in answers.values())
        self._failures[repo] = self._failures.get(repo, 0) + 1 if failed else 0
        wait = self._retry(repo) if failed else self._rests.get(repo, EVERY)
        self._due[repo] = asyncio.get_running_loop().time() + wait
        if self._failures[repo] <= FORGIVEN and failed:
            return
        for need in needs:
            audience.learn(need, answers[need.revision])

    def _retry(self, repo: str) -> float:
        return min(LONGEST_RETRY, FIRST_RETRY * float(2 ** min(self._failures[repo] - 1, 8)))

    async def _answers(self, repo: str, revisions: Iterable[str]) -> dict[str, Answer]:
        try:
            heads = await self._repositories.heads(repo, revisions)
        except Invalid as problem:
            return {revision: Known(Lost(str(problem))) for revision in revisions}
        except errors.GitError as problem:
            return {revision: Failed(str(problem)) for revision in revisions}
        except Exception as problem:
            log.exception("could not ask %s for its heads", hidden(repo))
            return {revision: Failed(f"{type(problem).__name__}: {problem}") for revision in revisions}
        return {revision: Known(_seen(head)) for revision, head in heads.items()}


class Renderings:
    """Answers a `Rendered`; what only another commit can mend is an answer, too. What took too long may have
    had too busy a machine."""

    def __init__(self, repositories: Repositories) -> None:
        self._repositories = repositories

    async def __call__(self, need: Rendered) -> Answer:
        question = Asked(need.source, need.application, need.folders)
        try:
            rendering = await self._repositories.rendered(need.repo, need.commit, question, need.anew)
        except errors.Slow as problem:
            return Failed(str(problem), costly=True)
        except (errors.Unrenderable, errors.NoRevision, Invalid) as problem:
            return Known(Unrenderable(str(problem)))
        except errors.GitError as problem:
            return Failed(str(problem))
        return Known(_manifests(rendering))


def rest(asked: Iterable[float], repositories: int) -> float:
    """Seconds until a repository of so many is asked again, if its Applications ask every so often."""
    return min(*asked, max(EVERY, APART * repositories))


def _rest_of(needs: Iterable[Head], repositories: int) -> float:
    return rest([need.every for need in needs], repositories)


def _spread(repo: str) -> float:
    """A part of one, the same for the same repository."""
    return crc32(repo.encode()) / 2**32


def _seen(head: There | Gone) -> Found | Lost:
    if isinstance(head, Gone):
        return Lost(head.why)
    return Found(head.commit, head.rewritten)


def _manifests(rendering: Rendering) -> Manifests:
    files = tuple(file for file, _ in rendering.origins)
    return Manifests(rendering.kind, rendering.raws(), files, rendering.recursed)
