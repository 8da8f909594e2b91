"""What `app sync` writes on an Application, and how its end, or anyone's, is told from the status."""

from __future__ import annotations

from typing import Any

import msgspec

from crds.application_rollback import RELEASE
from crds.paths import get
from gitops.rollback import UNMENDED
from tidegate.views.steering import Refused

Raw = dict[str, Any]
REFRESH = "argocd.argoproj.io/refresh"
RUNNING = ("Running", "Terminating")


class Ask(msgspec.Struct, frozen=True):
    """A sync as people ask for it; `resources` are GROUP:KIND:NAME."""

    revision: str = ""
    prune: bool = False
    dry_run: bool = False
    resources: tuple[str, ...] = ()


class Outcome(msgspec.Struct, frozen=True):
    """`done`: nothing more is to be waited for. `problem` is why that is a failure, "" where it is none."""

    done: bool
    problem: str = ""


def operation_for(raw: Raw, ask: Ask, username: str) -> Raw:
    """The patch that starts a sync. Refused while another is there."""
    name = get(raw, "metadata", "name")
    if get(raw, "operation") or get(raw, "status", "operationState", "phase") in RUNNING:
        raise Refused(f"another operation is in progress on {name}; wait for it: tidegate app wait {name}")
    options = get(raw, "spec", "syncPolicy", "syncOptions", default=[])
    said = {
        "revision": ask.revision,
        "prune": ask.prune,
        "dryRun": ask.dry_run,
        "resources": [_resource(one) for one in ask.resources],
        "syncOptions": options,
    }
    sync = {key: value for key, value in said.items() if value}
    return {"operation": {"sync": sync, "initiatedBy": {"username": username}}}


def refresh(kind: str) -> Raw:
    """The patch that has Git looked at now; `kind` is normal or hard."""
    return {"metadata": {"annotations": {REFRESH: kind}}}


def retried(raw: Raw) -> Raw:
    """The patch that lets the release that is held back be synced again. Refused where none is."""
    name = get(raw, "metadata", "name")
    held = get(raw, "status", "quarantinedRevisions", default=[])
    if not held:
        raise Refused(f"{name} has nothing to retry: none of its revisions is quarantined")
    return {"metadata": {"annotations": {RELEASE: get(held, -1, "rendering")}}}


def synced(raw: Raw, before: Raw) -> Outcome:
    """The end of the sync that was asked for when the Application was as `before`."""
    state = get(raw, "status", "operationState", default={})
    old = get(before, "status", "operationState", "startedAt")
    if get(raw, "operation") or not state or state.get("startedAt") == old or state.get("phase") in RUNNING:
        return Outcome(False)
    bad = state.get("phase") != "Succeeded"
    return Outcome(True, f"{state.get('phase')}: {get(state, 'message', default='')}" if bad else "")


def settled(raw: Raw, revision: str = "") -> Outcome:
    """Synced and well, at `revision` where one is said.

    A sync that failed and objects that are Degraded, as after a release that was rejected, are a failure:
    nothing makes them well by waiting.
    """
    status = get(raw, "status", default={})
    if why := _rejected(status, revision):
        return Outcome(True, why)
    sync, state = get(status, "sync", default={}), get(status, "operationState", default={})
    here = str(get(sync, "revision", default="")).startswith(revision)
    if get(raw, "operation") or state.get("phase") in RUNNING or not here:
        return Outcome(False)
    if state.get("phase") in ("Failed", "Error"):
        return Outcome(True, f"the last sync {state['phase']}: {get(state, 'message', default='')}")
    if get(status, "health", "status") == "Degraded":
        return Outcome(True, f"Degraded: {'; '.join(_degraded(status)) or 'see tidegate app get'}")
    return Outcome((get(sync, "status"), get(status, "health", "status")) == ("Synced", "Healthy"))


def _rejected(status: Raw, revision: str) -> str:
    """Of the revision that is waited for, or of any while it is being taken back: the cluster is well again,
    and what was released is not there."""
    rollback = get(status, "rollback", default={})
    held = get(status, "quarantinedRevisions", default=[])
    if revision:
        bad = next((one for one in held if str(get(one, "revision", default="")).startswith(revision)), None)
        return f"{revision} was rejected: {get(bad, 'reason', default='')}" if bad else ""
    if get(rollback, "phase") not in UNMENDED:
        return ""
    return (
        f"{str(get(rollback, 'from', default=''))[:10]} was rejected: {get(rollback, 'reason', default='')}"
    )


def _degraded(status: Raw) -> list[str]:
    resources = get(status, "resources", default=[])
    found = [one for one in resources if get(one, "health", "status") == "Degraded"]
    return [f"{one['kind']} {one['name']} {get(one, 'health', 'message', default='')}" for one in found]


def _resource(written: str) -> Raw:
    group, kind, name = (*written.split(":"), "", "")[:3]
    if not (kind and name):
        raise Refused(
            f"{written!r} is no object of an Application; write GROUP:KIND:NAME, like apps:Deployment:api"
        )
    return {"group": group, "kind": kind, "name": name}
