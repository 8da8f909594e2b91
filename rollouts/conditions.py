"""Conditions, phase and message: what the world says about a Rollout, in Argo's words and rules.

A condition keeps its place and time while its status and reason stay; a replaced one goes to the end
(rollouts.md §2.6). Ours beyond Argo's name object, field and fix, and go when the cause goes.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

import msgspec

from crds.errors import Invalid
from crds.meta import Condition
from rollouts import restart
from rollouts.memory import Memory, Reason
from rollouts.orders import enough
from rollouts.progress import late, on_the_way
from rollouts.world import Trouble, World

ABORTED = "RolloutAborted"
LATE = "ProgressDeadlineExceeded"
PAUSED = "RolloutPaused"
RESUMED = "RolloutResumed"
RETRIED = "RolloutRetry"
CREATED = "NewReplicaSetCreated"
FOUND = "FoundNewReplicaSet"
UPDATED = "ReplicaSetUpdated"
NOT_AVAILABLE = "ReplicaSetNotAvailable"
NOT_CREATED = "ReplicaSetCreateError"
EXPECTING = (CREATED, FOUND, UPDATED, RESUMED, RETRIED, NOT_AVAILABLE)
"""Reasons of Progressing under which pods are expected, and their deadline counts."""

INVALID = "InvalidSpec"
UNSUPPORTED = "Unsupported"
IGNORED = "FieldsIgnored"
REFUSED = "WriteRefused"
FAILURE = "ReplicaFailure"
TRANSIENT = (
    INVALID,
    UNSUPPORTED,
    IGNORED,
    REFUSED,
    FAILURE,
    "TrafficNotReady",
    "TrafficEdited",
    Reason.METRICS,
)
"""Conditions that are there only while there is something to mend."""
QUIET = (IGNORED, FAILURE, "TrafficEdited")
"""Those of them that change neither phase nor message."""


def invalid_spec(rollout: str, problem: Invalid) -> str:
    """Argo's words around a mistake."""
    return f'The Rollout "{rollout}" is invalid: {problem.path}: Invalid value: {problem.problem}'


class Says(msgspec.Struct, frozen=True):
    """One condition as it should be now. `fresh` renews its update time: progress was made."""

    type: str
    status: bool | None
    reason: str
    message: str
    fresh: bool = False


def conditions(
    world: World, memory: Memory, old: tuple[Condition, ...], progressed: bool
) -> tuple[Condition, ...]:
    """The conditions after this look."""
    said = [
        _available(world),
        _progressing(world, memory, old, progressed),
        _healthy(world, memory),
        _completed(world, memory),
        _paused(world, memory),
    ]
    problems = list(troubles(world, memory))
    if memory.paused_for(Reason.METRICS) and world.metrics is None:  # being asked again
        problems += [_as_it_was(c) for c in old if c.type == Reason.METRICS]
    return settle_conditions(old, said, problems, world.now)


def settle_conditions(
    old: tuple[Condition, ...], said: Iterable[Says], problems: Iterable[Says], now: datetime
) -> tuple[Condition, ...]:
    """`old` with what is said now; a transient one that nobody says any more is gone."""
    problems = tuple(problems)
    kept = tuple(c for c in old if c.type not in TRANSIENT or any(p.type == c.type for p in problems))
    for one in (*said, *problems):
        kept = _say(kept, one, now)
    return kept


def _as_it_was(condition: Condition) -> Says:
    return Says(condition.type, condition.status == "True", condition.reason, condition.message)


def _say(conditions: tuple[Condition, ...], says: Says, now: datetime) -> tuple[Condition, ...]:
    status = "Unknown" if says.status is None else str(says.status)
    old = next((c for c in conditions if c.type == says.type), None)
    reworded = says.type in TRANSIENT and old is not None and old.message != says.message
    stale = says.fresh or reworded or _ahead(old, now)
    if old and (old.status, old.reason) == (status, says.reason) and not stale:
        return conditions
    turned = old.last_transition_time if old and old.status == status and not _ahead(old, now) else now
    new = Condition(says.type, status, says.reason, says.message, now, turned)
    return (*(c for c in conditions if c.type != says.type), new)


def _ahead(condition: Condition | None, now: datetime) -> bool:
    """It was said by a clock that has been set back since."""
    said = condition and condition.last_update_time
    return bool(said and said > now)


def troubles(world: World, memory: Memory) -> tuple[Says, ...]:
    """What keeps traffic from moving, each with its fix."""
    said = []
    if world.refused:
        said.append(Says(REFUSED, True, REFUSED, world.refused))
    if failure := _failure(world):
        said.append(Says(FAILURE, True, failure.reason, failure.message))
    for found in (world.traffic, world.services):
        if isinstance(found, Trouble):
            kind = INVALID if found.reason == INVALID else "TrafficNotReady"
            said.append(Says(kind, True, found.reason, found.message))
    if blind := _blind(world, memory):
        said.append(Says(Reason.METRICS, True, blind.reason, blind.message))
    if world.ignored:
        said.append(Says(IGNORED, True, "NotActedOn", f"not acted on yet: {', '.join(world.ignored)}"))
    if memory.edited:
        said.append(Says("TrafficEdited", True, "WeightsNotOurs", memory.edited))
    return tuple(said)


def _failure(world: World) -> Trouble | None:
    """Why pods cannot be made, in their ReplicaSet's words; the new one's before the others'."""
    sets = sorted(world.pods, key=lambda p: p is not world.new)
    return next((p.failure for p in sets if p.failure), None)


def _blind(world: World, memory: Memory) -> Trouble | None:
    """What keeps the canary's errors from being seen, while that holds it up."""
    if not memory.paused_for(Reason.METRICS):
        return None
    deaf = world.run.deaf if world.run else ""
    return Trouble("NoAnswer", deaf) if deaf else world.metrics


def _available(world: World) -> Says:
    available = sum(p.available for p in world.pods) >= world.ask.replicas
    words = "has" if available else "does not have"
    return Says("Available", available, "AvailableReason", f"Rollout {words} minimum availability")


def _progressing(world: World, memory: Memory, old: tuple[Condition, ...], progressed: bool) -> Says:
    name = f"{world.ask.name}-{world.ask.pod_hash}"
    if memory.abort:
        why = f": {memory.verdict}" if memory.verdict else ""
        return _not(ABORTED, f"Rollout aborted update to revision {world.revision}{why}")
    if memory.pauses or world.ask.paused:
        return Says("Progressing", None, PAUSED, "Rollout is paused")
    if not on_the_way(world.ask, memory) and memory.stable:
        return _at_rest(world, name, progressed)
    if world.new is None:
        return _creating(world, name)
    if late(world, memory) and not progressed:
        return _not(LATE, f'ReplicaSet "{name}" has timed out progressing.')
    same = world.memory.pod_hash == memory.pod_hash
    was = next((c for c in old if c.type == "Progressing"), None) if same else None
    if same and was is None:
        return Says("Progressing", True, FOUND, f'Found new replica set "{name}"')
    return _expecting(name, was, progressed)


def _at_rest(world: World, name: str, progressed: bool) -> Says:
    """Pods that a promoted revision has lost, or is to have more, are expected; in time, unless older ones
    still wait for their end."""
    if world.available(world.new) >= enough(world.ask, world.ask.replicas):
        words = f'ReplicaSet "{name}" has successfully progressed.'
        return Says("Progressing", True, "NewReplicaSetAvailable", words)
    waits = any(p.leave_at and p.desired for p in world.pods if p is not world.new)
    if world.late and not (progressed or waits):
        return _not(LATE, f'ReplicaSet "{name}" has timed out progressing.')
    return Says("Progressing", True, NOT_AVAILABLE, f'ReplicaSet "{name}" is not available.', progressed)


def _not(reason: str, message: str) -> Says:
    return Says("Progressing", False, reason, message)


def _creating(world: World, name: str) -> Says:
    """The status is written once the ReplicaSet is there, or when the API server will not have it."""
    if world.refused:
        return _not(NOT_CREATED, f'Failed to create new replica set "{name}": {world.refused}')
    return Says("Progressing", True, CREATED, f'Created new replica set "{name}"', fresh=True)


def _expecting(name: str, was: Condition | None, progressed: bool) -> Says:
    """Pods are on their way; how it came to that stays said until some of them arrive."""
    match was.reason if was else "":
        case "RolloutPaused":
            return Says("Progressing", None, RESUMED, "Rollout is resumed")
        case "RolloutAborted":
            return Says("Progressing", None, RETRIED, "Retrying Rollout after abort")
    if was and was.reason in EXPECTING and not progressed:
        return Says("Progressing", None if was.status == "Unknown" else True, was.reason, was.message)
    return Says("Progressing", True, UPDATED, f'ReplicaSet "{name}" is progressing.', progressed)


def _healthy(world: World, memory: Memory) -> Says:
    healthy = complete(world, memory)
    words = "Rollout is healthy" if healthy else "Rollout is not healthy"
    return Says("Healthy", healthy, "RolloutHealthy", words)


def _completed(world: World, memory: Memory) -> Says:
    done = bool(memory.stable) and not on_the_way(world.ask, memory)
    words = "Rollout completed update to" if done else "Rollout not completed, started update to"
    which = f"revision {world.revision} ({world.ask.pod_hash})"
    return Says("Completed", done, "RolloutCompleted", f"{words} {which}")


def _paused(world: World, memory: Memory) -> Says:
    paused = bool(memory.pauses) or world.ask.paused
    words = "Rollout is paused" if paused else "Rollout is not paused"
    return Says("Paused", paused, "RolloutPaused", words)


def complete(world: World, memory: Memory) -> bool:
    """The asked-for revision is stable, its pods are all there, and all traffic is on its arm."""
    return (
        bool(memory.stable)
        and not on_the_way(world.ask, memory)
        and world.available(world.new) >= world.ask.replicas
        and (_alone_in_traffic(world, memory) if world.ask.routed else not _old_pods(world))
    )


def _alone_in_traffic(world: World, memory: Memory) -> bool:
    seen = world.seen
    return seen is not None and (seen.weight, seen.stable) == (0, memory.stable)


def _old_pods(world: World) -> int:
    return sum(p.replicas for p in world.pods if p is not world.new)


def phase(world: World, memory: Memory, said: tuple[Condition, ...]) -> tuple[str, str]:
    """Phase and message; the first that matches, in Argo's order (rollouts.md §2.6)."""
    if invalid := next((c for c in said if c.type == INVALID), None):
        return "Degraded", f"{INVALID}: {invalid.message}"
    progressing = next(c for c in said if c.type == "Progressing")
    if progressing.reason in (ABORTED, LATE):
        return "Degraded", f"{progressing.reason}: {progressing.message}"
    if world.ask.paused:
        return "Paused", world.ask.frozen or "manually paused"
    trouble = next((c for c in said if c.type in TRANSIENT and c.type not in QUIET), None)
    if memory.pauses:
        reason = memory.pauses[0].reason
        ours = trouble if reason == Reason.METRICS else None
        return "Paused", f"{reason}: {ours.message}" if ours else reason
    if trouble:
        return "Progressing", f"{trouble.reason}: {trouble.message}"
    if restart.wanted(world, memory):
        return "Progressing", "rollout is restarting"
    return "Progressing" if (left := _left(world, memory)) else "Healthy", left


def _left(world: World, memory: Memory) -> str:
    """What there is to wait for, in Argo's words; "" for nothing."""
    updated = world.new.replicas if world.new else 0
    if updated < world.ask.replicas:
        return "more replicas need to be updated"
    if sum(p.available for p in world.pods) < updated:
        return "updated replicas are still becoming available"
    if not world.ask.routed and _old_pods(world):
        return "old replicas are pending termination"
    return "" if complete(world, memory) else "waiting for all steps to complete"
