"""What happened, in the words people watch for: Argo's event reasons, told once, as things change."""

from __future__ import annotations

from rollouts.actions import Action, CreateReplicaSet, Point, Route, Scale, Told
from rollouts.memory import Memory
from rollouts.progress import on_the_way
from rollouts.world import World


def tell(world: World, memory: Memory, actions: tuple[Action, ...]) -> tuple[Told, ...]:
    """The news of this decision, oldest first."""
    before = world.memory
    done = [told for action in actions if (told := _of_action(world, action))]
    return (*_of_revision(world, before, memory), *_of_walk(world, before, memory), *done)


def _of_revision(world: World, before: Memory, after: Memory) -> tuple[Told, ...]:
    if before.pod_hash and before.pod_hash != after.pod_hash:
        updated = Told("RolloutUpdated", f"Rollout updated to revision {world.revision}")
        return (updated, *_of_skipped(world, after))
    return ()


def _of_skipped(world: World, after: Memory) -> tuple[Told, ...]:
    """Steps that a rollback need not walk."""
    if not world.ask.steps or after.step < len(world.ask.steps):
        return ()
    if after.pod_hash == after.stable:
        return (Told("SkipSteps", "Rollback to stable ReplicaSets"),)
    back = world.rolls_back
    return (Told("SkipSteps", "Rollback to an active ReplicaSets within RollbackWindow"),) if back else ()


def _of_walk(world: World, before: Memory, after: Memory) -> tuple[Told, ...]:
    if before.pod_hash != after.pod_hash:
        return ()
    told = []
    if after.stable != before.stable:
        done = f"Rollout completed update to revision {world.revision} ({after.stable})"
        told.append(Told("RolloutCompleted", f"{done}: {_why_promoted(world, before)}"))
    if on_the_way(world.ask, after) and after.step > before.step:
        told.append(
            Told("RolloutStepCompleted", f"Rollout step {after.step}/{len(world.ask.steps)} completed")
        )
    if after.abort and not before.aborted_at:
        why = f": {after.verdict}" if after.verdict else ""
        told.append(Told("RolloutAborted", f"Rollout aborted update to revision {world.revision}{why}", True))
    if before.aborted_at and not after.aborted_at and on_the_way(world.ask, after):
        told.append(Told("RolloutRetry", f"Retrying revision {world.revision}"))
    if after.edited and after.edited != before.edited:
        told.append(Told("TrafficEdited", after.edited, True))
    told += _of_pauses(before, after)
    return tuple(told)


def _why_promoted(world: World, before: Memory) -> str:
    """Argo's reasons, in its order (rollouts.md §2.5)."""
    if not before.stable:
        return "Initial deploy"
    if before.promote_full:
        return "Full promotion requested"
    if world.rolls_back:
        return "Rollback within window"
    return f"Completed all {len(world.ask.steps)} canary steps"


def _of_pauses(before: Memory, after: Memory) -> list[Told]:
    new = [p for p in after.pauses if not before.paused_for(p.reason)]
    if new:
        return [Told("RolloutPaused", f"Rollout is paused ({p.reason})") for p in new]
    if before.controller_pause and not after.controller_pause and not after.abort:
        return [Told("RolloutResumed", "Rollout is resumed")]
    return []


def _of_action(world: World, action: Action) -> Told | None:
    match action:
        case CreateReplicaSet(hash=pod_hash, revision=revision):
            name = f"{world.ask.name}-{pod_hash}"
            return Told("NewReplicaSetCreated", f"Created ReplicaSet {name} (revision {revision})")
        case Scale(name=name, replicas=replicas, was=was):
            way = "up" if replicas > was else "down"
            revision = next((p.revision for p in world.pods if p.name == name), 0)
            moved = f"Scaled {way} ReplicaSet {name} (revision {revision}) from {was} to {replicas}"
            return Told("ScalingReplicaSet", moved)
        case Route(weight=weight):
            was = world.seen.weight if world.seen else 0
            return Told("TrafficWeightUpdated", f"Traffic weight updated from {was} to {weight}")
        case Point(stable=stable, canary=canary):
            arms = " and ".join(f"{arm} to {h}" for arm, h in (("stable", stable), ("canary", canary)) if h)
            return Told("UpdatedDestinationRule", f"Pointed {arms}")
        case _:
            return None
