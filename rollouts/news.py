"""What happened, in the words people watch for: Argo's event reasons, told once, as things change."""

from __future__ import annotations

from typing import assert_never

from crds.steps import (
    Experiment,
    Pause,
    Plugin,
    RunAnalysis,
    SetCanaryScale,
    SetHeaderRoute,
    SetMirrorRoute,
    SetWeight,
    Step,
)
from rollouts.actions import Action, CreateReplicaSet, Route, Scale, Told
from rollouts.memory import Memory, Reason
from rollouts.progress import on_the_way, this_step_run
from rollouts.world import World


def tell(world: World, memory: Memory, actions: tuple[Action, ...]) -> tuple[Told, ...]:
    """The news of this decision, oldest first, in the order in which Argo Rollouts tells them.

    A ReplicaSet that was refused is not told to be made: it may be refused again.
    """
    before = world.memory
    if before.pod_hash != memory.pod_hash:
        updated, said = _of_revision(world, before, memory)
        said = (*said, *_of_first_look(world, before, memory))
    else:
        updated, said = (), (*_of_walk(world, before, memory), *_of_pauses(before, memory))
    done = [(action, told) for action in actions if (told := _of_action(world, action))]
    made = (told for action, told in done if isinstance(action, CreateReplicaSet) and not world.refused)
    rest = (told for action, told in done if not isinstance(action, CreateReplicaSet))
    return (*updated, *made, *said, *rest)


def _of_revision(world: World, before: Memory, after: Memory) -> tuple[tuple[Told, ...], tuple[Told, ...]]:
    """What is told before its ReplicaSet is made, and after."""
    if _only_status_lost(world, before, after):
        return (), ()
    updated = (Told("RolloutUpdated", f"Rollout updated to revision {world.revision}"),)
    if skipped := _of_skipped(world, after):
        return updated, skipped
    if before.stable != before.pod_hash and before.pod_hash:  # one more before the last was completed
        return updated, ()
    begun = f"Rollout not completed, started update to revision {world.revision} ({after.pod_hash})"
    return updated, (Told("RolloutNotCompleted", begun),)


def _only_status_lost(world: World, before: Memory, after: Memory) -> bool:
    """What is stable was so before, or its ReplicaSet would not be there yet."""
    return not before.pod_hash and after.stable == after.pod_hash and world.new is not None


def _of_first_look(world: World, before: Memory, after: Memory) -> tuple[Told, ...]:
    """A new revision may be past its first steps at once, where they ask for no more pods than there are."""
    if _only_status_lost(world, before, after):
        return ()
    step = after.step if _of_skipped(world, after) else 0
    stable = before.stable if after.stable == after.pod_hash else after.stable
    begun = Memory(pod_hash=after.pod_hash, step_hash=after.step_hash, stable=stable, step=step)
    return (*_of_walk(world, begun, after), *_of_pauses(begun, after))


def _of_skipped(world: World, after: Memory) -> tuple[Told, ...]:
    """Steps that a rollback need not walk."""
    if not world.ask.steps or after.step < len(world.ask.steps):
        return ()
    if after.pod_hash == after.stable and world.memory.stable:
        return (Told("SkipSteps", "Rollback to stable ReplicaSets"),)
    back = world.rolls_back
    return (Told("SkipSteps", "Rollback to an active ReplicaSets within RollbackWindow"),) if back else ()


def _of_walk(world: World, before: Memory, after: Memory) -> tuple[Told, ...]:
    told = [*_of_step_run(world, before, after), *_of_steps(world, before, after)]
    if after.stable and after.stable != before.stable:
        done = f"Rollout completed update to revision {world.revision} ({after.stable})"
        told.append(Told("RolloutCompleted", f"{done}: {_why_completed(world, before)}"))
    if after.abort and not before.aborted_at:
        why = f": {after.verdict}" if after.verdict else ""
        told.append(Told("RolloutAborted", f"Rollout aborted update to revision {world.revision}{why}", True))
    if after.edited and after.edited != before.edited:
        told.append(Told("TrafficEdited", after.edited, True))
    return tuple(told)


def _of_step_run(world: World, before: Memory, after: Memory) -> tuple[Told, ...]:
    """The run that completes its step: the walk is past it by the time a status could say so."""
    run = this_step_run(world, before)
    if run is None or run.phase != "Successful" or after.step <= before.step:
        return ()
    words = f"Step Analysis Run '{run.name}' Status New: 'Successful' Previous: 'Running'"
    return (Told("AnalysisRunSuccessful", words),)


def _of_steps(world: World, before: Memory, after: Memory) -> tuple[Told, ...]:
    walked = on_the_way(world.ask, before) and after.stable
    if not walked or after.abort or before.promote_full or world.is_back:
        return ()
    steps = world.ask.steps
    first = before.step if before.step_hash == after.step_hash else 0
    return tuple(
        Told("RolloutStepCompleted", f"Rollout step {n + 1}/{len(steps)} completed ({_words(steps[n])})")
        for n in range(first, min(after.step, len(steps)))
    )


def _why_completed(world: World, before: Memory) -> str:
    """Argo's reasons, in its order (rollouts.md §2.5)."""
    if not before.stable:
        return "Initial deploy"
    if before.promote_full:
        return "Full promotion requested"
    if world.rolls_back:
        return "Rollback within window"
    return f"Completed all {len(world.ask.steps)} canary steps"


def _words(step: Step) -> str:
    key = type(step).__name__
    key = key[0].lower() + key[1:]
    match step:
        case SetWeight(weight=weight):
            return f"{key}: {weight}"
        case Pause(duration=duration):
            return f"{key}: {duration.total_seconds():g}s" if duration else key
        case SetHeaderRoute(name=name) | SetMirrorRoute(name=name) | Plugin(name=name):
            return f"{key}: {name}"
        case SetCanaryScale() | Experiment():
            return key
        case RunAnalysis():
            return "analysis"
        case never:
            assert_never(never)


def _of_pauses(before: Memory, after: Memory) -> list[Told]:
    """Two steps that wait, one after the other, are two pauses: people are waited for anew."""
    next_step = before.step != after.step
    new = [
        p for p in after.pauses if not before.paused_for(p.reason) or (next_step and p.reason == Reason.STEP)
    ]
    over = not after.controller_pause or (next_step and any(p.reason == Reason.STEP for p in new))
    told = [Told("RolloutPaused", f"Rollout is paused ({p.reason})") for p in new]
    if before.controller_pause and over and not after.abort:
        return [Told("RolloutResumed", "Rollout is resumed"), *told]
    return told


def _of_action(world: World, action: Action) -> Told | None:
    match action:
        case CreateReplicaSet(hash=pod_hash, revision=revision):
            name = f"{world.ask.name}-{pod_hash}"
            return Told("NewReplicaSetCreated", f"Created ReplicaSet {name} (revision {revision})")
        case Scale(name=name, replicas=replicas, was=was):
            way = "up" if replicas > was else "down"
            pods = next((p for p in world.pods if p.name == name), None)
            revision = world.revision if pods is world.new else pods.revision if pods else 0
            moved = f"Scaled {way} ReplicaSet {name} (revision {revision}) from {was} to {replicas}"
            return Told("ScalingReplicaSet", moved)
        case Route(weight=weight):
            was = world.seen.weight if world.seen else 0
            return Told("TrafficWeightUpdated", f"Traffic weight updated from {was} to {weight}")
        case _:
            return None
