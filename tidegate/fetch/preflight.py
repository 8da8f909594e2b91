"""What a revert would lack, told before one is needed: the key that signs it, and the right to push it."""

from __future__ import annotations

from crds.errors import Invalid
from tidegate.fetch.reverts import NO_KEY, Keys
from tidegate.git.errors import Denied, GitError
from tidegate.git.writer import Writer
from tidegate.planners import needs

NO_SIGNER = (
    "spec.rollback.git.signing.secretRef: the key in Secret {} signs nothing: {}; it must be a private key "
    "of ssh without a passphrase, as ssh-keygen -t ed25519 -N '' makes it"
)


class Preflight:
    """Answers a `Revertible`. A server that does not answer says nothing against it."""

    def __init__(self, writer: Writer, keys: Keys) -> None:
        self._writer = writer
        self._keys = keys

    async def __call__(self, need: needs.Revertible) -> needs.Answer:
        try:
            troubles = (await self._unsigned(need), await self._unwritable(need.repo))
        except GitError as problem:
            return needs.Failed(str(problem))
        return needs.Known("; ".join(why for why in troubles if why))

    async def _unsigned(self, need: needs.Revertible) -> str:
        if not need.key:
            return ""
        secret = f"{need.namespace}/{need.key}"
        key = await self._keys(need.namespace, need.key)
        if not key:
            return NO_KEY.format(secret)
        try:
            why = await self._writer.unsignable(need.repo, key)
        except Invalid:  # of the repository, which is told below
            return ""
        return NO_SIGNER.format(secret, why) if why else ""

    async def _unwritable(self, repo: str) -> str:
        try:
            return await self._writer.refusal(repo)
        except (Denied, Invalid) as problem:  # before the server was asked
            return str(problem)
