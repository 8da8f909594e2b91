"""What was concluded of an Application before, which holds for as long as it was read from the very same.

Raw objects and answers never change, so the same one says the same. Without this, two thousand objects would
be marked, encoded and compared anew half a dozen times in every look, for more than a second.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from operator import is_
from typing import Any, TypeVar

import msgspec

from crds.application import Application, parse
from crds.errors import Invalid
from crds.paths import get
from gitops.objects import Key, key_of

T = TypeVar("T")
Raw = dict[str, Any]

KEPT = 2000
"""Applications whose readings are remembered; beyond them the one first read is read anew."""


class _Items(msgspec.Struct, frozen=True):
    """What was made of each item, in their order, and by the identities of what an item consists of."""

    alike: object
    places: list[tuple[int, ...]] = []
    made: tuple[Any, ...] = ()
    kept: dict[tuple[int, ...], tuple[object, Any]] = {}


class Reading:
    """Of one Application."""

    def __init__(self) -> None:
        self._made: dict[str, tuple[tuple[object, ...], object, Any]] = {}
        self._declared: dict[Key, Raw] = {}
        self._each: dict[str, _Items] = {}

    def once(self, what: str, of: tuple[object, ...], make: Callable[[], T], alike: object = None) -> T:
        """What was made of these very objects last, while what is `alike` equals what it was; else made."""
        if of and not any(of):  # as yet: what was made of more is still good
            return make()
        before = self._made.get(what)
        if before and before[1] == alike and same(before[0], of):
            return before[2]  # type: ignore[no-any-return]
        made = make()
        self._made[what] = (of, alike, made)
        return made

    def each(
        self, what: str, items: Iterable[tuple[object, ...]], make: Callable[..., T], alike: object = None
    ) -> tuple[T, ...]:
        """As `once`, for every item by itself; where all are as before, so is the tuple of them."""
        if not (items := tuple(items)):
            return ()
        before = self._each.get(what)
        if before is None or before.alike != alike:
            before = _Items(alike)
        places = [tuple(map(id, item)) for item in items]  # no other object's, while these are held
        if places != before.places:
            before = self._each[what] = _after(before, places, items, make)
        return before.made

    def again(self, raws: Iterable[Raw]) -> tuple[Raw, ...]:
        """Objects of a rendering: each that is declared as it was is the very object that it was."""
        before = self._declared
        keyed = [(key_of(raw), raw) for raw in raws]
        found = tuple(before[key] if before.get(key) == raw else raw for key, raw in keyed)
        self._declared = {key: raw for (key, _), raw in zip(keyed, found, strict=True)}
        return found

    def application(self, raw: Raw) -> Application | Invalid:
        return self.once("application", (raw,), lambda: _parsed(raw))


class Reader:
    """The readings of all, by uid."""

    def __init__(self) -> None:
        self._kept: dict[str, Reading] = {}

    def reading(self, raw: Raw) -> Reading:
        uid = str(get(raw, "metadata", "uid", default=""))
        found = self._kept.setdefault(uid, Reading())
        if len(self._kept) > KEPT:
            del self._kept[next(iter(self._kept))]
        return found


def _after(
    before: _Items,
    places: list[tuple[int, ...]],
    items: tuple[tuple[object, ...], ...],
    make: Callable[..., Any],
) -> _Items:
    kept: dict[tuple[int, ...], tuple[object, Any]] = {}
    for at, item in zip(places, items, strict=True):
        kept[at] = before.kept.get(at) or kept.get(at) or (item, make(*item))
    made = tuple(kept[at][1] for at in places)
    return _Items(before.alike, places, before.made if same(before.made, made) else made, kept)


def same(these: tuple[object, ...], those: tuple[object, ...]) -> bool:
    """Whether they are the very same objects."""
    return len(these) == len(those) and all(map(is_, these, those))


def _parsed(raw: Raw) -> Application | Invalid:
    try:
        return parse(raw)
    except Invalid as problem:
        return problem
