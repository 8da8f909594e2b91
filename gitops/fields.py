"""Paths as `metadata.managedFields` writes them, and who owns what: `f:name`, `k:{"name":"api"}`, `i:0`."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator
from typing import Any

from crds.paths import Path, drop, get, put
from gitops.tracking import TRACKING

Raw = dict[str, Any]
Steps = tuple[str, ...]
GONE = object()


def entries(live: Raw) -> list[Raw]:
    """Of the object itself, not of its subresources."""
    every = get(live, "metadata", "managedFields", default=[])
    return [one for one in every if not get(one, "subresource")]


def owned(live: Raw, managers: Collection[str]) -> Iterator[Steps]:
    """The leaves that these managers own."""
    for entry in entries(live):
        if get(entry, "manager") in managers:
            yield from leaves(get(entry, "fieldsV1", default={}))


def leaves(fields: Raw, above: Steps = ()) -> Iterator[Steps]:
    below = {step: inner for step, inner in fields.items() if step[:2] in {"f:", "k:", "i:"}}
    if not below and above:
        yield above
    for step, inner in below.items():
        yield from leaves(inner, (*above, step))


def united(one: Raw, other: Raw) -> Raw:
    """What either names."""
    return one | {step: united(one.get(step, {}), inner) for step, inner in other.items()}


def without(raw: Raw, steps: Steps) -> Raw:
    """`raw` without the field; without the list's item where that is what is named."""
    path = resolved(raw, steps)
    if path is None or reserved(path) or at(raw, path) is GONE:
        return raw
    if isinstance(path[-1], str):
        less: Raw = drop(raw, path)
        return less
    return _cut(raw, path)


def _cut(raw: Raw, path: Path) -> Raw:
    items = get(raw, *path[:-1])
    less: Raw = put(raw, path[:-1], [item for place, item in enumerate(items) if place != path[-1]])
    return less


def reserved(path: Path) -> bool:
    """Identity, status and what the server writes."""
    if path[0] == "metadata":
        return path[1:2] not in {("labels",), ("annotations",)} or path[-1] in {TRACKING, "annotations"}
    return path[0] in {"apiVersion", "kind", "status"}


def resolved(raw: Raw, steps: Steps) -> Path | None:
    """The path in `raw`; None where a list on the way has no such item, or a plain value is in the way. The
    last step need not be there."""
    here: Any = raw
    path: Path = ()
    for step in steps:
        key = _key(here, step)
        if key is None:
            return None
        path += (key,)
        here = get(here, key)
    return path


def at(raw: Raw, path: Path) -> Any:
    """The value, also a null one, or `GONE`."""
    above = get(raw, *path[:-1]) if path[:-1] else raw
    if isinstance(above, dict):
        return above.get(str(path[-1]), GONE)
    return above[path[-1]] if isinstance(above, list) and isinstance(path[-1], int) else GONE


def _key(here: Any, step: str) -> str | int | None:
    kind, _, said = step.partition(":")
    if not isinstance(here, list):
        return said if kind == "f" and isinstance(here, dict | None) else None
    if kind == "k":
        wanted = json.loads(said)
        return next((at for at, item in enumerate(here) if _fits(item, wanted)), None)
    return int(said) if said.isdecimal() and int(said) < len(here) else None


def _fits(item: Any, wanted: Raw) -> bool:
    return all(get(item, name) == value for name, value in wanted.items())
