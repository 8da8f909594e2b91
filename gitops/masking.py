"""What a Secret holds is never shown, only whether it differs: equal values are equally many `+`."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from crds.paths import get, put

Raw = dict[str, Any]
SHORTEST = 8
FIELDS = ("data", "stringData")


def masked(*sides: Raw | None) -> tuple[Raw | None, ...]:
    """The sides of one comparison, the values of Secrets hidden; other kinds as they are."""
    if not any(get(one, "kind") == "Secret" and get(one, "apiVersion") == "v1" for one in sides):
        return sides
    words = _words(value for one in sides for value in _values(one))
    return tuple(None if one is None else _hidden(one, words) for one in sides)


def _values(secret: Raw | None) -> Iterable[str]:
    for field in FIELDS:
        held = get(secret, field, default={})
        yield from map(repr, held.values() if isinstance(held, dict) else (held,))


def _words(values: Iterable[str]) -> dict[str, str]:
    """A run of its own length for each value, in the order they are met."""
    return {value: "+" * (SHORTEST + at) for at, value in enumerate(dict.fromkeys(values))}


def _hidden(secret: Raw, words: dict[str, str]) -> Raw:
    for field in FIELDS:
        if held := get(secret, field):
            secret = put(secret, (field,), _covered(held, words))
    return secret


def _covered(held: Any, words: dict[str, str]) -> Any:
    if not isinstance(held, dict):
        return words[repr(held)]
    return {name: words[repr(value)] for name, value in held.items()}
