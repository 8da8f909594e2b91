"""What is told of a look at a Rollout: the news of the decision, and what its status and writes show.

Told where the status turns, so each once: a verdict and trouble when they come into the status, a router's
object when it is written.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from crds.paths import get
from crds.refs import DESTINATION_RULE, SERVICE, VIRTUAL_SERVICE
from rollouts.actions import Decision, StartAnalysis, Told
from rollouts.conditions import INVALID, NOT_CREATED
from tidegate.planners.plan import Event, JsonPatch, Write
from tidegate.planners.rollout_metrics import Metrics

Raw = dict[str, Any]

WEIGHT = "TrafficWeightUpdated"
RUNS = {"currentStepAnalysisRunStatus": "Step", "currentBackgroundAnalysisRunStatus": "Background"}
TOLD_PHASES = ("Running", "Successful", "Failed", "Error", "Inconclusive")
TROUBLES = ("TrafficNotReady", INVALID)
TOLD_BY_REASON = ("VirtualServiceNotFound", "DestinationRuleNotFound", INVALID)
WRITTEN = {
    VIRTUAL_SERVICE: "Updated VirtualService",
    DESTINATION_RULE: "UpdatedDestinationRule",
    SERVICE: "SwitchService",
}
"""Argo's reasons; the space is hers."""

DETAILS = frozenset(
    {"NewReplicaSetCreated", "RolloutNotCompleted", "ScalingReplicaSet", "RolloutResumed", WEIGHT}
) | frozenset(WRITTEN.values())
"""What another Event, a ReplicaSet's own or the status tells as well."""

Judged = tuple[Metrics, Metrics]
"""The runs that may be started: the background's, and that of a step."""


def news(
    raw: Raw, status: Raw, decision: Decision, acted: Iterable[Write], judged: Judged
) -> tuple[Event, ...]:
    """Events of a look at `raw` that decided `decision`, acted so, and is to leave `status`."""
    before: Raw = get(raw, "status", default={})
    told = (
        *_of_runs(before, status),
        *_with_router(decision, acted),
        *_of_person(before, status, decision),
        *_of_trouble(before, status),
        *_notes(decision, judged),
    )
    return tuple(Event(raw, one.reason, one.message, one.warning) for one in told)


def is_milestone(event: Event) -> bool:
    """Whether it is told where only milestones are: steps, pauses, verdicts, ends, whatever goes wrong."""
    return event.warning or event.reason not in DETAILS


def _of_runs(before: Raw, after: Raw) -> Iterable[Told]:
    for field, name in RUNS.items():
        was, now = (get(status, "canary", field, default={}) for status in (before, after))
        phase, former = now.get("status"), _former(was, now)
        if phase in TOLD_PHASES and phase != former:
            words = f"{name} Analysis Run '{now['name']}' Status New: '{phase}' Previous: '{former}'"
            yield Told(f"AnalysisRun{phase}", words, phase in ("Failed", "Error"))


def _former(was: Raw, now: Raw) -> str:
    return str(was.get("status", "")) if was.get("name") == now.get("name") else "NoPreviousStatus"


def _with_router(decision: Decision, acted: Iterable[Write]) -> Iterable[Told]:
    """Each object of the router that was written, and then the weight that this made."""
    wrote = [
        Told(WRITTEN[write.ref.kind], f"{write.ref}: {decision.why}")
        for write in acted
        if isinstance(write, JsonPatch) and write.ref.kind in WRITTEN
    ]
    reasons = [told.reason for told in decision.told]
    at = reasons.index(WEIGHT) if WEIGHT in reasons else len(reasons)
    return (*decision.told[:at], *wrote, *decision.told[at:])


def _of_person(before: Raw, after: Raw, decision: Decision) -> Iterable[Told]:
    """`spec.paused` is not remembered, so that its coming and going show in the condition alone."""
    was, now = _paused(before), _paused(after)
    heard = {told.reason for told in decision.told}
    if now and not was and "RolloutPaused" not in heard:
        yield Told("RolloutPaused", "Rollout is paused")
    if was and not now and not after.get("abort") and "RolloutResumed" not in heard:
        yield Told("RolloutResumed", "Rollout is resumed")


def _paused(status: Raw) -> bool:
    said = status.get("conditions", ())
    return any((c.get("type"), c.get("status")) == ("Paused", "True") for c in said)


def _of_trouble(before: Raw, after: Raw) -> Iterable[Told]:
    was = {(c.get("type"), c.get("message")) for c in before.get("conditions", ())}
    for c in after.get("conditions", ()):
        if (c["type"], c.get("message")) in was:
            continue
        if c.get("reason") == NOT_CREATED:
            yield Told(NOT_CREATED, c["message"], True)
        if c["type"] in TROUBLES:
            named = c["reason"] in TOLD_BY_REASON
            yield Told(c["reason"] if named else "TrafficRoutingError", c["message"], True)


def _notes(decision: Decision, judged: Judged) -> Iterable[Told]:
    """With the start of an analysis, what its author should know."""
    for start in (action for action in decision.actions if isinstance(action, StartAnalysis)):
        inline = judged[start.step is not None].inline
        yield from (Told("AnalysisNote", note) for note in (inline.notes if inline else ()))
