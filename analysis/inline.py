"""The short form of an analysis, written inside a Rollout, as the AnalysisRun it stands for.

`threshold: 5` in that form once meant five failed checks; a sequential test needs no such patience.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from typing import Any

import msgspec

from analysis.catalogue import Arm, Catalogue, Counters, resolve
from crds.analysis import Metric, RolloutAnalysis
from crds.errors import Invalid
from crds.paths import Path, show
from crds.times import duration

PATH: Path = ("spec", "strategy", "canary", "analysis")
"""Where the background's analysis stands; a step's stands in its step."""
HEEDED = ("name", "interval", "initial_delay", "count", "threshold_range")
ALPHA = 0.05
INTERVAL = "30s"
GRACE = "3m"


class Inline(msgspec.Struct, frozen=True):
    """The spec of an AnalysisRun, and what its author should know."""

    spec: dict[str, Any]
    notes: tuple[str, ...] = ()


def joined(one: Inline, other: Inline) -> Inline:
    """Both in one run."""
    fields = dict.fromkeys((*one.spec, *other.spec))
    spec = {field: [*one.spec.get(field, ()), *other.spec.get(field, ())] for field in fields}
    _no_name_twice([metric["name"] for metric in spec["metrics"]], PATH)
    return Inline(spec, (*one.notes, *other.notes))


def ending(one: Inline) -> Inline:
    """The same run for a step, which must end: once the release is shown to be within its limits."""
    eager = [
        {**metric, "statistics": {**metric["statistics"], "earlySuccess": True}}
        for metric in one.spec["metrics"]
    ]
    return Inline({**one.spec, "metrics": eager}, one.notes)


def run_for(
    analysis: RolloutAnalysis, catalogue: Catalogue, arm: Arm, alpha: float = ALPHA, at: Path = PATH
) -> Inline:
    """The run that judges `arm`, the canary, by the inline metrics; Invalid names the field to edit.

    `alpha` bounds the chance that a release within its limits is aborted, over the whole rollout and all
    its metrics: each gets an equal share (Bonferroni, statistics.md §3.4). The analysis stands `at` there.
    """
    if mistake := next(not_heeded(analysis, at), None):
        raise mistake
    share = alpha / max(1, len(analysis.metrics))
    metrics = []
    for index, metric in enumerate(analysis.metrics):
        path = (*at, "metrics", index)
        counters = resolve(catalogue, metric.name, arm, show(*path, "name"))
        metrics.append(_counted(metric, counters, share, path) | _when(analysis, metric, at, path))
    _no_name_twice([metric.name for metric in analysis.metrics], at)
    return Inline({"metrics": metrics}, _notes(analysis, alpha, at))


def not_heeded(analysis: RolloutAnalysis, at: Path = PATH) -> Iterator[Invalid]:
    """Fields that are not acted on here, and must not look as if they were."""
    for index, metric in enumerate(analysis.metrics):
        plain = Metric(metric.name)
        for field in _others():
            if getattr(metric, field.name) != getattr(plain, field.name):
                where = show(*at, "metrics", index, field.encode_name)
                fix = "is not acted on in an inline metric; write the metric into an AnalysisTemplate"
                yield Invalid(where, fix)


@cache
def _others() -> tuple[msgspec.structs.FieldInfo, ...]:
    """Fields of a metric that are not heeded; reading them off the type is slower than the rest of a plan."""
    return tuple(field for field in msgspec.structs.fields(Metric) if field.name not in HEEDED)


def _counted(metric: Metric, counters: Counters, alpha: float, path: Path) -> dict[str, Any]:
    return {
        "name": metric.name,
        "thresholdRange": {"max": _limit(metric, path)},
        "provider": {"prometheus": {"address": counters.address}},
        "statistics": {
            "test": "proportion",
            "errors": counters.errors,
            "total": counters.total,
            "alpha": alpha,
            "noData": {"grace": GRACE},
        },
    }


def _limit(metric: Metric, path: Path) -> float:
    field = show(*path, "thresholdRange")
    limits = metric.threshold_range
    if limits is None or limits.max is None:
        raise Invalid(field, "has no max; write the largest good share of errors, {max: 0.05} for 5 %")
    if limits.min is not None:
        raise Invalid(f"{field}.min", "errors can only be too many; remove it, and write max")
    if not 0 < limits.max < 1:
        raise Invalid(
            f"{field}.max", f"{limits.max:g} is no share of requests between 0 and 1; write 0.05 for 5 %"
        )
    return limits.max


def _when(analysis: RolloutAnalysis, metric: Metric, at: Path, path: Path) -> dict[str, Any]:
    """From when on, how often, and how many times at most it is looked at."""
    bounds = {"initialDelay": metric.initial_delay, "count": metric.count}
    written = {field: value for field, value in bounds.items() if value is not None}
    if metric.initial_delay is not None:
        duration(metric.initial_delay, show(*path, "initialDelay"))
    return {"interval": _cadence(analysis, metric, at, path), **written}


def _cadence(analysis: RolloutAnalysis, metric: Metric, at: Path, path: Path) -> int | str:
    """The analysis' interval; a metric's own was a query window, which raw counters do not need."""
    if analysis.interval is not None:
        duration(analysis.interval, show(*at, "interval"))
        return analysis.interval
    if metric.interval is not None:
        duration(metric.interval, show(*path, "interval"))
        return metric.interval
    return INTERVAL


def _no_name_twice(names: list[str], at: Path) -> None:
    for index, name in enumerate(names):
        if name in names[:index]:
            raise Invalid(show(*at, "metrics", index, "name"), f"{name!r} is there already; name each once")


def _notes(analysis: RolloutAnalysis, alpha: float, at: Path) -> tuple[str, ...]:
    if analysis.threshold is None:
        return ()
    return (
        f"{show(*at, 'threshold')}: {analysis.threshold} is superseded by a sequential test over all "
        f"checks: a release within its limits is aborted with probability {alpha:g} at most",
    )
