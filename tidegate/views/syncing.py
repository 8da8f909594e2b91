"""What `app sync` writes on an Application, and how its end is told from the status."""

from __future__ import annotations

from typing import Any

import msgspec

from crds.application_rollback import RELEASE
from crds.paths import get
from tidegate.views.steering import Refused

Raw = dict[str, Any]
REFRESH = "argocd.argoproj.io/refresh"
RUNNING = ("Running", "Terminating")


class Ask(msgspec.Struct, frozen=True):
    """A sync as people ask for it; `resources` are GROUP:KIND:NAME, or GROUP:KIND:NAMESPACE/NAME."""

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
    return {"operation": {"sync": sync, "initiatedBy": {"username": username}, "info": [_asked_upon(raw)]}}


def refresh(kind: str) -> Raw:
    """The patch that has Git looked at now; `kind` is normal or hard."""
    return {"metadata": {"annotations": {REFRESH: kind}}}


def retried(raw: Raw) -> Raw:
    """The patch that lets the release that is held back be synced again. Refused where none is."""
    name = get(raw, "metadata", "name")
    status = get(raw, "status", default={})
    held, _ = quarantine(status)
    last = held or get(status, "quarantinedRevisions", -1)
    if not last:
        raise Refused(f"{name} has nothing to retry: none of its revisions is quarantined")
    return {"metadata": {"annotations": {RELEASE: get(last, "rendering")}}}


def quarantine(status: Raw) -> tuple[Raw, str]:
    """What of that which Git declares now is held back, and the words for it; nothing where all may go."""
    bads = get(status, "quarantinedRevisions", default=[])
    told = (one for one in get(status, "conditions", default=[]) if get(one, "type") == "QuarantinedRevision")
    for said in (str(get(one, "message", default="")) for one in told):
        for bad in bads:
            digits = str(get(bad, "revision", default=""))[:10]
            if digits and said.startswith(digits):
                return bad, said
    return {}, ""


def synced(raw: Raw, before: Raw) -> Outcome:
    """The end of the sync that was asked for when the Application was as `before`."""
    state = get(raw, "status", "operationState", default={})
    old = get(before, "status", "operationState", "startedAt")
    ours = _asked_upon(before) in get(state, "operation", "info", default=[])
    begun = ours or state.get("startedAt") != old
    if get(raw, "operation") or not state or not begun or state.get("phase") in RUNNING:
        return Outcome(False)
    bad = state.get("phase") != "Succeeded"
    return Outcome(True, f"{state.get('phase')}: {get(state, 'message', default='')}" if bad else "")


def _asked_upon(raw: Raw) -> Raw:
    """Tells this sync from another that began in the same second."""
    return {"name": "asked upon", "value": str(get(raw, "metadata", "resourceVersion", default=""))}


def _resource(written: str) -> Raw:
    group, kind, name = (*written.split(":", 2), "", "")[:3]
    if not (kind and name):
        raise Refused(
            f"{written!r} is no object of an Application; write GROUP:KIND:NAME, like apps:Deployment:api"
        )
    space, _, name = name.rpartition("/")
    return {"group": group, "kind": kind, "name": name} | ({"namespace": space} if space else {})
