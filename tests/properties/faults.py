"""One story told over and over, each time with a fault at another of its writes."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

from tests.properties.wire import HOWS, Fault, How

if TYPE_CHECKING:
    from tests.properties.world import World

THOROUGH = bool(os.environ.get("TIDEGATE_EVERY_FAULT"))
"""Everything is tried, not a sample of it: in `make test`."""


def struck(writes: int, how: How, every: int) -> range:
    """Which writes a fault is to strike: all if TIDEGATE_EVERY_FAULT is set, else each `every`-th, beginning
    elsewhere for each of the four faults."""
    if THOROUGH:
        return range(1, writes + 1)
    return range(1 + HOWS.index(how) % every, writes + 1, every)


def walks_with_a_fault(
    before: World, walk: Callable[[World], None], how: How, every: int
) -> Iterator[tuple[World, World, str]]:
    """The world that walked undisturbed, one that was struck, and when that was."""
    with before.copied() as told:
        walk(told)
        for k in struck(len(told.wire.writes), how, every):
            with before.copied() as world:
                world.wire.fault = Fault(k, how)
                walk(world)
                yield told, world, f"{how} at write {k}"
