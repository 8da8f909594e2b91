"""What we last saw of every watched object: one dictionary, fed by the reflectors and by our own writes.

An object is taken only if its resourceVersion is not older than what is held, so the answer to our own
write is never undone by an event that was already on its way. Raw objects in here are never changed.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable
from typing import Any

Raw = dict[str, Any]
Name = tuple[str, str]
Changed = Callable[[Hashable, Raw | None, Raw | None], None]
StateChanged = Callable[[Hashable], None]


class Shelf:
    """All objects of one kind. `mark` is the newest version the watch has shown to the end."""

    def __init__(self) -> None:
        self.by_namespace: dict[str, dict[str, Raw]] = {}
        self.by_owner: dict[tuple[str, str], set[str]] = {}
        self.mark = 0
        self.synced = False
        self.refused = ""
        self.reached: float | None = None

    def names(self) -> set[Name]:
        return {(space, name) for space, objects in self.by_namespace.items() for name in objects}

    def swap(self, namespace: str, name: str, raw: Raw | None) -> Raw | None:
        """Hold `raw` under this name, or nothing; what was held before."""
        space = self.by_namespace.setdefault(namespace, {})
        before = space.pop(name, None)
        if before is not None:
            self._disown(before)
        if raw is not None:
            space[name] = raw
            self.by_owner.setdefault((namespace, owner_of(raw)), set()).add(name)
        if not space:
            del self.by_namespace[namespace]
        return before

    def _disown(self, raw: Raw) -> None:
        namespace, name = name_of(raw)
        owned = self.by_owner[namespace, owner_of(raw)]
        owned.discard(name)
        if not owned:
            del self.by_owner[namespace, owner_of(raw)]


class Store:
    """`changed(kind, before, after)` is told every change; `state_changed(kind)` of being synced, refused or
    out of reach."""

    def __init__(self) -> None:
        self._shelves: dict[Hashable, Shelf] = {}
        self.changed: list[Changed] = []
        self.state_changed: list[StateChanged] = []

    def expect(self, kind: Hashable) -> None:
        """This kind will be watched; until it is synced, nothing can be said of its objects."""
        self._shelves.setdefault(kind, Shelf())

    def get(self, kind: Hashable, namespace: str, name: str) -> Raw | None:
        return self._shelves[kind].by_namespace.get(namespace, {}).get(name)

    def listed(self, kind: Hashable, namespace: str = "") -> tuple[Raw, ...]:
        """The objects of a kind in a namespace, or everywhere, by name."""
        spaces = self._shelves[kind].by_namespace
        chosen = [namespace] if namespace else sorted(spaces)
        return tuple(raw for space in chosen for _, raw in sorted(spaces.get(space, {}).items()))

    def owned(self, kind: Hashable, namespace: str, uid: str) -> tuple[Raw, ...]:
        """The objects whose controller has this uid ("": those without one), by name."""
        shelf = self._shelves[kind]
        names = sorted(shelf.by_owner.get((namespace, uid), ()))
        return tuple(shelf.by_namespace[namespace][name] for name in names)

    def watches(self, kind: Hashable) -> bool:
        return kind in self._shelves

    def synced(self, kind: Hashable) -> bool:
        return self._shelves[kind].synced

    def refused(self, kind: Hashable) -> str:
        """Why the API server does not show this kind, or "" where it does."""
        return self._shelves[kind].refused

    def reached(self, kind: Hashable) -> float | None:
        """Since when, by the loop's time, the API server answers again for this kind: infinity while it does
        not, None where it always did."""
        return self._shelves[kind].reached

    def put(self, kind: Hashable, raw: Raw) -> bool:
        """Take an object seen in a watch or in the answer to our own write; False where it is old news."""
        shelf, (namespace, name) = self._shelves[kind], name_of(raw)
        held = self.get(kind, namespace, name)
        # An object we do not hold, no newer than what the watch has shown to the end, was deleted meanwhile.
        if version_of(raw) <= (version_of(held) if held else shelf.mark):
            return False
        self._swap(kind, (namespace, name), raw)
        return True

    def remove(self, kind: Hashable, raw: Raw) -> None:
        """Forget an object seen deleted, unless we hold a newer one of that name."""
        namespace, name = name_of(raw)
        held = self.get(kind, namespace, name)
        if held is not None and version_of(held) <= version_of(raw):
            self._swap(kind, (namespace, name), None)

    def advance(self, kind: Hashable, version: int) -> None:
        """The watch has shown everything up to `version`."""
        self._shelves[kind].mark = max(self._shelves[kind].mark, version)

    def replace(self, kind: Hashable, raws: Iterable[Raw], version: int) -> None:
        """The whole collection as it was at `version`: what is not in it is gone."""
        shelf = self._shelves[kind]
        if version < shelf.mark:  # the server's history was reset (a restored etcd): ours means nothing
            for known in shelf.names():
                self._swap(kind, known, None)
        shelf.mark = 0
        listed = list(raws)
        for raw in listed:
            self.put(kind, raw)
        for namespace, name in shelf.names() - {name_of(raw) for raw in listed}:
            if version_of(shelf.by_namespace[namespace][name]) <= version:
                self._swap(kind, (namespace, name), None)
        shelf.mark = version
        self._become(kind, synced=True)

    def refuse(self, kind: Hashable, why: str) -> None:
        """The API server does not serve this kind, or not to us; what was held of it is forgotten."""
        for name in self._shelves[kind].names():
            self._swap(kind, name, None)
        self._become(kind, synced=False, refused=why)

    def reach(self, kind: Hashable, since: float) -> None:
        """The API server answers again for this kind since then; infinity: it does not."""
        if self._shelves[kind].reached != since:
            self._shelves[kind].reached = since
            self._tell(kind)

    def _become(self, kind: Hashable, synced: bool, refused: str = "") -> None:
        shelf = self._shelves[kind]
        if (shelf.synced, shelf.refused) != (synced, refused):
            shelf.synced, shelf.refused = synced, refused
            self._tell(kind)

    def _tell(self, kind: Hashable) -> None:
        for told in self.state_changed:
            told(kind)

    def _swap(self, kind: Hashable, name: Name, raw: Raw | None) -> None:
        before = self._shelves[kind].swap(*name, raw)
        for told in self.changed:
            told(kind, before, raw)


def name_of(raw: Raw) -> Name:
    meta = raw["metadata"]
    return meta.get("namespace", ""), meta["name"]


def owner_of(raw: Raw) -> str:
    """The uid of the object's controller, "" where it has none."""
    owners = raw["metadata"].get("ownerReferences") or ()
    return next((str(owner["uid"]) for owner in owners if owner.get("controller")), "")


def version_of(raw: Raw) -> int:
    """A resourceVersion as a number: KEP-5504 made their order part of the API."""
    return int(raw["metadata"].get("resourceVersion") or 0)
