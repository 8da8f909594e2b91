"""The answers about an Application, put together into the world that `gitops.plan` decides on."""

from __future__ import annotations

from datetime import datetime

from msgspec.structs import replace

from crds.application import Application
from crds.application_source import Source
from crds.application_status import SyncOperation
from crds.appproject import AppProject, parse_project
from crds.errors import Invalid
from crds.refs import APP_PROJECT, APPLICATION, NAMESPACE, Ref
from gitops.compare import Answer, Awaited, Predicted, Refused, Target, Unasked, Unseen, Unserved
from gitops.migration import foreseen
from gitops.options import Options
from gitops.plan import Rendering, World, asked_revision
from gitops.recursion import recursion
from gitops.sources import Found, Lost, Unrenderable, below, is_commit
from tidegate.planners.application_neighbours import behind, declared_by, unwanted
from tidegate.planners.application_objects import Sent
from tidegate.planners.application_parent import read
from tidegate.planners.application_sight import CLAIMS, RUNNING, Sight
from tidegate.planners.needs import DryRun, Failed, Known, Object, Outline, Refusal, known

NOWHERE = "no namespace is named for it; write spec.destination.namespace, or metadata.namespace"


def world(sight: Sight, now: datetime) -> World:
    """Once nothing is waited for but dry runs."""
    application = sight.application
    names = {one.key.namespace for one in sight.sent} | {application.spec.destination.namespace}
    spaces = {name: raw for name in sorted(names) if name and (raw := sight.namespace(name)) is not None}
    seen = rendering(sight, now)
    return World(
        application,
        seen,
        now,
        sight.home,
        _project(sight),
        others(sight),
        _targets(sight),
        unwanted(sight),
        spaces,
        str(known(sight.answers, Refusal(sight.me), "")),
        sight.hidden,
        declared_by=declared_by(sight),
        behind=behind(sight, seen.revision if seen.head in {"", seen.revision} else ""),
    )


def rendering(sight: Sight, now: datetime) -> Rendering:
    """What Git says, and what is in the way of knowing it."""
    source, target = sight.application.spec.source, sight.head(now)
    if source is None or sight.leaving:
        return Rendering()
    answer = sight.answers.get(target) if target else None
    if isinstance(answer, Failed) and not is_commit(asked_revision(sight.application)):
        return replace(_rendered(sight, source, now, ""), trouble=answer.why, passing=True)
    head = answer.value if isinstance(answer, Known) else None
    if not isinstance(head, Found):
        return _rendered(sight, source, now, "")
    return replace(_rendered(sight, source, now, head.commit), rewritten=head.rewritten)


def _rendered(sight: Sight, source: Source, now: datetime, named: str) -> Rendering:
    """While the target names this commit."""
    asked = sight.rendered(now)
    if asked is None:
        return _nowhere(sight, now)
    found = sight.answers.get(asked)
    if isinstance(found, Failed):
        return Rendering(asked.commit, trouble=found.why, passing=True, head=named)
    if isinstance(found := known(sight.answers, asked), Unrenderable):
        return Rendering(asked.commit, trouble=found.why, head=named)
    manifests = sight.manifests
    if manifests is None:
        return Rendering(asked.commit, trouble="not rendered yet", passing=True, head=named)
    plain = manifests.kind == "Directory"
    read = recursion(
        sight.application, below(manifests, source.path), plain=plain, by_default=sight.site.recurse
    )
    said = read.condition if manifests.recursed else ""
    return Rendering(asked.commit, manifests.kind, head=named, recursion=said, repeated=sight.distinct[1])


def _nowhere(sight: Sight, now: datetime) -> Rendering:
    """The revision names no commit: for now, or until somebody mends it."""
    asked = sight.asked_head(now)
    found = sight.answers.get(asked) if asked else None
    if isinstance(found, Failed):
        return Rendering(trouble=found.why, passing=True)
    if isinstance(found, Known) and isinstance(found.value, Lost):
        return Rendering(trouble=found.value.why)
    return Rendering(trouble="no revision to compare with", passing=True)


def _targets(sight: Sight) -> tuple[Target, ...]:
    options = Options(sight.application, SyncOperation())
    answered = zip(sight.sent, sight.dry_runs, strict=True)
    return sight.reading.each(
        "targets",
        ((one, _answer(sight, one, need)) for one, need in answered),
        lambda one, said: _target(one, said, options),
        sight.application.spec.sync_policy.sync_options,
    )


def target(sight: Sight, one: Sent) -> Target:
    """An object that would be sent, and what a dry run said of it, or why there was none."""
    options = Options(sight.application, SyncOperation())
    return _target(one, _answer(sight, one, sight.dry_run(one)), options)


def _target(one: Sent, said: Answer, options: Options) -> Target:
    seen = foreseen(said, one.wanted, one.live, options) if isinstance(said, Predicted) else said
    return Target(one.wanted, one.live, seen, one.guard)


def _answer(sight: Sight, one: Sent, need: DryRun | None) -> Answer:
    if unseen := sight.unseen(one.wanted, one.ref):
        return Unseen(unseen.why, passing=one.ref is None)
    if one.ref is None:
        return Unserved(one.key.kind)
    if sight.nowhere(one):
        return Refused(NOWHERE)
    if need is None:
        return _unasked(sight, one.key.namespace)
    match sight.answers.get(need):
        case Known(value):
            found: Answer = value
            return found
        case Failed(why) if not _runs(sight.application):
            return Refused(why)
    return Awaited()


def _unasked(sight: Sight, namespace: str) -> Answer:
    said = sight.answers.get(Object(Ref(NAMESPACE, "", namespace)))
    return Unseen(said.why) if isinstance(said, Failed) else Unasked(f'namespaces "{namespace}" not found')


def _runs(application: Application) -> bool:
    state = application.status.operation_state
    return state is not None and state.phase in RUNNING


def _project(sight: Sight) -> AppProject | None:
    """Raises Invalid where nobody can tell what it permits."""
    ref = Ref(APP_PROJECT, sight.home, sight.application.spec.project)
    match sight.answers.get(Object(ref)):
        case Known(raw):
            return parse_project(raw)
        case Failed(why) if not sight.leaving:
            raise Invalid(str(ref), why)
    return None


def others(sight: Sight) -> tuple[Application, ...]:
    """The other Applications that can be read: one that cannot claims nothing."""
    raws = known(sight.answers, Outline(APPLICATION, sight.me.namespace, CLAIMS), ())
    return tuple(one for raw in raws if (one := read(raw)) and one.name != sight.application.name)
