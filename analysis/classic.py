"""A metric in Argo's own terms: one query, one verdict a measurement by its conditions, and five limits.

Everything it must remember is in its result. A verdict without data stays Argo's, and carries a warning.
"""

from __future__ import annotations

from datetime import datetime, timedelta

import msgspec
from msgspec.structs import replace

from analysis.args import redacted
from analysis.check import OVER, Unanswered, counted
from analysis.condition import Condition, Undecided, holds, parse
from analysis.instant import Instant
from analysis.provider import Prometheus, read_prometheus
from analysis.statistical import positive, whole
from crds.analysis import Measurement, Metric, MetricResult, ThresholdRange
from crds.errors import Invalid
from crds.times import after, duration

ERROR_RETRY = timedelta(seconds=10)
QUERY = "ResolvedPrometheusQuery"
WARNING = "warning"
"""Key of a result's metadata: what its verdict hides."""
ASSESSED = "Metric assessed"


class Limits(msgspec.Struct, frozen=True):
    """`failures` -1 and `successes` 0 mean: no such limit."""

    failures: int
    inconclusive: int
    errors: int
    successes: int


class Classic(msgspec.Struct, frozen=True):
    """`count` 0 means: until the run is ended."""

    name: str
    provider: Prometheus
    success: Condition | None
    failure: Condition | None
    good: ThresholdRange | None
    interval: timedelta | None
    delay: timedelta
    count: int
    limits: Limits


class Lookup(msgspec.Struct, frozen=True):
    """What a measurement that was due `at` must read."""

    metric: str
    provider: Prometheus
    at: datetime


def read_classic(metric: Metric, path: str) -> Classic:
    """`path` is where the metric stands, `spec.metrics[0]`; Invalid names the field below it and the fix."""
    classic = Classic(
        name=metric.name,
        provider=read_prometheus(metric, path),
        success=_condition(metric.success_condition, f"{path}.successCondition"),
        failure=_condition(metric.failure_condition, f"{path}.failureCondition"),
        good=metric.threshold_range,
        interval=_interval(metric, path),
        delay=duration(metric.initial_delay or 0, f"{path}.initialDelay"),
        count=_count(metric, path),
        limits=_limits(metric, path),
    )
    _plausible(classic, whole(metric.count or 0, f"{path}.count"), path)
    return classic


def _condition(text: str, path: str) -> Condition | None:
    return parse(text, path) if text.strip() else None


def _interval(metric: Metric, path: str) -> timedelta | None:
    if metric.interval in (None, ""):
        return None
    return positive(metric.interval or 0, f"{path}.interval")


def _count(metric: Metric, path: str) -> int:
    written = whole(metric.count or 0, f"{path}.count")
    return written or (0 if metric.interval else 1)


def _limits(metric: Metric, path: str) -> Limits:
    return Limits(
        failures=whole(metric.failure_limit, f"{path}.failureLimit", least=-1),
        inconclusive=whole(metric.inconclusive_limit, f"{path}.inconclusiveLimit"),
        errors=whole(metric.consecutive_error_limit, f"{path}.consecutiveErrorLimit"),
        successes=whole(metric.consecutive_success_limit, f"{path}.consecutiveSuccessLimit"),
    )


def _plausible(metric: Classic, written: int, path: str) -> None:
    """Argo's own rules for what goes together; `written` is the count as it stands there, 0 without."""
    if metric.count > 1 and metric.interval is None:
        raise Invalid(f"{path}.interval", f"is needed for a count of {metric.count}; write one like 30s")
    for name, limit in (
        ("failureLimit", metric.limits.failures),
        ("inconclusiveLimit", metric.limits.inconclusive),
    ):
        if written and limit > written:
            raise Invalid(f"{path}.{name}", f"{limit} is more than count ({written}); lower it")
    if metric.good and (metric.success or metric.failure):
        raise Invalid(f"{path}.thresholdRange", "stands beside conditions; keep one of the two")


def begun(metric: Classic, *, dry_run: bool) -> MetricResult:
    return MetricResult(
        metric.name, phase="Pending", dry_run=dry_run, metadata={QUERY: redacted(metric.provider.query)}
    )


def due(metric: Classic, result: MetricResult, started: datetime | None) -> datetime | None:
    """When the next measurement is due; None where none will be, or the run has not started."""
    if result.phase in OVER or started is None:
        return None
    if not result.measurements:
        return after(started, metric.delay)
    last = result.measurements[-1]
    finished = last.finished_at or started
    if last.phase == "Error":
        return after(finished, ERROR_RETRY)
    return after(finished, metric.interval) if metric.interval else None


def measured(
    metric: Classic, result: MetricResult, seen: Instant | Unanswered, now: datetime
) -> MetricResult:
    """The result with one measurement more, which was due before `now`."""
    phase, message = _verdict(metric, seen)
    told = Measurement(
        phase=phase,
        value=str(seen) if isinstance(seen, Instant) else "",
        message=message,
        started_at=now,
        finished_at=now,
    )
    hollow = phase == "Successful" and message
    taken = replace(counted(result, told), phase="Running")
    return warned(taken, message) if hollow else taken


def _verdict(metric: Classic, seen: Instant | Unanswered) -> tuple[str, str]:
    """Phase and message of one measurement."""
    if isinstance(seen, Unanswered):
        return "Error", seen.why
    phase, message = _in_range(metric.good, seen) if metric.good else _by_conditions(metric, seen)
    return phase, message or _hidden(phase, seen)


def _by_conditions(metric: Classic, seen: Instant) -> tuple[str, str]:
    """The truth table of rollouts.md §1.4; a condition without an answer is an Error."""
    success = holds(metric.success, seen.result) if metric.success else None
    failure = holds(metric.failure, seen.result) if metric.failure else None
    for one in (success, failure):
        if isinstance(one, Undecided):
            return "Error", one.why
    if failure or (success is False and failure is None):
        return "Failed", ""
    if success is False:
        return "Inconclusive", ""
    return "Successful", ""


def _in_range(good: ThresholdRange, seen: Instant) -> tuple[str, str]:
    """Every value, both ends included; what is no data has no verdict."""
    if seen.empty:
        return "Error", f"no data: {seen.empty}"
    least = good.min if good.min is not None else float("-inf")
    most = good.max if good.max is not None else float("inf")
    return ("Successful" if all(least <= value <= most for value in seen.values) else "Failed"), ""


def _hidden(phase: str, seen: Instant) -> str:
    """What a good verdict hides."""
    if phase != "Successful":
        return ""
    if seen.empty:
        return f"no data: {seen.empty}; Successful by its conditions alone, as in Argo Rollouts"
    return f"partial answer: {seen.doubts}" if seen.doubts else ""


def warned(result: MetricResult, warning: str) -> MetricResult:
    return replace(result, metadata={**result.metadata, WARNING: warning})


def assessed(metric: Classic, result: MetricResult, *, ending: bool) -> MetricResult:
    """The metric's own phase after its measurements; `ending` where the run is over before it is."""
    if result.phase in OVER:
        return result
    if not result.measurements:
        hollow = "ended without a measurement; Successful as in Argo Rollouts, though nothing was seen"
        return replace(warned(result, hollow), phase="Successful", message=hollow) if ending else result
    phase, reason = _beyond(metric.limits, result) or (_reached(metric, result, ending=ending), "")
    message = f"{ASSESSED} {phase} due to {reason}" if reason else result.message
    return replace(result, phase=phase, message=message)


def _beyond(limits: Limits, result: MetricResult) -> tuple[str, str] | None:
    """The limit that is exceeded: of several the last, as Argo looks at them in this order."""
    exceeded = None
    if 0 <= limits.failures < result.failed:
        exceeded = "Failed", f"failed ({result.failed}) > failureLimit ({limits.failures})"
    if result.inconclusive > limits.inconclusive:
        told = f"inconclusive ({result.inconclusive}) > inconclusiveLimit ({limits.inconclusive})"
        exceeded = "Inconclusive", told
    if result.consecutive_error > limits.errors:
        told = f"consecutiveErrors ({result.consecutive_error}) > consecutiveErrorLimit ({limits.errors})"
        exceeded = "Error", f'{told}: "Error Message: {result.measurements[-1].message}"'
    return exceeded


def _reached(metric: Classic, result: MetricResult, *, ending: bool) -> str:
    """Enough good ones in a row, the run's end, or the last of `count`, in this order."""
    wanted = metric.limits.successes
    if (wanted and result.consecutive_success >= wanted) or ending:
        return "Successful"
    if not metric.count or result.count < metric.count:
        return "Running"
    if not wanted:
        return "Successful"
    return "Failed" if metric.limits.failures < 0 else "Inconclusive"


def worded(result: MetricResult) -> str:
    """The metric's message as its run says it."""
    if result.message.startswith(ASSESSED):
        return f'Metric "{result.name}"{result.message.removeprefix("Metric")}'
    return f"{result.name}: {result.message}" if result.message else ""
