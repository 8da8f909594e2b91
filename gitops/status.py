"""What is written into an Application's status: what was seen, and the patch that says it.

`reconciledAt` moves only when something else does, so a look that finds nothing new writes nothing. A field
that did not change is not written, and entries of the history stay as whoever wrote them had them.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any

import msgspec
from msgspec.structs import fields, replace

from crds.application import Application
from crds.application_source import Source, normalised
from crds.application_status import (
    AppCondition,
    ApplicationStatus,
    ComparedTo,
    Deployed,
    HealthStatus,
    OperationState,
    ResourceStatus,
    SyncStatus,
)
from crds.patches import merge_diff
from crds.paths import get
from gitops.claims import first_synced_here
from gitops.compare import Compared, Comparison
from gitops.conditions import COMPARISON, SYNC, Said
from gitops.wellness import Health

Raw = dict[str, Any]
OF_ANSWERS = (COMPARISON, SYNC)
"""What is said once every dry run is answered."""


class Look(msgspec.Struct, frozen=True):
    """What one look at an Application found.

    `comparison` is None where none could be made, which `conditions` (type, message) then explain. `state` is
    the operation, the last one too.
    """

    revision: str
    now: datetime
    comparison: Comparison | None = None
    state: OperationState | None = None
    conditions: tuple[Said, ...] = ()
    images: tuple[str, ...] = ()
    source_type: str = ""
    home: str = ""


def status(application: Application, look: Look) -> ApplicationStatus:
    """The status after this look."""
    look = replace(look, now=look.now.replace(microsecond=0))
    old = application.status
    new = replace(
        old,
        conditions=_conditions(old.conditions, _said(old, look), look.now),
        operation_state=look.state or old.operation_state,
        history=_history(application, look),
        controller_namespace=look.home or old.controller_namespace,
        tidegate={"firstSynced": "here", **old.tidegate} if first_synced_here(application) else old.tidegate,
    )
    if look.comparison and look.comparison.pending:
        return new
    return (
        _unknown(new, look) if look.comparison is None else _compared(application, new, look.comparison, look)
    )


def conditioned(old: ApplicationStatus, said: Iterable[Said], now: datetime) -> ApplicationStatus:
    """The status with these conditions, and else as it was."""
    return replace(old, conditions=_conditions(old.conditions, said, now.replace(microsecond=0)))


def patch(raw: Raw, application: Application, new: ApplicationStatus, now: datetime) -> Raw:
    """The merge patch of the status; {} where nothing has changed."""
    changes: Raw = {}
    for field in fields(ApplicationStatus):
        value = getattr(new, field.name)
        if value != getattr(application.status, field.name):
            changes[field.encode_name] = _change(get(raw, "status", field.encode_name), _plain(value))
    if "history" in changes:
        changes["history"] = _kept_history(raw, new)
    if changes:
        changes["reconciledAt"] = _plain(now.replace(microsecond=0))
    return changes


def _plain(value: Any) -> Any:
    """As JSON has it: lists, and times as text."""
    return msgspec.json.decode(msgspec.json.encode(value))


def _change(before: Any, after: Any) -> Any:
    return merge_diff(before, after) if isinstance(before, dict) and isinstance(after, dict) else after


def _kept_history(raw: Raw, new: ApplicationStatus) -> list[Any]:
    """What was written before as it was, and the new entries behind it."""
    written = {get(one, "id", default=0): one for one in get(raw, "status", "history", default=[])}
    return [written.get(one.id, _plain(one)) for one in new.history]


def _unknown(new: ApplicationStatus, look: Look) -> ApplicationStatus:
    sync = replace(new.sync, status="Unknown", revision=look.revision or new.sync.revision)
    return replace(new, sync=sync, health=_health(new.health, Health("Unknown"), look.now))


def _compared(
    application: Application, new: ApplicationStatus, comparison: Comparison, look: Look
) -> ApplicationStatus:
    spec = application.spec
    to = ComparedTo(_source(application), (), spec.destination, spec.ignore_differences)
    resources = tuple(_resource(one) for one in comparison.resources)
    children = any((one.group, one.kind) == ("argoproj.io", "Application") for one in resources)
    return replace(
        new,
        resources=resources,
        sync=SyncStatus(comparison.status, look.revision, compared_to=to),
        health=_health(new.health, comparison.health, look.now),
        summary=replace(new.summary, images=look.images, is_app_of_apps=children),
        source_type=look.source_type or new.source_type,
    )


def _source(application: Application) -> Source | None:
    source = application.spec.source
    return normalised(source) if source else None


def _resource(one: Compared) -> ResourceStatus:
    return ResourceStatus(
        one.key.group,
        one.version,
        one.key.kind,
        one.key.namespace,
        one.key.name,
        status=one.status,
        health=HealthStatus(one.health.status, one.health.message) if one.health else None,
        requires_pruning=one.requires_pruning,
        requires_deletion_confirmation=one.confirm,
        sync_wave=one.wave,
    )


def _health(old: HealthStatus, new: Health, now: datetime) -> HealthStatus:
    turned = old.last_transition_time if old.status == new.status else now
    return HealthStatus(new.status, new.message, turned)


def _said(old: ApplicationStatus, look: Look) -> Iterable[Said]:
    """What is said now; of answers that are still out, what was said before."""
    if not (look.comparison and look.comparison.pending):
        return look.conditions
    kept = ((one.type, one.message) for one in old.conditions if one.type in OF_ANSWERS)
    return (*kept, *(one for one in look.conditions if one[0] not in OF_ANSWERS))


def _conditions(old: Iterable[AppCondition], said: Iterable[Said], now: datetime) -> tuple[AppCondition, ...]:
    """What was said before keeps its time."""
    since = {(one.type, one.message): one.last_transition_time for one in old}
    return tuple(AppCondition(*one, since.get(one, now)) for one in sorted(set(said)))


def _history(application: Application, look: Look) -> tuple[Deployed, ...]:
    """With one more entry when a whole sync has just succeeded."""
    old, before = application.status.history, application.status.operation_state
    if look.state is None or look.state.phase != "Succeeded" or before == look.state:
        return old
    sync, result = look.state.operation.sync, look.state.sync_result
    if sync is None or result is None or sync.dry_run or sync.resources:
        return old
    entry = Deployed(
        max((one.id for one in old), default=-1) + 1,
        result.revision,
        source=result.source,
        deploy_started_at=look.state.started_at,
        deployed_at=look.state.finished_at,
        initiated_by=look.state.operation.initiated_by,
    )
    limit = application.spec.revision_history_limit
    return (*old, entry)[-limit:] if limit else ()
