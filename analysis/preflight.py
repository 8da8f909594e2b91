"""Would anyone see the canary's errors? Asked before its first request, of the stable arm's counters.

A selector that matches nothing looks like a release without errors; so nothing begins until it matches.
"""

from __future__ import annotations

import re
from typing import Any

import msgspec

from analysis.catalogue import MATCHER
from analysis.counters import Series
from analysis.run_spec import METRICS, measurable, read_run
from analysis.statistical import Statistical
from crds.paths import show

SHOWN = 3
_NAME = re.compile(r"\s*([a-zA-Z_:][a-zA-Z0-9_:]*)")
_LABEL = re.compile(r"([a-zA-Z_]\w*)\s*$")


def wider(selector: str) -> str | None:
    """The same metric without any matcher, to see which labels there are; None where it has no name."""
    named = _NAME.match(selector)
    return named[1] if named else None


def told_apart(canary: dict[str, Any], stable: dict[str, Any]) -> tuple[Statistical, ...]:
    """Of one run's spec for either arm, the stable arm's counters that are told apart by their arguments.

    A selector that is the same for both tells nothing beforehand: it may match from the first request on.
    Who must show a secret is not asked before the run, which alone reads it.
    """
    pairs = zip(_counted(canary), _counted(stable), strict=True)
    return tuple(there for here, there in pairs if here.total != there.total and not _secret(there))


def _secret(metric: Statistical) -> bool:
    return "{{" in msgspec.json.encode(metric.server).decode()


def _counted(spec: dict[str, Any]) -> list[Statistical]:
    metrics = read_run({"spec": spec}).spec.metrics
    judged = (measurable(metric, show(*METRICS, at)) for at, metric in enumerate(metrics))
    return [metric for metric in judged if isinstance(metric, Statistical)]


def not_ready(
    selector: str, address: str, found: tuple[Series, ...], home: str = "the metrics catalogue"
) -> str:
    """Why nothing can be judged by `selector`, which is written in `home` and gives no series; `found`: what
    its wider form gives."""
    where = f"{address} has no series for the stable pods: {selector}"
    if not found:
        name = wider(selector) or "the metric"
        return f"{where}; nor any for {name} at all: let Prometheus scrape what counts the requests"
    labels = "; ".join(_values(label, found) for label in _labels(selector))
    fix = f"send the Service a first request, or correct the selector in {home}"
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
