"""Reverts behind their need: one that is there is found, else one is made, signed and proved; and pushed.

Proved: what is declared at the new commit is what was declared when all was good, and nothing else that the
parent Application declares has changed. Without that proof there is no commit to push.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import Any

import msgspec

from crds.application_policy import GitBack
from crds.application_rollback import RollbackStatus
from crds.application_source import Source, as_json
from crds.errors import Invalid
from crds.paths import get
from gitops import reverts
from gitops.order import hooks
from gitops.reverts import Adopted, Answer, Landing, Ready, Superseded, Taken, Unable
from gitops.sources import digest
from tidegate.fetch.declared import Declared
from tidegate.git.errors import GitError, NoRevision, Slow, Unrenderable
from tidegate.git.heads import HEADS
from tidegate.git.mirror import Head
from tidegate.git.push import Push
from tidegate.git.render import Rendering
from tidegate.git.repositories import Repositories
from tidegate.git.revert import Conflict, Signature, Wanted
from tidegate.git.writer import Writer
from tidegate.planners import needs, plan

log = logging.getLogger("tidegate.reverts")

Raw = dict[str, Any]
Keys = Callable[[str, str], Awaitable[str]]
"""The private key in a Secret, by namespace and name."""

NO_KEY = (
    "spec.rollback.git.signing.secretRef: Secret {} has no ssh-privatekey to sign the revert with; add it"
)
MIGRATES = (
    "{} ran with this release, and no commit takes back what it did: write spec.rollback.allowSchemaChange: "
    "true if the release before runs with it, or revert by hand"
)
NAME, EMAIL = "Tidegate", "tidegate@tidegate.dev"


class Reverts:
    """Answers a `Reverted`, and pushes.

    `told` hears what became of a push; `hurry`, where Git has by now what the heads may not have seen yet.
    """

    def __init__(self, repositories: Repositories, writer: Writer, keys: Keys) -> None:
        self._repositories = repositories
        self._writer = writer
        self._keys = keys
        self._pushing: dict[needs.Arrival, asyncio.Task[None]] = {}
        self.told: Callable[[needs.Arrival, Landing], None] = lambda _need, _landing: None
        self.hurry: Callable[[str], None] = lambda _repo: None

    async def __call__(self, need: needs.Reverted) -> needs.Answer:
        try:
            answer = await _Question(need, self._repositories, self._writer, self._keys).answer()
        except Slow as problem:
            return needs.Failed(str(problem))
        except (Conflict, Invalid, Unrenderable, NoRevision) as problem:
            return needs.Known(Unable(str(problem)))
        except GitError as problem:
            return needs.Failed(str(problem))
        if isinstance(answer, Adopted | Superseded):
            self.hurry(need.repo)
        return needs.Known(answer)

    def begin(self, write: plan.Push) -> None:
        """Push beside the workers, who wait for no Git server; once for all who ask meanwhile."""
        need = _arrival(write)
        if need not in self._pushing:
            self._pushing[need] = task = asyncio.create_task(self.push(write))
            task.add_done_callback(lambda _: self._pushing.pop(need))

    async def stop(self) -> None:
        """Tell nothing more: who comes next asks the server what is there."""
        pushing = list(self._pushing.values())
        for task in pushing:
            task.cancel()
        await asyncio.gather(*pushing, return_exceptions=True)

    async def push(self, write: plan.Push) -> None:
        """What became of it is told; nothing is raised."""
        need = _arrival(write)
        self.told(need, await self._landing(write))
        self.hurry(write.repo)

    async def _landing(self, write: plan.Push) -> Landing:
        try:
            found = await self._writer.push(write.repo, Push(write.commit, write.branch, write.base))
        except (GitError, Invalid) as problem:  # credentials as well: those people can mend
            return reverts.Failing(str(problem), write.time)
        except Exception as problem:
            log.exception("could not push %s", write)
            return reverts.Failing(f"{type(problem).__name__}: {problem}", write.time)
        if found.landed:
            return reverts.Landed()
        return reverts.Declined(found.declined) if found.declined else reverts.Moved(found.tip)


class _Question:
    """One need on its way to an answer; each step asks Git for what the one before left open."""

    def __init__(self, need: needs.Reverted, repositories: Repositories, writer: Writer, keys: Keys) -> None:
        self._need, self._repositories, self._writer, self._keys = need, repositories, writer, keys
        self._rollback = msgspec.json.decode(need.rollback, type=RollbackStatus)
        self._namespace = need.application.partition("/")[0]
        self._declares = Declared(repositories, need.repo, need.application, need.folders, need.parent)

    async def answer(self) -> Answer:
        rollback, repo = self._rollback, self._need.repo
        head = (await self._repositories.heads(repo, [self._need.revision]))[self._need.revision]
        if not isinstance(head, Head) or not head.ref.startswith(HEADS):
            return Unable(f"targetRevision {self._need.revision!r} names no branch to put a revert upon")
        for commit in (rollback.good.revision, rollback.from_):
            if not await self._repositories.contains(repo, head.commit, commit):
                return Unable(f"the history of {head.ref} was rewritten: {commit[:10]} is no more part of it")
        return await self._there(head.commit) or await self._made(head)

    async def _there(self, head: str) -> Answer | None:
        """What Git says already; None where it declares what was rejected."""
        rollback = self._rollback
        since = await self._repositories.between(self._need.repo, rollback.good.revision, head)
        if ours := next((one.id for one in since if one.trailer(reverts.ID) == rollback.id), ""):
            return Adopted(ours)
        declared = digest((await self._declared(head)).raws())
        if declared == rollback.good.rendering:
            return Adopted(head)
        return None if declared == rollback.rendering else Superseded(head)

    async def _made(self, head: Head) -> Answer:
        back, rollback = self._need.back, self._rollback
        by = await self._signature(back)
        wanted = await self._wanted(head.commit, back)
        taken = [
            Taken(one.id, one.subject, whole)
            for one, whole in await self._writer.taken(self._need.repo, wanted)
        ]
        if not taken:
            return Unable(f"nothing that differs between {wanted.good[:10]} and {wanted.bad[:10]} was found")

        async def made(also: tuple[str, ...] = ()) -> str:
            text = reverts.message(rollback, self._need.application, taken, also)
            return await self._writer.made(self._need.repo, wanted, text, by, rollback.id)

        commit = await made()
        if not self._need.schema and (changed := await self._hooks(head.commit, commit)):
            raise GitError(MIGRATES.format(", ".join(changed)))
        if problem := await self._unproved(head.commit, commit):
            return Unable(problem)
        also = await self._declares.changed_by(self._need.beside, head.commit, commit)
        return Ready(head.commit, await made(also) if also else commit, head.ref, also)

    async def _signature(self, back: GitBack) -> Signature:
        assert self._rollback.since, "what is under way has begun"
        key = "" if back.signing.type == "none" else await self._key(back)
        return Signature(back.author.name or NAME, back.author.email or EMAIL, self._rollback.since, key)

    async def _key(self, back: GitBack) -> str:
        """Raises GitError where there is none: a person can mend that."""
        ref = back.signing.secret_ref
        assert ref, "nobody is asked before a key is named"
        key = await self._keys(self._namespace, ref.name)
        if not key:
            raise GitError(NO_KEY.format(f"{self._namespace}/{ref.name}"))
        return key

    async def _wanted(self, head: str, back: GitBack) -> Wanted:
        """What the Application is made of, the file that defines it included."""
        rollback = self._rollback
        bad = await self._declares.at(rollback.from_, self._of_bad())
        paths = {*bad.files, *(await self._good()).files}
        for commit in (rollback.from_, rollback.good.revision):
            paths |= await self._declares.definition(commit)
        wanted = await self._least(Wanted(rollback.good.revision, rollback.from_, head, tuple(sorted(paths))))
        whole = back.strategy == "commit" and len(await self._writer.taken(self._need.repo, wanted)) == 1
        return msgspec.structs.replace(wanted, paths=("",)) if whole else wanted

    async def _least(self, wanted: Wanted) -> Wanted:
        """From the last commit on that still declared what was good."""
        for one, _ in await self._writer.taken(self._need.repo, wanted):
            before = one.parents[0] if one.parents else ""
            if before and digest((await self._declared(before)).raws()) == self._rollback.good.rendering:
                return msgspec.structs.replace(wanted, good=before)
        return wanted

    async def _unproved(self, head: str, commit: str) -> str:
        """Why the commit is no valid revert, "" where it is one."""
        good = self._rollback.good
        if digest((await self._declared(commit)).raws()) != good.rendering:
            return f"with the files of {good.revision[:10]} it would still not declare what was good then"
        before, after = await self._declares.siblings(head), await self._declares.siblings(commit)
        if before != after:
            changed = sorted(
                str(key) for key in before.keys() | after.keys() if before.get(key) != after.get(key)
            )
            return f"it would also change {', '.join(changed)}, which {self._declares.parent_name} declares"
        return ""

    async def _hooks(self, bad: str, good: str) -> list[str]:
        """The hooks that differ: what migrates a database, perhaps."""
        one, other = [
            [raw for raw in (await self._declared(commit)).raws() if hooks(raw)] for commit in (bad, good)
        ]
        differ = [raw for raw in one if raw not in other] + [raw for raw in other if raw not in one]
        return sorted({_name(raw) for raw in differ})

    # What is declared where

    async def _declared(self, commit: str) -> Rendering:
        """As the source that the parent declares there says it."""
        return await self._declares.at(commit, await self._source(commit))

    async def _good(self) -> Rendering:
        source = self._rollback.good.source
        return await self._declares.at(self._rollback.good.revision, as_json(source or Source()))

    def _of_bad(self) -> bytes:
        return as_json(self._rollback.from_source or Source())

    async def _source(self, commit: str) -> bytes:
        own = await self._declares.own(commit)
        return as_json(get(own, "spec", "source")) if own else self._of_bad()


def _name(raw: Raw) -> str:
    meta = get(raw, "metadata", default={})
    return f"{get(raw, 'kind')} {get(meta, 'name') or get(meta, 'generateName')}"


def _arrival(write: plan.Push) -> needs.Arrival:
    return needs.Arrival(write.repo, write.branch, write.commit)
