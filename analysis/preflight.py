"""Would anyone see the canary's errors? Asked before its first request, of the stable arm's counters.

A selector that matches nothing looks like a release without errors; so nothing begins until it matches.
"""

from __future__ import annotations

import re

from analysis.catalogue import MATCHER
from analysis.counters import Series

SHOWN = 3
_NAME = re.compile(r"\s*([a-zA-Z_:][a-zA-Z0-9_:]*)")
_LABEL = re.compile(r"([a-zA-Z_]\w*)\s*$")


def wider(selector: str) -> str | None:
    """The same metric without any matcher, to see which labels there are; None where it has no name."""
    named = _NAME.match(selector)
    return named[1] if named else None


def not_ready(selector: str, address: str, found: tuple[Series, ...]) -> str:
    """Why nothing can be judged by `selector`, which gives no series; `found`: what its wider form gives."""
    where = f"{address} has no series for the stable pods: {selector}"
    if not found:
        name = wider(selector) or "the metric"
        return f"{where}; nor any for {name} at all: let Prometheus scrape what counts the requests"
    labels = "; ".join(_values(label, found) for label in _labels(selector))
    fix = "send the Service a first request, or correct the selector in the metrics catalogue"
    return f"{where}; found {labels}: {fix}"


def _labels(selector: str) -> list[str]:
    """The labels a selector asks for, in its order."""
    asked = (_LABEL.search(selector, 0, matcher.start()) for matcher in MATCHER.finditer(selector))
    return list(dict.fromkeys(label[1] for label in asked if label))


def _values(label: str, found: tuple[Series, ...]) -> str:
    values = sorted({value for one in found for name, value in one.labels if name == label})
    if not values:
        return f"no label {label}"
    more = f" and {len(values) - SHOWN} more" if len(values) > SHOWN else ""
    return f"{label}={', '.join(values[:SHOWN])}{more}"
