"""What the controller would say of a manifest, said before it is applied; and what nobody would ever say."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from difflib import get_close_matches
from typing import Any

import msgspec

from analysis.inline import not_heeded
from analysis.run_spec import mistakes
from crds import analysis, refs, rollout
from crds.analysis import Metric
from crds.errors import Invalid
from crds.paths import get, show
from crds.steps import RunAnalysis
from crds.support import ignored, unsupported
from crds.validate import metric_problems, problems
from tidegate.views.strict import unknown

Raw = dict[str, Any]
Check = Callable[[Raw], Iterator["Finding"]]


class Finding(msgspec.Struct, frozen=True):
    """A field and what to write instead; `passes` where it harms nobody."""

    path: str
    problem: str
    passes: bool = False

    def __str__(self) -> str:
        return f"{self.path}: {self.problem}"


class Kind(msgspec.Struct, frozen=True):
    of: type[Any]
    check: Check


def findings(manifest: Raw) -> tuple[Finding, ...] | None:
    """Everything to say of it, in reading order; None where it is no kind of ours."""
    name = str(get(manifest, "kind"))
    group, _, version = str(get(manifest, "apiVersion", default="")).partition("/")
    if group != refs.ROLLOUT.group:
        return None
    kind = KINDS.get(name)
    if kind is None:
        return _of_another_kind(name)
    if version != refs.ROLLOUT.version:
        wanted = refs.ROLLOUT.api_version
        return (Finding("apiVersion", f"{group}/{version} is not served; write {wanted}"),)
    said = (*_named(manifest), *map(_finding, unknown(manifest, kind.of)), *_checked(kind.check, manifest))
    return tuple(dict.fromkeys(said))


def _of_another_kind(name: str) -> tuple[Finding, ...] | None:
    """Of Argo's other kinds, which others act on, nothing is said but of experiments."""
    if name == "Experiment":
        return (Finding("kind", "experiments are not run here; leave it to Argo Rollouts", passes=True),)
    near = get_close_matches(name, KINDS, n=1, cutoff=0.85)
    return (Finding("kind", f"{name} is not known; did you mean {near[0]}?"),) if near else None


def _finding(problem: Invalid) -> Finding:
    return Finding(problem.path, problem.problem)


def _named(manifest: Raw) -> Iterator[Finding]:
    if not (get(manifest, "metadata", "name") or get(manifest, "metadata", "generateName")):
        yield Finding("metadata.name", "is missing; add it")


def _checked(check: Check, manifest: Raw) -> Iterator[Finding]:
    try:
        yield from check(manifest)
    except Invalid as problem:
        yield _finding(problem)


def _rollout(manifest: Raw) -> Iterator[Finding]:
    """Mistakes, then what it would be held for, then what would be passed over."""
    read = rollout.parse(manifest)
    yield from map(_finding, problems(read))
    yield from map(_finding, unsupported(read))
    yield from map(_finding, _inline(read))
    for path in ignored(read):
        yield Finding(path, "is not acted on yet, and harms nobody", passes=True)


def _inline(read: rollout.Rollout) -> Iterator[Invalid]:
    """Fields of inline metrics that are not acted on there."""
    if read.canary and read.canary.analysis:
        yield from not_heeded(read.canary.analysis)
    for at, step in enumerate(rollout.steps(read)):
        if isinstance(step, RunAnalysis):
            yield from not_heeded(step.analysis, (*rollout.STEPS, at, "analysis"))


def _template(manifest: Raw) -> Iterator[Finding]:
    return _metrics(manifest, analysis.parse_template(manifest).spec.metrics)


def _cluster_template(manifest: Raw) -> Iterator[Finding]:
    return _metrics(manifest, analysis.parse_cluster_template(manifest).spec.metrics)


def _run(manifest: Raw) -> Iterator[Finding]:
    return _metrics(manifest, analysis.parse_run(manifest).spec.metrics)


def _metrics(manifest: Raw, metrics: tuple[Metric, ...]) -> Iterator[Finding]:
    """What is wrong with each by itself, and then what could not be measured; of a field once."""
    found = [
        problem
        for index, metric in enumerate(metrics)
        for problem in metric_problems(metric, show("spec", "metrics", index))
    ]
    told = {problem.path for problem in found}
    yield from map(_finding, found)
    yield from (_finding(mistake) for mistake in mistakes(manifest) if mistake.path not in told)


KINDS = {
    refs.ROLLOUT.kind: Kind(rollout.Rollout, _rollout),
    refs.ANALYSIS_TEMPLATE.kind: Kind(analysis.AnalysisTemplate, _template),
    refs.CLUSTER_ANALYSIS_TEMPLATE.kind: Kind(analysis.ClusterAnalysisTemplate, _cluster_template),
    refs.ANALYSIS_RUN.kind: Kind(analysis.AnalysisRun, _run),
}
