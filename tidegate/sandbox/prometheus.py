"""A Prometheus over counters: scrapes them into series, and answers the one query we send.

That query is the instant query of a range selector, `metric{label="value"}[60s]` at a time, a matrix.
"""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Mapping
from datetime import datetime

from tidegate.kube.http import Request, Response

Labels = tuple[tuple[str, str], ...]
Samples = list[tuple[float, float]]

_QUERY = re.compile(
    r"(?P<name>[a-zA-Z_:][\w:]*)(?:\{(?P<matchers>.*)\})?\[(?P<window>\d+)(?P<unit>ms|s|m|h)\]"
)
_MATCHER = re.compile(r'\s*(?P<label>\w+)\s*(?P<sign>=~|=)\s*"(?P<value>(?:[^"\\]|\\.)*)"\s*(?:,|$)')
_UNITS = {"ms": 0.001, "s": 1, "m": 60, "h": 3600}


class Prometheus:
    """`down` makes it answer 503, as a proxy before a dead Prometheus would."""

    def __init__(self, counters: Mapping[tuple[str, Labels], int]) -> None:
        self._counters = counters
        self._series: dict[tuple[str, Labels], Samples] = {}
        self.down = False

    def scrape(self, now: datetime) -> None:
        for key, value in self._counters.items():
            self._series.setdefault(key, []).append((now.timestamp(), float(value)))

    def goes_on_from(self, other: Prometheus) -> None:
        """Takes over what another has scraped."""
        self._series = {key: list(samples) for key, samples in other._series.items()}

    def handle(self, request: Request) -> Response:
        """`/api/v1/query` with `query` and `time` (unix seconds or RFC 3339)."""
        if self.down:
            return _error(503, "unavailable", "down")
        if request.path != "/api/v1/query" or set(request.query) - {"query", "time", "timeout"}:
            return _error(501, "not_implemented", f"the sandbox does not play {request.path} {request.query}")
        found = _QUERY.fullmatch(request.query["query"].strip())
        matches = _matchers(found["matchers"] or "") if found else None
        if found is None or matches is None:
            return _error(501, "not_implemented", f"the sandbox does not play {request.query['query']}")
        end = _moment(request.query["time"])
        start = end - int(found["window"]) * _UNITS[found["unit"]]
        result = [
            {"metric": {"__name__": name, **dict(labels)}, "values": [[t, f"{v:g}"] for t, v in inside]}
            for (name, labels), samples in sorted(self._series.items())
            if name == found["name"] and matches(dict(labels))
            if (inside := _between(samples, start, end))
        ]
        return Response(200, {"status": "success", "data": {"resultType": "matrix", "result": result}})


def _between(samples: Samples, start: float, end: float) -> Samples:
    """Both ends included."""
    first = bisect_left(samples, start, key=lambda sample: sample[0])
    return samples[first : bisect_right(samples, end, key=lambda sample: sample[0])]


def _moment(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return datetime.fromisoformat(text).timestamp()


def _matchers(text: str) -> Callable[[Mapping[str, str]], bool] | None:
    """Whether labels match, or None where the text holds something we do not play."""
    terms, position = [], 0
    while position < len(text):
        found = _MATCHER.match(text, position)
        if found is None:
            return None
        value = re.sub(r"\\(.)", r"\1", found["value"])
        terms.append((found["label"], value if found["sign"] == "=~" else re.escape(value)))
        position = found.end()
    return lambda labels: all(re.fullmatch(value, labels.get(label, "")) for label, value in terms)


def _error(code: int, kind: str, message: str) -> Response:
    return Response(code, {"status": "error", "errorType": kind, "error": message})
