"""The Application whose source declares another one: the one that it was applied by."""

from __future__ import annotations

from typing import TYPE_CHECKING

from crds.application import Application, parse
from crds.application_source import as_json
from crds.errors import Invalid
from crds.paths import get
from crds.refs import APPLICATION, Ref
from gitops.recursion import folders
from gitops.tracking import tracked_by
from tidegate.planners.needs import Need, Object, Parent, Raw, known

if TYPE_CHECKING:
    from tidegate.planners.application_needs import Sight


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


def parent(sight: Sight) -> Parent | None:
    """None where nobody declares it, or one that cannot be read."""
    raw = parent_raw(sight)
    found = read(raw) if raw else None
    if found is None or found.spec.source is None:
        return None
    written = as_json(get(raw, "spec", "source"))
    return Parent(found.name, found.spec.source.repo_url, written, folders(found, sight.site.recurse))


def read(raw: Raw) -> Application | None:
    """None where it cannot be read."""
    try:
        return parse(raw)
    except Invalid:
        return None
