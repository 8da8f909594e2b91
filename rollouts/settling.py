"""Since when the router, or a Service, says what it says, and whether those who follow it do so by now.

Where the API server was away they may be behind: nothing has settled before they had `CATCH_UP` to come back
(docs/decisions/0020-who-follows-the-router-may-be-behind.md).
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import assert_never

from msgspec.structs import replace

from rollouts.memory import Meant, Memory, Noted
from rollouts.world import Services, Traffic, Trouble, World

CATCH_UP = timedelta(seconds=60)
"""After the API server is back: client-go tries again every 30 to 60 s."""


def note_traffic(memory: Memory, traffic: Traffic | Trouble | None, now: datetime) -> Memory:
    """Since when the router says what it says; a router that cannot be read has to settle anew."""
    match traffic:
        case None:
            return memory
        case Trouble():
            return replace(memory, traffic=None)
        case Traffic(weight=weight, stable=stable, canary=canary, exact=exact):
            old = memory.traffic
            same_weight = old is not None and (old.weight, old.exact) == (weight, exact)
            same_arms = old is not None and (old.stable, old.canary) == (stable, canary)
            noted = Noted(
                weight=weight,
                stable=stable,
                canary=canary,
                exact=exact,
                weight_since=min((old.weight_since if old and same_weight else None) or now, now),
                arms_since=min((old.arms_since if old and same_arms else None) or now, now),
            )
            return replace(memory, traffic=noted)
        case never:
            assert_never(never)


def note_services(world: World, memory: Memory) -> Memory:
    """Since when the stable Service means what it means."""
    services = world.services
    if not isinstance(services, Services) or services.stable is None:
        return replace(memory, served=None)
    means, was = services.stable.means, memory.served
    return memory if was and was.stable == means else replace(memory, served=Meant(means, world.now))


def weight_settled(world: World, memory: Memory) -> bool:
    return memory.traffic is not None and _long_enough(world, memory.traffic.weight_since)


def arms_settled(world: World, memory: Memory) -> bool:
    return memory.traffic is not None and _long_enough(world, memory.traffic.arms_since)


def arms_told(world: World, memory: Memory) -> bool:
    """They settled for all who are not behind: enough to take traffic away, which waits for nobody else."""
    since = memory.traffic.arms_since if memory.traffic else None
    return since is not None and world.now >= since + world.ask.settle


def settled_at(world: World, since: datetime) -> datetime:
    """When what has been said since then is followed."""
    return max(since + world.ask.settle, world.caught_up_at or since)


def _long_enough(world: World, since: datetime | None) -> bool:
    return since is not None and world.now >= settled_at(world, since)


def settling(world: World, memory: Memory) -> tuple[datetime, ...]:
    """When the weight and the arms that the router was seen to say will have settled, or did."""
    noted = memory.traffic
    since = (noted.weight_since, noted.arms_since) if noted else ()
    return tuple(settled_at(world, moment) for moment in since if moment)
