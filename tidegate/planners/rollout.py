"""What is written for a Rollout: the decision of `rollouts`, the counters of `analysis` and the patches of
`traffic`, composed into one plan.

A spec that is wrong, or that asks for what is not acted on yet, is held (`rollout_held`).
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from msgspec.structs import replace

from analysis.retention import Past, surplus
from crds import paths
from crds.pruning import KEPT, OURS, annotation
from crds.refs import ANALYSIS_RUN, HASH_LABEL, ROLLOUT, Ref, ref_of
from crds.support import ignored
from crds.times import parse as parse_time
from rollouts.actions import Decision, OnTraffic, StartAnalysis
from rollouts.conditions import REFUSED, Says
from rollouts.plan import plan as decide
from rollouts.promptness import may_wait_until
from rollouts.settling import settled_at, settling
from rollouts.status import report
from rollouts.world import Trouble, World
from tidegate.planners.freeze import freeze_need, frozen, in_a_freeze
from tidegate.planners.needs import (
    Absent,
    Answers,
    Failed,
    Known,
    Need,
    Object,
    Pending,
    Pruned,
    Refusal,
    known,
)
from tidegate.planners.plan import Delete, Event, Evict, MergePatch, Plan, Write
from tidegate.planners.rollout_blame import blame, blame_needs
from tidegate.planners.rollout_held import Held, held_needs, held_plan, hold, recorded
from tidegate.planners.rollout_metadata import metadata_needs, metadata_writes
from tidegate.planners.rollout_metrics import (
    Look,
    at_its_step,
    metrics,
    preflight_needs,
    step_metrics,
)
from tidegate.planners.rollout_name import collided, name_needs
from tidegate.planners.rollout_news import Judged, news
from tidegate.planners.rollout_note import Note, note_of
from tidegate.planners.rollout_reading import Reader
from tidegate.planners.rollout_restart import aged, ready, restart_needs
from tidegate.planners.rollout_rival import CONFLICT, WORDS, rival_until
from tidegate.planners.rollout_traffic import claims, taken_away
from tidegate.planners.rollout_upkeep import upkeep
from tidegate.planners.rollout_world import (
    PODS_EVERY,
    Given,
    defaults,
    look,
    orphans,
    own,
    pods_asked_from,
    pods_of,
)
from tidegate.planners.rollout_writes import adopt, writes
from tidegate.planners.settings import Settings

Raw = dict[str, Any]


class RolloutPlanner:
    """Plans for Rollouts; the same answers at the same `now` give the same plan."""

    kind = ROLLOUT

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._reader = Reader()
        self._last: tuple[Given, Answers, datetime, World] | None = None

    def needs(self, raw: Raw, answers: Answers, now: datetime) -> tuple[Need, ...]:
        """What must be seen; more is asked once the first answers are there."""
        here = self._reader.read(raw)
        if isinstance(here, Held):
            return held_needs(here, raw)
        if here.leaving:
            return ()
        ref = ref_of(ROLLOUT, raw)
        first = (*own(here), Refusal(ref), Pruned(ref), freeze_need(self._settings))
        first = (*first, *claims(here.rollout, here.arms, answers))
        if not all(isinstance(answers.get(need), Known) for need in own(here)[:3]):
            return first
        first = (*first, *defaults(here, answers))
        world = self._look(here, answers, now)
        first = (*first, *name_needs(here, world), *restart_needs(here, world, answers))
        first = (*first, *metadata_needs(here, world, answers))
        sight = Look(here, world, answers, self._settings)
        return (*first, *pods_of(here, world), *preflight_needs(sight), *blame_needs(sight))

    def plan(self, raw: Raw, answers: Answers, now: datetime) -> Plan:
        """The writes of this look, the status last."""
        if until := rival_until(raw, now):
            told = Event(raw, CONFLICT, WORDS, warning=True)
            return Plan(wake_at=until, why=f"{CONFLICT}: {WORDS}", events=(told,))
        here = self._reader.read(raw)
        if isinstance(here, Held):
            return held_plan(here, raw, answers, now)
        if here.leaving:
            return Plan(why="it is being deleted, and what it has made goes or stays as that orders")
        if not _seen_enough(here, answers, self._settings):
            return _waiting(here, answers, now)
        if unowned := orphans(here, answers):
            return Plan(
                tuple(adopt(here, raw) for raw in unowned), why="adopting ReplicaSets without an owner"
            )
        world = self._look(here, answers, now)
        if another := collided(here, world, answers):
            return another
        sight = Look(here, world, answers, self._settings)
        judged, step = metrics(sight), step_metrics(sight)
        world = replace(
            world,
            metrics=judged.trouble or step.trouble,
            asking=judged.asking or step.asking,
            ignored=(*ignored(here.rollout), *(f"{path} (no quantity)" for path in here.dropped)),
            aged=aged(here, world, answers),
            ready=ready(here, world, answers),
            blame=blame(sight),
            refused=known(answers, Refusal(ref_of(ROLLOUT, raw)), ""),
        )
        return _compose(here, world, answers, (judged, step))

    def _look(self, here: Given, answers: Answers, now: datetime) -> World:
        """The last look again where nothing else was asked: needs and plan see the same."""
        if self._last is None or self._last[0] is not here or self._last[1:3] != (answers, now):
            world = at_its_step(here, look(here, answers, now))
            world = in_a_freeze(world, frozen(answers, self._settings))
            self._last = (here, dict(answers), now, world)  # a copy: the asker goes on adding answers
        return self._last[3]


def _seen_enough(here: Given, answers: Answers, settings: Settings) -> bool:
    """Deciding on half a look could create twice what is there, or begin what is frozen."""
    waited = (freeze_need(settings), *map(Object, here.routes))
    if any(isinstance(answers.get(need), Pending) for need in waited):
        return False
    named = () if here.istio else map(Object, here.arms.refs)
    return all(isinstance(answers.get(need), Known) for need in own(here)[:3]) and all(
        isinstance(answers.get(need), Known | Absent) for need in (*defaults(here, answers), *named)
    )


def _waiting(here: Given, answers: Answers, now: datetime) -> Plan:
    """What the API server does not show, and may never do, is told."""
    asked = (answers.get(need) for need in defaults(here, answers))
    why = next((one.why for one in asked if isinstance(one, Failed)), "")
    if not why:
        return Plan(why="waiting for the first look at its ReplicaSets and runs")
    fix = "let it create podtemplates, as a dry run"
    words = f"spec.template: whether its pods stand already cannot be told: {why}; mend it, or {fix}"
    return hold(here.raw, Says(REFUSED, True, REFUSED, words), now)


def _compose(here: Given, world: World, answers: Answers, judged: Judged) -> Plan:
    """The status comes last, unless it tells of a write that would stop the plan again; evictions, which no
    name makes repeatable, come after it."""
    decision = decide(world)
    acted: list[Write] = [*_rescued(here, world, decision, answers)]
    for action in decision.actions:
        of_step = isinstance(action, StartAnalysis) and action.step is not None
        acted += writes(here, action, answers, judged[of_step].inline)
    acted += (*metadata_writes(here, world, answers), *upkeep(here, world, answers))
    acted += _outlived(here, world, answers)
    pruned: tuple[str, ...] = known(answers, Pruned(ref_of(ROLLOUT, here.raw)), ())
    reported = _reported(here, world, decision)
    now_is = {key: value for key, value in reported.items() if key == OURS or key not in pruned}
    was: Raw = paths.get(here.raw, "status", default={})
    since, later = _kept_back(world, decision, (was, now_is), note_of(here.rollout.metadata, answers))
    record = () if later else _recorded(here, was, now_is, pruned)
    evicted = tuple(write for write in acted if isinstance(write, Evict))
    other = tuple(write for write in acted if not isinstance(write, Evict))
    return Plan(
        writes=(*record, *acted) if world.refused else (*other, *record, *evicted),
        wake_at=_wake(here, world, decision, later),
        why=decision.why,
        events=news(here.raw, now_is, decision, acted, judged),
        noticed=Note(decision.memory.traffic, since),
    )


def _rescued(here: Given, world: World, decision: Decision, answers: Answers) -> tuple[Write, ...]:
    """What an abort can still take away from the canary where the router cannot be read as a whole; from a
    stable that had shrunk it waits until that is whole again."""
    if not (here.istio and decision.memory.abort and isinstance(world.traffic, Trouble)):
        return ()
    stable = decision.memory.stable
    small = world.available(world.revision_of(stable)) < world.ask.replicas
    return () if world.ask.dynamic and small else taken_away(here.istio, stable, answers)


def _kept_back(
    world: World, decision: Decision, change: tuple[Raw, Raw], note: Note | None
) -> tuple[datetime, datetime] | tuple[None, None]:
    """Since when and until when the status keeps news back; None where there is none or it is told now."""
    was, now_is = change
    since = (note and note.unsaid_since) or world.now
    settled = _settled_at(world, decision)
    later = may_wait_until(was, now_is, world.now, since, settled) if was != now_is else None
    return (since, later) if later else (None, None)


def _settled_at(world: World, decision: Decision) -> datetime | None:
    """When the router will have settled on what it was seen to say, or on what it is about to be told."""
    moved = any(isinstance(action, OnTraffic) for action in decision.actions)
    moments = settling(world, decision.memory)
    return settled_at(world, world.now) if moved else max(moments, default=None)


def _outlived(here: Given, world: World, answers: Answers) -> tuple[Delete, ...]:
    """Ended runs beyond those the Rollout keeps; what the canary is judged by now is not among them."""
    raws = {raw["metadata"]["name"]: raw for raw in known(answers, own(here)[2], ())}
    judging = {run.name for run in (world.run, *world.step_runs) if run}
    revisions = {pods.hash for pods in world.pods}
    keeps = here.rollout.spec.analysis
    gone = surplus(
        (_past(raw, judging, revisions) for raw in raws.values()),
        keeps.successful_run_history_limit,
        keeps.unsuccessful_run_history_limit,
    )
    return tuple(
        Delete(Ref(ANALYSIS_RUN, here.namespace, name), raws[name]["metadata"]["uid"]) for name in gone
    )


def _past(raw: Raw, judging: set[str], revisions: set[str]) -> Past:
    meta = raw["metadata"]
    judged = paths.get(meta, "labels", HASH_LABEL)
    return Past(
        name=meta["name"],
        created=parse_time(meta.get("creationTimestamp", "1970-01-01T00:00:00Z")),
        phase=paths.get(raw, "status", "phase", default=""),
        needed=meta["name"] in judging,
        revision_kept=judged is None or judged in revisions,
    )


def _reported(here: Given, world: World, decision: Decision) -> Raw:
    """The whole status as it is now."""
    was: Raw = paths.get(here.raw, "status", default={})
    return report(world, decision.memory, here.rollout.status, was) | {
        "observedGeneration": str(here.rollout.metadata.generation),
        "selector": str(here.rollout.spec.selector or ""),
    }


def _recorded(here: Given, was: Raw, now_is: Raw, pruned: tuple[str, ...]) -> tuple[Write, ...]:
    """The status; our part of it goes first, into an annotation, where the CRD does not keep it."""
    if OURS not in pruned and KEPT not in here.rollout.metadata.annotations:
        return recorded(here.raw, was, now_is)
    theirs = (paths.drop(one, (OURS,)) for one in (was, now_is))
    return (*_annotated(here, annotation(now_is.get(OURS))), *recorded(here.raw, *theirs))


def _annotated(here: Given, memory: str | None) -> tuple[MergePatch, ...]:
    meta = here.rollout.metadata
    if meta.annotations.get(KEPT) == memory:
        return ()
    body = {"metadata": {"resourceVersion": meta.resource_version, "annotations": {KEPT: memory}}}
    return (MergePatch(ref_of(ROLLOUT, here.raw), body),)


def _wake(here: Given, world: World, decision: Decision, later: datetime | None) -> datetime | None:
    moments = [moment for moment in (decision.look_again, later) if moment]
    if since := pods_asked_from(here, world):
        moments.append(since if world.now < since else world.now + PODS_EVERY)
    return min(moments, default=None)
