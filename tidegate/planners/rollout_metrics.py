"""What a Rollout's analysis is made of: the templates it names, and the counters behind its inline metrics.

Before the first request goes to the canary, the stable arm's series must be there: if the catalogue looks
in the wrong place, that is found out while nothing depends on it.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
from msgspec.structs import replace

from analysis.catalogue import Arm, Catalogue, read, resolve
from analysis.inline import Inline, joined, run_for
from analysis.preflight import not_ready, wider
from analysis.templates import Surroundings, Wanted, run_spec, wanted
from crds.analysis import RolloutAnalysis
from crds.errors import Invalid
from crds.paths import get
from crds.refs import ANALYSIS_TEMPLATE, CLUSTER_ANALYSIS_TEMPLATE, Ref
from crds.steps import RunAnalysis
from rollouts.orders import canary_pods, enough, step_weight
from rollouts.progress import at_analysis, on_the_way, remember, this_run, this_step_run
from rollouts.world import Trouble, World
from tidegate.planners.needs import Absent, Answers, Failed, Known, Need, Object, Pending, Samples, known
from tidegate.planners.rollout_world import LET_IT_ANSWER, Given
from tidegate.planners.settings import Settings
from traffic.arms import Services, Subsets

Raw = dict[str, Any]

TEMPLATES = (ANALYSIS_TEMPLATE, CLUSTER_ANALYSIS_TEMPLATE)
EVERY = timedelta(seconds=10)
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
WINDOW = 300.0


class Metrics(msgspec.Struct, frozen=True):
    """The run to start, or what is wrong with its counters; `asking` while that is not known."""

    inline: Inline | None = None
    trouble: Trouble | None = None
    asking: bool = False


def catalogue_needs(given: Given, settings: Settings) -> tuple[Need, ...]:
    return (Object(settings.catalogue_ref),) if given.analysis and given.analysis.metrics else ()


def at_its_step(given: Given, world: World) -> World:
    """The world as background analysis sees it: before `startingStep` nobody judges the canary."""
    first = (given.analysis and given.analysis.starting_step) or 0
    if not first or remember(world).step >= first:
        return world
    return replace(world, ask=replace(world.ask, judged=False))


def preflight_needs(given: Given, world: World, answers: Answers, settings: Settings) -> tuple[Need, ...]:
    """The templates of a run not yet started; and the stable arm's requests, while the canary waits for its
    first, with what there is where there are none."""
    templates = (
        *(_template_needs(given.analysis, given, answers) if _may_start(world) else ()),
        *_template_needs(_step_to_start(world), given, answers),
    )
    if not _about_to_start(world):
        return templates
    try:
        asked = tuple(need for need, _ in _stable_totals(given, world, answers, settings))
    except Invalid:
        return templates
    return (
        *templates,
        *asked,
        *(wide for need in asked if answers.get(need) == Known(()) and (wide := _wider(need))),
    )


def metrics(given: Given, world: World, answers: Answers, settings: Settings) -> Metrics:
    """What `rollouts` must know of the analysis in this look."""
    analysis = given.analysis
    if analysis is None:
        return Metrics()
    try:
        templates = _of_templates(analysis, given, world, answers) if _may_start(world) else Metrics()
        catalogue = _of_catalogue(given, world, answers, settings)
        inline = _both(templates.inline, catalogue.inline)
    except Invalid as problem:
        return Metrics(trouble=Trouble("AnalysisInvalid", str(problem)))
    return Metrics(
        inline=None if templates.asking else inline,
        trouble=templates.trouble or catalogue.trouble,
        asking=templates.asking or catalogue.asking,
    )


def step_metrics(given: Given, world: World, answers: Answers) -> Metrics:
    """The run of the analysis step that the walk stands at, if it is not there yet."""
    analysis = _step_to_start(world)
    judged = _of_templates(analysis, given, world, answers) if analysis else Metrics()
    for metric in judged.inline.spec["metrics"] if judged.inline else ():
        if metric.get("interval") and not metric.get("count"):
            fix = "has an interval and no count, so the step would never end; write its count"
            return Metrics(trouble=Trouble("TemplateInvalid", f"metric {metric['name']!r} {fix}"))
    return judged


def _step_to_start(world: World) -> RolloutAnalysis | None:
    memory = remember(world)
    walking = on_the_way(world.ask, memory) and not (memory.abort or memory.promote_full)
    if not walking or not at_analysis(world.ask, memory) or this_step_run(world, memory):
        return None
    step = world.ask.steps[memory.step]
    return step.analysis if isinstance(step, RunAnalysis) else None


def _both(one: Inline | None, other: Inline | None) -> Inline | None:
    return joined(one, other) if one and other else one or other


def _of_catalogue(given: Given, world: World, answers: Answers, settings: Settings) -> Metrics:
    """The run of the inline metrics, and whether their stable arm's series are there."""
    analysis = given.analysis
    if analysis is None or (analysis.templates and not analysis.metrics):
        return Metrics()
    try:
        inline = run_for(analysis, _catalogue(answers, settings), _arm(given, world, stable=False))
        asked = _stable_totals(given, world, answers, settings) if _about_to_start(world) else ()
    except Invalid as problem:
        return Metrics(trouble=Trouble("CatalogueInvalid", str(problem)))
    found = [_seen(need, metric, answers) for need, metric in asked]
    trouble = next((one for one in found if isinstance(one, Trouble)), None)
    return Metrics(inline, trouble, asking=any(one is None for one in found))


def _of_templates(analysis: RolloutAnalysis, given: Given, world: World, answers: Answers) -> Metrics:
    """The run of the templates, once they are all there."""
    if not analysis.templates:
        return Metrics()
    try:
        asked = _templates(analysis, given, answers)
        missing = [_missing(one, answers) for one in asked]
        if any(missing):
            return Metrics(trouble=next(one for one in missing if one))
        found = _found([one.ref for one in asked], answers)
        if len(found) < len(asked):
            return Metrics(asking=True)
        metadata = get(given.raw, "metadata", default={})
        around = Surroundings(metadata, stable=world.memory.stable, latest=world.ask.pod_hash)
        return Metrics(run_spec(analysis, found, around))
    except Invalid as problem:
        return Metrics(trouble=Trouble("TemplateInvalid", str(problem)))


def _template_needs(analysis: RolloutAnalysis | None, given: Given, answers: Answers) -> tuple[Need, ...]:
    if analysis is None:
        return ()
    try:
        return tuple(Object(one.ref) for one in _templates(analysis, given, answers))
    except Invalid:
        return tuple(need for need in answers if isinstance(need, Object) and need.ref.kind in TEMPLATES)


def _templates(analysis: RolloutAnalysis, given: Given, answers: Answers) -> tuple[Wanted, ...]:
    refs = [need.ref for need in answers if isinstance(need, Object) and need.ref.kind in TEMPLATES]
    return wanted(analysis, given.namespace, _found(refs, answers))


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
    memory = remember(world)
    return (
        world.judged
        and on_the_way(world.ask, memory)
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


def _stable_totals(
    given: Given, world: World, answers: Answers, settings: Settings
) -> tuple[tuple[Samples, str], ...]:
    metrics = given.analysis.metrics if given.analysis else ()
    catalogue, arm = _catalogue(answers, settings), _arm(given, world, stable=True)
    at = _asked_at(world)
    counters = [(resolve(catalogue, metric.name, arm), metric.name) for metric in metrics]
    return tuple((Samples(one.address, one.total, WINDOW, at), name) for one, name in counters)


def _wider(need: Samples) -> Samples | None:
    selector = wider(need.selector)
    return replace(need, selector=selector) if selector else None


def _asked_at(world: World) -> datetime:
    """When the arms came to stand, and then every while: the same question until it is due again."""
    since = world.memory.traffic.arms_since if world.memory.traffic else EPOCH
    return since + (world.now - since) // EVERY * EVERY


def _seen(need: Samples, metric: str, answers: Answers) -> Trouble | bool | None:
    """Trouble, True where the series are there, None while the answer is on its way."""
    match answers.get(need, Pending()):
        case Known(value) if value:
            return True
        case Known():
            wide = _wider(need)
            if wide and isinstance(answers.get(wide, Pending()), Pending):
                return None
            found = known(answers, wide, ()) if wide else ()
            return Trouble("NoSeries", f"{metric}: {not_ready(need.selector, need.address, found)}")
        case Failed(why):
            return Trouble("Unreachable", f"{metric}: {need.address}: {why}; {LET_IT_ANSWER}")
        case _:
            return None


def _catalogue(answers: Answers, settings: Settings) -> Catalogue:
    """Raises Invalid, naming the entry, where the ConfigMap cannot be read."""
    raw = known(answers, Object(settings.catalogue_ref), {})
    where = str(settings.catalogue_ref)
    data = {name: _yaml(text, f"{where} data.{name}") for name, text in get(raw, "data", default={}).items()}
    return read(data, settings.prometheus)


def _yaml(text: str, path: str) -> Any:
    try:
        return msgspec.yaml.decode(text)
    except msgspec.DecodeError as problem:
        raise Invalid(path, f"is not YAML: {problem}") from None


def _arm(given: Given, world: World, *, stable: bool) -> Arm:
    """One arm as the counters may know it: by its pods, by its subset, or by its Service."""
    service, subset = world.seen.host if world.seen else "", ""
    match given.istio.arms if given.istio else None:
        case Services() as arms:
            service = arms.stable if stable else arms.canary
        case Subsets() as arms:
            subset = arms.stable if stable else arms.canary
    pods = world.memory.stable if stable else world.ask.pod_hash
    return Arm(given.namespace, given.name, service=service, subset=subset, hash=pods)
