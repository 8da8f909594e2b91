"""How far back one can undo: the newest old revisions are kept, and older ones go once they have no pods."""

from __future__ import annotations

from rollouts.actions import Forget
from rollouts.memory import Memory
from rollouts.world import Pods, World


def forget(world: World, memory: Memory) -> tuple[Forget, ...]:
    """The old revisions beyond `ask.history` that nothing needs any more, the oldest first."""
    old = [pods for pods in world.pods if pods.hash not in (world.ask.pod_hash, memory.stable)]
    idle = [pods for pods in sorted(old, key=lambda pods: pods.revision) if _idle(pods)]
    surplus = max(0, len(old) - world.ask.history)
    return tuple(Forget(pods.name, pods.uid) for pods in idle[:surplus])


def _idle(pods: Pods) -> bool:
    return pods.settled and not (pods.desired or pods.replicas)
