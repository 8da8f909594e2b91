"""The one way into somebody's branch: a commit is made in the mirror, and pushed with credentials of its own.

Nothing else here has these credentials, and they are used for nothing but the push.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from crds.addresses import hidden
from tidegate.git import address, push, revert
from tidegate.git.access import Access
from tidegate.git.address import Address
from tidegate.git.command import Remote
from tidegate.git.errors import GitError
from tidegate.git.history import Commit
from tidegate.git.push import Outcome, Push
from tidegate.git.repositories import ROUNDS, Repositories
from tidegate.git.revert import Signature, Wanted
from tidegate.git.tree import Missing


class Writer:
    """`access` says how a repository is entered by who writes. Errors are GitError or Invalid."""

    def __init__(
        self,
        repositories: Repositories,
        access: Callable[[Address], Awaitable[Access]],
        protocols: tuple[str, ...] = address.PROTOCOLS,
    ) -> None:
        self._repositories = repositories
        self._access = access
        self._protocols = protocols
        self._let_in: dict[str, Remote] = {}

    async def taken(self, url: str, wanted: Wanted) -> tuple[tuple[Commit, bool], ...]:
        """The commits that would be taken back, and whether nothing of each stays."""
        mirror = await self._repositories.holding(url, wanted.good, wanted.bad)
        return await self._repositories.thread(revert.taken, mirror.git_dir, wanted)

    async def made(self, url: str, wanted: Wanted, message: str, by: Signature, name: str) -> str:
        """The commit that takes back what is wanted, in the mirror alone."""
        mirror = await self._repositories.holding(url, wanted.good, wanted.bad, wanted.head)
        for _ in range(ROUNDS):
            try:
                return await self._repositories.thread(revert.made, mirror.git_dir, wanted, message, by, name)
            except Missing as lacking:
                await self._repositories.server(mirror, mirror.bring, lacking.blobs)
        raise GitError(f"{hidden(url)}: contents of {wanted.good[:10]} cannot be fetched")

    async def push(self, url: str, what: Push) -> Outcome:
        writer, mirror = await self._entered(url), await self._repositories.holding(url)
        return await self._repositories.pushing(push.push, mirror, writer, what)

    async def unsignable(self, url: str, key: str) -> str:
        """Why no revert could be signed with this key."""
        mirror = await self._repositories.holding(url)
        return await self._repositories.thread(revert.unsignable, mirror.git_dir, key)

    async def refusal(self, url: str) -> str:
        """Why nobody could push; who was let in is asked no more while the credentials are the same."""
        writer, mirror = await self._entered(url), await self._repositories.holding(url)
        if self._let_in.get(url) == writer:
            return ""
        why = await self._repositories.pushing(push.refusal, mirror, writer)
        if not why:
            self._let_in[url] = writer
        return why

    async def _entered(self, url: str) -> Remote:
        where = address.read(url, self._protocols)
        return Remote(where, await self._access(where), self._protocols)
