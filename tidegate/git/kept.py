"""Renderings that may be needed again, by what was asked; those not asked for longest are forgotten."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Mapping

from tidegate.git import tree
from tidegate.git.render import Asked, Rendering

MOST_BYTES = 256 * 2**20
EACH = 4
"""Renderings of one source: those of a few branches, or before and after a revert."""

Key = tuple[str, Asked]
"""A repository and what was asked of it."""


class Kept:
    def __init__(self, most: int = MOST_BYTES) -> None:
        self._most = most
        self._bytes = 0
        self._by_key: OrderedDict[Key, tuple[Rendering, ...]] = OrderedDict()

    def paths(self, key: Key) -> set[str]:
        """All that the renderings of this question read."""
        return {path for one in self._by_key.get(key, ()) for path, _ in one.reads}

    def paths_of(self, url: str) -> set[str]:
        """The same for every question to a repository."""
        return {path for key in self._by_key if key[0] == url for path in self.paths(key)}

    def fitting(self, key: Key, found: Mapping[str, str]) -> Rendering | None:
        """One whose files have these ids still."""
        if key in self._by_key:
            self._by_key.move_to_end(key)
        return next((one for one in self._by_key.get(key, ()) if tree.unchanged(found, one.reads)), None)

    def keep(self, key: Key, rendering: Rendering) -> None:
        before = self._by_key.pop(key, ())
        self._by_key[key] = after = (rendering, *before)[:EACH]
        self._bytes += _size(after) - _size(before)
        while self._bytes > self._most and len(self._by_key) > 1:
            self._bytes -= _size(self._by_key.popitem(last=False)[1])


def _size(renderings: tuple[Rendering, ...]) -> int:
    return sum(len(one) for rendering in renderings for one in rendering.objects)
