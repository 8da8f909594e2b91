"""A revert under way: what is recorded of it next, given what people did and what Git answers."""

from __future__ import annotations

from datetime import timedelta
from typing import assert_never

from msgspec.structs import replace

from crds.application_rollback import RollbackStatus
from gitops.reverts import (
    Adopted,
    Declined,
    Failing,
    Hindered,
    Landed,
    Landing,
    Moved,
    Ready,
    Superseded,
    Unable,
    beside,
    side_branch,
)
from gitops.rollback import OPEN, UNDER_WAY, Case, Phase, Push, unsigned

FIRST_RETRY, LONGEST_RETRY = timedelta(seconds=2), timedelta(minutes=5)


def unmended(case: Case) -> tuple[RollbackStatus, str]:
    """The rollback after this look, and why it stands there."""
    return _of_head(case) or _of_git(case)


def _of_head(case: Case) -> tuple[RollbackStatus, str] | None:
    """What people did meanwhile, or what Git's head says by now; None where that is as it was."""
    rollback = case.memory.rollback
    if case.elsewhere or case.rendering in {"", rollback.rendering} or unbrought(case, rollback):
        return None
    if case.rendering != rollback.good.rendering:
        return to(rollback, Phase.SUPERSEDED, f"by {case.head}"), f"superseded by {case.head}"
    if case.synced:
        return to(rollback, Phase.RECOVERED, f"at {case.head}"), f"recovered at {case.head}"
    if rollback.phase in OPEN:
        return _pushed(rollback, case.head), f"{case.head} declares again what was good"
    return rollback, "waiting to be synced"


def unbrought(case: Case, rollback: RollbackStatus) -> bool:
    """The parent's file has another source for it by now, and the parent has not brought that yet: what is
    rendered is half of one commit and half of another, and no release of anybody's."""
    theirs, good = rollback.from_source, rollback.good.source
    half = case.rendering not in {"", rollback.rendering, rollback.good.rendering}
    return half and not case.declared and rollback.phase in UNDER_WAY and case.source == theirs != good


def _of_git(case: Case) -> tuple[RollbackStatus, str]:
    rollback = case.memory.rollback
    match rollback.phase:
        case Phase.PUSHED:
            return rollback, f"waiting for {rollback.pushed} to be what is declared"
        case Phase.BRANCHED | Phase.GAVE_UP:
            return rollback, rollback.message
    if case.policy.git.mode == "none":
        return rollback, "spec.rollback.git.mode is none: revert it in Git by hand"
    if rollback.phase == Phase.COMMITTED and case.landing and not _known(case.landing, rollback):
        return _landed(case, rollback, case.landing)
    if blocked := _blocked(case):
        return rollback, blocked
    return _answered(case, rollback) if case.answer else (rollback, "waiting for Git")


def _known(landing: Landing, rollback: RollbackStatus) -> bool:
    """Whether this failure was recorded before."""
    return isinstance(landing, Failing) and landing.time <= rollback.failures


def _blocked(case: Case) -> str:
    """Why nothing more is written into Git for now."""
    if not case.policy.enabled:
        return "spec.rollback.enabled is off by now"
    if case.frozen or case.refused:
        return case.frozen or case.refused
    waits = f"waits for the revert of {case.taken}" if case.taken else ""
    return unsigned(case.policy.git) or waits


def _answered(case: Case, rollback: RollbackStatus) -> tuple[RollbackStatus, str]:
    match case.answer:
        case Ready(base, commit, branch, also):
            why = case.landing.why if isinstance(case.landing, Failing) else _reverting(commit, also)
            return _committed(case, rollback, Push(commit, branch, base)), why
        case Adopted(commit):
            return _pushed(rollback, commit), f"{commit} reverts it already"
        case Superseded(head):
            return to(rollback, Phase.SUPERSEDED, f"by {head}"), f"superseded by {head}"
        case Unable(why):
            return to(rollback, Phase.GAVE_UP, why), why
        case Hindered(why):
            return _hindered(rollback, why), why
        case None:
            return rollback, "waiting for Git"
        case never:
            assert_never(never)


def _reverting(commit: str, also: tuple[str, ...]) -> str:
    return f"reverting by {commit}" + (f". {beside(also)}" if also else "")


def _hindered(rollback: RollbackStatus, why: str) -> RollbackStatus:
    """Recorded, for others do not wait for who waits for a person."""
    return replace(rollback, message=why) if rollback.phase == Phase.QUARANTINED else rollback


def _committed(case: Case, rollback: RollbackStatus, push: Push) -> RollbackStatus:
    """The commit as it is to be pushed; one that is to go aside stays so while it is the same."""
    aside, recorded = case.policy.git.mode == "pullRequest", rollback.phase == Phase.COMMITTED
    if recorded and rollback.candidate == push.commit and not (aside and rollback.base):
        return rollback
    if aside:
        push = _aside(case, push.commit)
    return replace(
        rollback,
        phase=Phase.COMMITTED,
        base=push.base,
        candidate=push.commit,
        branch=push.branch,
        failures=0,
        retry_at=None,
        message="",
    )


def _aside(case: Case, commit: str) -> Push:
    return Push(commit, side_branch(case.application, commit), "")


def _landed(case: Case, rollback: RollbackStatus, landing: Landing) -> tuple[RollbackStatus, str]:
    match landing:
        case Landed():
            return _arrived(rollback)
        case Moved(head):
            return _moved(case, rollback, head)
        case Declined(why):
            return _declined(case, rollback, why)
        case Failing(why, time):
            return _failed(case, rollback, why, time)
        case never:
            assert_never(never)


def _arrived(rollback: RollbackStatus) -> tuple[RollbackStatus, str]:
    if rollback.base:
        return _pushed(rollback, rollback.candidate), f"pushed {rollback.candidate}"
    name = rollback.branch.removeprefix("refs/heads/")
    said = f"the revert is on branch {name}: open a pull request for it, and merge it"
    said = f"{rollback.message}; {said}" if rollback.message else said
    return to(replace(rollback, pushed=rollback.candidate), Phase.BRANCHED, said), said


def _moved(case: Case, rollback: RollbackStatus, head: str) -> tuple[RollbackStatus, str]:
    """Somebody pushed meanwhile: all is thought through again upon their head."""
    tried = replace(rollback, attempts=rollback.attempts + 1, candidate="", base="", branch="")
    why = f"the branch moved to {head} meanwhile"
    if tried.attempts > case.policy.max_retries:
        return to(tried, Phase.GAVE_UP, f"{why}, {tried.attempts} times; revert by hand"), why
    return to(tried, Phase.QUARANTINED), why


def _declined(case: Case, rollback: RollbackStatus, why: str) -> tuple[RollbackStatus, str]:
    """What the branch does not take goes to a branch of its own, once."""
    said = f"{rollback.branch.removeprefix('refs/heads/')} does not take it: {why}"
    if not rollback.base or case.policy.git.mode != "auto":
        return to(rollback, Phase.GAVE_UP, f"{said}; revert by hand"), said
    aside = _aside(case, rollback.candidate)
    begun = to(replace(rollback, branch=aside.branch, base=""), Phase.COMMITTED, said)
    return begun, said


def _failed(case: Case, rollback: RollbackStatus, why: str, time: int) -> tuple[RollbackStatus, str]:
    """Tried again, ever later, for as long as it takes."""
    wait = min(LONGEST_RETRY, FIRST_RETRY * 2 ** min(time - 1, 10))
    return replace(rollback, failures=time, retry_at=case.now.replace(microsecond=0) + wait), why


def _pushed(rollback: RollbackStatus, commit: str) -> RollbackStatus:
    return to(replace(rollback, pushed=commit), Phase.PUSHED)


def to(rollback: RollbackStatus, phase: Phase, message: str = "") -> RollbackStatus:
    return replace(rollback, phase=phase, message=message, retry_at=None, failures=0)


def push(case: Case) -> Push | None:
    """What was recorded, if that is still the answer, and nobody has said yet what became of it."""
    rollback = case.memory.rollback
    if rollback.phase != Phase.COMMITTED or _blocked(case) or case.policy.git.mode == "none":
        return None
    if not isinstance(case.answer, Ready) or case.answer.commit != rollback.candidate:
        return None
    waits = rollback.retry_at is not None and case.now < rollback.retry_at
    if waits:
        return None
    return Push(rollback.candidate, rollback.branch, rollback.base, rollback.failures + 1)
