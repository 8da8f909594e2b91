"""Two Applications never write one object, and none writes by surprise where another lives.

Argo CD lets the last writer win and warns. Here an object that carries another live Application's tracking id
is refused by name; so is, for an Application first synced by us, an object in a namespace that is not its
own destination and that another Application targets. The Namespace itself may be its parent's.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from crds.application import Application
from gitops.compare import Target
from gitops.objects import Key
from gitops.tracking import instance

Raw = dict[str, Any]


def refused(
    application: Application, targets: Iterable[Target], others: Iterable[Application], home: str
) -> dict[Key, str]:
    """The objects that this Application may not write, each with why and what to do."""
    me = _instance(application, home)
    rivals = {_instance(one, home): one for one in others if one.metadata.deletion_timestamp is None}
    rivals.pop(me, None)
    return {
        target.key: why
        for target in targets
        if (why := _tracked(target, rivals) or _trespass(application, target, rivals))
    }


def first_synced_here(application: Application) -> bool:
    """Whether no other controller has left its status on it: ours says so, or there is none."""
    status = application.status
    return bool(status.tidegate) or not (
        status.history or status.operation_state or status.reconciled_at or status.sync.status
    )


def _tracked(target: Target, rivals: dict[str, Application]) -> str:
    owner = target.owner
    if owner not in rivals:
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
