"""How many pods each revision should have, and when those that are left behind may go.

Pods follow traffic: more before it comes, fewer after it has gone and the router was seen to know it.
"""

from __future__ import annotations

from datetime import datetime, timedelta

import msgspec

from crds.times import next_second
from rollouts.actions import Action, CreateReplicaSet, LeaveAt, Renumber, Scale
from rollouts.memory import Memory
from rollouts.orders import at_least, canary_pods, pods_for, step_weight
from rollouts.progress import on_the_way
from rollouts.settling import arms_settled, weight_settled
from rollouts.shift import wanted_weight
from rollouts.world import Ask, Pods, World

DRAIN = timedelta(seconds=4)
"""Pods that nobody asked to keep stay so long after their traffic has settled elsewhere."""


class Sizing(msgspec.Struct, frozen=True):
    """What to do to ReplicaSets now, and when a deadline will ask again."""

    actions: tuple[Action, ...] = ()
    look_again: datetime | None = None


def size(world: World, memory: Memory) -> Sizing:
    """Every revision's way to its size, and the new ReplicaSet if it is missing."""
    parts = [_size_one(world, memory, pods) for pods in world.pods]
    moments = [p.look_again for p in parts if p.look_again]
    actions = (*renumbered(world), *(a for p in parts for a in p.actions), *missing(world))
    return Sizing(actions, min(moments, default=None))


def missing(world: World) -> tuple[Action, ...]:
    """The new ReplicaSet where there is none: last, for it may be refused, and what runs is to be sized."""
    return () if world.new else (CreateReplicaSet(world.ask.pod_hash, world.revision),)


def renumbered(world: World) -> tuple[Action, ...]:
    """The revision number that the new ReplicaSet should carry, where it carries another."""
    new = world.new
    return (Renumber(new.name, world.revision),) if new and new.revision != world.revision else ()


def _size_one(world: World, memory: Memory, pods: Pods) -> Sizing:
    if pods.hash == memory.stable or (not on_the_way(world.ask, memory) and pods is world.new):
        return Sizing(_stay(pods, _stable_size(world, memory, pods)))
    if pods is not world.new:
        return _leave_behind(world, memory, pods)
    if memory.abort:
        return _leave_after_abort(world, memory, pods)
    return Sizing(_stay(pods, _canary_size(world, memory, pods)))


def _stay(pods: Pods, replicas: int) -> tuple[Action, ...]:
    kept: tuple[Action, ...] = (LeaveAt(pods.name, None),) if pods.leave_at else ()
    return (*kept, *scaled(pods, replicas))


def _stable_size(world: World, memory: Memory, pods: Pods) -> int:
    """All of them; or (`dynamic`) what its share needs: the one it has, and the one it is to have.

    It shrinks once the router was seen to have given the rest away. All of it comes back while the canary arm
    is to be freed of another revision.
    """
    ask, seen = world.ask, world.seen
    if not ask.dynamic or memory.abort or not on_the_way(ask, memory):
        return ask.replicas
    if seen is None or seen.stable != pods.hash:
        return max(pods.desired, at_least(ask, pods_for(100 - step_weight(ask, memory), ask.replicas)))
    weights = (step_weight(ask, memory), seen.weight, wanted_weight(world, memory, seen))
    weight = min(weights) if seen.canary == ask.pod_hash else 0
    needed = at_least(ask, pods_for(100 - weight, ask.replicas))
    return needed if seen.exact and weight_settled(world, memory) else max(needed, pods.desired)


def _canary_size(world: World, memory: Memory, pods: Pods) -> int:
    """What the step orders, and what more is still carried; a paused Rollout's canary only keeps pace."""
    needed, seen = canary_pods(world.ask, memory), world.seen
    if seen is None or not weight_settled(world, memory):
        return max(needed, pods.desired)
    more = seen.canary == pods.hash and seen.weight > step_weight(world.ask, memory)
    carries = min(pods_for(seen.weight, world.ask.replicas), pods.desired) if more else 0
    if world.ask.paused:
        return max(carries, min(needed, pods.grown_to(world.ask.replicas)))
    return max(needed, carries)


def _leave_after_abort(world: World, memory: Memory, pods: Pods) -> Sizing:
    """An aborted canary stays for its delay, counted from when stable carries everything again."""
    stable_ready = world.available(world.revision_of(memory.stable)) >= world.ask.replicas
    if not pods.desired or world.ask.abort_delay is None:
        return Sizing()
    if world.ask.dynamic and not world.ask.abort_delay and carries_traffic(world, memory, pods.hash):
        return Sizing(_as_carried(world, memory, pods))
    if not stable_ready:
        return Sizing()
    return _leave(world, memory, pods, world.ask.abort_delay)


def _as_carried(world: World, memory: Memory, pods: Pods) -> tuple[Action, ...]:
    """An aborted canary whose traffic goes back bit by bit keeps what its share still needs."""
    seen = world.seen
    if seen is None or not seen.exact or not weight_settled(world, memory):
        return ()
    return scaled(pods, min(pods.desired, pods_for(seen.weight, world.ask.replicas)))


def _leave_behind(world: World, memory: Memory, pods: Pods) -> Sizing:
    """The former stable stays for its delay; a revision that was overtaken, until its last answers."""
    arriving = on_the_way(world.ask, memory)
    if not pods.desired or not (arriving or _came_home(world, memory)):
        return Sizing()
    if _one_too_many(world, memory, pods):
        return Sizing(() if carries_traffic(world, memory, pods.hash) else scaled(pods, 0))
    return _leave(world, memory, pods, DRAIN if arriving else world.ask.delay)


def _one_too_many(world: World, memory: Memory, pods: Pods) -> bool:
    """As many newer revisions as may (scaleDownDelayRevisionLimit) wait for their end already."""
    waiting = [p for p in world.pods if p.desired and p is not world.new and p.hash != memory.stable]
    newer = sum(1 for p in waiting if p.revision > pods.revision)
    return world.ask.delayed is not None and newer >= world.ask.delayed


def _came_home(world: World, memory: Memory) -> bool:
    """The promoted revision has its traffic on the stable arm, where it will stay."""
    seen = world.seen
    return seen is not None and (seen.weight, seen.stable) == (0, memory.stable)


def _leave(world: World, memory: Memory, pods: Pods, delay: timedelta) -> Sizing:
    if carries_traffic(world, memory, pods.hash):
        return Sizing()
    latest = next_second(world.now + _longest(world.ask))
    said = pods.leave_at if pods.leave_at and pods.leave_at <= latest else None
    at = said or next_second(world.now + delay)
    if world.now >= at or not delay:
        return Sizing(scaled(pods, 0))
    return Sizing(() if said else (LeaveAt(pods.name, at),), at)


def _longest(ask: Ask) -> timedelta:
    """A deadline further ahead was written by a clock that has been set back since, or for another delay."""
    return max(DRAIN, ask.delay, ask.abort_delay or DRAIN)


def carries_traffic(world: World, memory: Memory, pod_hash: str) -> bool:
    """Requests may still reach these pods: the router says so, said so a moment ago, or cannot be read.

    An arm without a revision means every pod of the Service.
    """
    seen = world.seen
    if seen is None or not seen.exact or not (weight_settled(world, memory) and arms_settled(world, memory)):
        return True
    carrying = {seen.stable} if seen.weight < 100 else set()
    if seen.weight > 0:
        carrying.add(seen.canary)
    return pod_hash in carrying or "" in carrying


def scaled(pods: Pods, replicas: int) -> tuple[Action, ...]:
    """Its way to this size, () where it has it."""
    return (Scale(pods.name, replicas, pods.desired),) if pods.desired != replicas else ()
