"""Rollouts one a line, as people know them from `kubectl argo rollouts list rollouts`."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import msgspec

from crds.paths import get
from tidegate.views.rollout import counts, set_weight, step, strategy
from tidegate.views.screen import aligned, columns
from tidegate.views.status import standing

Raw = dict[str, Any]

_HEADER = ("NAME", "STRATEGY", "STATUS", "STEP", "SET-WEIGHT", "READY", "DESIRED", "UP-TO-DATE", "AVAILABLE")


class Listing(msgspec.Struct, frozen=True):
    """How wide its columns are, so that a line told later stands below those told before.

    `everywhere` tells each Rollout's namespace too.
    """

    widths: tuple[int, ...]
    everywhere: bool = False

    @property
    def header(self) -> str:
        return aligned(_cells(_HEADER, "NAMESPACE", self.everywhere), self.widths)

    def line(self, rollout: Raw, status: str = "") -> str:
        """The Rollout now; `status` where its own says nothing more."""
        return aligned(_row(rollout, self.everywhere, status), self.widths)


def listing(rollouts: Iterable[Raw], *, everywhere: bool = False) -> Listing:
    """Columns wide enough for these Rollouts."""
    header = _cells(_HEADER, "NAMESPACE", everywhere)
    return Listing(columns((header, *(_row(one, everywhere) for one in rollouts))), everywhere)


def _row(rollout: Raw, everywhere: bool, status: str = "") -> tuple[str, ...]:
    """READY is ready pods over the pods there are; DESIRED those that the spec asks for."""
    pods, canary = counts(rollout), get(rollout, "spec", "strategy", "canary") is not None
    cells = (
        str(get(rollout, "metadata", "name", default="")),
        strategy(rollout),
        status or standing(rollout).phase,
        step(rollout) or "-",
        str(set_weight(rollout)) if canary else "-",
        f"{pods.ready}/{pods.current}",
        *map(str, (pods.desired, pods.updated, pods.available)),
    )
    return _cells(cells, get(rollout, "metadata", "namespace", default=""), everywhere)


def _cells(cells: tuple[str, ...], namespace: str, everywhere: bool) -> tuple[str, ...]:
    return (namespace, *cells) if everywhere else cells
