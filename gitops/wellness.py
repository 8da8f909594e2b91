"""The words of health, and what every check of it asks of a status."""

from __future__ import annotations

from typing import Any

import msgspec

from crds.paths import get

Raw = dict[str, Any]
ORDER = ("Healthy", "Suspended", "Progressing", "Missing", "Degraded", "Unknown")
"""From best to worst."""


class Health(msgspec.Struct, frozen=True):
    status: str
    message: str = ""


HEALTHY = Health("Healthy")


def number(raw: Raw, *path: str | int, default: int = 0) -> int:
    """A whole number at `path`; `default` where there is none."""
    found = get(raw, *path)
    return found if isinstance(found, int) else default


def unobserved(raw: Raw) -> bool:
    """Its controller has not yet seen the spec."""
    return number(raw, "metadata", "generation") > number(raw, "status", "observedGeneration")


def conditions(raw: Raw) -> dict[str, Raw]:
    """The conditions of a status, by type."""
    found = get(raw, "status", "conditions", default=[])
    return {one["type"]: one for one in found if isinstance(one, dict) and "type" in one}


def holds(condition: Raw | None, status: str = "True") -> bool:
    return bool(get(condition, "status") == status)


def told(condition: Raw | None) -> str:
    return str(get(condition, "message", default=""))
