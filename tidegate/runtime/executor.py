"""Performs the writes of a plan in order. It knows verbs, no kinds, and stops at the first write that fails.

Every answer goes into the store, so the next look sees our own writes before any watch shows them. A write
without an answer counts as failed: the next plan reads what became of it.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import assert_never

from crds.paths import get, put
from crds.refs import Kind, Ref
from tidegate.kube import requests
from tidegate.kube.errors import KubeError, NotFound, accepted
from tidegate.kube.http import Request, Response, Sender
from tidegate.kube.store import Raw, Store
from tidegate.planners.plan import (
    Apply,
    Create,
    Delete,
    Evict,
    JsonPatch,
    MergePatch,
    Plan,
    Push,
    Record,
    Write,
)
from tidegate.runtime.telling import Tell

log = logging.getLogger("tidegate.executor")

TOO_MANY = 429

Pruned = Callable[[Ref, tuple[str, ...]], None]
Pusher = Callable[[Push], None]


@dataclass(frozen=True)
class Refused:
    """The write that failed, and what the API server or the network said."""

    write: Write
    problem: KubeError

    def __str__(self) -> str:
        return f"{type(self.write).__name__} of {self.write.ref}: {self.problem}"


class Executor:
    """`pruned` hears which fields of a Record were not kept; `push` begins to write into Git, where that is
    done at all, and returns at once, as `tell` does."""

    def __init__(self, sender: Sender, store: Store, tell: Tell) -> None:
        self._sender = sender
        self._store = store
        self._tell = tell
        self.pruned: Pruned = lambda _ref, _fields: None
        self.push: Pusher | None = None
        self._without_status: set[Kind] = set()

    async def perform(self, plan: Plan, now: datetime) -> Refused | None:
        """Write everything, then tell the events; the first write that failed, or None.

        What was recorded by then is told all the same, for no later plan knows it as news.
        """
        done, refused = await self._written(plan)
        if refused is None or any(isinstance(write, Record) for write in done):
            for event in plan.events:
                self._tell(event, now)
        return refused

    async def _written(self, plan: Plan) -> tuple[tuple[Write, ...], Refused | None]:
        """The writes that were done, and the one that failed."""
        versions: dict[Ref, str] = {}
        for at, write in enumerate(plan.writes):
            try:
                await self._write(_on_our_own(write, versions), versions)
            except KubeError as problem:
                return plan.writes[:at], Refused(write, problem)
        return plan.writes, None

    async def read_anew(self, ref: Ref) -> None:
        """Learn what became of a write that failed. Raises KubeError where that is not answered either."""
        try:
            self._keep(ref.kind, accepted(await self._sender.send(requests.get(_path(ref)))))
        except NotFound:
            if held := self._held(ref):
                self._store.remove(ref.kind, held)

    async def _write(self, write: Write, versions: dict[Ref, str]) -> None:
        match write:
            case Record():
                raw = await self._record(write)
                self.pruned(write.ref, _lost(write.patch, get(raw, "status", default={})))
            case Delete():
                return await self._delete(write)
            case Evict(ref, uid):
                return await self._evict(ref, uid)
            case Push():
                assert self.push, "who plans pushes can push"
                return self.push(write)
            case _:
                raw = accepted(await self._sender.send(_request(write)))
        versions[write.ref] = raw["metadata"]["resourceVersion"]
        self._keep(write.ref.kind, raw)
        return None

    async def _record(self, record: Record) -> Raw:
        """To the status subresource, unless the kind turns out not to have one."""
        kind, path = record.ref.kind, _path(record.ref)
        body = {"metadata": {"resourceVersion": record.version}, "status": record.patch}
        if not kind.status or kind in self._without_status:
            return accepted(await self._sender.send(requests.merge_patch(path, body)))
        try:
            return accepted(await self._sender.send(requests.merge_patch(f"{path}/status", body)))
        except NotFound:
            pass  # of the object or of its status: the server does not say which
        raw = accepted(await self._sender.send(requests.merge_patch(path, body)))
        self._without_status.add(kind)
        return raw

    async def _delete(self, write: Delete) -> None:
        asked = requests.delete(_path(write.ref), write.uid, write.propagation)
        response = await self._sender.send(asked)
        if _gone(response, write.uid):
            self._forget(write.ref, write.uid)
        else:
            self._keep(write.ref.kind, accepted(response))

    async def _evict(self, ref: Ref, uid: str) -> None:
        response = await self._sender.send(requests.evict(_path(ref), uid))
        if response.status == TOO_MANY:
            log.info("%s stays for now: %s", ref, response.body.get("message"))
        elif not _gone(response, uid):
            accepted(response)

    def _keep(self, kind: Kind, raw: Raw) -> None:
        if self._store.watches(kind) and self._store.synced(kind):
            self._store.put(kind, raw)

    def _held(self, ref: Ref) -> Raw | None:
        return self._store.get(*ref) if self._store.watches(ref.kind) else None

    def _forget(self, ref: Ref, uid: str) -> None:
        held = self._held(ref)
        if held is not None and get(held, "metadata", "uid") == uid:
            self._store.remove(ref.kind, held)


def _lost(patch: Raw, status: Raw) -> tuple[str, ...]:
    return tuple(key for key, value in patch.items() if value is not None and key not in status)


def _on_our_own(write: Write, versions: dict[Ref, str]) -> Write:
    """A second write to the same object is based on our first one, no longer on what was planned on."""
    version = versions.get(write.ref)
    if version is None:
        return write
    match write:
        case Record(ref, patch):
            return Record(ref, patch, version)
        case MergePatch(ref, body) if get(body, "metadata", "resourceVersion"):
            return MergePatch(ref, put(body, ("metadata", "resourceVersion"), version))
        case _:
            return write


def _request(write: Create | MergePatch | JsonPatch | Apply) -> Request:
    match write:
        case Create(ref, body):
            return requests.create(_collection(ref), body)
        case MergePatch(ref, body):
            return requests.merge_patch(_path(ref), body)
        case JsonPatch(ref, operations):
            return requests.json_patch(_path(ref), operations)
        case Apply(ref, body):
            return requests.apply(_path(ref), body, force=True)
        case never:
            assert_never(never)


def _gone(response: Response, uid: str) -> bool:
    """Whether exactly that object is no more: deleted at once, before us, or replaced by a namesake."""
    if response.status == 404 or (response.body.get("kind") == "Status" and response.status < 400):
        return True
    return response.status == 409 and uid in str(response.body.get("message", ""))


def _path(ref: Ref) -> str:
    return requests.path(ref.kind.group, ref.kind.version, ref.kind.plural, ref.namespace, ref.name)


def _collection(ref: Ref) -> str:
    return _path(ref._replace(name=""))
