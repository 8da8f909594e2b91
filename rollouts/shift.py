"""Who gets which share: one rung of a ladder at a time, each seen and settled before the next.

First the stable arm must mean the stable pods, then the canary arm the new ones, then the weights move.
An arm is pointed elsewhere only while it carries nothing or its new pods can carry what it has; a weight
rises only to what available pods carry. Taking traffic away from a bad canary waits for nobody.
"""

from __future__ import annotations

import msgspec

from rollouts.actions import Action, Point, Route
from rollouts.memory import Memory
from rollouts.orders import canary_pods, carried, enough, pods_for, step_weight, way_back
from rollouts.progress import on_the_way, this_run
from rollouts.ratio import Split, approximate
from rollouts.settling import arms_settled, arms_told, weight_settled
from rollouts.world import Pods, Traffic, Trouble, World


class Aim(msgspec.Struct, frozen=True):
    """Where the router should come to: the canary's weight, and what its two arms mean."""

    weight: int
    stable: str
    canary: str


class Rung(msgspec.Struct, frozen=True):
    """The next thing to do to the router (None: nothing now), and why."""

    action: Action | None
    why: str


def shift(world: World, memory: Memory) -> Rung:
    """The next rung towards where traffic should be."""
    match world.traffic:
        case None:
            return Rung(None, "waiting to see the router")
        case Trouble(message=message):
            return Rung(None, message)
        case Traffic() as seen:
            return _climb(world, memory, seen, aim(world, memory, seen))


def aim(world: World, memory: Memory, seen: Traffic) -> Aim:
    """Where traffic should be, given how far the rollout is."""
    new = world.ask.pod_hash
    if not on_the_way(world.ask, memory):
        return Aim(0, new, new)
    weight = wanted_weight(world, memory, seen)
    return Aim(weight, memory.stable, _after_abort(world, memory, seen) if memory.abort else new)


def _after_abort(world: World, memory: Memory, seen: Traffic) -> str:
    """What the canary arm is to mean: a Service that carries nothing more goes back to stable, for it may be
    asked by its name, and the canary's pods go; a subset stays."""
    gone = seen.exact and not seen.weight
    return memory.stable if gone and world.ask.canary_service else seen.canary


def wanted_weight(world: World, memory: Memory, seen: Traffic) -> int:
    """The step's weight if its pods and its judge are there; if not, no more than now and than pods carry."""
    if memory.abort:
        return 0
    ask, usable = world.ask, world.available(world.new)
    ordered = step_weight(ask, memory)
    now = seen.weight if seen.canary == ask.pod_hash else 0
    if ask.dynamic and memory.promote_full and may_rise(world, memory):
        now = ordered
    if usable < enough(ask, canary_pods(ask, memory)):
        return min(ordered, now, carried(ask, memory, usable))
    return ordered if may_rise(world, memory) else min(ordered, now)


def wanted_split(world: World, memory: Memory, new: Pods) -> Split:
    """By pod counts: the step's split; while nobody answers for more, no greater part than the canary has."""
    limits = world.ask.limits
    wanted = approximate(0 if memory.abort else step_weight(world.ask, memory), limits)
    most = new.grown_to(limits.replicas)
    if memory.abort or may_rise(world, memory) or wanted.canary <= most:
        return wanted
    return Split(most, max(wanted.stable, limits.replicas - most))


def may_rise(world: World, memory: Memory) -> bool:
    """Someone answers for more traffic: the analysis measures, or a person has said so."""
    if world.ask.paused:
        return False
    if memory.promote_full or not world.judged:
        return True
    if any(p.reason != "CanaryPauseStep" for p in memory.pauses):
        return False
    run = this_run(world, memory)
    return memory.overridden or (run is not None and run.measures and run.good_so_far)


def _climb(world: World, memory: Memory, seen: Traffic, to: Aim) -> Rung:
    if seen.stable != to.stable:
        return _point_stable(world, seen, to)
    if seen.canary != to.canary and seen.weight:
        return _reroute(world, memory, seen, Aim(0, seen.stable, seen.canary))
    if seen.canary != to.canary:
        return _point_canary(world, memory, to)
    if seen.weight != to.weight or not seen.exact:
        return _reroute(world, memory, seen, to)
    return Rung(None, "" if weight_settled(world, memory) and arms_settled(world, memory) else "settling")


def _point_stable(world: World, seen: Traffic, to: Aim) -> Rung:
    """The stable arm moves to pods that can carry everything, or (`dynamic`) what it gets."""
    pods = world.revision_of(to.stable)
    usable, needed = world.available(pods), world.ask.replicas
    both_free = to.canary == to.stable
    if world.ask.dynamic and not both_free:
        needed = pods_for(100 - seen.weight, needed)
    if usable < needed:
        return Rung(None, f"{usable}/{needed} pods of {to.stable} available")
    arms = "both arms are" if both_free else "the stable arm is"
    return Rung(Point(to.stable, to.canary if both_free else ""), f"{arms} to mean {to.stable}")


def _point_canary(world: World, memory: Memory, to: Aim) -> Rung:
    usable = world.available(world.revision_of(to.canary))
    needed = enough(world.ask, canary_pods(world.ask, memory))
    if to.canary != to.stable and (usable < needed or not needed):
        return Rung(None, f"{usable}/{needed} canary pods available")
    if not weight_settled(world, memory):
        return Rung(None, "settling before the canary arm moves")
    return Rung(Point("", to.canary), f"the canary arm is to mean {to.canary}")


def _reroute(world: World, memory: Memory, seen: Traffic, to: Aim) -> Rung:
    """The weights, once the arms have settled, and where those who get more can carry it."""
    takes_away = seen.canary != seen.stable and to.weight <= seen.weight
    if not (arms_told if takes_away else arms_settled)(world, memory):
        return Rung(None, "settling before the weight moves")
    stable = world.available(world.revision_of(to.stable))
    if world.ask.dynamic:
        return _reroute_as_carried(world, seen, to.weight, stable)
    needed = _stable_pods(world, seen, 100 - to.weight)
    away_from_dead = not world.available(world.revision_of(seen.canary))
    short = f"although only {stable}/{needed} stable pods are available" if stable < needed else ""
    if short and not (memory.abort or away_from_dead):
        return Rung(None, f"{stable}/{needed} stable pods available")
    return Rung(Route(to.weight), f"weight {seen.weight} to {to.weight} {short}".strip())


def _stable_pods(world: World, seen: Traffic, share: int) -> int:
    """The pods that are to carry stable's new share: rounded down as Argo does, but up where it grows."""
    grows = share > 100 - seen.weight
    pods = pods_for(share, world.ask.replicas) if grows else share * world.ask.replicas // 100
    return enough(world.ask, pods)


def _reroute_as_carried(world: World, seen: Traffic, wanted: int, stable: int) -> Rung:
    """A stable that shrank takes traffic back rung by rung as its pods come, also in an abort."""
    weight = way_back(world.ask, wanted, max(wanted, seen.weight), stable)
    needed = pods_for(100 - wanted, world.ask.replicas)
    if (weight == seen.weight and seen.exact) or (wanted >= seen.weight and stable < needed):
        return Rung(None, f"{stable}/{needed} stable pods available")
    return Rung(Route(weight), f"weight {seen.weight} to {weight}")
