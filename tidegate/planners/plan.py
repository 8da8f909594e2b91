"""A plan: what to write, in order, when to look again, and one sentence why.

Writes are verbs of the API server; the executor performs them and knows no kinds. It stops at the first
that fails: the next plan sees what happened. `events` are told after the last write and never stop a plan.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

import msgspec

from crds.refs import Ref

Raw = dict[str, Any]


class Create(msgspec.Struct, frozen=True, tag=True):
    """Create the object. AlreadyExists is a failed write: the next plan sees the one that is there."""

    ref: Ref
    body: Raw


class MergePatch(msgspec.Struct, frozen=True, tag=True):
    """RFC 7386 patch; carry metadata.resourceVersion in `body` where it must not overwrite others' words."""

    ref: Ref
    body: Raw


class JsonPatch(msgspec.Struct, frozen=True, tag=True):
    """RFC 6902 patch; `test` operations make it conditional."""

    ref: Ref
    operations: tuple[Raw, ...]


class Apply(msgspec.Struct, frozen=True, tag=True):
    """Server-side apply, what others manage taken over; a metadata.resourceVersion in `body` makes it
    conditional."""

    ref: Ref
    body: Raw


class Delete(msgspec.Struct, frozen=True, tag=True):
    """Delete exactly this object (precondition on `uid`); `propagation` says when its dependents go."""

    ref: Ref
    uid: str
    propagation: str = "Background"


class Evict(msgspec.Struct, frozen=True, tag=True):
    """Ask the Eviction API for the end of exactly this pod.

    A disruption budget that says not now is no failure; the plan's `wake_at` asks again.
    """

    ref: Ref
    uid: str


class Push(msgspec.Struct, frozen=True, tag=True):
    """A commit that was made here into a branch of a repository, which must be at `base`; for `ref`.

    It never fails a plan, nor does anybody wait for it: what became of it is answered to `Arrival`.
    """

    ref: Ref
    repo: str
    commit: str
    branch: str
    base: str
    time: int = 1


class Record(msgspec.Struct, frozen=True, tag=True):
    """Merge `patch` into the object's status; at most one in a plan, and last but for evictions.

    `version` is the resourceVersion planned on: a newer one that is not our own write refuses the patch,
    and the next plan reads what people wrote. Sent to the status subresource where the kind has one.
    """

    ref: Ref
    patch: Raw
    version: str


Write = Create | MergePatch | JsonPatch | Apply | Delete | Evict | Push | Record


class Event(msgspec.Struct, frozen=True):
    """Something worth telling: written as a core/v1 Event about `about`, with a derived name.

    What is told twice of the same object is one Event, unless its `occasion` differs.
    """

    about: Raw
    reason: str
    message: str
    warning: bool = False
    occasion: str = ""


class Plan(msgspec.Struct, frozen=True):
    """An empty `writes` with no `wake_at` means: nothing to do until something changes.

    `noticed` is answered to the next look's `Noticed`, whatever becomes of the writes.
    """

    writes: tuple[Write, ...] = ()
    wake_at: datetime | None = None
    why: str = ""
    events: tuple[Event, ...] = ()
    noticed: Any = None
