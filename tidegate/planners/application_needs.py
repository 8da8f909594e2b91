"""What must be seen of an Application, in stages: each asks once the one before is answered.

A running operation is at the commit it began with, so it goes on while Git does not answer. One that is being
deleted needs nothing of Git.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from crds.refs import APP_PROJECT, APPLICATION, NAMESPACE, Ref
from gitops.plan import asked_revision
from gitops.sources import is_commit
from tidegate.planners.application_parent import parent_needs
from tidegate.planners.application_sight import CLAIMS, Sight
from tidegate.planners.needs import (
    DryRun,
    Need,
    Object,
    Outline,
    Pending,
    Refusal,
    Rendered,
    Reverted,
    Revertible,
)

SPARE = DryRun | Reverted | Revertible
"""Without whose answers it is decided what can be."""


def own_needs(sight: Sight, now: datetime) -> Iterator[Need]:
    """Some of them twice."""
    yield Object(Ref(APP_PROJECT, sight.home, sight.application.spec.project))
    yield Outline(APPLICATION, sight.me.namespace, CLAIMS)
    yield Refusal(sight.me)
    yield from (*sight.kinds, *sight.recorded_kinds)
    yield from (need for need in sight.left_over if need)
    if not sight.leaving:
        yield from _of_git(sight, now)
        yield from _there(sight)
        yield from (need for need in sight.dry_runs if need)


def awaited(sight: Sight, now: datetime) -> Need | None:
    """What has to be answered before anything can be decided; dry runs need not be, nor what is about a
    revert, and the head of a target only where no operation says its commit."""
    out = (need for need, answer in sight.answers.items() if isinstance(answer, Pending))
    spare = sight.head(now) if is_commit(asked_revision(sight.application)) else None
    wanted = sight.rendered(now)
    later = (need for need in out if not isinstance(need, SPARE) and need != spare)
    return next((need for need in later if not isinstance(need, Rendered) or need == wanted), None)


def _of_git(sight: Sight, now: datetime) -> Iterator[Need]:
    above = parent_needs(sight) if sight.again else ()
    found = (sight.head(now), sight.asked_head(now), sight.rendered(now), *above, sight.undone)
    return (need for need in found if need is not None)


def _there(sight: Sight) -> Iterator[Need]:
    """The namespaces, and what is wanted in them."""
    to = sight.application.spec.destination.namespace
    spaces = sight.reading.once("spaces", (sight.keys,), lambda: {key.namespace for key in sight.keys})
    yield from (Object(Ref(NAMESPACE, "", name)) for name in sorted(spaces | {to}) if name)
    yield from (need for need in sight.objects if need)
