"""What becomes of a release that was rejected: it is quarantined, and reverted in Git, at most once.

    at rest -> Quarantined -> Committed -> Pushed | Branched -> Recovered
                    |             |            |
                    +-------------+------------+-> Superseded | Released | GaveUp

What it gave up is over, too, once people have mended Git or let the release go.

Each phase is recorded in a look of its own before it is acted on, and a look that finds the same again does
the same again. So whoever dies, and wherever: the next asks Git first whether the revert is there.
"""

from __future__ import annotations

from datetime import datetime
from hashlib import sha256

from msgspec.structs import replace

from crds.application_rollback import KnownGood, QuarantinedRevision, RollbackStatus
from gitops.holding import drift, heals_at, holds, puts_back, quarantined, watched, went_back
from gitops.rejection import Rejected, heeded
from gitops.reverting import push, to, unbrought, unmended
from gitops.rollback import UNDER_WAY, UNMENDED, UNREVERTED, Case, Memory, Phase, Turn, unsigned, writes_git

MOST_KEPT = 10
FEWEST_DIGITS = 7
UNREADY = "RevertNotReady"


def turn(case: Case) -> Turn:
    """The next step; the same case gives the same."""
    memory, why = _remembered(case)
    held, said = _held(case, memory), _said(case, memory, why)
    if memory != case.memory:
        return Turn(memory, why, held=held, said=said)
    return Turn(memory, why, _restores(case), push(case), held, said, _later(case))


def _remembered(case: Case) -> tuple[Memory, str]:
    """The memory after this look, and why it is so."""
    if freed := _freed(case):
        return freed, "released by a person"
    if case.memory.rollback.phase not in UNMENDED:
        return _at_rest(case)
    after, why = unmended(case)
    return replace(case.memory, rollback=watched(case, after)), why


def _freed(case: Case) -> Memory | None:
    """Without the quarantine that a person has lifted, by name or by a retry; None where none is lifted."""
    rollback = case.memory.rollback
    again = case.retried and case.rendering == rollback.rendering and rollback.phase in UNREVERTED
    again = again and not went_back(rollback)
    retried = rollback.rendering if again else ""
    kept = tuple(one for one in case.memory.bads if not _means(case.released or retried, one))
    if kept == case.memory.bads:
        return None
    mine = rollback.phase in UNREVERTED and rollback.rendering not in {one.rendering for one in kept}
    after = to(rollback, Phase.RELEASED) if mine else rollback
    after = replace(after, released_at=case.now.replace(microsecond=0))
    return replace(case.memory, bads=kept, rollback=after)


def _means(written: str, bad: QuarantinedRevision) -> bool:
    enough = len(written) >= FEWEST_DIGITS
    return enough and (bad.rendering.startswith(written) or bad.revision.startswith(written))


def _at_rest(case: Case) -> tuple[Memory, str]:
    memory = _with_good(case)
    if case.rejected is None or not case.policy.enabled or quarantined(case):
        return memory, ""
    if obstacle := _obstacle(case, case.rejected):
        return memory, obstacle[1]
    return _begun(case, case.rejected), f"{case.rejected.rollout} was rejected: {case.rejected.verdict}"


def _with_good(case: Case) -> Memory:
    """With this release as the newest good one, at the commit where it was first seen to be so.

    At a later one the parent may declare something else already, that did not come here yet.
    """
    memory = case.memory
    good = KnownGood(case.head, case.rendering, case.source, case.now.replace(microsecond=0))
    if not (case.well and case.rendering) or case.rejected or quarantined(case):
        return memory
    last = memory.goods[-1] if memory.goods else KnownGood()
    if (last.rendering, last.source) == (good.rendering, good.source):
        return memory
    older = tuple(one for one in memory.goods if one.rendering != good.rendering)
    return replace(memory, goods=(*older, good)[-MOST_KEPT:])


def _obstacle(case: Case, rejected: Rejected) -> tuple[str, str] | None:
    """Why a rejected release is left to people, as condition and words."""
    if not heeded(case.policy, rejected):
        return "RollbackHeld", f"{rejected.verdict}; spec.rollback does not ask for it to be taken back"
    if any(one.rendering == case.rendering for one in case.memory.goods):
        return "CommonModeSuspected", f"{rejected.verdict}; but this very release was good before"
    if rejected.alone is False:
        return "CommonModeSuspected", f"{rejected.verdict}; but {rejected.stable}: Git is not written"
    if rejected.alone is None:
        return "RollbackHeld", "waiting to know whether the stable pods are well"
    if not (case.memory.goods and case.rendering):
        return "RollbackHeld", "no release is known to have been good; revert by hand"
    if case.frozen:
        return "RollbackHeld", case.frozen
    return _let_go(case)


def _let_go(case: Case) -> tuple[str, str] | None:
    """This very rejection was released by a person, and the Rollout was not yet told to walk on."""
    rollback = case.memory.rollback
    if (rollback.phase, rollback.id) != (Phase.RELEASED, _id(case, rollback.from_)):
        return None
    return "RollbackHeld", f"released by a person; to walk on: retry {rollback.rollout}"


def _begun(case: Case, rejected: Rejected) -> Memory:
    now = case.now.replace(microsecond=0)
    rollback = RollbackStatus(
        id=_id(case, case.head),
        phase=Phase.QUARANTINED,
        rollout=str(rejected.rollout),
        reason=rejected.verdict,
        analysis=f"{rejected.rollout.namespace}/{rejected.run}" if rejected.run else "",
        from_=case.head,
        from_source=case.source,
        rendering=case.rendering,
        good=case.memory.goods[-1],
        since=now,
    )
    bad = QuarantinedRevision(case.head, case.rendering, rejected.verdict, now)
    return replace(case.memory, rollback=rollback, bads=(*case.memory.bads, bad)[-MOST_KEPT:])


def _id(case: Case, head: str) -> str:
    """Of this rejection, first seen at this head: the same one twice is one rollback."""
    since = case.rejected.since if case.rejected else ""
    written = f"{case.uid} {case.application} {head} {since}"
    return sha256(written.encode()).hexdigest()[:16]


def _restores(case: Case) -> bool:
    """The failed Rollout goes back in the cluster, once nothing is routed to it any more, and stays so."""
    failed = case.rejected
    own = failed is not None and str(failed.rollout) == case.memory.rollback.rollout
    shut = own and failed is not None and failed.shut
    return holds(case) and (shut or puts_back(case))


def _later(case: Case) -> datetime | None:
    later = [at for at in (case.memory.rollback.retry_at, heals_at(case)) if at and case.now < at]
    return min(later, default=None)


def _held(case: Case, memory: Memory) -> str:
    """Why what is declared now is not synced; "" where it may be."""
    if unbrought(case, memory.rollback):
        return "waiting for the parent Application to bring the source that Git declares"
    bad = next((one for one in memory.bads if one.rendering == case.rendering and case.rendering), None)
    if bad is None or not case.policy.quarantine.hold:
        return ""
    fix = f"revert it, commit something else, or try it again: tidegate app retry {case.application}"
    return f"{bad.revision[:10]} is quarantined: {bad.reason}; {fix}"


def _said(case: Case, memory: Memory, why: str) -> tuple[tuple[str, str], ...]:
    """The conditions of this look."""
    rollback, said = memory.rollback, []
    if held := _held(case, memory):
        said.append(("QuarantinedRevision", held))
    if edited := drift(case):
        said.append(("QuarantineDrift", edited))
    if rollback.phase == Phase.GAVE_UP and case.rendering == rollback.rendering:
        said.append(("RevertGaveUp", rollback.message))
    if rollback.phase in UNDER_WAY and why:
        said.append(("RevertPending", why))
    elif case.rejected and case.policy.enabled and not quarantined(case):
        obstacle = _obstacle(case, case.rejected)
        said += [obstacle] if obstacle else []
    lacking = (unsigned(case.policy.git) or case.unready) if writes_git(case.policy) else ""
    if lacking and rollback.phase not in UNDER_WAY:
        said.append((UNREADY, lacking))
    return tuple(said)
