"""What must be seen of an Application's release: what was good, and what Git says of a revert.

Nothing is asked for an Application that holds no Rollout, or that nobody has to take anything back from.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta

from msgspec.structs import replace

from crds.addresses import hidden
from crds.application import Application
from crds.application_rollback import RollbackStatus
from crds.application_source import Source, as_json
from crds.paths import get
from gitops.compare import Target, to_send
from gitops.objects import Key, desired, flat, key_of
from gitops.quarantine import UNREADY
from gitops.rejection import ROLLOUT
from gitops.release import Release
from gitops.releases import moving
from gitops.restoring import alike, least, placed
from gitops.reverts import Answer as Said
from gitops.reverts import Hindered
from gitops.rollback import OPEN, UNDER_WAY, UNMENDED, Phase, wants_commit, writes_git
from gitops.sources import Manifests
from tidegate.planners.application_objects import Sent, served
from tidegate.planners.application_parent import (
    beside,
    beside_needs,
    on_one_branch,
    parent,
    parent_needs,
    parent_raw,
    place,
    read,
)
from tidegate.planners.application_sight import Sight
from tidegate.planners.application_world import others, target
from tidegate.planners.needs import (
    Arrival,
    Failed,
    Known,
    Need,
    Object,
    Raw,
    Rendered,
    Reverted,
    Revertible,
    known,
)

LASTING = (
    "phase",
    "base",
    "candidate",
    "branch",
    "pushed",
    "attempts",
    "failures",
    "retry_at",
    "message",
    "released_at",
    "restored_at",
    "heals",
)
"""What changes while a rollback is under way, and is no part of the question."""

LEFT = (
    "spec.source is no more {}, where it was rejected: nothing is reverted there; revert by hand what is "
    "declared now, or let it go"
)

PREFLIGHT = timedelta(minutes=3)
"""How often it is looked after what a revert would lack."""


def release_needs(sight: Sight, now: datetime) -> Iterable[Need]:
    """In the order in which they can be asked."""
    rollback = sight.application.status.rollback
    if sight.application.rollback.enabled or rollback.phase in OPEN:
        yield from parent_needs(sight)
    if rollback.phase in UNMENDED:
        yield _good(sight, rollback)
        yield from (served(raw) for raw in _chosen(sight, rollback))
        yield from (Object(one.ref) for one in _back(sight, rollback) if one.ref)
        yield from (need for one in _back(sight, rollback) if (need := sight.dry_run(one)))
    if rollback.phase in OPEN:
        yield arrival(rollback)
    if wants_commit(sight.application.rollback, rollback):
        yield from beside_needs(sight)
        yield from (need for need in (reverted(sight, now),) if need)
    if preflight := revertible(sight, now):
        yield preflight


def release(sight: Sight, now: datetime) -> Release:
    """What is known of it by now."""
    answers, rollback = sight.answers, sight.application.status.rollback
    return Release(
        sight.rendering if _releases(sight) else "",
        _good_targets(sight, rollback),
        _said(sight, now) if wants_commit(sight.application.rollback, rollback) else None,
        known(answers, arrival(rollback)),
        _taken(sight, rollback),
        declared=_is_declared(sight, now),
        kept=_kept(sight, rollback),
        unready=_unready(sight, now),
    )


def _releases(sight: Sight) -> bool:
    """Whether it holds a Rollout, or held one that was quarantined."""
    status = sight.application.status
    return bool(status.quarantined_revisions) or any(key_of(raw)[:2] == ROLLOUT for raw in sight.declared)


# What a revert would lack


def revertible(sight: Sight, now: datetime) -> Revertible | None:
    """The question while none is under way, the same for all with this repository and key."""
    application, source = sight.application, sight.application.spec.source
    policy, phase = application.rollback, application.status.rollback.phase
    if source is None or not writes_git(policy) or phase in UNDER_WAY or not _releases(sight):
        return None
    signing = policy.git.signing
    key = signing.secret_ref.name if signing.secret_ref and signing.type != "none" else ""
    passed = now.timestamp() % PREFLIGHT.total_seconds()
    at = now.replace(microsecond=0) - timedelta(seconds=int(passed))
    return Revertible(source.repo_url, application.metadata.namespace, key, at)


def _unready(sight: Sight, now: datetime) -> str:
    """What was said before, while nobody can tell."""
    question = revertible(sight, now)
    answer = sight.answers.get(question) if question else None
    if isinstance(answer, Known):
        return str(answer.value)
    said = (one.message for one in sight.application.status.conditions if one.type == UNREADY)
    return next(said, "")


# What was good, in the cluster


def _good(sight: Sight, rollback: RollbackStatus) -> Rendered:
    source = rollback.good.source or Source()
    return Rendered(
        source.repo_url, rollback.good.revision, as_json(source), sight.application.name, sight.folders
    )


def _then(sight: Sight, rollback: RollbackStatus) -> tuple[Raw, ...]:
    """What was declared when all was good."""
    found = known(sight.answers, _good(sight, rollback))
    if not isinstance(found, Manifests):
        return ()
    return sight.reading.once("then", (found,), lambda: tuple(flat(found.objects)))


def _chosen(sight: Sight, rollback: RollbackStatus) -> tuple[Raw, ...]:
    then, of = _then(sight, rollback), (rollback.rollout, sight.application.spec.destination.namespace)
    return sight.reading.once("chosen", (then,), lambda: least(then, *of), of)


def _kept(sight: Sight, rollback: RollbackStatus) -> frozenset[Key] | None:
    """What is wanted now as it was then; None while that is not known."""
    if rollback.phase not in UNMENDED:
        return frozenset()
    if not isinstance(sight.answers.get(_good(sight, rollback)), Known):
        return None
    then, to = _then(sight, rollback), sight.application.spec.destination.namespace

    def found() -> frozenset[Key]:
        both = alike(sight.declared, then, to)
        return frozenset(key for key in sight.keys if placed(key, to) in both)

    return sight.reading.once("kept", (sight.declared, then, sight.keys), found, to)


def _back(sight: Sight, rollback: RollbackStatus) -> tuple[Sent, ...]:
    """What goes back, as it would be sent, once it is known what there is."""
    to = sight.application.spec.destination.namespace
    wanted = [desired(raw, sight.instance, to, namespaced=True) for raw in _chosen(sight, rollback)]
    if any(served(raw) not in sight.answers for raw in wanted):
        return ()
    live = [sight.live(sight.at(raw)) for raw in wanted]
    moved = moving([*sight.movers, *wanted, *(raw for raw in live if raw)])
    ignored = sight.application.spec.ignore_differences
    pairs = [(to_send(raw, there, ignored, moved), there) for raw, there in zip(wanted, live, strict=True)]
    return tuple(Sent(raw, there, guard, sight.at(raw)) for (raw, guard), there in pairs)


def _good_targets(sight: Sight, rollback: RollbackStatus) -> tuple[Target, ...]:
    if rollback.phase not in UNMENDED:
        return ()
    return tuple(target(sight, one) for one in _back(sight, rollback))


# What Git says of a revert


def reverted(sight: Sight, now: datetime) -> Reverted | None:
    """The question for a commit; None while its parts are not known."""
    application, rollback = sight.application, sight.application.status.rollback
    source, head = rollback.from_source, sight.head(now)
    if source is None or head is None or not on_one_branch(application.spec.source, source):
        return None
    return Reverted(
        source.repo_url,
        source.target_revision,
        f"{application.metadata.namespace}/{application.name}",
        as_json(replace(rollback, **{name: getattr(RollbackStatus(), name) for name in LASTING})),
        application.rollback.git,
        application.rollback.allow_schema_change,
        sight.folders,
        parent(sight),
        sight.commit(head),
        rollback.attempts,
        beside(sight, source),
    )


def _said(sight: Sight, now: datetime) -> Said | None:
    left = sight.application.status.rollback.from_source
    if not on_one_branch(sight.application.spec.source, left):
        return Hindered(LEFT.format(hidden(" ".join(place(left)))))
    question = reverted(sight, now)
    found = sight.answers.get(question) if question else None
    if isinstance(found, Failed):
        return Hindered(found.why)
    return found.value if isinstance(found, Known) else None


def arrival(rollback: RollbackStatus) -> Arrival:
    """What became of its push."""
    source = rollback.from_source or Source()
    return Arrival(source.repo_url, rollback.branch, rollback.candidate)


def _is_declared(sight: Sight, now: datetime) -> bool:
    """Whether the parent has brought what it declares of us at the same commit; until then our source may be
    that of an older one. What else it holds is no matter."""
    above, mine = parent_raw(sight), sight.application.spec.source
    theirs = read(above) if above else None
    if mine is None or theirs is None or place(theirs.spec.source) != place(mine):
        return True
    if get(above, "status", "sync", "revision") != sight.commit(sight.head(now)):
        return False
    if get(above, "status", "sync", "status") == "Synced":
        return True
    me = Key(sight.me.kind.group, sight.me.kind.kind, sight.me.namespace, sight.me.name)
    return any(_is_synced(one, me) for one in get(above, "status", "resources", default=[]))


def _is_synced(one: Raw, key: Key) -> bool:
    said = tuple(get(one, name, default="") for name in ("group", "kind", "namespace", "name"))
    return said == key and get(one, "status") == "Synced"


def _taken(sight: Sight, rollback: RollbackStatus) -> str:
    """Another Application with a revert open on the same branch, or before us in line for one."""
    if rollback.phase not in OPEN:
        return ""
    mine = rollback.from_source
    near = (one for one in others(sight) if on_one_branch(one.status.rollback.from_source, mine))
    ahead = [one.name for one in near if is_ahead(one, sight.application)]
    return min(ahead, default="")


def is_ahead(other: Application, mine: Application) -> bool:
    """One that has committed is; of two that have not, the first, so that one of them goes on.

    Who waits for a person to mend something holds up nobody.
    """
    theirs, ours = other.status.rollback, mine.status.rollback
    writes = wants_commit(other.rollback, theirs)
    if theirs.phase == Phase.BRANCHED or (writes and theirs.phase == Phase.COMMITTED):
        return ours.phase != Phase.COMMITTED or (theirs.id, other.name) < (ours.id, mine.name)
    waits = writes and theirs.phase == Phase.QUARANTINED and not theirs.message
    return waits and ours.phase == Phase.QUARANTINED and (theirs.id, other.name) < (ours.id, mine.name)
