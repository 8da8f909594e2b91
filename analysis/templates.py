"""AnalysisTemplates as a Rollout uses them: several become one run, with the arguments it gives them.

Metrics stay as their authors wrote them, placeholders included; the run's `args` have the values, as in
Argo. Whatever could not be measured later is found out here, where the template can still be named.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

import msgspec

from analysis.args import filled
from analysis.inline import PATH, Inline
from analysis.run_spec import measurable, read_run, values_of
from crds.analysis import Argument, Metric, RolloutAnalysis, TemplateRef, TemplateSpec, ValueFrom
from crds.errors import Invalid
from crds.meta import read
from crds.paths import Path, get, show
from crds.refs import ANALYSIS_TEMPLATE, CLUSTER_ANALYSIS_TEMPLATE, Ref

Raw = dict[str, Any]
Declared = dict[str, tuple[Argument, str]]

_PICK = re.compile(r"""\.?([A-Za-z_][\w-]*)|\[\s*(['"])(.+?)\2\s*\]|\[(\d+)\]""")


class Wanted(msgspec.Struct, frozen=True):
    """A template, and the field that names it."""

    ref: Ref
    by: str


class Surroundings(msgspec.Struct, frozen=True):
    """What arguments may speak of: the Rollout itself, raw, and the two revisions' pod hashes; and
    where in it the analysis stands."""

    rollout: Raw
    stable: str
    latest: str
    path: Path = PATH


def wanted(
    analysis: RolloutAnalysis, namespace: str, found: Mapping[Ref, Raw], path: Path = PATH
) -> tuple[Wanted, ...]:
    """Every template the analysis at `path` is made of, each once, as far as those `found` tell of others."""
    asked: dict[Ref, Wanted] = {}
    ahead = list(_named(analysis.templates, namespace, show(*path, "templates")))
    while ahead:
        one = ahead.pop(0)
        if one.ref in asked:
            continue
        asked[one.ref] = one
        if one.ref in found:
            nested = _spec(one.ref, found[one.ref]).templates
            ahead += _named(nested, namespace, f"{one.ref} spec.templates")
    return tuple(asked.values())


def _named(refs: tuple[TemplateRef, ...], namespace: str, path: str) -> Iterator[Wanted]:
    for at, ref in enumerate(refs):
        kind, where = (CLUSTER_ANALYSIS_TEMPLATE, "") if ref.cluster_scope else (ANALYSIS_TEMPLATE, namespace)
        yield Wanted(Ref(kind, where, ref.template_name), f"{path}[{at}].templateName")


def _spec(ref: Ref, raw: Raw) -> TemplateSpec:
    try:
        return read(get(raw, "spec", default={}), TemplateSpec, "spec")
    except Invalid as mistake:
        raise Invalid(f"{ref} {mistake.path}", mistake.problem) from None


def run_spec(analysis: RolloutAnalysis, templates: Mapping[Ref, Raw], around: Surroundings) -> Inline:
    """The spec of the run that the Rollout's `analysis` asks for, of all its templates.

    Invalid names the template and the field, or the argument that the Rollout must give.
    """
    specs = {ref: _spec(ref, raw) for ref, raw in templates.items()}
    args = _args(analysis.args, _declared(specs), around)
    values = values_of(args)
    _no_metric_twice(specs)
    for ref, spec in specs.items():
        _measurable(ref, templates[ref], values, len(spec.metrics))
    merged: Raw = {
        "metrics": _written(templates, "metrics"),
        "args": [_carried(argument) for argument in args],
        "dryRun": [*map(msgspec.to_builtins, analysis.dry_run), *_written(templates, "dryRun")],
        "measurementRetention": [
            *map(msgspec.to_builtins, analysis.measurement_retention),
            *_written(templates, "measurementRetention"),
        ],
    }
    inline = Inline({key: value for key, value in merged.items() if value})
    try:
        read_run({"spec": inline.spec})
    except Invalid as mistake:
        raise Invalid(show(*around.path), f"in its run, {mistake}") from None
    return inline


def _written(templates: Mapping[Ref, Raw], field: str) -> list[Raw]:
    return [one for raw in templates.values() for one in get(raw, "spec", field, default=[])]


def _no_metric_twice(specs: Mapping[Ref, TemplateSpec]) -> None:
    home: dict[str, Ref] = {}
    for ref, spec in specs.items():
        for at, metric in enumerate(spec.metrics):
            if metric.name in home:
                where = f"{ref} {show('spec', 'metrics', at, 'name')}"
                raise Invalid(where, f"{metric.name!r} is in {home[metric.name]} too; name each metric once")
            home[metric.name] = ref


def _measurable(ref: Ref, raw: Raw, values: Mapping[str, str], metrics: int) -> None:
    """Raises Invalid where the template, with these values, holds what would end its run as Error."""
    try:
        tree = filled(get(raw, "spec", "metrics", default=[]), values, ("spec", "metrics"))
        for at in range(metrics):
            path = show("spec", "metrics", at)
            measurable(read(tree[at], Metric, "spec", "metrics", at), path)
    except Invalid as mistake:
        raise Invalid(f"{ref} {mistake.path}", mistake.problem) from None


def _args(given: tuple[Argument, ...], declared: Declared, around: Surroundings) -> tuple[Argument, ...]:
    """Every argument of the templates with its value: the Rollout's, or where it has none the templates'."""
    ours = {
        one.name: (one, show(*around.path, "args", at)) for at, one in enumerate(given) if not _empty(one)
    }
    return tuple(
        _resolved(*ours.get(name, default), default[1], around) for name, default in declared.items()
    )


def _declared(specs: Mapping[Ref, TemplateSpec]) -> Declared:
    """The arguments that the templates ask for, each with where it stands; two defaults must agree."""
    declared: Declared = {}
    for ref, spec in specs.items():
        for at, one in enumerate(spec.args):
            where = f"{ref} {show('spec', 'args', at)}"
            known, home = declared.setdefault(one.name, (one, where))
            if _empty(known):
                declared[one.name] = (one, where)
            elif not _empty(one) and (one.value, one.value_from) != (known.value, known.value_from):
                raise Invalid(where, f"{one.name!r} has another default in {home}; make them agree")
    return declared


def _empty(argument: Argument) -> bool:
    return argument.value is None and argument.value_from is None


def _resolved(argument: Argument, where: str, home: str, around: Surroundings) -> Argument:
    """The argument with its value; a secret's is read by its run, when it is needed."""
    source = argument.value_from
    if argument.value is not None or (source and source.secret_key_ref):
        return argument
    value = _looked_up(source, f"{where}.valueFrom", around) if source else None
    if value is None:
        problem = f"{argument.name!r} has no value, and {home} has no default; add it"
        raise Invalid(show(*around.path, "args"), problem)
    return Argument(argument.name, value)


def _looked_up(source: ValueFrom, path: str, around: Surroundings) -> str | None:
    if source.pod_template_hash_value:
        return around.stable if source.pod_template_hash_value == "Stable" else around.latest
    return _field(source.field_ref.field_path, f"{path}.fieldRef", around) if source.field_ref else None


def _carried(argument: Argument) -> Raw:
    secret = argument.value_from.secret_key_ref if argument.value_from else None
    if argument.value is not None or secret is None:
        return {"name": argument.name, "value": argument.value}
    return {"name": argument.name, "valueFrom": {"secretKeyRef": msgspec.to_builtins(secret)}}


def _field(asked: str, path: str, around: Surroundings) -> str:
    """A field of the Rollout, in the downward API's spelling: `metadata.labels['x']`, `spec.replicas`."""
    where = _picks(asked)
    found = get(around.rollout, *where) if where else None
    match found:
        case bool():
            return str(found).lower()
        case str() | int() | float():
            return str(found)
        case None if where:
            raise Invalid(f"{path}.fieldPath", f"the Rollout has no {asked}; add it, or write a value")
        case _:
            spelled = "name a field that is text or a number, like metadata.labels['x'] or spec.replicas"
            raise Invalid(f"{path}.fieldPath", f"{asked!r} is no such field; {spelled}")


def _picks(asked: str) -> Path:
    """The way to the field; () where it cannot be read."""
    found = list(_PICK.finditer(asked))
    whole = "".join(one[0] for one in found) == asked and not asked.startswith(".")
    return tuple(int(one[4]) if one[4] else one[1] or one[3] for one in found) if whole else ()
