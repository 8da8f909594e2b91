"""What a revert would lack, told before one is needed: the key that signs it, and the right to push it."""

from __future__ import annotations

from crds.errors import Invalid
from tidegate.fetch.reverts import NO_KEY, Keys
from tidegate.git.errors import Denied, GitError
from tidegate.git.writer import Writer
from tidegate.planners import needs


class Preflight:
    """Answers a `Revertible`. A server that does not answer says nothing against it."""

    def __init__(self, writer: Writer, keys: Keys) -> None:
        self._writer = writer
        self._keys = keys

    async def __call__(self, need: needs.Revertible) -> needs.Answer:
        try:
            troubles = (await self._unsigned(need.namespace, need.key), await self._unwritable(need.repo))
        except GitError as problem:
            return needs.Failed(str(problem))
        return needs.Known("; ".join(why for why in troubles if why))

    async def _unsigned(self, namespace: str, name: str) -> str:
        return "" if not name or await self._keys(namespace, name) else NO_KEY.format(f"{namespace}/{name}")

    async def _unwritable(self, repo: str) -> str:
        try:
            return await self._writer.refusal(repo)
        except (Denied, Invalid) as problem:  # before the server was asked
            return str(problem)
