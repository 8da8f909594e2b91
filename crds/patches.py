"""RFC 7386 merge patches: what is different, as the smallest one, and what one makes of an object."""

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


def merged(raw: Any, patch: Any) -> Any:
    """What the patch makes of `raw`: null removes, lists are replaced."""
    if not isinstance(patch, dict):
        return patch
    result = dict(raw) if isinstance(raw, dict) else {}
    for key, value in patch.items():
        if value is None:
            result.pop(key, None)
        else:
            result[key] = merged(result.get(key), value)
    return result
