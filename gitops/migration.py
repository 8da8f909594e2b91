"""Fields that a person's `kubectl apply` wrote, on its client's side: theirs for ever, if not taken over.

A server-side apply removes what its own manager named once and names no more, and nothing of another's. So
what was applied by hand before, and what Git does not declare, would stay, and nobody would see it.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from msgspec.structs import replace

from crds.paths import get
from gitops.actions import TakeOver
from gitops.compare import Predicted
from gitops.fields import GONE, Steps, at, entries, leaves, owned, resolved, united, without
from gitops.objects import annotation, key_of
from gitops.options import Options

Raw = dict[str, Any]
CLIENT, OURS = "kubectl-client-side-apply", "tidegate"
MANAGER = "argocd.argoproj.io/client-side-apply-migration-manager"
OPTION = "ClientSideApplyMigration"


def take_over(live: Raw | None, options: Options) -> TakeOver | None:
    """What makes those fields ours, so that the next apply removes what it does not name."""
    theirs = _theirs(live, options)
    if live is None or theirs is None:
        return None
    rest = [one for one in get(live, "metadata", "managedFields") if one != theirs and not _twin(one, theirs)]
    mine = next((one for one in entries(live) if _twin(one, theirs)), {})
    fields = united(get(mine, "fieldsV1", default={}), get(theirs, "fieldsV1", default={}))
    ours = theirs | {"manager": OURS, "operation": "Apply", "fieldsV1": fields}
    version = str(get(live, "metadata", "resourceVersion", default=""))
    return TakeOver(key_of(live), str(get(live, "apiVersion")), (*rest, ours), version)


def foreseen(answer: Predicted, wanted: Raw, live: Raw | None, options: Options) -> Predicted:
    """What an apply would make of the object once those fields are ours."""
    theirs, raw = _theirs(live, options), answer.raw
    if live is None or theirs is None:
        return answer
    for steps in _doomed(live, wanted, str(get(theirs, "manager"))):
        raw = without(raw, steps)
    return replace(answer, raw=raw)


def _theirs(live: Raw | None, options: Options) -> Raw | None:
    """The entry of client-side apply, where it is to be migrated."""
    if live is None or options.said(OPTION, live) == "false":
        return None
    named = annotation(live, MANAGER) or CLIENT
    return next((one for one in entries(live) if _by(one) == (named, "Update")), None)


def _by(entry: Raw) -> tuple[str, str]:
    return entry["manager"], entry["operation"]


def _twin(one: Raw, theirs: Raw) -> bool:
    """Our own entry of the same version of the kind, of which there can be one."""
    same = get(one, "apiVersion") == get(theirs, "apiVersion")
    return same and _by(one) == (OURS, "Apply") and not get(one, "subresource")


def _doomed(live: Raw, wanted: Raw, client: str) -> Iterator[Steps]:
    """What the client owns, and we perhaps, but nobody else, and Git does not declare."""
    others = [
        steps
        for one in entries(live)
        if _by(one) not in {(client, "Update"), (OURS, "Apply")}
        for steps in leaves(get(one, "fieldsV1", default={}))
    ]
    for leaf in owned(live, {client}):
        steps = _whole(leaf, wanted)
        if not _has(wanted, steps) and not any(other[: len(steps)] == steps for other in others):
            yield steps


def _whole(leaf: Steps, wanted: Raw) -> Steps:
    """The whole item of a list, where Git has none such."""
    items = (leaf[: place + 1] for place, step in enumerate(leaf) if step[:2] in {"k:", "i:"})
    return next((item for item in items if not _has(wanted, item)), leaf)


def _has(raw: Raw, steps: Steps) -> bool:
    path = resolved(raw, steps)
    return path is not None and at(raw, path) is not GONE
