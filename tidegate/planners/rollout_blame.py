"""Is the release alone to blame? Asked once it was rejected: how stable was over the same checks.

Where stable is over the limit too, or nobody can tell, something that both share may be at fault, and taking
the release back in Git would mend nothing.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from datetime import datetime
from typing import NamedTuple

from analysis.catalogue import resolve
from analysis.evidence import LOOKBACK, Answered, Evidence, grown, percent
from analysis.run_spec import is_dry, measurable, read_run
from analysis.statistical import Statistical
from crds.analysis import AnalysisRun
from crds.errors import Invalid
from crds.paths import show
from rollouts.memory import Blame
from rollouts.progress import this_run
from rollouts.world import Run, Trouble, World
from tidegate.planners.needs import Answers, Failed, Known, Need, Object, Samples, known
from tidegate.planners.rollout_metrics import Look, arm_of, catalogue_of
from tidegate.planners.rollout_world import own

ANALYSIS, PODS = "analysis", "pods"
UNKNOWN = "nobody can tell how stable was"
ALIKE = "the metrics that failed do not tell the two apart"


class Stable(NamedTuple):
    """A metric that failed, as it counts the stable arm: total, then errors, and since when."""

    metric: Statistical
    total: Samples
    errors: Samples
    since: datetime


def blame_needs(look: Look) -> tuple[Need, ...]:
    """The stable arm's counters behind the metrics that failed."""
    run = _failed(look) if _open(look.world) else None
    return tuple(need for one in _stable(look, run) for need in (one.total, one.errors)) if run else ()


def blame(look: Look) -> Blame | None:
    """None while there is nothing to be blamed for, while that is known, and until it can be."""
    world = look.world
    if not _open(world):
        return None
    if not _bad_runs(world):
        return _of_pods(world)
    run = _failed(look)
    asked = tuple(_stable(look, run)) if run else ()
    if not asked:
        return None if run and _unread(look) else _unknown(_alike(run, world))
    said = [_said(one, look.answers) for one in asked]
    if any(one is None for one in said):
        return None
    well = [one for one in said if one and one.alone]
    return (well or [one for one in said if one])[0]


def _open(world: World) -> bool:
    memory = world.memory
    return bool(memory.abort and memory.verdict and memory.blame is None)


def _bad_runs(world: World) -> tuple[Run, ...]:
    """Of this attempt; the abort has left the step that one of them judged."""
    runs = (*world.step_runs, this_run(world, world.memory))
    return tuple(run for run in runs if run and run.bad)


def _of_pods(world: World) -> Blame:
    stable = world.revision_of(world.memory.stable)
    there, wanted = (stable.available, stable.desired) if stable else (0, 0)
    return Blame(PODS, 0 < wanted <= there, f"stable has {there} of {wanted} pods available")


def _unknown(why: str) -> Blame:
    return Blame(ANALYSIS, False, f"{UNKNOWN}: {why}")


def _alike(run: AnalysisRun | None, world: World) -> str:
    """Why the metrics that failed know no stable arm."""
    return world.traffic.message if run and isinstance(world.traffic, Trouble) else ALIKE


def _unread(look: Look) -> bool:
    """Whether there is something that would tell the arms apart, and may not be read for now."""
    telling = map(Object, (look.settings.catalogue_ref, *look.given.routes))
    return any(isinstance(look.answers.get(need), Failed) for need in telling)


def _failed(look: Look) -> AnalysisRun | None:
    """The run that rejected it; None where it failed for want of answers, or can no more be read."""
    names = [run.name for run in _bad_runs(look.world) if run.phase == "Failed"]
    raws = {raw["metadata"]["name"]: raw for raw in known(look.answers, own(look.given)[2], ())}
    found = next((raws[name] for name in names if name in raws), None)
    with suppress(Invalid):
        return read_run(found) if found else None
    return None


def _stable(look: Look, run: AnalysisRun) -> Iterator[Stable]:
    """The metrics that failed and that tell the arms apart, from the run's first check to its last."""
    phases = {one.name: one.phase for one in run.status.metric_results}
    begun, ended = run.status.started_at, run.status.completed_at
    for at, written in enumerate(run.spec.metrics):
        if phases.get(written.name) != "Failed" or is_dry(run.spec, written.name) or not (begun and ended):
            continue
        metric = measurable(written, show("spec", "metrics", at))
        if isinstance(metric, Statistical) and (counters := _counters(look, metric)):
            since = begun + metric.delay
            window = (ended - since + LOOKBACK).total_seconds()
            errors, total = (Samples(metric.server, one, window, ended) for one in counters)
            yield Stable(metric, total, errors, since)


def _counters(look: Look, metric: Statistical) -> tuple[str, str] | None:
    """Errors and total of the stable arm: by its hash in place of the canary's, or as the catalogue says."""
    new, stable = look.world.ask.pod_hash, look.world.memory.stable
    if new in metric.errors and new in metric.total:
        return metric.errors.replace(new, stable), metric.total.replace(new, stable)
    with suppress(Invalid):
        catalogue = catalogue_of(look)
        mine, other = (resolve(catalogue, metric.name, arm_of(look, stable=one)) for one in (False, True))
        if (mine.errors, mine.total) == (metric.errors, metric.total) and mine.total != other.total:
            return other.errors, other.total
    return None


def _said(one: Stable, answers: Answers) -> Blame | None:
    """None while it is not answered."""
    total, errors = answers.get(one.total), answers.get(one.errors)
    if not (isinstance(total, Known) and isinstance(errors, Known)):
        return None
    limit, at = one.metric.limit, one.total.at
    seen = grown(Evidence(one.since, next_check=at), Answered(total.value, errors.value), limit)
    if not seen.requests:
        return _unknown("it had no requests")
    counted = f"stable had {percent(seen.share)} errors ({seen.errors:.0f} of {seen.requests:.0f})"
    return Blame(ANALYSIS, seen.share <= limit.share, f"{counted} against a limit of {100 * limit.share:g} %")
