"""What is written for an Application: the decision of `gitops`, as writes, and its one patch of itself last.

Only Applications in one namespace, `home`, are looked at; nothing happens to one whose author says
`skip-reconcile`. A spec that cannot be read is told in a condition, and nothing else is written.
"""

from __future__ import annotations

from datetime import datetime
from typing import assert_never

from msgspec.structs import replace

from crds.application import Application
from crds.errors import Invalid
from crds.patches import merged
from crds.paths import get, put
from crds.refs import APPLICATION, NAMESPACE, Ref, ref_of
from crds.times import rfc3339
from gitops import actions
from gitops.conditions import INVALID
from gitops.plan import plan, record
from gitops.refresh import REFRESH, asked, skipped
from tidegate.planners.application_needs import awaited, own_needs
from tidegate.planners.application_neighbours import neighbour_needs
from tidegate.planners.application_reading import Reader, Reading
from tidegate.planners.application_release import PREFLIGHT, arrival, release, release_needs, revertible
from tidegate.planners.application_rival import WORDS, rival_until
from tidegate.planners.application_sight import Sight
from tidegate.planners.application_world import world
from tidegate.planners.freeze import freeze_need, frozen
from tidegate.planners.needs import Answers, Need, Raw
from tidegate.planners.plan import Apply, Delete, Event, JsonPatch, MergePatch, Plan, Push, Write
from tidegate.planners.rollout_rival import CONFLICT
from tidegate.planners.settings import Settings, Site

UNKNOWN = "Unknown"


class ApplicationPlanner:
    """Plans for the Applications of a site."""

    def __init__(self, site: Site, settings: Settings) -> None:
        self._site = site
        self._reader = Reader()
        self._settings = settings

    def needs(self, raw: Raw, answers: Answers, now: datetime) -> tuple[Need, ...]:
        application = self._read(raw)
        if not isinstance(application, Application) or rival_until(raw, now):
            return ()
        sight = Sight(raw, application, answers, self._of(raw))
        found = (
            *own_needs(sight, now),
            *neighbour_needs(sight),
            freeze_need(self._settings),
            *release_needs(sight, now),
        )
        return tuple(dict.fromkeys(found))

    def plan(self, raw: Raw, answers: Answers, now: datetime) -> Plan:
        application = self._read(raw)
        if application is None:
            return Plan(why="not ours")
        if until := rival_until(raw, now):
            told = Event(raw, CONFLICT, WORDS, warning=True)
            return Plan(wake_at=until, why=f"{CONFLICT}: {WORDS}", events=(told,))
        if isinstance(application, Invalid):
            return _unreadable(raw, application, now)
        sight = Sight(raw, application, answers, self._of(raw))
        if need := awaited(sight, now):
            return Plan(why=f"waiting for {type(need).__name__}")
        try:
            return _decided(sight, now, frozen(answers, self._settings))
        except Invalid as problem:  # of what it refers to
            return _unreadable(raw, problem, now)

    def _read(self, raw: Raw) -> Application | Invalid | None:
        """None where it is to be left alone."""
        if get(raw, "metadata", "namespace") != self._site.home:
            return None
        found = self._reader.reading(raw).application(raw)
        return None if isinstance(found, Application) and skipped(found) else found

    def _of(self, raw: Raw) -> tuple[Site, Reading]:
        return self._site, self._reader.reading(raw)


def _decided(sight: Sight, now: datetime, freeze: str) -> Plan:
    seen = replace(world(sight, now), release=replace(release(sight, now), frozen=freeze))
    decision = plan(seen)
    body = record(sight.raw, seen, decision)
    if asked(sight.application):
        body = put(body, ("metadata", "annotations", REFRESH), None)
    events = tuple(Event(sight.raw, reason, text) for reason, text in decision.told)
    writes = [_write(sight, action) for action in decision.actions]
    asked_again = question.at + PREFLIGHT if (question := revertible(sight, now)) else None
    looks = [at for at in (decision.look_again, asked_again) if at]
    return Plan((*writes, *_recorded(sight.raw, body)), min(looks, default=None), decision.why, events)


def _target(sight: Sight, action: actions.Action) -> Ref | None:
    """None where the API server has no such kind."""
    match action:
        case actions.EnsureNamespace(name):
            return Ref(NAMESPACE, "", name)
        case actions.Apply(raw):
            return sight.at(raw)
        case actions.PushRevert():
            return sight.me
        case actions.Remove(key, version) | actions.TakeOver(key, version):
            where = {"name": key.name, "namespace": key.namespace}
            return sight.at({"apiVersion": version, "kind": key.kind, "metadata": where})
    assert_never(action)


def _write(sight: Sight, action: actions.Action) -> Write:
    ref = _target(sight, action)
    assert ref, "only what is served is written"
    match action:
        case actions.EnsureNamespace(name, labels, annotations):
            meta = {"name": name, "labels": labels, "annotations": annotations}
            return Apply(ref, {"apiVersion": "v1", "kind": "Namespace", "metadata": meta})
        case actions.Apply(raw, guard):
            return Apply(ref, put(raw, ("metadata", "resourceVersion"), guard) if guard else raw)
        case actions.Remove(uid=uid, propagation=propagation):
            return Delete(ref, uid, propagation)
        case actions.TakeOver(managed_fields=fields, guard=guard):
            return JsonPatch(ref, _managed(fields, guard))
        case actions.PushRevert(push):
            repo = arrival(sight.application.status.rollback).repo
            return Push(ref, repo, push.commit, push.branch, push.base, push.time)
    assert_never(action)


def _managed(fields: tuple[Raw, ...], guard: str) -> tuple[Raw, ...]:
    return (
        {"op": "test", "path": "/metadata/resourceVersion", "value": guard},
        {"op": "replace", "path": "/metadata/managedFields", "value": list(fields)},
    )


def _recorded(raw: Raw, body: Raw) -> tuple[Write, ...]:
    """On the object itself, for it has no status subresource; never over what others wrote meanwhile."""
    if not body:
        return ()
    versioned = merged(body, {"metadata": {"resourceVersion": get(raw, "metadata", "resourceVersion")}})
    return (MergePatch(ref_of(APPLICATION, raw), versioned),)


def _unreadable(raw: Raw, problem: Invalid, now: datetime) -> Plan:
    """What was said of it before is unknown by now."""
    status = get(raw, "status", default={})
    said, there = {"type": INVALID, "message": str(problem)}, get(status, "conditions", default=[])
    told: Raw = {}
    if [(get(one, "type"), get(one, "message")) for one in there] != [tuple(said.values())]:
        told["conditions"] = [said | {"lastTransitionTime": rfc3339(now)}]
    if get(status, "sync", "status", default=UNKNOWN) != UNKNOWN:
        told["sync"] = {"status": UNKNOWN}
    if get(status, "health", "status", default=UNKNOWN) != UNKNOWN:
        told["health"] = {"status": UNKNOWN, "message": "", "lastTransitionTime": rfc3339(now)}
    body: Raw = {"status": told} if told else {}
    if get(raw, "metadata", "annotations", REFRESH):
        body = put(body, ("metadata", "annotations", REFRESH), None)
    return Plan(_recorded(raw, body), why=str(problem))
