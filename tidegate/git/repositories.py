"""All repositories that Applications name: their heads, their history and what they declare, asked in common.

Everything that blocks runs in threads, everything that computes in worker processes, so that a Git server
that hangs delays no one else. Who asks at the same time shares an answer, and a rendering is kept by the ids
of the files it was made of: a commit elsewhere in the repository renders nothing.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Hashable, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

from crds.addresses import hidden
from tidegate.git import address, history, tree
from tidegate.git.access import Access
from tidegate.git.address import Address
from tidegate.git.command import Remote
from tidegate.git.errors import GitError, Slow, Unrenderable
from tidegate.git.history import Commit
from tidegate.git.kept import Kept, Key
from tidegate.git.mirror import Head, Lost, Mirror
from tidegate.git.render import Asked, Rendering
from tidegate.git.threads import Threads
from tidegate.git.workers import Lacking, Workers, Wrong

T = TypeVar("T")

ROUNDS = 20
"""Fetches of missing contents for one rendering: each follows one more link or base of a kustomization."""
MOST_COMMITS = 100
MOST_HELD = 10_000


class Repositories:
    """`access` says how a repository is entered, asked anew each time. Errors are GitError or Invalid."""

    def __init__(
        self,
        folder: Path,
        workers: Workers,
        access: Callable[[Address], Awaitable[Access]],
        protocols: tuple[str, ...] = address.PROTOCOLS,
    ) -> None:
        self._folder = folder
        self._workers = workers
        self._access = access
        self._protocols = protocols
        self._threads = Threads()
        self._gathering: dict[str, _Looking] = {}
        self._looks: set[asyncio.Task[dict[str, Head | Lost]]] = set()
        self._asked: dict[Hashable, asyncio.Task[Any]] = {}
        self._kept = Kept()
        self._ids: OrderedDict[tuple[str, str], dict[str, str]] = OrderedDict()
        self._held: set[tuple[str, str]] = set()

    async def heads(self, url: str, revisions: Iterable[str]) -> dict[str, Head | Lost]:
        """What the revisions name on the server now: one question for all who wait for its turn, and a fetch
        where a head is new."""
        looking = self._gathering.get(url)
        if looking is None:
            looking = self._gathering[url] = _Looking()
            looking.answer = asyncio.ensure_future(self._heads(url, looking))
            self._looks.add(looking.answer)
            looking.answer.add_done_callback(self._looks.discard)
        wanted = set(revisions)
        looking.revisions |= wanted
        assert looking.answer, "it has begun"
        found = await asyncio.shield(looking.answer)
        return {revision: found[revision] for revision in wanted}

    async def rendered(self, url: str, commit: str, question: Asked, anew: bool = False) -> Rendering:
        """What a source declares at a commit. Unrenderable and Invalid wait for an edit."""
        asked = ("rendered", url, commit, question, anew)
        return await self._once(asked, lambda: self._rendered(url, commit, question, anew))

    async def commit(self, url: str, commit: str) -> Commit:
        mirror = await self.holding(url, commit)
        return await self.thread(history.commit, mirror.git_dir, commit)

    async def between(self, url: str, old: str, new: str, paths: tuple[str, ...] = ()) -> tuple[Commit, ...]:
        mirror = await self.holding(url, old, new)
        return await self.thread(history.between, mirror.git_dir, old, new, paths)

    async def brought(self, url: str, old: str, new: str, paths: tuple[str, ...]) -> tuple[Commit, ...]:
        mirror = await self.holding(url, old, new)
        return await self.thread(history.brought, mirror.git_dir, old, new, paths)

    async def changed(self, url: str, old: str, new: str) -> tuple[str, ...]:
        mirror = await self.holding(url, old, new)
        return await self.thread(history.changed, mirror.git_dir, old, new)

    async def contains(self, url: str, commit: str, ancestor: str) -> bool:
        """Whether `ancestor` is in the history of `commit`."""
        mirror = await self.holding(url, commit)
        return await self.thread(mirror.contains, commit, ancestor)

    async def ids(self, url: str, commit: str, paths: Iterable[str]) -> dict[str, str]:
        """The ids of files and folders at a commit, "" where nothing is: equal ids are equal contents."""
        mirror = await self.holding(url, commit)
        return await self.thread(tree.ids, mirror.git_dir, commit, tuple(paths))

    async def close(self) -> None:
        tasks = [*self._asked.values(), *self._looks]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        self._workers.close()
        self._threads.close()

    async def _heads(self, url: str, looking: _Looking) -> dict[str, Head | Lost]:
        try:
            mirror = await self._mirror(url)
            turn = await self._threads.turn(mirror.git_dir)
        finally:
            del self._gathering[url]
        return await turn.ask(mirror.heads, tuple(sorted(looking.revisions)))

    async def _rendered(self, url: str, commit: str, question: Asked, anew: bool) -> Rendering:
        mirror = await self.holding(url, commit)
        kept = None if anew else await self._fitting(mirror, commit, (url, question))
        if kept:
            return kept
        for _ in range(ROUNDS):
            outcome = await self._workers.render(mirror.git_dir, commit, question)
            match outcome:
                case Rendering():
                    self._kept.keep((url, question), outcome)
                    return outcome
                case Lacking(blobs):
                    await self.server(mirror, mirror.bring, blobs)
                case Wrong(why, again, slow, damaged):
                    self._held.clear()
                    if damaged:
                        await self.server(mirror, mirror.renew)
                    raise (GitError if again else Slow if slow else Unrenderable)(
                        f"{hidden(url)} at {commit[:10]}: {why}"
                    )
        raise Unrenderable(
            f"{hidden(url)} at {commit[:10]}: leads on and on; {ROUNDS} fetches did not end it"
        )

    async def _fitting(self, mirror: Mirror, commit: str, key: Key) -> Rendering | None:
        """A kept rendering whose files are the same at this commit."""
        place, paths = (key[0], commit), self._kept.paths(key)
        found: dict[str, str] = {}
        while not paths <= found.keys():
            found |= await self._once(("ids", place), lambda: self._learned(mirror, place, paths))
        return self._kept.fitting(key, found)

    async def _learned(self, mirror: Mirror, place: tuple[str, str], paths: set[str]) -> dict[str, str]:
        """The ids at a commit of these paths, and of all that the repository's renderings read.

        So that one run of git answers for all of a repository's Applications.
        """
        url, commit = place
        found = self._ids.get(place, {})
        if not paths <= found.keys():
            absent = (paths | self._kept.paths_of(url)) - found.keys()
            found = found | await self.thread(tree.ids, mirror.git_dir, commit, absent)
            self._ids[place] = found
        while len(self._ids) > MOST_COMMITS:
            self._ids.popitem(last=False)
        return found

    async def _mirror(self, url: str) -> Mirror:
        where = address.read(url, self._protocols)
        return Mirror(self._folder, Remote(where, await self._access(where), self._protocols))

    async def holding(self, url: str, *commits: str) -> Mirror:
        """The mirror, with these commits in it: a cache may be younger than a status that names them."""
        mirror = await self._mirror(url)
        absent = {(url, commit) for commit in commits} - self._held
        if absent:
            lacking = await self.thread(mirror.lacking, [commit for _, commit in absent])
            if lacking:
                await self.server(mirror, mirror.hold, lacking)
            self._held = (self._held if len(self._held) < MOST_HELD else set()) | absent
        return mirror

    async def thread(self, work: Callable[..., T], *arguments: Any) -> T:
        """The answer of what blocks, and asks no server."""
        return await self._threads.read(work, *arguments)

    async def server(self, mirror: Mirror, work: Callable[..., T], *arguments: Any) -> T:
        """The answer of what asks the mirror's server, or writes into the mirror."""
        turn = await self._threads.turn(mirror.git_dir)
        return await turn.ask(work, *arguments)

    async def pushing(self, work: Callable[..., T], *arguments: Any) -> T:
        """The same beside all who only read, so that a push that hangs hides no news."""
        return await self._threads.ask(work, *arguments)

    async def _once(self, question: Hashable, answer: Callable[[], Awaitable[T]]) -> T:
        """One answer for all who ask while it is not there; who goes away takes it from no other."""
        task = self._asked.get(question)
        if task is None:
            task = self._asked[question] = asyncio.ensure_future(answer())
            task.add_done_callback(lambda _: self._asked.pop(question, None))
        return await asyncio.shield(task)


@dataclass
class _Looking:
    """A question to come; who asks before its turn is answered along."""

    revisions: set[str] = field(default_factory=set)
    answer: asyncio.Task[dict[str, Head | Lost]] | None = None
