"""Which revisions the stable and the canary Service mean, where no router stands between them.

A Service gets the hash of its revision once that has pods to serve it: all of them the first time, later one
(rollouts.md §2.4). The stable Service never gets fewer pods than it has unless they are as many as are
promised; so that it is never without any, it moves on before the last old pod goes.
"""

from __future__ import annotations

from rollouts.actions import Point
from rollouts.memory import Memory
from rollouts.progress import on_the_way
from rollouts.settling import settled_at
from rollouts.shift import Rung, wanted_split
from rollouts.world import Pods, Service, Services, World


def switch(world: World, memory: Memory) -> Rung:
    """The Services that are to mean another revision now."""
    if not isinstance(world.services, Services):
        return Rung(None, world.services.message if world.services else "")
    stable = _stable(world, memory, world.services.stable)
    canary = _canary(world, memory, world.services.canary)
    named = (("stable", stable), ("canary", canary))
    said = " and ".join(f"the {name} Service is to mean {pod_hash}" for name, pod_hash in named if pod_hash)
    return Rung(Point(stable, canary) if said else None, said)


def still_served(world: World, memory: Memory, pods: Pods) -> int:
    """The last pod of a revision stays while the stable Service means it, or meant it a moment ago.

    Whoever promises no pod to be available gets no such care: there may be no room for it.
    """
    served = memory.served
    if served is None or not pods.desired or world.ask.limits.least_available < 1:
        return 0
    return int(served.stable == pods.hash or world.now < settled_at(world, served.since))


def _stable(world: World, memory: Memory, service: Service | None) -> str:
    """The revision that the stable Service is to mean instead; "" for none."""
    to = _owner(world, memory)
    if service is None or service.means == to:
        return ""
    has = world.available(world.revision_of(service.means))
    return _once_fit(world, service, to, min(has, world.ask.limits.least_available))


def _owner(world: World, memory: Memory) -> str:
    """The revision that owns the traffic; at 100 percent the new one, for the other is to have no pods."""
    new = world.new
    if not on_the_way(world.ask, memory):
        return world.ask.pod_hash
    split = wanted_split(world, memory, new) if new else None
    everything = split is not None and split.canary and not split.stable
    return world.ask.pod_hash if everything else memory.stable


def _canary(world: World, memory: Memory, service: Service | None) -> str:
    """As `_stable`: a canary without pods gets no Service, one left behind or aborted loses it."""
    if service is None:
        return ""
    new, stable = world.ask.pod_hash, memory.stable
    left = service.means not in ("", new, stable) and not world.available(world.new)
    to = stable if memory.abort or left else new
    return _once_fit(world, service, to, 0) if service.means != to else ""


def _once_fit(world: World, service: Service, to: str, needed: int) -> str:
    """`to`, once it has so many pods: one at least, where any are asked for at all."""
    pods = world.revision_of(to)
    if pods is None:
        return ""
    wanted = max(needed, min(1, world.ask.replicas), 0 if service.ours else pods.desired)
    return to if pods.usable >= wanted else ""
