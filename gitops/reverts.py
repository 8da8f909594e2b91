"""What Git answers about a revert, and what is written into one: subject, body and trailers.

A commit that carries our `Rollback-Id` is ours whoever pushed it; one that says `This reverts commit` of what
was rejected is as good.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

import msgspec

from crds.application_rollback import RollbackStatus

ID, APPLICATION = "Rollback-Id", "Rollback-App"
_REVERTS = re.compile(r"^This reverts commits? ([0-9a-f]{7,64})", re.MULTILINE)
_UNSAFE = re.compile(r"[^a-zA-Z0-9._-]+")


class Ready(msgspec.Struct, frozen=True):
    """A signed commit upon `base`, the head of `branch`, that declares again what was good; not pushed.

    `also` are other Applications that it changes, for they are made of the same files.
    """

    base: str
    commit: str
    branch: str
    also: tuple[str, ...] = ()


class Adopted(msgspec.Struct, frozen=True):
    """Git goes back already, by this commit."""

    commit: str


class Superseded(msgspec.Struct, frozen=True):
    """A later commit, this head, declares something else."""

    head: str


class Unable(msgspec.Struct, frozen=True):
    """There is no valid revert, and asking again will not make one."""

    why: str


class Hindered(msgspec.Struct, frozen=True):
    """None for now: Git does not answer, or a person has something to mend. It is asked again."""

    why: str


Answer = Ready | Adopted | Superseded | Unable | Hindered


class Landed(msgspec.Struct, frozen=True):
    """The branch was seen to contain the commit."""


class Moved(msgspec.Struct, frozen=True):
    """The branch is no more where the commit stands upon."""

    head: str


class Declined(msgspec.Struct, frozen=True):
    """The server answered, and does not take it: the branch is protected, or a hook refuses."""

    why: str


class Failing(msgspec.Struct, frozen=True):
    """No answer; whether it landed is not known. `time` counts the tries, so that each is news."""

    why: str
    time: int = 0


Landing = Landed | Moved | Declined | Failing


class Taken(msgspec.Struct, frozen=True):
    """One commit that is taken back; `whole` where nothing of it stays."""

    commit: str
    subject: str
    whole: bool = True


def beside(also: tuple[str, ...]) -> str:
    """Whom else a revert changes, in words; "" where nobody."""
    return f"It also changes Application {', '.join(also)}, made of the same files." if also else ""


def message(
    rollback: RollbackStatus, application: str, taken: Iterable[Taken], also: tuple[str, ...] = ()
) -> str:
    """The text of the revert commit, as `git revert` begins it."""
    taken = tuple(taken)
    said = [f"This reverts commit {one.commit}." for one in taken if one.whole]
    said += [f"This takes back what {one.commit} did to {application}." for one in taken if not one.whole]
    reason = f"{rollback.rollout} was rejected: {rollback.reason}"
    parts = (_subject(taken, application), "\n".join(said), reason, beside(also))
    return "\n\n".join((*filter(None, parts), _trailers(rollback, application)))


def reverted(body: str) -> tuple[str, ...]:
    """The commits that a message says it reverts, by their digits."""
    return tuple(_REVERTS.findall(body))


def side_branch(application: str, commit: str) -> str:
    """Where a revert waits for a person."""
    return f"refs/heads/rollback/{_UNSAFE.sub('-', application)}-{commit[:7]}"


def _subject(taken: tuple[Taken, ...], application: str) -> str:
    if len(taken) == 1:
        return f'Revert "{taken[0].subject}"'
    return f"Revert {len(taken)} commits of {application}"


def _trailers(rollback: RollbackStatus, application: str) -> str:
    said = {
        APPLICATION: application,
        "Rollback-From": rollback.from_,
        "Rollback-To": rollback.good.revision,
        ID: rollback.id,
        "Rollback-Reason": rollback.reason,
        "Rollback-Analysis": rollback.analysis,
    }
    return "\n".join(f"{name}: {' '.join(text.split())}" for name, text in said.items() if text)
