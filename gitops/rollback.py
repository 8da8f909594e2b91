"""The words of a rollback: its phases, what is remembered of releases, and what one look has before it."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

import msgspec

from crds.application_policy import GitBack, Rollback
from crds.application_rollback import KnownGood, QuarantinedRevision, RollbackStatus
from crds.application_source import Source
from gitops.rejection import Rejected
from gitops.reverts import Answer, Landing


class Phase(StrEnum):
    QUARANTINED = "Quarantined"
    COMMITTED = "Committed"
    PUSHED = "Pushed"
    BRANCHED = "Branched"
    RECOVERED = "Recovered"
    SUPERSEDED = "Superseded"
    RELEASED = "Released"
    GAVE_UP = "GaveUp"


OPEN = frozenset({Phase.QUARANTINED, Phase.COMMITTED})
"""Nothing is known to be in Git yet."""
UNREVERTED = OPEN | {Phase.BRANCHED, Phase.GAVE_UP}
"""Its branch has no revert, and a person may let the release go."""
UNDER_WAY = OPEN | {Phase.PUSHED, Phase.BRANCHED}
UNMENDED = UNDER_WAY | {Phase.GAVE_UP}
"""Git still declares what was rejected."""


class Memory(msgspec.Struct, frozen=True):
    """What is recorded; `goods` are the releases that were good, the newest last."""

    rollback: RollbackStatus = RollbackStatus()
    goods: tuple[KnownGood, ...] = ()
    bads: tuple[QuarantinedRevision, ...] = ()


class Case(msgspec.Struct, frozen=True):
    """What one look has before it. `rendering` is the digest of what `head` declares, "" while not known.

    `declared`: so is the Application itself, whose source the parent may bring later than the head is seen.
    `elsewhere`: an operation runs at this `head`, which is not where Git's is.
    `rejected` is a Rollout that holds what `head` declares, and `retried` says that a person lets it walk on.
    `astray` are the objects that are not as they are given back, None while not known, and `heals` whether
    drift is put right. `well`: everything is as `head` says, and at rest. `answer` and `landing` are Git's,
    None while there are none. `taken` names who else has a revert open on this branch; `released` is what a
    person lets go. `unready` is what a revert would lack, as far as anybody can tell; `refused` why the
    project forbids the repository or the destination.
    """

    application: str
    uid: str
    policy: Rollback
    memory: Memory
    head: str
    rendering: str
    now: datetime
    source: Source | None = None
    declared: bool = False
    elsewhere: bool = False
    rejected: Rejected | None = None
    retried: bool = False
    synced: bool = False
    well: bool = False
    answer: Answer | None = None
    landing: Landing | None = None
    taken: str = ""
    frozen: str = ""
    released: str = ""
    astray: tuple[str, ...] | None = None
    heals: bool = False
    unready: str = ""
    refused: str = ""


class Push(msgspec.Struct, frozen=True):
    """`commit` to `branch`, which must be at `base`, or not be there where that is "".

    `time` counts the tries, this one included: who comes next has heard of none.
    """

    commit: str
    branch: str
    base: str
    time: int = 1


class Turn(msgspec.Struct, frozen=True):
    """What is remembered now. Only where that is as before is anything done: what was good is `restored` in
    the cluster, and a commit pushed. `held`: what Git declares now is not synced, and why."""

    memory: Memory
    why: str = ""
    restored: bool = False
    push: Push | None = None
    held: str = ""
    said: tuple[tuple[str, str], ...] = ()
    look_again: datetime | None = None


def unsigned(git: GitBack) -> str:
    """Why a revert could not be signed, by what is said here; "" where it could."""
    signing = git.signing
    if signing.type == "none" or (signing.secret_ref and signing.secret_ref.name):
        return ""
    return (
        "spec.rollback.git.signing: no key to sign a revert with; name a Secret with ssh-privatekey under "
        "secretRef, or write type: none"
    )


def writes_git(policy: Rollback) -> bool:
    return policy.enabled and policy.git.mode != "none"


def wants_commit(policy: Rollback, rollback: RollbackStatus) -> bool:
    """Whether Git is to be asked for a revert now."""
    return writes_git(policy) and not unsigned(policy.git) and rollback.phase in OPEN
