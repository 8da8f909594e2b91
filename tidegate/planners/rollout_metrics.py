"""The counters behind a Rollout's inline analysis: which they are, and whether anyone would see them move.

Before the first request goes to the canary, the stable arm's series must be there: if the catalogue looks
in the wrong place, that is found out while nothing depends on it.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
from msgspec.structs import replace

from analysis.catalogue import Arm, Catalogue, read, resolve
from analysis.inline import Inline, run_for
from analysis.preflight import not_ready, wider
from crds.errors import Invalid
from crds.paths import get
from rollouts.progress import on_the_way, pods_for, remember, step_weight, this_run
from rollouts.world import Trouble, World
from tidegate.planners.needs import Answers, Failed, Known, Need, Object, Pending, Samples, known
from tidegate.planners.rollout_world import LET_IT_ANSWER, Given
from tidegate.planners.settings import Settings
from traffic.arms import Services, Subsets

Raw = dict[str, Any]

EVERY = timedelta(seconds=10)
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
WINDOW = 300.0


class Metrics(msgspec.Struct, frozen=True):
    """The run to start, or what is wrong with its counters; `asking` while that is not known."""

    inline: Inline | None = None
    trouble: Trouble | None = None
    asking: bool = False


def catalogue_needs(given: Given, settings: Settings) -> tuple[Need, ...]:
    return (Object(settings.catalogue_ref),) if given.analysis else ()


def preflight_needs(given: Given, world: World, answers: Answers, settings: Settings) -> tuple[Need, ...]:
    """The stable arm's requests, while the canary waits for its first; what there is where there are none."""
    if not _about_to_start(world):
        return ()
    try:
        asked = tuple(need for need, _ in _stable_totals(given, world, answers, settings))
    except Invalid:
        return ()
    return (*asked, *(wide for need in asked if answers.get(need) == Known(()) and (wide := _wider(need))))


def metrics(given: Given, world: World, answers: Answers, settings: Settings) -> Metrics:
    """What `rollouts` must know of the analysis in this look."""
    analysis = given.analysis
    if analysis is None:
        return Metrics()
    try:
        inline = run_for(analysis, _catalogue(answers, settings), _arm(given, world, stable=False))
        asked = _stable_totals(given, world, answers, settings) if _about_to_start(world) else ()
    except Invalid as problem:
        return Metrics(trouble=Trouble("CatalogueInvalid", str(problem)))
    found = [_seen(need, metric, answers) for need, metric in asked]
    trouble = next((one for one in found if isinstance(one, Trouble)), None)
    return Metrics(inline, trouble, asking=any(one is None for one in found))


def _about_to_start(world: World) -> bool:
    """Pods stand and nothing measures them yet: the moment to look whether the counters are there."""
    memory = remember(world)
    ordered = step_weight(world.ask, memory)
    return (
        world.ask.judged
        and on_the_way(world.ask, memory)
        and not (memory.abort or memory.promote_full or memory.overridden)
        and ordered > 0
        and this_run(world, memory) is None
        and (not world.ask.routed or world.available(world.new) >= pods_for(ordered, world.ask.replicas))
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
