"""Two Applications never write one object, and none writes by surprise where another lives.

Argo CD lets the last writer win and warns. Here an object that carries another live Application's tracking id
is refused by name; so is, for an Application first synced by us, an object in a namespace that is not its
own destination and that another Application targets. The Namespace itself may be its parent's.

An object that moves from one to the other is handed over, not deleted and made anew: who has it leaves it to
the one that says Git wants it there, and that takes it once the first wants it no more.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from typing import Any

from crds.application import Application
from gitops.compare import Target
from gitops.objects import Key
from gitops.tracking import instance

Raw = dict[str, Any]
BEHIND = "before anything is deleted, waiting for a look of Application"
PATIENCE = timedelta(seconds=5)


def refused(
    application: Application,
    targets: Iterable[Target],
    others: Iterable[Application],
    home: str,
    declared_by: Mapping[str, frozenset[Key]],
) -> dict[Key, str]:
    """The objects that this Application may not write, each with why and what to do.

    Without a word of what another declares, all that carries its id is its own.
    """
    me = _instance(application, home)
    rivals = {_instance(one, home): one for one in others if one.metadata.deletion_timestamp is None}
    rivals.pop(me, None)
    return {
        target.key: why
        for target in targets
        if (why := _tracked(target, rivals, declared_by) or _trespass(application, target, rivals))
    }


def patience(behind: str, since: datetime | None, now: datetime) -> datetime | None:
    """Until when one that is `behind` is waited for; None where it is not, or no more."""
    return since + PATIENCE if behind and since and now < since + PATIENCE else None


def first_synced_here(application: Application) -> bool:
    """Whether no other controller has left its status on it: ours says so, or there is none."""
    status = application.status
    return bool(status.tidegate) or not (
        status.history or status.operation_state or status.reconciled_at or status.sync.status
    )


def _tracked(
    target: Target, rivals: dict[str, Application], declared_by: Mapping[str, frozenset[Key]]
) -> str:
    owner = target.owner
    if owner not in rivals or target.key not in declared_by.get(owner, {target.key}):
        return ""
    return f"{target.key} belongs to Application {owner}; remove it from one of the two"


def _trespass(application: Application, target: Target, rivals: dict[str, Application]) -> str:
    namespace = target.key.namespace
    if namespace in {"", application.spec.destination.namespace} or not first_synced_here(application):
        return ""
    owners = [name for name, one in rivals.items() if _targets(one, namespace, application)]
    if not owners:
        return ""
    fix = "remove metadata.namespace from the manifest, or set spec.source.kustomize.namespace"
    return f"{target.key} lies in namespace {namespace}, which Application {owners[0]} targets; {fix}"


def _targets(other: Application, namespace: str, mine: Application) -> bool:
    same = (other.spec.destination.server, other.spec.destination.name) == (
        mine.spec.destination.server,
        mine.spec.destination.name,
    )
    return same and other.spec.destination.namespace == namespace


def _instance(application: Application, home: str) -> str:
    return instance(application.name, application.metadata.namespace, home)
