"""The life of an AnalysisRun: when it looks, and how its metrics' verdicts become its own.

Argo's phases and Argo's status. What a restarted controller must know lies in `status.tidegate`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta
from typing import assert_never

import msgspec

from analysis import classic
from analysis.check import LONGEST_RETRY, OVER, Check, Judged, Unanswered, begun, checked, ended
from analysis.classic import Classic, Lookup
from analysis.evidence import Answered, Evidence, anew, sentence, window
from analysis.instant import Instant
from analysis.provider import Server
from analysis.run_spec import double, is_dry, kept, measurable
from analysis.statistical import Statistical
from crds.analysis import AnalysisRun, MetricResult, RunStatus, RunSummary
from crds.errors import Invalid, NotMeasured
from crds.meta import read_status
from crds.paths import show
from crds.refs import ROLLOUT
from crds.times import after, parse

EXPECTS_TRAFFIC = "tidegate.dev/expects-traffic-since"
"""Annotation, set by the Rollout while the canary's weight is above 0, with the time since when it is."""

TERMINATED = "Run Terminated"
FORGOTTEN = (
    "status.tidegate: is gone, and the evidence with it; apply Tidegate's CRDs, which keep it, and retry"
)


Reading = Answered | Instant | Unanswered


class Question(msgspec.Struct, frozen=True):
    """What a due check must read: both selectors over `window`, up to `at`."""

    metric: str
    server: Server
    errors: str
    total: str
    window: timedelta
    at: datetime


class Memory(msgspec.Struct, frozen=True):
    """`status.tidegate`: what a restarted controller must know to neither lose nor count twice."""

    version: int = 1
    metrics: dict[str, Evidence] = {}


def completed(status: RunStatus) -> bool:
    return status.phase in OVER


def questions(run: AnalysisRun, now: datetime) -> tuple[Question | Lookup, ...]:
    """What the checks that are due must read. The same questions come again until they are answered."""
    if completed(run.status) or run.spec.terminate:
        return ()
    asked = (_question(run, index) for index in range(len(run.spec.metrics)))
    return tuple(question for question in asked if question and _is_due(run, question, now))


def _is_due(run: AnalysisRun, question: Question | Lookup, now: datetime) -> bool:
    """Its time has come, or lies beyond one that is itself to come: the clock was set back."""
    if isinstance(question, Question):
        return question.at <= now
    results = (one for one in run.status.metric_results if one.name == question.metric)
    last = next((one.measurements[-1].finished_at for one in results if one.measurements), None)
    return question.at <= now or (last or run.status.started_at or now) > now


def next_look(run: AnalysisRun) -> datetime | None:
    """When the next check is due; None where none will be."""
    if completed(run.status):
        return None
    asked = (_question(run, index) for index in range(len(run.spec.metrics)))
    return min((question.at for question in asked if question), default=None)


def proceed(run: AnalysisRun, readings: Mapping[str, Reading], now: datetime) -> RunStatus:
    """The status after these readings, by metric name; a metric that is due but has none is left waiting."""
    if completed(run.status):
        return run.status
    judged = [_step(run, index, readings, now) for index in range(len(run.spec.metrics))]
    if run.spec.terminate or any(_ends_the_run(one.result) for one in judged):
        judged = [_closed(run, index, one) for index, one in enumerate(judged)]
    return _status(run, judged, now)


def _question(run: AnalysisRun, index: int) -> Question | Lookup | None:
    """The metric's next question; None where it has ended, or an edit made it unreadable."""
    known, metric = _known(run, index), _readable(run, index)
    if known.result.phase in OVER:
        return None
    match metric:
        case Classic():
            at = classic.due(metric, known.result, run.status.started_at)
            return Lookup(metric.name, metric.provider, at) if at else None
        case Statistical():
            return _counters(metric, known.evidence) if known.evidence else None
        case Invalid():
            return None
        case never:
            assert_never(never)


def _readable(run: AnalysisRun, index: int) -> Statistical | Classic | Invalid:
    metric = run.spec.metrics[index]
    if any(metric.name == other.name for other in run.spec.metrics[:index]):
        return double(metric.name, index)
    try:
        return measurable(metric, _path(index))
    except Invalid as mistake:
        return mistake


def _path(index: int) -> str:
    return show("spec", "metrics", index)


def _known(run: AnalysisRun, index: int) -> Judged:
    """What status says of a metric; a name alone where it says nothing."""
    name = run.spec.metrics[index].name
    results = (result for result in run.status.metric_results if result.name == name)
    return Judged(next(results, MetricResult(name)), _memory(run).metrics.get(name))


def _memory(run: AnalysisRun) -> Memory:
    return read_status(run.status.tidegate, Memory)


def _counters(metric: Statistical, evidence: Evidence) -> Question:
    return Question(
        metric=metric.name,
        server=metric.server,
        errors=metric.errors,
        total=metric.total,
        window=window(evidence),
        at=evidence.next_check,
    )


def _step(run: AnalysisRun, index: int, readings: Mapping[str, Reading], now: datetime) -> Judged:
    """One metric, one step on: begun, judged by its reading, or left as it is."""
    known, metric = _known(run, index), _readable(run, index)
    if known.result.phase in OVER:
        return known
    reading = readings.get(run.spec.metrics[index].name)
    match metric:
        case NotMeasured():
            return ended(known, "Inconclusive", str(metric))
        case Invalid():
            return ended(known, "Error", str(metric))
        case Classic():
            return Judged(_classic_step(run, metric, known.result, reading, now))
        case Statistical():
            return _statistical_step(run, metric, known, reading, now)
        case never:
            assert_never(never)


def _classic_step(
    run: AnalysisRun, metric: Classic, result: MetricResult, reading: Reading | None, now: datetime
) -> MetricResult:
    if not result.phase:
        return classic.begun(metric, dry_run=is_dry(run.spec, metric.name))
    if isinstance(reading, Instant | Unanswered):
        result = classic.measured(metric, result, reading, now)
    return classic.assessed(metric, result, ending=False)


def _statistical_step(
    run: AnalysisRun, metric: Statistical, known: Judged, reading: Reading | None, now: datetime
) -> Judged:
    if known.evidence is None:
        lost = known.result.phase == "Running"
        dry = is_dry(run.spec, metric.name)
        return ended(known, "Error", FORGOTTEN) if lost else begun(metric, now, dry_run=dry)
    if known.evidence.next_check > now + metric.delay + metric.interval + LONGEST_RETRY:
        return Judged(known.result, anew(known.evidence, metric.interval, now))
    if not isinstance(reading, Answered | Unanswered):
        return known
    return checked(Check(metric, known.result, known.evidence, _expected(run, metric), now), reading)


def _expected(run: AnalysisRun, metric: Statistical) -> datetime | None:
    """Since when requests are meant to be counted: not before the initial delay is over."""
    since, started = _promised(run), run.status.started_at
    return max(since, after(started, metric.delay)) if since and started else since


def _promised(run: AnalysisRun) -> datetime | None:
    """Since when there are meant to be requests: from the start where no Rollout says when, or says so that
    nobody can read it."""
    written = run.metadata.annotations.get(EXPECTS_TRAFFIC)
    if not written:
        return None if _judges_a_rollout(run) else run.status.started_at
    try:
        return parse(written).astimezone(UTC)
    except (ValueError, OverflowError):
        return run.status.started_at


def _judges_a_rollout(run: AnalysisRun) -> bool:
    return any(one.kind == ROLLOUT.kind and one.controller for one in run.metadata.owner_references)


def _ends_the_run(result: MetricResult) -> bool:
    return result.phase in OVER[1:] and not result.dry_run


def _closed(run: AnalysisRun, index: int, judged: Judged) -> Judged:
    """The run is over before this metric was: undecided on data is Successful, and says what was shown."""
    metric, evidence = _readable(run, index), judged.evidence
    if judged.result.phase in OVER or isinstance(metric, Invalid):
        return judged
    if isinstance(metric, Classic):
        return Judged(classic.assessed(metric, judged.result, ending=True))
    if evidence is None or not evidence.requests:
        return ended(judged, "Inconclusive", "ended without any data; no data is never success")
    return ended(judged, "Successful", f"ended {sentence(evidence, metric.limit)}")


def _status(run: AnalysisRun, judged: list[Judged], now: datetime) -> RunStatus:
    results = tuple(_retained(run, one.result) for one in judged)
    phase, message = _phase(results)
    if run.spec.terminate and not message:
        message = TERMINATED
    started = run.status.started_at or now
    memory = {one.result.name: one.evidence for one in judged if one.evidence}
    return RunStatus(
        phase=phase,
        message=message,
        metric_results=results,
        run_summary=_summary(result for result in results if not result.dry_run),
        dry_run_summary=_summary(dry) if (dry := [one for one in results if one.dry_run]) else None,
        started_at=started,
        completed_at=None if phase == "Running" else now,
        tidegate=msgspec.to_builtins(Memory(metrics=memory)) if memory else {},
    )


def _phase(results: tuple[MetricResult, ...]) -> tuple[str, str]:
    """The worst of the metrics once all have ended, and the words of those that made it so."""
    judging = [result for result in results if not result.dry_run]
    if not results:
        return "Error", "spec.metrics: is empty; nothing can be judged, add a metric"
    if any(result.phase not in OVER for result in results):
        return "Running", _words(judging)
    worst = max((result.phase for result in judging), key=OVER.index, default="Successful")
    return worst, _words(result for result in judging if result.phase == worst)


def _words(results: Iterable[MetricResult]) -> str:
    return "; ".join(words for result in results if (words := classic.worded(result)))


def _summary(results: Iterable[MetricResult]) -> RunSummary:
    phases = [result.phase for result in results]
    return RunSummary(
        count=len(phases),
        successful=phases.count("Successful"),
        failed=phases.count("Failed"),
        inconclusive=phases.count("Inconclusive"),
        error=phases.count("Error"),
    )


def _retained(run: AnalysisRun, result: MetricResult) -> MetricResult:
    keep = kept(run.spec, result.name)
    return msgspec.structs.replace(result, measurements=result.measurements[-keep:])
