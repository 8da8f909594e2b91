"""Kubernetes' times and the durations users write, as values; no clock in here."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import Annotated

import msgspec

from crds.errors import Invalid

Time = Annotated[datetime, msgspec.Meta(tz=True)]
"""A time with its zone: one without cannot be compared with ours."""

END = datetime.max.replace(tzinfo=UTC)
"""Of all years."""
LONGEST = 10 * 366 * 24 * 3600.0
SHOWN = 40
_UNITS = {"ns": 1e-9, "us": 1e-6, "µs": 1e-6, "μs": 1e-6, "ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0}
_PART = re.compile(r"([0-9]+(?:\.[0-9]*)?|\.[0-9]+)(ns|us|µs|μs|ms|s|m|h)")


def duration(written: str | int | float, path: str) -> timedelta:
    """`30`, `"30"`, and what Go reads, `"30s"`, `"1h30m"`, `".5s"`, as a time span; Invalid else."""
    seconds = written if isinstance(written, int | float) else _seconds(written.strip(), path)
    if not -LONGEST <= seconds <= LONGEST:
        raise Invalid(path, f"{str(written)[:SHOWN]} is longer than ten years; write a shorter time")
    return timedelta(seconds=seconds)


def _seconds(text: str, path: str) -> float:
    if re.fullmatch(r"[+]?[0-9]+", text):
        return float(text)
    if not re.fullmatch(rf"[+]?(?:{_PART.pattern})+", text):
        raise Invalid(path, f"{text!r} is no duration; write seconds as a number, or like 30s, 5m, 1h30m")
    return sum(float(n) * _UNITS[unit] for n, unit in _PART.findall(text))


def seconds(written: int) -> timedelta:
    """So many seconds as a time span; more than ten years are ten, for nobody waits to see the difference."""
    return timedelta(seconds=max(-LONGEST, min(written, LONGEST)))


def parse(written: str) -> datetime:
    """An RFC 3339 time as the API server writes it (`2026-03-15T10:30:00Z`, with or without fractions)."""
    return datetime.fromisoformat(written)


def after(moment: datetime, span: timedelta) -> datetime:
    """`moment` and `span` together, at most the end of all years."""
    try:
        return moment + span
    except OverflowError:
        return END


def next_second(moment: datetime) -> datetime:
    """The first whole second not before `moment`: a wait reckoned from there is never too short."""
    whole = moment.replace(microsecond=0)
    return whole if whole == moment else whole + timedelta(seconds=1)


def rfc3339(moment: datetime) -> str:
    """Whole seconds, UTC, as metav1.Time: `2026-03-15T10:30:00Z`."""
    return _utc(moment).isoformat(timespec="seconds").replace("+00:00", "Z")


def rfc3339_micro(moment: datetime) -> str:
    """Microseconds, UTC, as metav1.MicroTime."""
    return _utc(moment).isoformat(timespec="microseconds").replace("+00:00", "Z")


def _utc(moment: datetime) -> datetime:
    """In UTC, or at the edge of all years as it is written."""
    try:
        return moment.astimezone(UTC)
    except OverflowError:
        return moment.replace(tzinfo=UTC)
