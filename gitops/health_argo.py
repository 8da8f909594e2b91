"""Health of Argo's kinds and of SealedSecrets.

Argo CD has none for an Application since 1.8, so its app-of-apps waves wait for nothing; here they do.
"""

from __future__ import annotations

from typing import Any

from crds.application import parse
from crds.application_source import normalised
from crds.application_status import OperationState
from crds.errors import Invalid
from crds.paths import get
from gitops.wellness import HEALTHY, Health, conditions, holds, told

Raw = dict[str, Any]
PHASES = {
    "": "Progressing",
    "Healthy": "Healthy",
    "Paused": "Suspended",
    "Progressing": "Progressing",
    "Degraded": "Degraded",
}
RUNS = {
    "": "Progressing",
    "Pending": "Progressing",
    "Running": "Progressing",
    "Successful": "Healthy",
    "Failed": "Degraded",
    "Error": "Degraded",
    "Inconclusive": "Unknown",
}


def rollout(raw: Raw) -> Health:
    status = get(raw, "status", default={})
    generation = str(get(raw, "metadata", "generation", default=""))
    if str(get(status, "observedGeneration", default="")) != generation:
        return Health("Progressing", "Waiting for rollout spec update to be observed")
    phase, message = get(status, "phase", default=""), str(get(status, "message", default=""))
    return Health(PHASES.get(phase, "Unknown"), message)


def run(raw: Raw) -> Health:
    """An AnalysisRun or an Experiment."""
    phase, message = get(raw, "status", "phase", default=""), str(get(raw, "status", "message", default=""))
    return Health(RUNS.get(phase, "Unknown"), message)


def application(raw: Raw) -> Health:
    said = get(raw, "status", "health", default={})
    return Health(
        str(get(said, "status", default="Progressing")),
        str(get(said, "message", default="" if said else "Waiting for the first comparison")),
    )


def synced(raw: Raw) -> Health | None:
    """Why a child Application is not yet what its spec asks for; None where it is."""
    try:
        child = parse(raw)
    except Invalid as problem:
        return Health("Degraded", str(problem))
    sync, state = child.status.sync, child.status.operation_state or OperationState()
    if child.spec.source and sync.compared_to.source != normalised(child.spec.source):
        return Health("Progressing", "Waiting for its source to be compared")
    if sync.status == "Synced":
        return None
    if child.automated is None:
        return Health("Suspended", "Waiting for a person to sync it")
    if state.sync_result is None or state.sync_result.revision != sync.revision:
        return Health("Progressing", "Waiting for its automated sync")
    return _ended(state)


def _ended(state: OperationState) -> Health | None:
    if state.phase == "Succeeded":
        return None
    failed = state.phase in {"Failed", "Error"}
    return Health("Degraded" if failed else "Progressing", state.message)


def sealed_secret(raw: Raw) -> Health:
    found = conditions(raw).get("Synced")
    if holds(found, "False"):
        return Health("Degraded", told(found))
    return HEALTHY if holds(found) else Health("Progressing", "Waiting for Sealed Secret to be decrypted")
