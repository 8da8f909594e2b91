"""An AnalysisRun asks Prometheus when a check is due, records what it made of the answers, and is deleted
when its time to live is over.

A hung Prometheus delays nobody: while an answer is on its way there is nothing to plan. The same check asks
the same question until it is answered, since its time is the one in status.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any, TypeVar, assert_never

import msgspec

from analysis.args import asks_for, placeholder, redacted, revealed
from analysis.check import OVER, Unanswered
from analysis.classic import WARNING, Lookup
from analysis.evidence import Answered
from analysis.retention import expires
from analysis.run import Question, Reading, completed, next_look, proceed, questions
from analysis.run_spec import read_run, secrets
from crds.analysis import AnalysisRun, MetricResult, RunStatus
from crds.errors import Invalid
from crds.patches import merge_diff
from crds.paths import get
from crds.refs import ANALYSIS_RUN, ref_of
from crds.times import rfc3339
from tidegate.planners.needs import (
    Absent,
    Answer,
    Answers,
    Failed,
    Known,
    Need,
    Pending,
    Query,
    Raw,
    Samples,
    SecretKey,
    known,
)
from tidegate.planners.plan import Delete, Event, Plan, Record

NO_PAGE = "Prometheus has no such page; is the address right?"
BAD = ("Failed", "Error")

T = TypeVar("T")
Values = dict[str, str]
"""What secret arguments stand for."""


def needs(raw: Raw, answers: Answers, now: datetime) -> tuple[Need, ...]:
    """What the checks that are due must read, those answered already included."""
    try:
        run = read_run(raw)
    except Invalid:
        return ()
    return tuple(need for question in questions(run, now) for need in _in_turn(run, question, answers))


def _in_turn(run: AnalysisRun, question: Question | Lookup, answers: Answers) -> tuple[Need, ...]:
    """The secrets it sends, and once they are known the queries."""
    keys = _keys(run, question)
    values = {name: known(answers, key) for name, key in keys.items()}
    if None in values.values():
        return tuple(keys.values())
    if isinstance(question, Lookup):
        return (*keys.values(), _query(question, values))
    return (*keys.values(), *_one_by_one(asked(question, values), answers))


def _one_by_one(both: tuple[Samples, Samples], answers: Answers) -> tuple[Need, ...]:
    """The total, and once it is known the errors: they must not be older, or those in between were lost."""
    return both if isinstance(answers.get(both[0]), Known) else both[:1]


def asked(question: Question, values: Values) -> tuple[Samples, Samples]:
    """Total, then errors: the same time, the same window."""
    seconds, server = question.window.total_seconds(), _filled(question.server, values)
    return (
        Samples(server, question.total, seconds, question.at),
        Samples(server, question.errors, seconds, question.at),
    )


def _keys(run: AnalysisRun, question: Question | Lookup) -> dict[str, SecretKey]:
    """The secrets that go with a question, by the arguments that stand for them."""
    sent = question.provider if isinstance(question, Lookup) else question.server
    text = msgspec.json.encode(sent).decode()
    return {
        name: SecretKey(run.metadata.namespace, ref.name, ref.key)
        for name, ref in secrets(run.spec.args).items()
        if asks_for(text, name)
    }


def _query(lookup: Lookup, values: Values) -> Query:
    """What is sent, secrets included; nothing else of them leaves this need."""
    provider = _filled(lookup.provider, values)
    return Query(provider.server, provider.query, lookup.at, provider.span)


def _filled(sent: T, values: Values) -> T:
    if not values:
        return sent
    written = msgspec.json.decode(msgspec.json.encode(sent))
    return msgspec.convert(revealed(written, values), type(sent))


def plan(raw: Raw, answers: Answers, now: datetime) -> Plan:
    """Begin, judge the readings that have come, or end; nothing is written where nothing changed."""
    try:
        run = read_run(raw)
    except Invalid as mistake:
        return _refused(raw, mistake, now)
    if completed(run.status):
        return _at_rest(raw, run, now)
    due = questions(run, now)
    readings = {one.metric: reading for one in due if (reading := _reading(run, one, answers))}
    status = proceed(run, readings, now)
    patch = merge_diff(_written(run.status), _written(status))
    after = msgspec.structs.replace(run, status=status)
    return Plan(
        writes=(_record(raw, patch),) if patch else (),
        wake_at=_wake_at(after, now),
        why=f"{status.phase}: {status.message}" if patch else _waiting(due),
        events=_events(raw, run, after) if patch else (),
    )


def _at_rest(raw: Raw, run: AnalysisRun, now: datetime) -> Plan:
    """Nothing is measured any more; what has a time to live is deleted when that is over."""
    gone_at = expires(run)
    if gone_at is None or run.metadata.deletion_timestamp:
        return Plan()
    if now < gone_at:
        return Plan(wake_at=gone_at)
    why = f"its time to live ended at {rfc3339(gone_at)} (spec.ttlStrategy)"
    return Plan((Delete(ref_of(ANALYSIS_RUN, raw), run.metadata.uid),), why=why)


def _reading(run: AnalysisRun, question: Question | Lookup, answers: Answers) -> Reading | None:
    """All answers, or the first refusal; None while one is still on its way."""
    keys = _keys(run, question)
    for name, key in keys.items():
        if not isinstance(answer := answers.get(key, Pending()), Known):
            where = f"Secret {key.namespace}/{key.name} has no key {key.key}"
            return _refusal(answer, f"{where}, the value of {placeholder(name)}; add it")
    values = {name: known(answers, key) for name, key in keys.items()}
    refused = _found(question, values, answers)
    if isinstance(refused, Unanswered):
        return Unanswered(redacted(refused.why, values.values()))
    return refused


def _found(question: Question | Lookup, values: Values, answers: Answers) -> Reading | None:
    if isinstance(question, Lookup):
        answer = answers.get(_query(question, values), Pending())
        return answer.value if isinstance(answer, Known) else _refusal(answer)
    total, errors = (answers.get(need, Pending()) for need in asked(question, values))
    if isinstance(errors, Known) and isinstance(total, Known):
        return Answered(total=total.value, errors=errors.value)
    return _refusal(total) or _refusal(errors)


def _refusal(answer: Answer, absent: str = NO_PAGE) -> Unanswered | None:
    match answer:
        case Failed(why):
            return Unanswered(why)
        case Absent():
            return Unanswered(absent)
        case Known() | Pending():
            return None
        case never:
            assert_never(never)


def _wake_at(run: AnalysisRun, now: datetime) -> datetime | None:
    """The next check; None where its answer is awaited, for the fetcher wakes us."""
    look = next_look(run)
    return look if look and look > now else None


def _waiting(due: tuple[Question | Lookup, ...]) -> str:
    return f"waiting for Prometheus to answer for {', '.join(one.metric for one in due)}" if due else ""


def _record(raw: Raw, patch: Raw) -> Record:
    return Record(ref_of(ANALYSIS_RUN, raw), patch, str(get(raw, "metadata", "resourceVersion", default="")))


def _refused(raw: Raw, mistake: Invalid, now: datetime) -> Plan:
    """A spec that cannot be read ends as Error: nobody judges by it, and nobody waits for it."""
    if get(raw, "status", "phase") in OVER:
        return Plan()
    status = RunStatus(phase="Error", message=str(mistake), completed_at=now)
    event = Event(raw, "AnalysisRunError", str(mistake), warning=True)
    return Plan((_record(raw, _written(status)),), why=f"Error: {mistake}", events=(event,))


def _events(raw: Raw, before: AnalysisRun, after: AnalysisRun) -> tuple[Event, ...]:
    """One for each verdict that hides something, each metric that ended, and the run, by Argo's reasons."""
    earlier = {result.name: result for result in before.status.metric_results}
    ended = []
    for one in after.status.metric_results:
        old = earlier.get(one.name, MetricResult(one.name))
        warning = one.metadata.get(WARNING, "")
        if warning and WARNING not in old.metadata:
            ended.append(Event(raw, "MetricWarning", f"Metric '{one.name}': {warning}", warning=True))
        if one.phase != old.phase and one.phase in OVER:
            ended.append(_event(raw, f"Metric{one.phase}", f"Metric '{one.name}'", one))
    if completed(after.status):
        ended.append(_event(raw, f"AnalysisRun{after.status.phase}", "Analysis", after.status))
    return tuple(ended)


def _event(raw: Raw, reason: str, what: str, of: MetricResult | RunStatus) -> Event:
    why = f": {of.message}" if of.message else ""
    return Event(raw, reason, f"{what} Completed. Result: {of.phase}{why}", warning=of.phase in BAD)


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
