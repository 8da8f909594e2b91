"""One check of one metric: what its reading adds, and whether that decides it.

A rejection is Failed at once; an undecided check is a Successful measurement that says `decision: continue`,
as Argo's own count of inconclusive ones would end the run. Silence is a verdict only while the canary is
meant to have traffic.
"""

from __future__ import annotations

from datetime import datetime, timedelta

import msgspec

from analysis.evidence import Answered, Evidence, grown, numbers, rejected, sentence, shown_good
from analysis.statistical import Statistical
from crds.analysis import Measurement, MetricResult
from crds.times import rfc3339

RETRY, LONGEST_RETRY = timedelta(seconds=10), timedelta(seconds=30)
OVER = ("Successful", "Inconclusive", "Error", "Failed")
"""The phases of what has ended, from good to worst."""


class Unanswered(msgspec.Struct, frozen=True):
    """Prometheus or the network refused; `why` in their words."""

    why: str


Reading = Answered | Unanswered


class Judged(msgspec.Struct, frozen=True):
    """One metric: what people see of it, and what we must remember."""

    result: MetricResult
    evidence: Evidence | None = None


def begun(metric: Statistical, now: datetime, *, dry_run: bool) -> Judged:
    """Counting starts here, at the watermark; what was counted before is nobody's evidence."""
    terms = {
        "alpha": f"{metric.limit.alpha:g}",
        "limit": f"{metric.limit.share:g}",
        "dispersion": f"{metric.limit.dispersion:g}",
    }
    watermark = now + metric.delay
    return Judged(
        MetricResult(metric.name, phase="Running", dry_run=dry_run, metadata=terms),
        Evidence(watermark=watermark, next_check=watermark + metric.interval),
    )


class Check(msgspec.Struct, frozen=True):
    """What a metric knew before, and since when its canary is meant to have requests, if it is."""

    metric: Statistical
    result: MetricResult
    before: Evidence
    expected: datetime | None
    now: datetime


def checked(check: Check, reading: Reading) -> Judged:
    """The metric after one reading."""
    match reading:
        case Unanswered(why):
            return _unanswered(check, why)
        case Answered():
            return _measured(check, reading)


def _unanswered(check: Check, why: str) -> Judged:
    """Nothing is lost by a refusal, the counters wait; so it becomes a verdict after `grace` only."""
    metric, result, before, now = check.metric, check.result, check.before, check.now
    since = before.unanswered_since or before.next_check
    message = f"{metric.server} gives no answer since {rfc3339(since)}: {why}"
    told = Measurement("Error", message=message, started_at=before.next_check, finished_at=now)
    refused = counted(result, told)
    following = now + _pause(metric, refused.consecutive_error)
    waiting = msgspec.structs.replace(before, next_check=following, unanswered_since=since)
    judged = Judged(refused, waiting)
    return ended(judged, "Inconclusive", message) if now - since >= metric.grace else judged


def _pause(metric: Statistical, failed: int) -> timedelta:
    return min(min(RETRY, metric.interval) * (1 << min(failed - 1, 10)), LONGEST_RETRY)


class _Verdict(msgspec.Struct, frozen=True):
    phase: str
    message: str
    decision: str


def _measured(check: Check, seen: Answered) -> Judged:
    limit, at = check.metric.limit, check.before.next_check
    after = grown(check.before, seen, limit)
    verdict = _verdict(check, seen, after)
    over = verdict.decision != "continue"
    following = _next_on_grid(at, check.metric.interval, check.now)
    told = Measurement(
        phase=verdict.phase,
        value=f"{after.share:.4g}",
        message=verdict.message,
        started_at=at,
        finished_at=check.now,
        resume_at=None if over else following,
        metadata={"decision": verdict.decision, **numbers(after, limit)},
    )
    judged = Judged(counted(check.result, told), msgspec.structs.replace(after, next_check=following))
    return ended(judged, verdict.phase, verdict.message) if over else judged


def _next_on_grid(at: datetime, interval: timedelta, now: datetime) -> datetime:
    """The first time after `now` that is a whole number of intervals from `at`."""
    missed = max(0, (now - at) // interval)
    return at + interval * (missed + 1)


def counted(result: MetricResult, told: Measurement) -> MetricResult:
    """The result with one measurement more; an Error is none of `count`."""
    good, error = told.phase == "Successful", told.phase == "Error"
    return msgspec.structs.replace(
        result,
        message=told.message,
        count=result.count + (not error),
        successful=result.successful + good,
        failed=result.failed + (told.phase == "Failed"),
        inconclusive=result.inconclusive + (told.phase == "Inconclusive"),
        error=result.error + error,
        consecutive_error=result.consecutive_error + 1 if error else 0,
        consecutive_success=result.consecutive_success + 1 if good else 0,
        measurements=(*result.measurements, told),
    )


def _verdict(check: Check, seen: Answered, after: Evidence) -> _Verdict:
    """A rejection comes first: neither silence nor the horizon can take it back."""
    metric, says = check.metric, sentence(after, check.metric.limit)
    if rejected(after, metric.limit):
        return _Verdict("Failed", says, "fail")
    if silence := _silence(check, seen, after):
        return _Verdict(metric.silence, silence, "no data")
    enough = after.requests >= metric.min_requests and after.checks >= 3
    if metric.early_success and enough and shown_good(after, metric.limit):
        return _Verdict("Successful", says, "pass")
    if metric.count and after.checks >= metric.count:
        phase = metric.horizon if after.requests else "Inconclusive"
        return _Verdict(phase, f"after {after.checks} checks {says}", "horizon")
    return _Verdict("Successful", says, "continue")


def _silence(check: Check, seen: Answered, after: Evidence) -> str:
    """What kind of silence there has been for `grace` while the canary was meant to have requests, if any."""
    if check.expected is None:
        return ""
    known = (check.expected, after.heard_at or check.expected)
    heard = max(known) if max(known) <= check.before.next_check else min(known)  # a clock was set back
    if check.before.next_check - heard < check.metric.grace:
        return ""
    return f"{_kind_of_silence(check, seen, after)}, since {rfc3339(heard)}"


def _kind_of_silence(check: Check, seen: Answered, after: Evidence) -> str:
    metric = check.metric
    if not seen.total:
        return f"no data: {metric.server} has no series for {metric.total}"
    if after.watermark == check.before.watermark:
        return f"no data: {metric.total} is not scraped any more"
    return f"no traffic reaches the canary: {metric.total} does not grow although its weight is above 0"


def ended(judged: Judged, phase: str, message: str) -> Judged:
    return msgspec.structs.replace(
        judged, result=msgspec.structs.replace(judged.result, phase=phase, message=message)
    )
