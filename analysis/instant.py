"""What Prometheus answers to a classic query: one number, or a list of them, NaN and Inf included."""

from __future__ import annotations

from decimal import Decimal
from math import isfinite, isnan
from typing import Any

import msgspec

from analysis.counters import Unusable, refused, warned
from crds.paths import get

MOST_SHOWN = 2000
"""Signs of a measurement's value: ten of them a metric are kept in a status, which holds 1.5 MB at most."""


class Instant(msgspec.Struct, frozen=True):
    """A scalar, or the values of a vector in Prometheus' order; `doubts` are its own warnings."""

    values: tuple[float, ...]
    scalar: bool = False
    doubts: str = ""

    @property
    def result(self) -> float | list[float]:
        """What conditions call `result`."""
        return self.values[0] if self.scalar else list(self.values)

    @property
    def empty(self) -> str:
        """Why this is no data, "" where it is some."""
        if not self.values:
            return "the query returned no series"
        return "the query returned nothing but NaN" if all(map(isnan, self.values)) else ""

    def __str__(self) -> str:
        """As Argo writes it: `0.99`, `[0.99,1]`; of a list that would fill the status, the beginning."""
        shown = ",".join(map(_shown, self.values))
        if self.scalar:
            return shown
        return f"[{shown}]" if len(shown) <= MOST_SHOWN else _beginning(shown)


def parse(body: Any) -> Instant | Unusable:
    """An answer of the query API, decoded JSON; Unusable says why it is none, in Prometheus' words."""
    return _read(body, ("scalar", "vector"))


def parse_range(body: Any) -> Instant | Unusable:
    """The same of a query over a span: the values of one series after the other."""
    return _read(body, ("matrix",))


def _read(body: Any, kinds: tuple[str, ...]) -> Instant | Unusable:
    if no := refused(body):
        return no
    doubts, kind, result = (
        warned(body),
        get(body, "data", "resultType"),
        get(body, "data", "result", default=[]),
    )
    if kind not in kinds:
        return Unusable(f"a {kind} where numbers were asked; write a query of a vector or a scalar")
    match kind:
        case "scalar":
            return Instant((float(result[1]),), scalar=True, doubts=doubts)
        case "vector" if all("value" in one for one in result):
            return Instant(tuple(float(one["value"][1]) for one in result), doubts=doubts)
        case "matrix" if all("values" in one for one in result):
            return Instant(tuple(float(value) for one in result for _, value in one["values"]), doubts=doubts)
        case _:
            return Unusable("native histograms are no numbers; apply histogram_quantile() or histogram_sum()")


def _beginning(shown: str) -> str:
    first = shown[:MOST_SHOWN].rpartition(",")[0]
    return f"[{first},... and {shown.count(',') - first.count(',')} more]"


def _shown(value: float) -> str:
    if not isfinite(value):
        return "NaN" if isnan(value) else "+Inf" if value > 0 else "-Inf"
    return f"{Decimal(repr(value)).normalize():f}"
