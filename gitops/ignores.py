"""What the user does not want to be drift: `ignoreDifferences`, by JSON pointer or by who manages a field.

What is ignored is copied from the live object into what is applied, so that it is neither shown nor
overwritten; identity and status are never copied.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from typing import Any

from crds.application_policy import IgnoredDifference
from crds.paths import Path, drop, get, put
from gitops.objects import key_of
from gitops.tracking import TRACKING

Raw = dict[str, Any]
Steps = tuple[str, ...]
"""A path as managedFields write it: `f:name`, `k:{"name":"api"}`, `i:0`."""

_GONE = object()


def kept(wanted: Raw, live: Raw, ignored: Iterable[IgnoredDifference]) -> Raw:
    """`wanted` with what is ignored as it is in `live`; also away where that has it not."""
    for one in ignored:
        if not _means(one, wanted):
            continue
        for text in one.json_pointers:
            wanted = _copied(wanted, live, tuple(pointer(text)))
        for steps in _managed(live, one.managed_fields_managers):
            wanted = _copied(wanted, live, steps)
    return wanted


def pointer(text: str) -> Iterator[str]:
    """The steps of a JSON pointer (RFC 6901)."""
    for token in text.split("/")[1:]:
        yield "f:" + token.replace("~1", "/").replace("~0", "~")


def _means(one: IgnoredDifference, raw: Raw) -> bool:
    key = key_of(raw)
    return (
        one.group in {"*", key.group}
        and one.kind in {"*", key.kind}
        and one.name in {"", key.name}
        and one.namespace in {"", key.namespace}
    )


def _managed(live: Raw, managers: tuple[str, ...]) -> Iterator[Steps]:
    """The leaves that these managers own."""
    for entry in get(live, "metadata", "managedFields", default=[]):
        if get(entry, "manager") in managers and not get(entry, "subresource"):
            yield from _leaves(get(entry, "fieldsV1", default={}), ())


def _leaves(fields: Raw, above: Steps) -> Iterator[Steps]:
    below = {step: inner for step, inner in fields.items() if step[:2] in {"f:", "k:", "i:"}}
    if not below and above:
        yield above
    for step, inner in below.items():
        yield from _leaves(inner, (*above, step))


def _copied(wanted: Raw, live: Raw, steps: Steps) -> Raw:
    here, there = _resolved(wanted, steps), _resolved(live, steps)
    if here is None or not here or _reserved(here):
        return wanted
    found = _GONE if there is None else _at(live, there)
    if found is _GONE:
        gone: Raw = drop(wanted, here) if isinstance(here[-1], str) else wanted
        return gone
    same: Raw = put(wanted, here, found)
    return same


def _reserved(path: Path) -> bool:
    """Identity, status and what the server writes."""
    if path[0] == "metadata":
        return path[1:2] not in {("labels",), ("annotations",)} or path[-1] in {TRACKING, "annotations"}
    return path[0] in {"apiVersion", "kind", "status"}


def _resolved(raw: Raw, steps: Steps) -> Path | None:
    """The path in `raw`; None where a list on the way has no such item. The last step need not be there."""
    here: Any = raw
    path: Path = ()
    for step in steps:
        key = _key(here, step)
        if key is None:
            return None
        path += (key,)
        here = get(here, key)
    return path


def _key(here: Any, step: str) -> str | int | None:
    kind, _, said = step.partition(":")
    if not isinstance(here, list):
        return said if kind == "f" else None
    if kind == "k":
        wanted = json.loads(said)
        return next((at for at, item in enumerate(here) if _fits(item, wanted)), None)
    return int(said) if said.isdecimal() and int(said) < len(here) else None


def _fits(item: Any, wanted: Raw) -> bool:
    return all(get(item, name) == value for name, value in wanted.items())


def _at(raw: Raw, path: Path) -> Any:
    """The value, also a null one, or `_GONE`."""
    above = get(raw, *path[:-1]) if path[:-1] else raw
    if isinstance(above, dict):
        return above.get(str(path[-1]), _GONE)
    return above[path[-1]] if isinstance(above, list) and isinstance(path[-1], int) else _GONE
