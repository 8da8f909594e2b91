"""Spans of time as kubectl writes them: `45s`, `3m20s`, `14m`, `2d`."""

from __future__ import annotations

from datetime import datetime, timedelta

from crds.times import parse

# Below the limit: the large unit, and the small one shown beside it where people still care.
_SCALES = (
    (timedelta(minutes=2), 1, 0),
    (timedelta(minutes=10), 60, 1),
    (timedelta(hours=3), 60, 0),
    (timedelta(hours=8), 3600, 60),
    (timedelta(hours=48), 3600, 0),
    (timedelta(days=8), 86400, 3600),
)
_UNITS = {1: "s", 60: "m", 3600: "h", 86400: "d"}


def span(length: timedelta) -> str:
    """A span as kubectl's AGE column shows it; what lies ahead by a skewed clock is `0s`."""
    seconds = max(0, int(length.total_seconds()))
    large, small = next(((a, b) for limit, a, b in _SCALES if seconds < limit.total_seconds()), (86400, 0))
    whole, rest = divmod(seconds, large)
    beside = f"{rest // small}{_UNITS[small]}" if small and rest // small else ""
    return f"{whole}{_UNITS[large]}{beside}"


def age(since: str | None, now: datetime) -> str:
    """How long ago an RFC 3339 time was; nothing where there is no time."""
    return span(now - parse(since)) if since else ""
