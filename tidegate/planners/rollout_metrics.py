"""The runs that judge a Rollout: the templates they are made of, and the counters behind inline metrics.

One may judge in the background of all steps, and each analysis step has one of its own. Whatever could not
be measured is found out before the run starts.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Any, NamedTuple

import msgspec
from msgspec.structs import replace

from analysis.catalogue import Arm, Catalogue, read, resolve
from analysis.inline import ALPHA, PATH, Inline, ending, joined, run_for
from analysis.preflight import told_apart
from analysis.provider import Server
from analysis.run_spec import endless
from analysis.templates import Surroundings, Wanted, run_spec, wanted
from crds.analysis import RolloutAnalysis
from crds.errors import Invalid
from crds.paths import Path, get
from crds.refs import ANALYSIS_TEMPLATE, CLUSTER_ANALYSIS_TEMPLATE, Ref
from crds.rollout import STEPS
from crds.steps import RunAnalysis
from rollouts.actions import StartAnalysis
from rollouts.orders import canary_pods, enough, step_weight
from rollouts.progress import at_analysis, on_the_way, remember, this_run, this_step_run
from rollouts.world import Trouble, World
from tidegate.planners.needs import Absent, Answers, Failed, Need, Object, Pending, Samples, known
from tidegate.planners.rollout_name import run_name_needs
from tidegate.planners.rollout_preflight import WINDOW, Preflight, Total, preflight, series_needs
from tidegate.planners.rollout_world import Given
from tidegate.planners.settings import Settings
from traffic.arms import Services, Subsets

Raw = dict[str, Any]

TEMPLATES = (ANALYSIS_TEMPLATE, CLUSTER_ANALYSIS_TEMPLATE)
EVERY = timedelta(seconds=10)
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class Look(NamedTuple):
    """What is known while runs are prepared."""

    given: Given
    world: World
    answers: Answers
    settings: Settings


class Asked(NamedTuple):
    """An analysis, and where in the Rollout it stands."""

    analysis: RolloutAnalysis
    path: Path = PATH


class Metrics(msgspec.Struct, frozen=True):
    """The run to start, or what is wrong with its counters; `asking` while that is not known."""

    inline: Inline | None = None
    trouble: Trouble | None = None
    asking: bool = False


def at_its_step(given: Given, world: World) -> World:
    """The world as background analysis sees it: before `startingStep` nobody judges the canary."""
    first = (given.analysis and given.analysis.starting_step) or 0
    if not first or remember(world).step >= first:
        return world
    return replace(world, ask=replace(world.ask, judged=False))


def preflight_needs(look: Look) -> tuple[Need, ...]:
    """What the runs not yet started are made of, who has their names, and the stable arm's requests."""
    background, step = _background_to_start(look), _step_to_start(look.world)
    starting = [one for one in (background, step) if one]
    listening = [one for one in starting if one is step or _about_to_start(look.world)]
    starts = _starts(look.world, background, step) if starting else ()
    return (
        *(need for one in starting for need in _template_needs(one, look)),
        *(need for start in starts for need in run_name_needs(look.given, start, look.answers)),
        *(need for one in listening for need in series_needs(_totals(one, look), look.answers)),
    )


def metrics(look: Look) -> Metrics:
    """What `rollouts` must know of the background's analysis in this look."""
    analysis = look.given.analysis
    if analysis is None:
        return Metrics()
    starting = _background_to_start(look) is not None
    listening = starting and _about_to_start(look.world)
    return _prepared(Asked(analysis), look, starting=starting, listening=listening)


def step_metrics(look: Look) -> Metrics:
    """The run of the analysis step that the walk stands at, if it is not there yet."""
    asked = _step_to_start(look.world)
    if asked is None:
        return Metrics()
    judged = _prepared(asked, look, starting=True, listening=True)
    if judged.inline and (name := endless({"spec": judged.inline.spec})):
        fix = "has no count, so the step would never end; write its count"
        return Metrics(trouble=Trouble("TemplateInvalid", f"metric {name!r} {fix}"))
    return judged


def _prepared(asked: Asked, look: Look, *, starting: bool, listening: bool) -> Metrics:
    """The run, once all it is made of is there; and, if someone is to listen, whether anything is heard."""
    try:
        templates = _of_templates(asked, look) if starting else Metrics()
        catalogue = _of_catalogue(asked, look)
        inline = _both(templates.inline, catalogue.inline)
    except Invalid as problem:
        return Metrics(trouble=Trouble("AnalysisInvalid", str(problem)))
    heard = preflight(_totals(asked, look), look.answers) if listening else Preflight()
    return Metrics(
        inline=None if templates.asking else inline,
        trouble=templates.trouble or catalogue.trouble or heard.trouble,
        asking=templates.asking or heard.asking,
    )


def _inline(given: Given) -> Iterator[Asked]:
    """The analyses that name metrics of the catalogue."""
    if given.analysis and given.analysis.metrics:
        yield Asked(given.analysis)
    for at, step in enumerate(given.steps):
        if isinstance(step, RunAnalysis) and step.analysis.metrics:
            yield Asked(step.analysis, _step_path(at))


def _step_path(at: int) -> Path:
    return (*STEPS, at, "analysis")


def _background_to_start(look: Look) -> Asked | None:
    analysis = look.given.analysis
    return Asked(analysis) if analysis and _may_start(look.world) else None


def _step_to_start(world: World) -> Asked | None:
    if not any(isinstance(step, RunAnalysis) for step in world.ask.steps):
        return None
    memory = remember(world)
    walking = on_the_way(world.ask, memory) and not (memory.abort or memory.promote_full)
    if not walking or not at_analysis(world.ask, memory) or this_step_run(world, memory):
        return None
    step = world.ask.steps[memory.step]
    return Asked(step.analysis, _step_path(memory.step)) if isinstance(step, RunAnalysis) else None


def _starts(world: World, background: Asked | None, step: Asked | None) -> tuple[StartAnalysis, ...]:
    """How the runs would be started."""
    memory = remember(world)
    start = StartAnalysis(world.ask.pod_hash, world.revision, memory.attempt)
    return (start,) * bool(background) + (replace(start, step=memory.step),) * bool(step)


def _both(one: Inline | None, other: Inline | None) -> Inline | None:
    return joined(one, other) if one and other else one or other


def _of_catalogue(asked: Asked, look: Look) -> Metrics:
    """The run of the inline metrics."""
    if asked.analysis.templates and not asked.analysis.metrics:
        return Metrics()
    try:
        arm, alpha = arm_of(look, stable=False), ALPHA / max(1, len(list(_inline(look.given))))
        inline = run_for(asked.analysis, catalogue_of(look), arm, alpha, asked.path)
    except Invalid as problem:
        return Metrics(trouble=Trouble("CatalogueInvalid", str(problem)))
    return Metrics(inline if asked.path == PATH else ending(inline))


def _of_templates(asked: Asked, look: Look) -> Metrics:
    """The run of the templates, once they are all there."""
    if not asked.analysis.templates:
        return Metrics()
    try:
        templates = _templates(asked, look)
        missing = [_missing(one, look.answers) for one in templates]
        if any(missing):
            return Metrics(trouble=next(one for one in missing if one))
        found = _found([one.ref for one in templates], look.answers)
        if len(found) < len(templates):
            return Metrics(asking=True)
        return Metrics(run_spec(asked.analysis, found, _around(asked, look)))
    except Invalid as problem:
        return Metrics(trouble=Trouble("TemplateInvalid", str(problem)))


def _around(asked: Asked, look: Look) -> Surroundings:
    return Surroundings(look.given.raw, look.world.memory.stable, look.world.ask.pod_hash, asked.path)


def _template_needs(asked: Asked, look: Look) -> tuple[Need, ...]:
    try:
        return tuple(Object(one.ref) for one in _templates(asked, look))
    except Invalid:
        return tuple(need for need in look.answers if isinstance(need, Object) and need.ref.kind in TEMPLATES)


def _templates(asked: Asked, look: Look) -> tuple[Wanted, ...]:
    refs = [need.ref for need in look.answers if isinstance(need, Object) and need.ref.kind in TEMPLATES]
    return wanted(asked.analysis, look.given.namespace, _found(refs, look.answers), asked.path)


def _found(refs: Iterable[Ref], answers: Answers) -> dict[Ref, Raw]:
    return {ref: raw for ref in refs if (raw := known(answers, Object(ref))) is not None}


def _missing(template: Wanted, answers: Answers) -> Trouble | None:
    match answers.get(Object(template.ref), Pending()):
        case Absent():
            fix = f"create it, or correct {template.by}"
            return Trouble("TemplateNotFound", f"{template.ref} does not exist; {fix}")
        case Failed(why):
            return Trouble("TemplateNotReadable", f"{template.ref}: {why}")
        case _:
            return None


def _may_start(world: World) -> bool:
    """This revision is to be judged, and no run does so yet."""
    if not world.judged:
        return False
    memory = remember(world)
    return (
        on_the_way(world.ask, memory)
        and not (memory.abort or memory.promote_full)
        and this_run(world, memory) is None
    )


def _about_to_start(world: World) -> bool:
    """Pods stand and nothing measures them yet: the moment to look whether the counters are there."""
    memory = remember(world)
    ordered, needed = step_weight(world.ask, memory), enough(world.ask, canary_pods(world.ask, memory))
    return (
        _may_start(world)
        and not memory.overridden
        and ordered > 0
        and (not world.ask.routed or world.available(world.new) >= needed)
    )


def _totals(asked: Asked, look: Look) -> tuple[Total, ...]:
    """The stable arm's requests, as the metrics of the run would count them; none of those that are wrong."""
    try:
        return (*_catalogue_totals(asked, look), *_template_totals(asked, look))
    except Invalid:
        return ()


def _catalogue_totals(asked: Asked, look: Look) -> Iterator[Total]:
    catalogue, arm, at = catalogue_of(look), arm_of(look, stable=True), _asked_at(look.world)
    for metric in asked.analysis.metrics:
        counters = resolve(catalogue, metric.name, arm)
        need = Samples(Server(counters.address), counters.total, WINDOW, at)
        yield Total(need, metric.name, "the metrics catalogue")


def _template_totals(asked: Asked, look: Look) -> Iterator[Total]:
    templates = _templates(asked, look)
    found = _found([one.ref for one in templates], look.answers)
    if not templates or len(found) < len(templates):
        return
    around, at = _around(asked, look), _asked_at(look.world)
    stable = run_spec(asked.analysis, found, replace(around, latest=around.stable))
    for metric in told_apart(run_spec(asked.analysis, found, around).spec, stable.spec):
        yield Total(Samples(metric.server, metric.total, WINDOW, at), metric.name, "its template")


def _asked_at(world: World) -> datetime:
    """When the arms came to stand, and then every while: the same question until it is due again."""
    since = (world.memory.traffic and world.memory.traffic.arms_since) or EPOCH
    return since + (world.now - since) // EVERY * EVERY


def catalogue_of(look: Look) -> Catalogue:
    """Raises Invalid, naming the entry, where the ConfigMap cannot be read."""
    ref = look.settings.catalogue_ref
    written = get(known(look.answers, Object(ref), {}), "data", default={})
    data = {name: _yaml(text, f"{ref} data.{name}") for name, text in written.items()}
    return read(data, look.settings.prometheus)


def _yaml(text: str, path: str) -> Any:
    try:
        return _decoded(text)
    except msgspec.DecodeError as problem:
        raise Invalid(path, f"is not YAML: {problem}") from None


@lru_cache(maxsize=256)
def _decoded(text: str) -> Any:
    """Read once for all who are judged by it, so nobody may change it."""
    return msgspec.yaml.decode(text)


def arm_of(look: Look, *, stable: bool) -> Arm:
    """One arm as the counters may know it: by its pods, by its subset, or by its Service."""
    given, world = look.given, look.world
    service, subset = world.seen.host if world.seen else "", ""
    match given.istio.arms if given.istio else None:
        case Services() as arms:
            service = arms.stable if stable else arms.canary
        case Subsets() as arms:
            subset = arms.stable if stable else arms.canary
    pods = world.memory.stable if stable else world.ask.pod_hash
    return Arm(given.namespace, given.name, service=service, subset=subset, hash=pods)
