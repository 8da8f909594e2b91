"""What other Applications say of the objects that this one wants no more, or that another one still has.

Asked only where there is such an object: it moves from one Application to another, and is handed over.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

from crds.application import Application
from crds.refs import APPLICATION
from gitops.objects import Key, annotation, key_of
from gitops.tracking import TRACKING, instance
from tidegate.planners.application_objects import Sent
from tidegate.planners.application_parent import on_one_branch, read
from tidegate.planners.needs import Outline, Raw, known

if TYPE_CHECKING:
    from tidegate.planners.application_sight import Sight

HOLDS = (
    ("metadata", "name"),
    ("metadata", "namespace"),
    ("metadata", "deletionTimestamp"),
    ("spec", "source"),
    ("spec", "project"),
    ("spec", "destination"),
    ("status", "sync"),
    ("status", "resources"),
)
COMPARED = ("Synced", "OutOfSync")


def neighbour_needs(sight: Sight) -> tuple[Outline, ...]:
    sent, nothing = sight.sent, sight.manifests is not None and not sight.declared
    if not (sent or nothing or sight.leaving):  # what Git wants is not known yet
        return ()
    foreign = sight.reading.once("foreign", (sent,), lambda: _foreign(sent, f"{sight.instance}:"))
    return (_asked(sight),) if foreign or sight.extras else ()


def declared_by(sight: Sight) -> Mapping[str, frozenset[Key]]:
    """What each of the others, as tracking ids name it, wants of the cluster by what it saw last."""
    home = sight.home
    compared = (one for one in _others(sight) if one.status.sync.status in COMPARED)
    return {instance(one.name, one.metadata.namespace, home): _wanted(one) for one in compared}


def unwanted(sight: Sight) -> tuple[Raw, ...]:
    """What is ours, no more in Git, and wanted by no other: that waits to be taken."""
    theirs = {key for one in _others(sight) for key in _wanted(one)}
    return tuple(raw for raw in sight.extras if key_of(raw) not in theirs)


def behind(sight: Sight, commit: str) -> str:
    """Another of this branch that has not seen this commit, or, without one, none at all: it may want what
    this one does not."""
    source = sight.application.spec.source
    near = [one for one in _others(sight) if on_one_branch(one.spec.source, source)]
    seen = ((one.name, one.status.sync.revision) for one in near)
    return next((name for name, at in seen if (at != commit if commit else not at)), "")


def _foreign(sent: tuple[Sent, ...], mine: str) -> bool:
    """Whether any of them is there and does not say that it is ours."""
    return any([one.live and not annotation(one.live, TRACKING).startswith(mine) for one in sent])


def _asked(sight: Sight) -> Outline:
    return Outline(APPLICATION, sight.me.namespace, HOLDS)


def _others(sight: Sight) -> Iterator[Application]:
    """That live."""
    for raw in known(sight.answers, _asked(sight), ()):
        one = read(raw)
        if one and one.name != sight.application.name and one.metadata.deletion_timestamp is None:
            yield one


def _wanted(one: Application) -> frozenset[Key]:
    return frozenset(
        Key(res.group, res.kind, res.namespace, res.name)
        for res in one.status.resources
        if not res.requires_pruning
    )
