"""A Rollout's status: how its memory is read out of it, and how what is seen is written into it.

Argo's fields carry what Argo's clients read and people patch; the rest of the memory is `status.tidegate`.
Fields we do not write stay as they are.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

import msgspec

from crds import paths
from crds.meta import Condition, read_status
from crds.rollout_status import RolloutStatus
from crds.times import END, rfc3339, rfc3339_micro
from rollouts.conditions import Says, conditions, phase, settle_conditions
from rollouts.duration import Duration, measure, written
from rollouts.memory import Blame, Meant, Memory, Noted, Paused, Reason, Walked
from rollouts.progress import this_step_run
from rollouts.world import Run, World

Raw = dict[str, Any]


class Ours(msgspec.Struct, frozen=True, rename="camel"):
    """`status.tidegate`: the part of the memory that Argo has no field for."""

    held_for: tuple[str, ...] = ()
    attempt: int = 0
    verdict: str = ""
    blame: Blame | None = None
    overridden: bool = False
    edited: str = ""
    steps: tuple[Walked, ...] = ()
    traffic: Noted | None = None
    served: Meant | None = None


def remembered(status: RolloutStatus) -> Memory:
    """The memory in a status; what people wrote wrongly counts as not written, and a pause that does not say
    since when as one that begins now."""
    ours = read_status(status.tidegate, Ours)
    return Memory(
        pod_hash=status.current_pod_hash,
        step_hash=status.current_step_hash,
        step=max(0, status.current_step_index or 0),
        stable=status.stable_rs,
        pauses=tuple(Paused(p.reason, p.start_time or END) for p in status.pause_conditions),
        controller_pause=status.controller_pause,
        held_for=ours.held_for or _held_for(status),
        abort=status.abort,
        aborted_at=status.aborted_at,
        promote_full=status.promote_full,
        restarted_at=status.restarted_at,
        attempt=max(0, ours.attempt),
        verdict=ours.verdict,
        blame=ours.blame,
        overridden=ours.overridden,
        edited=ours.edited,
        walked=ours.steps,
        traffic=ours.traffic,
        served=ours.served,
    )


def _held_for(status: RolloutStatus) -> tuple[str, ...]:
    """The reasons of a pause that another controller began; a person may have ended it before we came."""
    reasons = tuple(p.reason for p in status.pause_conditions)
    return reasons or ((Reason.STEP,) if status.controller_pause else ())


def report(world: World, memory: Memory, was: RolloutStatus, raw: Raw) -> Raw:
    """The whole status after this look; `raw` is the status as it stands, `was` the same as read."""
    moved = progressed(world, was) or memory.step != world.memory.step
    said = conditions(world, memory, was.conditions, moved)
    name, message = phase(world, memory, said)
    ours: Raw = {
        **_memory(memory),
        "currentStepIndex": memory.step if world.ask.steps else None,
        **_counts(world),
        "conditions": [_condition(c) for c in said],
        "phase": name,
        "message": message,
        "duration": written(measure(world, memory, read_status(was.duration, Duration))),
        "canary": _canary(world, memory, raw.get("canary") or {}),
        "tidegate": _tidegate(memory),
    }
    return {key: value for key, value in {**raw, **ours}.items() if not _is_empty(value)}


def _is_empty(value: Any) -> bool:
    """Left out, as Argo does; a nought is not empty."""
    return value is None or value is False or value in ("", [], {})


def held(problem: Says, was: RolloutStatus, raw: Raw, now: datetime) -> Raw:
    """The status of a Rollout that is not acted on: what is wrong, beside what was last known."""
    said = settle_conditions(was.conditions, (), (problem,), now)
    return {
        **raw,
        "conditions": [_condition(c) for c in said],
        "phase": "Degraded",
        "message": f"{problem.type}: {problem.message}",
    }


def progressed(world: World, was: RolloutStatus) -> bool:
    """The new pods got somewhere since the last status was written."""
    new = world.new
    if new is None or was.current_pod_hash != world.ask.pod_hash:
        return True
    total = sum(p.available for p in world.pods)
    return (new.replicas, total) != (was.updated_replicas, was.available_replicas)


def _memory(memory: Memory) -> Raw:
    return {
        "currentPodHash": memory.pod_hash,
        "currentStepHash": memory.step_hash,
        "stableRS": memory.stable,
        "pauseConditions": [{"reason": p.reason, "startTime": rfc3339(p.since)} for p in memory.pauses],
        "controllerPause": memory.controller_pause,
        "abort": memory.abort,
        "abortedAt": rfc3339(memory.aborted_at) if memory.aborted_at else None,
        "promoteFull": memory.promote_full,
        "restartedAt": rfc3339(memory.restarted_at) if memory.restarted_at else None,
    }


def _counts(world: World) -> Raw:
    new = world.new
    counts = {
        "replicas": sum(p.replicas for p in world.pods),
        "updatedReplicas": new.replicas if new else 0,
        "readyReplicas": sum(p.ready for p in world.pods),
        "availableReplicas": sum(p.available for p in world.pods),
        "HPAReplicas": sum(p.replicas for p in world.pods),
    }
    return {key: count or None for key, count in counts.items()}


def _condition(condition: Condition) -> Raw:
    times = {
        "lastUpdateTime": condition.last_update_time,
        "lastTransitionTime": condition.last_transition_time,
    }
    return {
        "type": condition.type,
        "status": condition.status,
        "reason": condition.reason,
        "message": condition.message,
        **{key: rfc3339(moment) for key, moment in times.items() if moment},
    }


def _canary(world: World, memory: Memory, raw: Raw) -> Raw:
    run = world.run if world.run and world.run.attempt == memory.attempt else None
    ours = {
        "weights": _weights(world, raw),
        "currentBackgroundAnalysisRunStatus": _run(run),
        "currentStepAnalysisRunStatus": _run(_step_run(world, memory, raw)),
    }
    return {key: value for key, value in {**raw, **ours}.items() if value}


def _step_run(world: World, memory: Memory, raw: Raw) -> Run | None:
    """An abort leaves the step; what its analysis said stays told."""
    if not memory.abort:
        return this_step_run(world, memory)
    if not world.memory.aborted_at:
        return this_step_run(world, world.memory)
    told = paths.get(raw, "currentStepAnalysisRunStatus", "name")
    return next((run for run in world.step_runs if run.name == told), None)


def _weights(world: World, raw: Raw) -> Raw | None:
    seen = world.seen
    if seen is None:
        return raw.get("weights") if world.ask.routed else None
    return {
        "canary": _share(seen.weight, seen.canary, world.ask.canary_service),
        "stable": _share(100 - seen.weight, seen.stable, world.ask.stable_service),
    }


def _share(weight: int, pod_hash: str, service: str) -> Raw:
    named = {"serviceName": service} if service else {}
    return {"weight": weight, **named, "podTemplateHash": pod_hash}


def _run(run: Run | None) -> Raw | None:
    if run is None:
        return None
    words = {"message": run.message} if run.message and run.over else {}
    return {"name": run.name, "status": run.phase or "Pending", **words}


def _walked(one: Walked) -> Raw:
    said = {"evidence": one.evidence} if one.evidence else {}
    return {"began": rfc3339_micro(one.began), **said}


def _tidegate(memory: Memory) -> Raw:
    noted, served = memory.traffic, memory.served
    traffic = noted and {
        "weight": noted.weight,
        "stable": noted.stable,
        "canary": noted.canary,
        "exact": noted.exact,
    }
    ours: Raw = {
        "heldFor": list(memory.held_for),
        "attempt": memory.attempt,
        "verdict": memory.verdict,
        "blame": memory.blame and msgspec.to_builtins(memory.blame),
        "overridden": memory.overridden,
        "edited": memory.edited,
        "steps": [_walked(one) for one in memory.walked],
        "traffic": traffic,
        "served": served and {"stable": served.stable, "since": rfc3339_micro(served.since)},
    }
    return {key: value for key, value in ours.items() if value}
