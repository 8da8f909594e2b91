"""An Application that is deleted takes along what it holds, if it carries Argo's finalizer; else nothing.

Highest wave first, each gone before the next is touched; the finalizer goes with the last. What is another's,
what another object made, and what says `Delete=false` stays. So does a CustomResourceDefinition, as with Argo
CD: with it all objects of its kind would go, whosesoever they are.
"""

from __future__ import annotations

from collections.abc import Iterable
from itertools import groupby
from typing import Any

import msgspec

from crds.application import Application
from crds.application_status import SyncOperation
from crds.paths import get
from gitops.actions import Remove
from gitops.compare import Hidden, surplus
from gitops.hooks import removal
from gitops.objects import Key, is_definition, key_of
from gitops.options import Options
from gitops.order import height
from gitops.tracking import instance, tracked_by

Raw = dict[str, Any]
CASCADE = "resources-finalizer.argocd.argoproj.io"
OF_HOOKS = ("pre-delete-finalizer.argocd.argoproj.io", "post-delete-finalizer.argocd.argoproj.io")


class Farewell(msgspec.Struct, frozen=True):
    """`finalizers` are those that stay, None while nothing changes in them; `trouble` is in the way."""

    actions: tuple[Remove, ...]
    why: str
    finalizers: tuple[str, ...] | None = None
    trouble: str = ""


def farewell(
    application: Application, live: Iterable[Raw], me: Key, home: str, hidden: tuple[Hidden, ...] = ()
) -> Farewell:
    """The next deletions; then the finalizer, once all is seen to be gone."""
    ours = [one for one in application.metadata.finalizers if one.partition("/")[0] == CASCADE]
    if not ours:
        return Farewell((), "being deleted, and its objects stay", trouble=_of_hooks(application))
    name = instance(application.name, application.metadata.namespace, home)
    options = Options(application, SyncOperation())
    doomed = [raw for raw in live if tracked_by(raw) == name and surplus(raw, me) and _goes(raw, options)]
    trouble = "; ".join(str(one) for one in hidden)
    if not doomed and hidden:
        return Farewell((), trouble, trouble=trouble)
    if not doomed:
        stay = tuple(one for one in application.metadata.finalizers if one not in ours)
        return Farewell((), "all its objects are gone", stay)
    _, first = next(groupby(sorted(doomed, key=height, reverse=True), key=height))
    group = list(first)
    propagation = "Background" if any(one.endswith("/background") for one in ours) else "Foreground"
    due = [raw for raw in group if not get(raw, "metadata", "deletionTimestamp")]
    removals = tuple(removal(key_of(raw), raw, propagation) for raw in due)
    why = f"deleting {', '.join(str(key_of(raw)) for raw in group)}"
    return Farewell(removals, why, trouble=trouble)


def _of_hooks(application: Application) -> str:
    """That it waits for hooks which Argo CD would run, and nobody does here."""
    found = [one for one in application.metadata.finalizers if one.partition("/")[0] in OF_HOOKS]
    return f"finalizer {found[0]} waits for hooks that are not run here; take it away" if found else ""


def _goes(raw: Raw, options: Options) -> bool:
    return options.said("Delete", raw) not in {"false", "confirm"} and not is_definition(raw)
