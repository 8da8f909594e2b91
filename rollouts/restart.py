"""`restartAt`: every pod made before it goes once, the stable revision's first, a few at a time.

So many may be missing as maxUnavailable says, and one at least, or no restart would ever end. Pods that are
not ready serve nobody and may go at once.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from msgspec.structs import replace

from rollouts.actions import Evict
from rollouts.memory import Memory
from rollouts.world import Aged, World

ASK_AGAIN = timedelta(seconds=30)
"""A disruption budget that said not now is asked again after so long, or when a ReplicaSet changed."""


def wanted(world: World, memory: Memory) -> bool:
    """A restart was asked for and is not over, or has yet to begin."""
    return world.ask.restart_at not in (None, memory.restarted_at)


def under_way(world: World, memory: Memory) -> bool:
    at = world.ask.restart_at
    return at is not None and wanted(world, memory) and world.now >= at


def note_restart(world: World, memory: Memory) -> Memory:
    """The restart is over once no pod is left from before it."""
    over = under_way(world, memory) and world.aged == ()
    return replace(memory, restarted_at=world.ask.restart_at) if over else memory


def evictions(world: World, memory: Memory) -> tuple[Evict, ...]:
    """The pods that may go now."""
    if not under_way(world, memory) or not world.aged:
        return ()
    pods = sorted(world.aged, key=lambda pod: _turn(world, memory, pod))
    spare = max(0, max(1, world.ask.max_unavailable) - _missing(world))
    serving = [pod for pod in pods if pod.ready][:spare]
    return tuple(Evict(pod.name, pod.uid) for pod in pods if not pod.ready or pod in serving)


def _missing(world: World) -> int:
    """By what the ReplicaSets say, or by the pods themselves, which may be ahead of them: one that was
    evicted a moment ago is still counted there."""
    said = sum(max(0, p.desired - p.available) for p in world.pods)
    seen = 0 if world.ready is None else sum(p.desired for p in world.pods) - world.ready
    return max(said, seen)


def _turn(world: World, memory: Memory, pod: Aged) -> tuple[bool, int, str]:
    """Stable first, then the newest revision."""
    revision = next((p.revision for p in world.pods if p.hash == pod.hash), 0)
    return (pod.hash != memory.stable, -revision, pod.name)


def restart_looks(world: World, memory: Memory) -> tuple[datetime, ...]:
    """When it begins; when to ask again while it is under way."""
    at = world.ask.restart_at
    if at is None or not wanted(world, memory):
        return ()
    return (at if world.now < at else world.now + ASK_AGAIN,)
