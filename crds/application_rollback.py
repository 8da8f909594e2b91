"""What an Application remembers of releases: which were good, which are quarantined, and how a revert stands.

`rendering` is the digest of what a revision declares: two commits that declare the same are one release.
"""

from __future__ import annotations

import msgspec

from crds.application_source import Source
from crds.times import Time

RELEASE = "tidegate.dev/release-quarantine"
"""Annotation: a commit or a rendering that a person lets go; it is taken away when it was heard."""


class KnownGood(msgspec.Struct, frozen=True, rename="camel", omit_defaults=True):
    """A release that was synced and well; `revision` is where it was first seen to be."""

    revision: str = ""
    rendering: str = ""
    source: Source | None = None
    time: Time | None = None


class QuarantinedRevision(msgspec.Struct, frozen=True, rename="camel", omit_defaults=True):
    """A release that was rejected, and is not synced again unless a person says so."""

    revision: str = ""
    rendering: str = ""
    reason: str = ""
    since: Time | None = None


class RollbackStatus(msgspec.Struct, frozen=True, rename="camel", omit_defaults=True):
    """A rollback, each of its phases recorded before it is acted on.

    `from` and `fromSource` are what was rejected, `good` what it goes back to. `candidate` is the commit made
    for it upon `base`, `branch` the ref it is pushed to, `pushed` the commit that is in Git. `attempts` are
    pushes that found the branch moved, `failures` those without an answer in a row. `releasedAt` is when a
    person last let something go. `restoredAt` is when what was good was seen to be back in the cluster, and
    `heals` how often in a row somebody's edit of it had to be undone since.
    """

    id: str = ""
    phase: str = ""
    rollout: str = ""
    reason: str = ""
    analysis: str = ""
    from_: str = msgspec.field(name="from", default="")
    from_source: Source | None = None
    rendering: str = ""
    good: KnownGood = KnownGood()
    since: Time | None = None
    base: str = ""
    candidate: str = ""
    branch: str = ""
    pushed: str = ""
    attempts: int = 0
    failures: int = 0
    retry_at: Time | None = None
    message: str = ""
    released_at: Time | None = None
    restored_at: Time | None = None
    heals: int = 0
