"""What is decided for an Application in one look: the writes in its destination, and its own next status.

A running operation goes on before anything else. Without one, an automated Application that differs begins
its own; the state is recorded before the first write, in the place that everything is remembered.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, assert_never

import msgspec
from msgspec.structs import replace

from crds.application import Application
from crds.application_problems import image_unmatched, problems
from crds.application_rollback import RELEASE
from crds.application_status import ApplicationStatus, Operation, OperationState, SyncOperation
from crds.application_support import ignored, project_unsupported, unsupported, unsupported_sync
from crds.appproject import AppProject
from crds.errors import Invalid
from gitops import ending, project
from gitops.actions import Action, PushRevert, Step
from gitops.automation import Choice, Later, Nothing, Start, automatic, healing
from gitops.claims import BEHIND, patience, refused
from gitops.compare import Comparison, Hidden, Target, compare, surplus
from gitops.conditions import DELETION, Facts, conditions
from gitops.farewell import farewell
from gitops.images import images, names
from gitops.objects import Key
from gitops.release import Release, Seen, asked_to_release, released, remembered, written
from gitops.releases import releasing
from gitops.restoring import Restoration, restoration
from gitops.rollback import Turn
from gitops.scene import Scene
from gitops.status import Look, conditioned, patch, status
from gitops.superseding import stepped

Raw = dict[str, Any]
RUNNING = ("Running", "Terminating")


class Rendering(msgspec.Struct, frozen=True):
    """What Git holds at `revision`; `trouble`, which may be `passing` by itself, why it was not rendered.

    `head` is what the target names now, which is another while a running operation is at its own;
    `rewritten` is a commit that it has lost.
    """

    revision: str = ""
    source_type: str = ""
    trouble: str = ""
    passing: bool = False
    head: str = ""
    recursion: str = ""
    repeated: tuple[Key, ...] = ()
    rewritten: str = ""


class World(msgspec.Struct, frozen=True):
    """Everything one look has before it; `home` is the controller's namespace.

    `targets` are what Git wants, with what is there and what a dry run says; `extras` objects with our
    tracking id that Git wants no more; `namespaces` those that are there; `refusal` what the API server said
    to the last write; `hidden` what we wrote once and cannot see; `release` what is known of the release.
    `declared_by`, where it was asked, is what other Applications want, by the name that tracking ids have for
    them; `behind` one that has not seen this commit, and may want what this one does not.
    """

    application: Application
    rendering: Rendering
    now: datetime
    home: str = "argocd"
    project: AppProject | None = None
    others: tuple[Application, ...] = ()
    targets: tuple[Target, ...] = ()
    extras: tuple[Raw, ...] = ()
    namespaces: Mapping[str, Raw] = {}
    refusal: str = ""
    hidden: tuple[Hidden, ...] = ()
    release: Release = Release()
    declared_by: Mapping[str, frozenset[Key]] = {}
    behind: str = ""

    @property
    def me(self) -> Key:
        meta = self.application.metadata
        return Key("argoproj.io", "Application", meta.namespace, meta.name)


class Decision(msgspec.Struct, frozen=True):
    """`begins` an operation by taking `operation` away; `finalizers`, if any are said, are those that stay.

    `told` is what people want to hear, as reason and text; `heard`: what people said of the release was.
    """

    actions: tuple[Action, ...]
    status: ApplicationStatus
    why: str
    look_again: datetime | None = None
    begins: bool = False
    finalizers: tuple[str, ...] | None = None
    told: tuple[tuple[str, str], ...] = ()
    heard: bool = False


def asked_revision(application: Application) -> str:
    """What is to be rendered: what the running operation, or one that waits, is for; "" for the target's."""
    state = application.status.operation_state
    running = state is not None and state.phase in RUNNING
    operation = state.operation if running and state else application.operation
    return operation.sync.revision if operation and operation.sync else ""


def plan(world: World) -> Decision:
    """The next writes and the next status; the same world gives the same."""
    if world.application.metadata.deletion_timestamp:
        return _leaving(world)
    facts = _facts(world)
    comparison = None if facts.blocked else compared(world)
    wrong = "; ".join(map(str, facts.problems))
    found = released(_seen(world, comparison, facts.refused or wrong))
    back = _restoration(world, facts) if found.restored else Restoration()
    held = (("RestoreHeld", f"what was good is not given back: {back.trouble}"),) if back.trouble else ()
    facts = replace(facts, held=found.held, release=(*found.said, *held))
    if found.memory != remembered(world.application.status):
        return _recorded(world, facts, comparison, found)
    return _with_release(_of_sync(world, facts, comparison), found, back)


def _of_sync(world: World, facts: Facts, comparison: Comparison | None) -> Decision:
    """What comes of Git and of what people ask for, whatever the release is."""
    state = world.application.status.operation_state
    if state and state.phase in RUNNING:
        return _going_on(world, facts, comparison, state)
    if world.application.operation and not world.rendering.passing:
        return _beginning(world, facts, comparison)
    return _by_itself(world, facts, comparison)


def _seen(world: World, comparison: Comparison | None, refused: str) -> Seen:
    state = world.application.status.operation_state
    return Seen(
        world.application,
        world.rendering.revision,
        world.targets,
        comparison,
        world.release,
        world.now,
        state is None or state.phase not in RUNNING,
        world.rendering.revision != world.rendering.head,
        refused,
    )


def _recorded(world: World, facts: Facts, comparison: Comparison | None, found: Turn) -> Decision:
    """What is decided of the release is written before anything is done about it."""
    state, why = world.application.status.operation_state, found.why or "noting the release"
    new = _status(world, comparison, state, conditions(facts, comparison))
    phases = (world.application.status.rollback.phase, found.memory.rollback.phase)
    told = ((f"Rollback{phases[1]}", why),) if phases[0] != phases[1] else ()
    return Decision((), written(new, found.memory), why, told=told, heard=True)


def _restoration(world: World, facts: Facts) -> Restoration:
    """What goes back; where nothing may be synced by right, and why, instead."""
    permitted, good = _permitted(world), world.release.good
    if permitted is None or facts.refused:
        return Restoration(trouble=facts.refused)
    claimed = refused(world.application, good, world.others, world.home, world.declared_by)
    return restoration(good, {**_unpermitted(world, permitted, good), **claimed})


def _with_release(decision: Decision, found: Turn, back: Restoration) -> Decision:
    """What is done about the release comes first: it mends what the rest would only compare."""
    push = (PushRevert(found.push),) if found.push else ()
    looks = [at for at in (decision.look_again, found.look_again) if at]
    return replace(
        decision,
        actions=(*back.writes, *push, *decision.actions),
        why=found.why if back.writes or push else decision.why,
        look_again=min(looks, default=None),
        heard=True,
    )


def obstacle(world: World) -> str:
    """Why it can be neither compared nor synced; "" where it can."""
    return _facts(world).blocked


def record(raw: Raw, world: World, decision: Decision) -> Raw:
    """The one merge patch of the Application itself; {} where nothing has changed.

    An operation that begins is taken away by the patch that records it: none is lost, and none run twice.
    """
    body: Raw = {}
    if changes := patch(raw, world.application, decision.status, world.now):
        body["status"] = changes
    if decision.begins:
        body["operation"] = None
    if decision.finalizers is not None:
        body["metadata"] = {"finalizers": list(decision.finalizers)}
    if decision.heard and asked_to_release(world.application):
        body["metadata"] = {"annotations": {RELEASE: None}}
    return body


def _leaving(world: World) -> Decision:
    """It is being deleted: what it holds goes first, where its finalizer says so; what is in the way is said
    before it is tried again."""
    live = (*(one.live for one in world.targets if one.live is not None), *world.extras)
    found = farewell(world.application, live, world.me, world.home, world.hidden)
    told = tuple((DELETION, why) for why in (world.refusal, found.trouble) if why)
    new = conditioned(world.application.status, told, world.now)
    actions = found.actions if new == world.application.status else ()
    since = world.application.metadata.deletion_timestamp
    if actions and (at := patience(world.behind, since, world.now)):
        return Decision((), new, f"{BEHIND} {world.behind}", at)
    return Decision(actions, new, found.why, finalizers=found.finalizers)


def _by_itself(world: World, facts: Facts, comparison: Comparison | None) -> Decision:
    state, revision = world.application.status.operation_state, world.rendering.revision
    choice: Choice = Nothing(facts.blocked)
    if facts.held:
        choice = _while_held(world, facts, comparison)
    elif comparison:
        choice = automatic(world.application, comparison, revision, world.now)
    said = conditions(facts, comparison, choice)
    match choice:
        case Start(operation, why):
            begun = ending.begun(operation, world.now)
            new = _status(world, comparison, begun, said)
            return Decision((), new, why, told=(("OperationStarted", why),))
        case Later(at, why):
            return Decision((), _status(world, comparison, state, said), why, at)
        case Nothing(why):
            return Decision((), _status(world, comparison, state, said), why)
    assert_never(choice)


def _while_held(world: World, facts: Facts, comparison: Comparison | None) -> Choice:
    """What the good release declares alike is put right all the same."""
    if comparison is None:
        return Nothing(facts.held)
    kept = tuple(one for one in comparison.resources if one.key in (world.release.kept or ()))
    mine = replace(comparison, resources=kept)
    found = healing(world.application, mine, world.rendering.revision, world.now)
    return Nothing(facts.held) if isinstance(found, Nothing) else found


def _heals(world: World, state: OperationState) -> bool | None:
    """Whether it is about nothing but what the good release declares alike; None while nobody can tell."""
    named = state.operation.sync.resources if state.operation.sync else ()
    keys = {Key(one.group, one.kind, one.namespace, one.name) for one in named}
    kept = world.release.kept
    return bool(keys) and (None if kept is None else keys <= kept)


def _facts(world: World) -> Facts:
    """What keeps it from being synced, and what is worth knowing."""
    application, rendering = world.application, world.rendering
    permitted = _permitted(world)
    wrong = problems(application)
    if permitted is None:
        return Facts(wrong, unsupported(application), refused=project.missing(application))
    unheard = tuple(f"{one.key} ({one.unheard})" for one in world.targets if one.unheard)
    return Facts(
        wrong,
        (*unsupported(application), *project_unsupported(permitted)),
        ignored(application),
        project.refusal(application, permitted, world.home),
        rendering.trouble,
        rendering.recursion,
        () if wrong else _unmatched(world),
        rendering.repeated,
        _unpermitted(world, permitted, world.targets),
        refused(application, world.targets, world.others, world.home, world.declared_by),
        unheard,
        rewritten=_rewritten(world),
    )


def _rewritten(world: World) -> str:
    """That people have taken commits away which were declared once."""
    source, lost = world.application.spec.source, world.rendering.rewritten
    if not (source and lost):
        return ""
    branch = source.target_revision or "HEAD"
    return f"{branch} was force-pushed: {lost[:10]}, which it was at, is no part of its history any more"


def _unmatched(world: World) -> tuple[Invalid, ...]:
    """Image overrides that name nothing of what Git wants."""
    source, wanted = world.application.spec.source, (one.wanted for one in world.targets)
    if not (world.targets and source and source.kustomize and source.kustomize.images):
        return ()
    return image_unmatched(world.application, names(images(wanted)))


def _permitted(world: World) -> AppProject | None:
    """None where its project is not there."""
    by_name = project.DEFAULT if world.application.spec.project == "default" else None
    return world.project or by_name


def _unpermitted(world: World, permitted: AppProject, targets: tuple[Target, ...]) -> dict[Key, str]:
    return project.object_refusals(world.application, permitted, (one.key for one in targets))


def compared(world: World) -> Comparison:
    """Every object of the Application against Git."""
    live = (
        one.live
        for one in world.targets
        if one.live is not None and one.key[:2] == ("argoproj.io", "Rollout")
    )
    return compare(world.targets, world.extras, world.me, releasing(live), world.hidden)


def _beginning(world: World, facts: Facts, comparison: Comparison | None) -> Decision:
    """A sync that somebody asked for; it stays at the revision that was found for it."""
    operation = world.application.operation or Operation()
    sync = operation.sync or SyncOperation()
    pinned_to = replace(sync, revision=world.rendering.revision or sync.revision)
    begun = ending.begun(replace(operation, sync=pinned_to), world.now)
    why = f"initiated sync to {pinned_to.revision}"
    new = _status(world, comparison, begun, conditions(facts, comparison))
    return Decision((), new, why, begins=True, told=(("OperationStarted", why),))


def _going_on(world: World, facts: Facts, comparison: Comparison | None, state: OperationState) -> Decision:
    said, heals = conditions(facts, comparison), not facts.held or _heals(world, state)
    if world.rendering.passing or heals is None:
        why = world.rendering.trouble or "waiting to know what the good release declares"
        return Decision((), _status(world, comparison, state, said), why)
    if not heals:
        over = ending.failed(state, facts.held, world.now, "Error")
        return Decision((), _status(world, comparison, over, said), over.message)
    found = stepped(_scene(world, facts, state), world.rendering.head, world.extras)
    new = _status(world, comparison, found.state, said)
    return Decision(found.actions, new, found.why, found.look_again, told=_ended(world, found))


def _scene(world: World, facts: Facts, state: OperationState) -> Scene:
    return Scene(
        world.application,
        state,
        world.rendering.revision,
        world.now,
        world.targets,
        tuple(raw for raw in world.extras if surplus(raw, world.me)),
        world.namespaces,
        facts.forbidden,
        world.refusal,
        facts.blocked or _unheard(world.application, state),
        world.behind,
    )


def _unheard(application: Application, state: OperationState) -> str:
    """What an operation asks for and nobody does: doing the rest would deploy something else."""
    sync = state.operation.sync or SyncOperation()
    return "; ".join(map(str, unsupported_sync(sync, application.spec.source)))


def _ended(world: World, found: Step) -> tuple[tuple[str, str], ...]:
    """Argo's sentence about an operation that is over."""
    state = found.state
    if state.phase in RUNNING:
        return ()
    sync, revision = state.operation.sync, world.rendering.revision
    what = "Partial sync operation" if sync and sync.resources else "Sync operation"
    end = "succeeded" if state.phase == "Succeeded" else f"failed: {state.message}"
    return (("OperationCompleted", f"{what} to {revision} {end}"),)


def _status(
    world: World,
    comparison: Comparison | None,
    state: OperationState | None,
    said: tuple[tuple[str, str], ...],
) -> ApplicationStatus:
    look = Look(
        world.rendering.revision,
        world.now,
        comparison,
        state,
        said,
        tuple(sorted({image for one in world.targets for image in one.images})),
        world.rendering.source_type,
        world.home,
    )
    return status(world.application, look)
