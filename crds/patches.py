"""What is different, as the smallest RFC 7386 merge patch."""

from __future__ import annotations

from typing import Any

Raw = dict[str, Any]


def merge_diff(before: Raw, after: Raw) -> Raw:
    """The merge patch that turns `before` into `after`; {} where they are equal. Lists are replaced whole."""
    patch: Raw = {key: None for key in before if key not in after}
    for key, wanted in after.items():
        had = before.get(key)
        if isinstance(had, dict) and isinstance(wanted, dict):
            if inner := merge_diff(had, wanted):
                patch[key] = inner
        elif had != wanted or key not in before:
            patch[key] = wanted
    return patch
