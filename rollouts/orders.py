"""What the steps order: a weight, and so many canary pods to carry it.

Without a `setCanaryScale` the pods follow the weight; with one they stay as it says, until a later step says
otherwise or lets them follow the weight again (rollouts.md §2.4).
"""

from __future__ import annotations

from crds.steps import SetCanaryScale, SetWeight
from rollouts.memory import Memory
from rollouts.world import Ask


def step_weight(ask: Ask, memory: Memory) -> int:
    """The weight that the current step orders; nothing goes to a canary that is ordered to have no pods."""
    return weight_at(ask, _at(ask, memory)) if canary_pods(ask, memory) else 0


def canary_pods(ask: Ask, memory: Memory) -> int:
    """The canary pods that the current step orders."""
    return pods_at(ask, _at(ask, memory))


def _at(ask: Ask, memory: Memory) -> int:
    return len(ask.steps) if memory.promote_full else memory.step


def weight_at(ask: Ask, step: int) -> int:
    """The weight of the step at this index: its own, or the last one set before it; 100 past the end."""
    if step >= len(ask.steps):
        return 100
    return next((s.weight for s in reversed(ask.steps[: step + 1]) if isinstance(s, SetWeight)), 0)


def pods_at(ask: Ask, step: int) -> int:
    """The canary pods of the step at this index: the last setCanaryScale, or what its weight needs."""
    scale = _scale_at(ask, step)
    if scale is not None and scale.replicas is not None:
        return scale.replicas
    weight = weight_at(ask, step) if scale is None or scale.weight is None else scale.weight
    return at_least(ask, pods_for(weight, ask.replicas))


def _scale_at(ask: Ask, step: int) -> SetCanaryScale | None:
    """The setCanaryScale in force; None where the pods follow the weight."""
    if step >= len(ask.steps) or not ask.routed:
        return None
    last = next((s for s in reversed(ask.steps[: step + 1]) if isinstance(s, SetCanaryScale)), None)
    return None if last is None or last.match_traffic_weight else last


def at_least(ask: Ask, pods: int) -> int:
    """No fewer pods than minPodsPerReplicaSet, nor more for its sake than the Rollout has; none stay none."""
    return max(pods, min(ask.least_pods, ask.replicas)) if pods else 0


def pods_for(weight: int, replicas: int) -> int:
    """Pods that carry `weight` percent of what `replicas` carry, rounded up (rollouts.md §2.4)."""
    return -(-weight * replicas // 100)


def enough(ask: Ask, wanted: int) -> int:
    """How many of `wanted` pods must be available to count as all of them (replicaProgressThreshold)."""
    threshold = ask.threshold
    if threshold is None:
        return wanted
    return min(wanted, pods_for(threshold.value, wanted) if threshold.type == "Percent" else threshold.value)


def carried(ask: Ask, memory: Memory, pods: int) -> int:
    """The percent of traffic that so many canary pods carry at most.

    Each carries its part of `replicas`, or what this step or the one before orders of it, if that is more.
    """
    step = _at(ask, memory)
    steps = range(max(0, step - 1), step + 1)
    shares = [(100, ask.replicas), *((weight_at(ask, at), pods_at(ask, at)) for at in steps)]
    return max((weight * pods // of for weight, of in shares if of), default=0)


def way_back(ask: Ask, low: int, high: int, pods: int) -> int:
    """The lowest weight from `high` down to `low` that leaves stable no more than so many `pods` of it carry.

    The weights of the steps are the rungs between; `high` where stable can take no more.
    """
    between = {step.weight for step in ask.steps if isinstance(step, SetWeight) and low < step.weight < high}
    rungs = sorted({low, *between})
    return next((weight for weight in rungs if pods_for(100 - weight, ask.replicas) <= pods), high)
