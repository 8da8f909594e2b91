"""An AnalysisRun's spec as it is acted on: arguments filled in, and its rules for metrics by name."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, assert_never

from analysis.args import filled, placeholder
from analysis.classic import Classic, read_classic
from analysis.statistical import Statistical, read_metric
from crds.analysis import AnalysisRun, Argument, Metric, RunSpec, SecretKeyRef, parse_run
from crds.errors import Invalid
from crds.meta import read
from crds.paths import get, put, show

METRICS = ("spec", "metrics")
RETENTION = 10
ALL = "*"
MOST_REPEATS = 3
_REPEATED, _REPEATED_GROUP = re.compile(r"[*+{]"), re.compile(r"\)[*+{]")


def read_run(raw: dict[str, Any]) -> AnalysisRun:
    """Invalid where a type is wrong, an argument has no value, or a rule speaks of no metric."""
    run = parse_run(raw)
    written = get(raw, *METRICS, default=[])
    metrics = filled(written, values_of(run.spec.args), METRICS)
    run = run if metrics is written else parse_run(put(raw, METRICS, metrics))
    _heeded(run.spec)
    return run


def mistakes(raw: dict[str, Any]) -> Iterator[Invalid]:
    """What is wrong with the metrics of a run or a template, as far as can be told before it is used.

    A metric whose own numbers or conditions come from arguments is judged once they have values.
    """
    spec = read(get(raw, "spec", default={}), RunSpec, "spec")
    declared = {argument.name: placeholder(argument.name) for argument in spec.args}
    try:
        written = filled(get(raw, *METRICS, default=[]), declared | values_of(spec.args), METRICS)
    except Invalid as mistake:
        yield mistake
        return
    yield from _doubles([get(metric, "name") for metric in written])
    for at, metric in enumerate(written):
        if "{{" in str({key: value for key, value in metric.items() if key != "provider"}):
            continue
        try:
            measurable(read(metric, Metric, *METRICS, at), show(*METRICS, at))
        except Invalid as mistake:
            yield mistake


def _doubles(names: list[str]) -> Iterator[Invalid]:
    return (double(name, at) for at, name in enumerate(names) if name in names[:at])


def double(name: str, at: int) -> Invalid:
    """What is wrong with the metric there, whose name another has."""
    return Invalid(show(*METRICS, at, "name"), f"{name!r} is there already; name each metric once")


def endless(raw: dict[str, Any]) -> str:
    """The first metric of a run, by its name, that would go on until the run is ended; "" without one."""
    metrics = read_run(raw).spec.metrics
    return next((one.name for at, one in enumerate(metrics) if not _ends(one, show(*METRICS, at))), "")


def _ends(metric: Metric, path: str) -> bool:
    match measurable(metric, path):
        case Classic(count=count):
            return count > 0
        case Statistical(count=count, early_success=early):
            return count > 0 or early
        case never:
            assert_never(never)


def values_of(args: tuple[Argument, ...]) -> dict[str, str]:
    """What is filled in now: values, and for secrets their own placeholders."""
    given = {argument.name: argument.value for argument in args if argument.value is not None}
    return given | {name: placeholder(name) for name in secrets(args)}


def secrets(args: tuple[Argument, ...]) -> dict[str, SecretKeyRef]:
    """Where the arguments lie that are secrets."""
    sources = ((argument.name, argument.value_from) for argument in args if argument.value is None)
    return {name: source.secret_key_ref for name, source in sources if source and source.secret_key_ref}


def _heeded(spec: RunSpec) -> None:
    """A rule that speaks of no metric is a slip of the pen."""
    rules = [
        *(("dryRun", at, rule.metric_name) for at, rule in enumerate(spec.dry_run)),
        *(
            ("measurementRetention", at, rule.metric_name)
            for at, rule in enumerate(spec.measurement_retention)
        ),
    ]
    for field, at, pattern in rules:
        where = show("spec", field, at, "metricName")
        if not any(_speaks_of(pattern, metric.name, where) for metric in spec.metrics):
            known = ", ".join(metric.name for metric in spec.metrics)
            raise Invalid(where, f"{pattern!r} matches no metric; known: {known}")


def measurable(metric: Metric, path: str) -> Statistical | Classic:
    """What is measured for a metric; Invalid names the field below `path` and the fix."""
    return read_metric(metric, path) if metric.statistics else read_classic(metric, path)


def is_dry(spec: RunSpec, name: str) -> bool:
    """Whether a metric is measured without being judged."""
    return any(_speaks_of(rule.metric_name, name, "spec.dryRun") for rule in spec.dry_run)


def kept(spec: RunSpec, name: str) -> int:
    """How many of a metric's measurements stay in status."""
    rules = spec.measurement_retention
    own = (one.limit for one in rules if _speaks_of(one.metric_name, name, "spec.measurementRetention"))
    return max(1, next(own, RETENTION))


def _speaks_of(pattern: str, name: str, path: str) -> bool:
    """`*`, a name, or a regular expression for a part of one, as in Argo."""
    if pattern in (ALL, name):
        return True
    if len(_REPEATED.findall(pattern)) > MOST_REPEATS or _REPEATED_GROUP.search(pattern):
        raise Invalid(path, f"{pattern!r} repeats too much to be tried quickly; write names, or one .*")
    try:
        return re.search(pattern, name) is not None
    except (re.error, RecursionError, OverflowError) as problem:
        raise Invalid(path, f"{pattern!r} is no regular expression: {problem}") from None
