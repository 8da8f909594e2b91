"""Turns what was decided for a Rollout into writes: each with a derived name or a precondition.

Repeating any of them does no harm: a ReplicaSet is named after its hash, a route is patched only from the
version that was seen, a run is named after its revision and attempt.
"""

from __future__ import annotations

from typing import Any, assert_never

from analysis.inline import Inline
from analysis.run import EXPECTS_TRAFFIC
from crds import ephemeral, paths
from crds.meta import Metadata
from crds.refs import ANALYSIS_RUN, HASH_LABEL, POD, REPLICA_SET, ROLLOUT, SHARD, Kind, Ref
from crds.steps import RunAnalysis
from crds.times import rfc3339
from rollouts.actions import (
    Action,
    CreateReplicaSet,
    Evict,
    ExpectTraffic,
    Forget,
    LeaveAt,
    OnAnalysis,
    OnPods,
    OnTraffic,
    Point,
    Renumber,
    Route,
    Scale,
    StartAnalysis,
    StopAnalysis,
)
from tidegate.planners import plan
from tidegate.planners.needs import Answers, Object, known
from tidegate.planners.plan import Create, Delete, JsonPatch, MergePatch, Write
from tidegate.planners.rollout_metadata import metadata_of
from tidegate.planners.rollout_name import run_name
from tidegate.planners.rollout_upkeep import copied
from tidegate.planners.rollout_world import (
    ATTEMPT,
    DESIRED,
    HISTORY,
    LEAVE_AT,
    REVISION,
    STEP_INDEX,
    STEPS,
    STOPPED,
    Given,
    replica_sets,
)
from traffic import arms, istio

Raw = dict[str, Any]


def writes(given: Given, action: Action, answers: Answers, inline: Inline | None) -> tuple[Write, ...]:
    """The writes of one action; () where what it orders already stands."""
    if isinstance(action, OnPods):
        return (_on_pods(given, action, answers),)
    if isinstance(action, OnTraffic):
        return _on_traffic(given, action, answers)
    return _on_analysis(given, action, answers, inline)


def _on_pods(given: Given, action: OnPods, answers: Answers) -> Write:
    match action:
        case CreateReplicaSet(hash=pod_hash, revision=revision):
            return _create_replica_set(given, pod_hash, revision)
        case Renumber():
            return _renumber(given, action, answers)
        case Forget(name=name, uid=uid):
            return Delete(Ref(REPLICA_SET, given.namespace, name), uid)
        case Scale():
            return _scale(given, action, answers)
        case Evict(name=name, uid=uid):
            return plan.Evict(Ref(POD, given.namespace, name), uid)
        case LeaveAt(name=name, at=at):
            return _annotate(given, REPLICA_SET, name, LEAVE_AT, rfc3339(at) if at else None)
        case never:
            assert_never(never)


def _renumber(given: Given, action: Renumber, answers: Answers) -> Write:
    """The revisions it had before stay said, oldest first."""
    meta = _meta(given, action.name, answers)
    before = [paths.get(meta, "annotations", key, default="") for key in (HISTORY, REVISION)]
    now = {REVISION: str(action.revision), HISTORY: ",".join(filter(None, before)) or None}
    return MergePatch(Ref(REPLICA_SET, given.namespace, action.name), {"metadata": {"annotations": now}})


def _scale(given: Given, action: Scale, answers: Answers) -> MergePatch:
    """Pods are taken only from the ReplicaSet that was seen: a write that was long on its way takes none from
    one that is needed again."""
    meta: Raw = {"annotations": {DESIRED: str(given.rollout.spec.replicas)}}
    if action.replicas < action.was:
        meta["resourceVersion"] = _meta(given, action.name, answers)["resourceVersion"]
    body = {"metadata": meta, "spec": {"replicas": action.replicas}}
    return MergePatch(Ref(REPLICA_SET, given.namespace, action.name), body)


def _meta(given: Given, name: str, answers: Answers) -> Raw:
    metas = (raw["metadata"] for raw in replica_sets(given, answers))
    return next(meta for meta in metas if meta["name"] == name)


def _on_traffic(given: Given, action: OnTraffic, answers: Answers) -> tuple[Write, ...]:
    refs = given.istio.refs if given.istio else given.arms.refs
    objects = {ref: known(answers, Object(ref)) for ref in refs}
    match action:
        case Route(weight=weight):
            assert given.istio, "only a router has weights"
            patches = istio.route(given.istio, objects, weight)
        case Point(stable=stable, canary=canary):
            patches = arms.point(given.arms, objects, (stable, canary), given.name)
        case never:
            assert_never(never)
    return tuple(JsonPatch(ref, operations) for ref, operations in patches)


def _on_analysis(
    given: Given, action: OnAnalysis, answers: Answers, inline: Inline | None
) -> tuple[Write, ...]:
    match action:
        case StartAnalysis():
            name = run_name(given, action, answers)
            return (_start(given, inline, action, name),) if inline else ()
        case ExpectTraffic(run=run, since=since):
            return (_annotate(given, ANALYSIS_RUN, run, EXPECTS_TRAFFIC, rfc3339(since)),)
        case StopAnalysis(run=run, unasked=unasked):
            noted = {"metadata": {"annotations": {STOPPED: "true"}}} if unasked else {}
            told = {**noted, "spec": {"terminate": True}}
            return (MergePatch(Ref(ANALYSIS_RUN, given.namespace, run), told),)
        case never:
            assert_never(never)


def owner(given: Given) -> Raw:
    return {
        "apiVersion": ROLLOUT.api_version,
        "kind": ROLLOUT.kind,
        "name": given.name,
        "uid": given.rollout.metadata.uid,
        "controller": True,
        "blockOwnerDeletion": True,
    }


def adopt(given: Given, orphan: Raw) -> Write:
    """Take over a ReplicaSet that nobody owns, as it was when it was seen."""
    meta = {"resourceVersion": orphan["metadata"]["resourceVersion"], "ownerReferences": [owner(given)]}
    return MergePatch(Ref(REPLICA_SET, given.namespace, orphan["metadata"]["name"]), {"metadata": meta})


def _create_replica_set(given: Given, pod_hash: str, revision: int) -> Create:
    name = f"{given.name}-{pod_hash}"
    own, stable = given.rollout.spec.template, given.rollout.status.stable_rs
    labels = {**paths.get(own, "metadata", "labels", default={}), HASH_LABEL: pod_hash}
    template = paths.put(own, ("metadata", "labels"), labels)
    carries = ephemeral.fitting(template, metadata_of(given, stable, pod_hash, pod_hash))
    said = ephemeral.annotation(carries)
    selector = paths.get(given.raw, "spec", "selector", default={})
    matched = {**selector.get("matchLabels", {}), HASH_LABEL: pod_hash}
    body = {
        "apiVersion": REPLICA_SET.api_version,
        "kind": REPLICA_SET.kind,
        "metadata": {
            "name": name,
            "namespace": given.namespace,
            "labels": labels,
            "annotations": {
                **copied(given),
                REVISION: str(revision),
                DESIRED: str(given.rollout.spec.replicas),
                **({ephemeral.EPHEMERAL: said} if said else {}),
            },
            "ownerReferences": [owner(given)],
        },
        "spec": {
            "replicas": 0,
            "minReadySeconds": given.rollout.spec.min_ready_seconds,
            "selector": {**selector, "matchLabels": matched},
            "template": ephemeral.beside(template, carries),
        },
    }
    return Create(Ref(REPLICA_SET, given.namespace, name), body)


def _annotate(given: Given, kind: Kind, name: str, key: str, value: str | None) -> MergePatch:
    return MergePatch(Ref(kind, given.namespace, name), {"metadata": {"annotations": {key: value}}})


def _start(given: Given, inline: Inline, start: StartAnalysis, name: str) -> Create:
    theirs = _asked_metadata(given, start)
    meta = {
        "name": name,
        "namespace": given.namespace,
        "labels": {**theirs.labels, **_run_labels(given), **_kind_labels(start), HASH_LABEL: start.hash},
        "annotations": {**theirs.annotations, **_occasion(given, start)},
        "ownerReferences": [owner(given)],
    }
    kind = {"apiVersion": ANALYSIS_RUN.api_version, "kind": ANALYSIS_RUN.kind}
    return Create(Ref(ANALYSIS_RUN, given.namespace, name), {**kind, "metadata": meta, "spec": inline.spec})


def _occasion(given: Given, start: StartAnalysis) -> dict[str, str]:
    """What it is to judge: a revision, an attempt, and the steps if it is the run of one."""
    steps = {} if start.step is None else {STEPS: given.step_hash}
    return {REVISION: str(start.revision), ATTEMPT: str(start.attempt), **steps}


def _asked_metadata(given: Given, start: StartAnalysis) -> Metadata:
    step = None if start.step is None else given.steps[start.step]
    analysis = step.analysis if isinstance(step, RunAnalysis) else given.analysis
    return analysis.analysis_run_metadata if analysis else Metadata()


def _kind_labels(start: StartAnalysis) -> dict[str, str]:
    if start.step is None:
        return {"rollout-type": "Background"}
    return {"rollout-type": "Step", STEP_INDEX: str(start.step)}


def _run_labels(given: Given) -> dict[str, str]:
    """A run belongs to the same controller as its Rollout."""
    labels, matched = given.rollout.metadata.labels, paths.get(given.raw, "spec", "selector", "matchLabels")
    shard = {SHARD: labels[SHARD]} if SHARD in labels else {}
    return {**(matched or {}), **shard}
