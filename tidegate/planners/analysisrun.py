"""An AnalysisRun asks Prometheus when a check is due, and records what it made of the answers.

A hung Prometheus delays nobody: while an answer is on its way there is nothing to plan. The same check asks
the same question until it is answered, since its time is the one in status.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any, assert_never

import msgspec

from analysis.check import Reading, Unanswered
from analysis.evidence import Answered
from analysis.run import Question, completed, next_look, proceed, questions
from crds.analysis import AnalysisRun, MetricResult, RunStatus, parse_run
from crds.errors import Invalid
from crds.patches import merge_diff
from crds.paths import get
from crds.refs import ANALYSIS_RUN, ref_of
from crds.times import rfc3339
from tidegate.planners.needs import Absent, Answers, Failed, Known, Need, Pending, Raw, Samples
from tidegate.planners.plan import Event, Plan, Record

BAD = ("Failed", "Error")


def needs(raw: Raw, answers: Answers, now: datetime) -> tuple[Need, ...]:
    """The samples of the checks that are due, those answered already included."""
    try:
        run = parse_run(raw)
    except Invalid:
        return ()
    return tuple(need for question in questions(run, now) for need in _in_turn(question, answers))


def _in_turn(question: Question, answers: Answers) -> tuple[Samples, ...]:
    """The total, and once it is known the errors: they must not be older, or those in between were lost."""
    total, errors = asked(question)
    return (total, errors) if isinstance(answers.get(total), Known) else (total,)


def asked(question: Question) -> tuple[Samples, Samples]:
    """Total, then errors: the same time, the same window."""
    seconds = question.window.total_seconds()
    return (
        Samples(question.address, question.total, seconds, question.at),
        Samples(question.address, question.errors, seconds, question.at),
    )


def plan(raw: Raw, answers: Answers, now: datetime) -> Plan:
    """Begin, judge the readings that have come, or end; nothing is written where nothing changed."""
    try:
        run = parse_run(raw)
    except Invalid as mistake:
        return _refused(raw, mistake, now)
    due = questions(run, now)
    readings = {one.metric: reading for one in due if (reading := _reading(one, answers))}
    status = proceed(run, readings, now)
    patch = merge_diff(_written(run.status), _written(status))
    after = msgspec.structs.replace(run, status=status)
    return Plan(
        writes=(_record(raw, patch),) if patch else (),
        wake_at=_wake_at(after, now),
        why=f"{status.phase}: {status.message}" if patch else _waiting(due),
        events=_events(raw, run, after) if patch else (),
    )


def _reading(question: Question, answers: Answers) -> Reading | None:
    """Both answers, or the first refusal; None while one is still on its way."""
    total, errors = (answers.get(need, Pending()) for need in asked(question))
    for answer in (total, errors):
        match answer:
            case Failed(why):
                return Unanswered(why)
            case Absent():
                return Unanswered("Prometheus has no such page; is the address right?")
            case Known() | Pending():
                pass
            case never:
                assert_never(never)
    if isinstance(errors, Known) and isinstance(total, Known):
        return Answered(total=total.value, errors=errors.value)
    return None


def _wake_at(run: AnalysisRun, now: datetime) -> datetime | None:
    """The next check; None where its answer is awaited, for the fetcher wakes us."""
    look = next_look(run)
    return look if look and look > now else None


def _waiting(due: tuple[Question, ...]) -> str:
    return f"waiting for Prometheus to answer for {', '.join(one.metric for one in due)}" if due else ""


def _record(raw: Raw, patch: Raw) -> Record:
    return Record(ref_of(ANALYSIS_RUN, raw), patch, str(get(raw, "metadata", "resourceVersion", default="")))


def _refused(raw: Raw, mistake: Invalid, now: datetime) -> Plan:
    """A spec that cannot be read ends as Error: nobody judges by it, and nobody waits for it."""
    if get(raw, "status", "phase") in ("Successful", "Failed", "Error", "Inconclusive"):
        return Plan()
    status = RunStatus(phase="Error", message=str(mistake), completed_at=now)
    event = Event(raw, "AnalysisRunError", str(mistake), warning=True)
    return Plan((_record(raw, _written(status)),), why=f"Error: {mistake}", events=(event,))


def _events(raw: Raw, before: AnalysisRun, after: AnalysisRun) -> tuple[Event, ...]:
    """One for each metric that ended, and one for the run, by Argo's reasons."""
    known = {result.name: result.phase for result in before.status.metric_results}
    ended = [
        _event(raw, f"Metric{one.phase}", f"Metric '{one.name}' completed: {one.message}", one)
        for one in after.status.metric_results
        if one.phase != known.get(one.name) and one.phase != "Running"
    ]
    if completed(after.status):
        words = f"Analysis completed: {after.status.message}"
        ended.append(_event(raw, f"AnalysisRun{after.status.phase}", words, after.status))
    return tuple(ended)


def _event(raw: Raw, reason: str, message: str, of: MetricResult | RunStatus) -> Event:
    return Event(raw, reason, message, warning=of.phase in BAD)


def _written(status: RunStatus) -> Raw:
    """The status as it is stored: what is empty or nought is left out, as Argo does."""
    written: Raw = _full(msgspec.to_builtins(status, builtin_types=(datetime,)))
    return written


def _full(value: Any) -> Any:
    match value:
        case dict():
            pairs = ((key, _full(inner)) for key, inner in value.items())
            return {key: inner for key, inner in pairs if inner not in (None, "", 0, {}, [])}
        case list() | tuple():
            return [_full(inner) for inner in value]
        case datetime():
            return rfc3339(value)
        case _:
            return value
