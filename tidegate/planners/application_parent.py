"""Applications by what they are made of: the one that another was applied by, and those beside it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from crds.application import Application, parse
from crds.application_source import Source, as_json
from crds.errors import Invalid
from crds.paths import get
from crds.refs import APPLICATION, Ref
from crds.repositories import bare
from gitops.recursion import folders
from gitops.tracking import tracked_by
from tidegate.planners.needs import Need, Object, Outline, Raw, Sourced, known

if TYPE_CHECKING:
    from tidegate.planners.application_sight import Sight

SOURCES = (
    ("metadata", "name"),
    ("metadata", "namespace"),
    ("spec", "source"),
    ("spec", "project"),
    ("spec", "destination"),
    ("status", "sync", "status"),
    ("status", "tidegate", "firstSynced"),
)
"""What of another Application says what it is made of."""


def parent_ref(sight: Sight) -> Ref | None:
    """One of another namespace is none that is watched."""
    name = tracked_by(sight.raw)
    own = name and name != sight.instance and "_" not in name
    return Ref(APPLICATION, sight.home, name) if own else None


def parent_needs(sight: Sight) -> tuple[Need, ...]:
    ref = parent_ref(sight)
    return (Object(ref),) if ref else ()


def parent_raw(sight: Sight) -> Raw | None:
    ref = parent_ref(sight)
    raw: Raw | None = known(sight.answers, Object(ref)) if ref else None
    return raw


def parent(sight: Sight) -> Sourced | None:
    """None where nobody declares it, or one that cannot be read."""
    raw = parent_raw(sight)
    found = read(raw) if raw else None
    return _sourced(found, raw, sight) if raw and found else None


def beside_needs(sight: Sight) -> tuple[Outline, ...]:
    return (Outline(APPLICATION, sight.me.namespace, SOURCES),)


def beside(sight: Sight, branch: Source | None) -> tuple[Sourced, ...]:
    """The other Applications on this branch of this repository."""
    (asked,) = beside_needs(sight)
    read_of = ((read(raw), raw) for raw in known(sight.answers, asked, ()))
    others = ((one, raw) for one, raw in read_of if one and one.name != sight.application.name)
    near = (_sourced(one, raw, sight) for one, raw in others if on_one_branch(one.spec.source, branch))
    return tuple(one for one in near if one)


def on_one_branch(one: Source | None, other: Source | None) -> bool:
    """What HEAD is, the server knows: it may be any branch."""
    (repo, branch), (theirs, their_branch) = place(one), place(other)
    return repo == theirs and (branch == their_branch or "HEAD" in {branch, their_branch})


def place(source: Source | None) -> tuple[str, str]:
    """Repository and branch, spelled in one way."""
    source = source or Source()
    return bare(source.repo_url), source.target_revision.removeprefix("refs/heads/") or "HEAD"


def _sourced(found: Application, raw: Raw, sight: Sight) -> Sourced | None:
    source = found.spec.source
    if source is None:
        return None
    written = as_json(get(raw, "spec", "source"))
    return Sourced(found.name, source.repo_url, written, folders(found, sight.site.recurse))


def read(raw: Raw) -> Application | None:
    """None where it cannot be read."""
    try:
        return parse(raw)
    except Invalid:
        return None
