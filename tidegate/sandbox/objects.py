"""Reading raw objects inside the sandbox; its own small words, since it shares none with what it tests."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

Raw = dict[str, Any]


def at(raw: Any, *path: str | int, default: Any = None) -> Any:
    """What stands at `path`, or `default` where it is missing or null."""
    for key in path:
        match raw, key:
            case dict(), str() if key in raw:
                raw = raw[key]
            case list(), int() if -len(raw) <= key < len(raw):
                raw = raw[key]
            case _:
                return default
    return default if raw is None else raw


def labels_of(raw: Raw) -> Raw:
    return dict(at(raw, "metadata", "labels", default={}))


def carries(labels: Mapping[str, str], wanted: Mapping[str, str]) -> bool:
    """Every wanted label is there with that value."""
    return all(labels.get(key) == value for key, value in wanted.items())


def owner_uids(raw: Raw) -> list[str]:
    return [owner["uid"] for owner in at(raw, "metadata", "ownerReferences", default=[])]
