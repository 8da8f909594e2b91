"""Sizes without a traffic router: every pod of the Service gets its share, so pods are what a weight means.

The split and the limits are `rollouts.ratio`'s; here it is told which revision is which, and when the canary
may grow at all.
"""

from __future__ import annotations

from rollouts.actions import Action, LeaveAt
from rollouts.memory import Memory
from rollouts.progress import on_the_way
from rollouts.ratio import Side, next_split
from rollouts.replicas import Sizing, missing, renumbered, scaled
from rollouts.services import still_served
from rollouts.shift import wanted_split
from rollouts.world import Pods, World


def size_by_ratio(world: World, memory: Memory) -> Sizing:
    """One step of every revision towards its size, and the new ReplicaSet if it is missing."""
    new, stable = world.new, world.revision_of(memory.stable)
    if new is None:
        return Sizing((*_kept_pace(world, stable), *missing(world)))
    kept = tuple(LeaveAt(p.name, None) for p in (new, stable) if p and p.leave_at)
    return Sizing((*renumbered(world), *kept, *_sized(world, memory, new, stable)))


def _kept_pace(world: World, stable: Pods | None) -> tuple[Action, ...]:
    """What runs grows with the Rollout while there is no new ReplicaSet, which may be refused for long."""
    if stable is None:
        return ()
    others = sum(p.desired for p in world.pods if p is not stable)
    return scaled(stable, max(stable.desired, world.ask.replicas - others))


def _sized(world: World, memory: Memory, new: Pods, stable: Pods | None) -> tuple[Action, ...]:
    others = tuple(p for p in world.pods if p not in (new, stable) and p.desired)
    if stable is None or not on_the_way(world.ask, memory):
        return (*scaled(new, world.ask.replicas), *_without(world, memory, others))
    split = next_split(
        wanted_split(world, memory, new),
        Side(new.desired, new.usable),
        Side(stable.desired, stable.usable),
        sum(p.desired for p in others),
        world.ask.limits,
    )
    return (
        *scaled(stable, max(split.stable, still_served(world, memory, stable))),
        *scaled(new, max(split.canary, still_served(world, memory, new))),
        *_without(world, memory, others),
    )


def _without(world: World, memory: Memory, others: tuple[Pods, ...]) -> tuple[Action, ...]:
    """Revisions left behind lose dead pods, then as many as can be spared, the newest revision first."""
    spare = max(0, sum(p.usable for p in world.pods) - world.ask.limits.least_available)
    actions: list[Action] = []
    for pods in sorted(others, key=lambda p: -p.revision):
        serving = min(pods.usable, spare)
        spare -= serving
        actions += scaled(pods, max(pods.usable - serving, still_served(world, memory, pods)))
    return tuple(actions)
