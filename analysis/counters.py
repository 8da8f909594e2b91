"""How much did a counter grow? Differenced by us from raw samples: rate() and increase() invent numbers.

Each series alone, resets added back, sums only afterwards (statistics.md §3.6). Times are Unix seconds.
"""

from __future__ import annotations

from collections.abc import Iterable
from math import inf, isfinite
from typing import Any

import msgspec

from crds.paths import get

Labels = tuple[tuple[str, str], ...]
Target = tuple[str, str]

MOST = 1e12
"""Events that a counter counts at most: far beyond, the test loses its digits."""
MOST_WORDS = 500
MISSED = 3
"""A target that was silent while another was scraped this often has gone; nobody waits for it."""
REPLICA = 0.5
"""A drop to more than this share of the old value is another Prometheus replica's view, no restart."""


class Series(msgspec.Struct, frozen=True):
    """One counter of one target: sorted labels, and (Unix seconds, value) in the order of time."""

    labels: Labels
    samples: tuple[tuple[float, float], ...]

    @property
    def target(self) -> Target:
        """What was scraped: job and instance."""
        label = dict(self.labels)
        return label.get("job", ""), label.get("instance", "")


class Unusable(msgspec.Struct, frozen=True):
    """An answer that is no evidence, and why."""

    why: str


class Growth(msgspec.Struct, frozen=True):
    """Events counted, and in how many places a drop was taken for a restart or for another replica."""

    events: float
    resets: int = 0
    replica_switches: int = 0

    def __add__(self, other: Growth) -> Growth:
        return Growth(
            self.events + other.events,
            self.resets + other.resets,
            self.replica_switches + other.replica_switches,
        )


def refused(body: Any) -> Unusable | None:
    """Why this is no answer of Prometheus' query API (decoded JSON), in its own words; None if it is one."""
    if get(body, "status") == "success":
        return None
    return Unusable(_in_short(get(body, "error", default="no answer of Prometheus' query API")))


def warned(body: Any) -> str:
    """What the answer itself warns of, "" for nothing."""
    return _in_short("; ".join(map(str, get(body, "warnings", default=[]))))


def _in_short(said: object) -> str:
    """Words of Prometheus as a status can hold them."""
    text = str(said)
    return text if len(text) <= MOST_WORDS else f"{text[:MOST_WORDS]}..."


def parse(body: Any) -> tuple[Series, ...] | Unusable:
    """The series in an answer of the query API to a range-vector selector.

    A warning means a partial answer, so it is no evidence; infos do not matter. Samples that are NaN,
    infinite or negative are left out: a counter has no such value.
    """
    if no := refused(body):
        return no
    if doubts := warned(body):
        return Unusable(f"Prometheus warns that its answer is partial: {doubts}")
    kind = get(body, "data", "resultType")
    if kind != "matrix":
        return Unusable(f"a {kind} where raw samples were asked; give a plain counter selector, no function")
    series = tuple(_series(entry) for entry in get(body, "data", "result", default=[]))
    if series and not any(one.samples for one in series):
        return Unusable(
            "every sample is NaN, infinite, negative or beyond 10^12; a counter has no such values"
        )
    return tuple(one for one in series if one.samples)


def _series(entry: Any) -> Series:
    labels = tuple(sorted(get(entry, "metric", default={}).items()))
    read = ((float(at), float(value)) for at, value in get(entry, "values", default=[]))
    return Series(labels, tuple((at, value) for at, value in read if isfinite(at) and 0 <= value <= MOST))


def edge(total: tuple[Series, ...]) -> float | None:
    """Up to when every living target has been heard; None where there is no sample at all.

    One that has missed a few scrapes while others were scraped has gone, and is not waited for.
    """
    lasts = _last_by_target(total).values()
    alive = max((one.samples[-MISSED][0] for one in total if len(one.samples) >= MISSED), default=0.0)
    return min((last for last in lasts if last >= alive), default=None)


def increase(
    series: tuple[Series, ...], since: float, until: float, witnesses: tuple[Series, ...] = ()
) -> Growth:
    """Events scraped in (since, until]: every series differenced alone, then added up.

    `series` must reach back before `since` by a scrape or more: the last sample up to there is the base.
    A series without a base counts whole if its target had been scraped before without it (`witnesses` are
    other series of the same targets), so that it was born in between; otherwise its first value may be
    older than we are, and is itself the base.
    """
    scraped = _first_by_target((*series, *witnesses))
    grown = (_growth(one, since, until, born=scraped[one.target] < one.samples[0][0]) for one in series)
    return sum(grown, start=Growth(0.0))


def _growth(series: Series, since: float, until: float, *, born: bool) -> Growth:
    """`high` is the counter's highest value since a restart, so that replicas taking turns add nothing."""
    grown = Growth(0.0)
    high = 0.0 if born else series.samples[0][1]
    for at, value in series.samples:
        if at > until:
            break
        if value < high * REPLICA:
            step, high = Growth(value, resets=1), value
        elif value < high:
            step = Growth(0.0, replica_switches=1)
        else:
            step, high = Growth(value - high), value
        if at > since:
            grown += step
    return grown


def _first_by_target(series: Iterable[Series]) -> dict[Target, float]:
    first: dict[Target, float] = {}
    for one in series:
        first[one.target] = min(one.samples[0][0], first.get(one.target, inf))
    return first


def _last_by_target(series: Iterable[Series]) -> dict[Target, float]:
    last: dict[Target, float] = {}
    for one in series:
        last[one.target] = max(one.samples[-1][0], last.get(one.target, 0.0))
    return last
