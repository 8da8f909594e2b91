"""Without a traffic router the pods are the shares: how many of each revision come nearest to a weight.

The table, the budgets and their order are Argo's (rollouts.md §2.3), because people read them off their
clusters: scale up within maxSurge, stable first; scale down no further than maxUnavailable allows.
"""

from __future__ import annotations

import msgspec


class Split(msgspec.Struct, frozen=True):
    """Pods of the two revisions."""

    canary: int
    stable: int


class Side(msgspec.Struct, frozen=True):
    """One revision's ReplicaSet: pods asked for and pods available."""

    desired: int
    available: int


class Limits(msgspec.Struct, frozen=True):
    """`replicas` is the size asked for; `surge` and `unavailable` are in pods."""

    replicas: int
    surge: int
    unavailable: int

    @property
    def most(self) -> int:
        return self.replicas + self.surge

    @property
    def least_available(self) -> int:
        return self.replicas - self.unavailable


def approximate(weight: int, limits: Limits) -> Split:
    """The split of pods whose ratio is nearest to `weight` percent; of equals the first of Argo's order.

    One extra pod may be used where maxSurge allows it. A side is empty only at 0 and 100 percent, unless
    there is one pod and no surge.
    """
    replicas = limits.replicas
    if replicas == 0:
        return Split(0, 0)
    may_be_empty = weight in (0, 100) or (replicas == 1 and limits.surge == 0)
    totals = (replicas, replicas + 1) if limits.surge > 0 else (replicas,)
    options = [
        (canary, total) for total in totals for canary in _rounded(weight, replicas, total, may_be_empty)
    ]
    canary, total = min(
        options or [(replicas * weight // 100, replicas)],
        key=lambda option: abs(option[0] * 100 / option[1] - weight),
    )
    return Split(canary, total - canary)


def _rounded(weight: int, replicas: int, total: int, may_be_empty: bool) -> list[int]:
    """`weight` percent of `replicas`, rounded up and down, where that leaves neither side wrongly empty."""
    up, down = -(-replicas * weight // 100), replicas * weight // 100
    tied = total * weight % 100 == 50
    options = [up] if total > replicas or up < replicas or may_be_empty else []
    if not tied and (down or may_be_empty):
        options.append(down)
    return options


def next_split(wanted: Split, canary: Side, stable: Side, others: int, limits: Limits) -> Split:
    """The next sizes on the way to `wanted`; `others` are pods asked for of every other revision."""
    grown = _grown(wanted, canary, stable, others, limits)
    if grown != Split(canary.desired, stable.desired):
        return grown
    if others:
        return Split(_without_dead(canary, wanted.canary), _without_dead(stable, wanted.stable))
    return _shrunk(wanted, canary, stable, limits)


def _without_dead(side: Side, wanted: int) -> int:
    """Pods beyond those wanted that serve nobody go at once: they may hold the room that others wait for."""
    return min(side.desired, max(wanted, side.available))


def _grown(wanted: Split, canary: Side, stable: Side, others: int, limits: Limits) -> Split:
    """As many more pods as maxSurge leaves room for, stable's first."""
    room = max(0, limits.most - canary.desired - stable.desired - others)
    more_stable = min(room, max(0, wanted.stable - stable.desired))
    more_canary = min(room - more_stable, max(0, wanted.canary - canary.desired))
    return Split(canary.desired + more_canary, stable.desired + more_stable)


def _shrunk(wanted: Split, canary: Side, stable: Side, limits: Limits) -> Split:
    """As many fewer pods as availability allows, of the side that is to become smaller."""
    increasing = wanted.canary >= canary.desired
    spare = max(
        0,
        _counted(canary, whole=not increasing) + _counted(stable, whole=increasing) - limits.least_available,
    )
    fewer_stable = min(spare, max(0, stable.desired - wanted.stable)) if increasing else 0
    fewer_canary = 0 if increasing else min(spare, max(0, canary.desired - wanted.canary))
    return _within(
        Split(canary.desired - fewer_canary, stable.desired - fewer_stable), wanted, canary, stable, limits
    )


def _counted(side: Side, whole: bool) -> int:
    """The pods of a side that count as serving; of the one to shrink all, for its dead pods may go freely."""
    return side.desired if whole or side.desired < side.available else side.available


def _within(split: Split, wanted: Split, canary: Side, stable: Side, limits: Limits) -> Split:
    """After scaling down: no more pods than asked for plus maxSurge, while enough are available."""
    over = split.canary + split.stable - limits.most
    if over <= 0:
        return split
    spare = max(
        0, min(canary.available, split.canary) + min(stable.available, split.stable) - limits.least_available
    )
    over = min(over, spare)
    from_canary = min(over, max(0, split.canary - wanted.canary))
    from_stable = min(over - from_canary, max(0, split.stable - wanted.stable))
    return Split(split.canary - from_canary, split.stable - from_stable)
