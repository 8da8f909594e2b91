"""A metric with a `statistics` block, read and checked: what is acted on, or the field to edit.

What is not acted on yet is refused by name: a metric that nobody judges must not look like a good one.
"""

from __future__ import annotations

from datetime import timedelta

import msgspec

from analysis.evidence import Limit
from analysis.provider import Server, read_server
from crds.analysis import IntOrString, Metric, Outcome, Statistics
from crds.errors import Invalid
from crds.times import duration

INTERVAL = "30s"


class Statistical(msgspec.Struct, frozen=True):
    """A proportion test over two raw counters. `count` 0 means: until the run is ended."""

    name: str
    server: Server
    errors: str
    total: str
    limit: Limit
    interval: timedelta
    delay: timedelta
    grace: timedelta
    silence: Outcome
    count: int
    horizon: Outcome
    early_success: bool
    min_requests: int


def read_metric(metric: Metric, path: str) -> Statistical:
    """`path` is where the metric stands, `spec.metrics[0]`; Invalid names the field below it and the fix."""
    block = _block(metric, path)
    return Statistical(
        name=metric.name,
        server=_server(metric, path),
        errors=_given(block.errors, f"{path}.statistics.errors"),
        total=_given(block.total, f"{path}.statistics.total"),
        limit=_limit(metric, block, path),
        interval=positive(metric.interval or INTERVAL, f"{path}.interval"),
        delay=duration(metric.initial_delay or 0, f"{path}.initialDelay"),
        grace=positive(block.no_data.grace, f"{path}.statistics.noData.grace"),
        silence=block.no_data.then,
        count=whole(metric.count or 0, f"{path}.count"),
        horizon=block.on_horizon,
        early_success=block.early_success,
        min_requests=block.min_requests,
    )


def _block(metric: Metric, path: str) -> Statistics:
    block = metric.statistics
    assert block is not None, "a metric without it is classic"
    if metric.success_condition or metric.failure_condition:
        raise Invalid(path, "conditions beside statistics are not judged yet; write thresholdRange.max alone")
    if block.test != "proportion":
        raise Invalid(f"{path}.statistics.test", f"{block.test} is not judged yet; write proportion")
    if block.baseline is not None:
        raise Invalid(f"{path}.statistics.baseline", "is not compared yet; remove it to test the limit alone")
    if block.no_data.then == "Successful":
        raise Invalid(
            f"{path}.statistics.noData.then", "no data is never success; write Inconclusive or Failed"
        )
    _no_limits(metric, path)
    return block


def _no_limits(metric: Metric, path: str) -> None:
    """Checks are not counted one by one here, so that no count of them can be a limit."""
    for field, written, plain, fix in (
        (
            "failureLimit",
            metric.failure_limit,
            0,
            "the evidence is cumulative and one failure is the verdict",
        ),
        ("inconclusiveLimit", metric.inconclusive_limit, 0, "an undecided check is not Inconclusive"),
        ("consecutiveErrorLimit", metric.consecutive_error_limit, 4, "silence is judged by noData.grace"),
        ("consecutiveSuccessLimit", metric.consecutive_success_limit, 0, "earlySuccess goes by the evidence"),
    ):
        if str(written) != str(plain):
            raise Invalid(f"{path}.{field}", f"{fix}; remove it")


def _limit(metric: Metric, block: Statistics, path: str) -> Limit:
    limits = metric.threshold_range
    if limits is None or limits.max is None or limits.min is not None:
        raise Invalid(
            f"{path}.thresholdRange", "write max alone, the largest good share: {max: 0.05} for 5 %"
        )
    dispersion = 1.0 if block.dispersion == "auto" else block.dispersion
    if dispersion < 1:
        raise Invalid(f"{path}.statistics.dispersion", "is 1 at least; write 1 for independent requests")
    return Limit(
        share=_share(limits.max, f"{path}.thresholdRange.max"),
        alpha=_share(block.alpha, f"{path}.statistics.alpha"),
        pass_alpha=_share(block.pass_alpha, f"{path}.statistics.passAlpha"),
        dispersion=dispersion,
    )


def _server(metric: Metric, path: str) -> Server:
    server = read_server(metric, path)
    if server.address:
        _given(server.address, f"{path}.provider.prometheus.address")
    return server


def _given(written: object, path: str) -> str:
    if not isinstance(written, str) or not written.strip():
        raise Invalid(path, "is missing; add it")
    if "{{" in written:
        raise Invalid(path, f"{written!r} still has a placeholder; give the argument a value")
    return written.strip()


def _share(written: float, path: str) -> float:
    if not 0 < written < 1:
        raise Invalid(path, f"{written:g} is not between 0 and 1; write 0.05 for 5 %")
    return written


def positive(written: IntOrString, path: str) -> timedelta:
    span = duration(written, path)
    if span <= timedelta():
        raise Invalid(path, "is no time at all; write one like 30s")
    return span


def whole(written: IntOrString, path: str, least: int = 0) -> int:
    """A number of `least` or more, written as one or as text."""
    try:
        number = int(written)
    except ValueError:
        raise Invalid(path, f"{written!r} is no count; write a whole number") from None
    if number < least:
        raise Invalid(path, f"{number} is below {least}; write {least} or more")
    return number
