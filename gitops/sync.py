"""A sync, one look at a time: what comes next, and what the operation's state is then.

The namespace first; then every object is tried in a dry run; then step by step, phase by phase and wave by
wave, each once the one before is healthy; what is no more in Git goes between Sync and PostSync. All
progress stands in the Application's status, so whoever looks next, after a crash too, goes on from there.
"""

from __future__ import annotations

from collections.abc import Iterable

from msgspec.structs import replace

from crds.application_status import OperationState, ResourceResult
from gitops import before, ending, hooks
from gitops.actions import Action, Apply, Remove, Step, TakeOver
from gitops.compare import synced
from gitops.ending import ALL_RUN, NO_MORE, NOT_APPLIED, NOT_TAKEN, NOT_VALID, UNSUCCESSFUL
from gitops.migration import take_over
from gitops.order import PHASES, Task
from gitops.prune import prune
from gitops.results import FAILED, RUNNING, SUCCEEDED, of_task, phase, recorded, result, results
from gitops.scene import Scene
from gitops.waiting import lost, standing, unready, waits, words

Results = tuple[ResourceResult, ...]


def step(scene: Scene) -> Step:
    """The next writes of a running operation; none while it waits."""
    state = scene.state
    if state.phase == "Terminating":
        return _over(ending.terminated(state, scene.now))
    if ending.waits_for_retry(state):
        return _retried(scene)
    if scene.trouble:
        return _over(ending.failed(state, scene.trouble, scene.now, "Error"))
    if state.message.startswith(ending.FAILURES):
        return _failing(scene, state)
    if results(state) and scene.refusal:
        return _failing(scene, replace(state, message=f"{NOT_APPLIED}, reason: {scene.refusal}"))
    return _prepared(scene) or _go_on(scene)


def _retried(scene: Scene) -> Step:
    at = ending.retry_at(scene.state)
    if scene.now < at:
        return Step((), scene.state, scene.state.message, at)
    return Step((), ending.again(scene.state), "trying again")


def _prepared(scene: Scene) -> Step | None:
    """What comes before the first apply: the namespace, and every object in a dry run."""
    if results(scene.state):
        return None
    if wrong := _invalid(scene):
        return wrong
    if scene.refusal:
        return _failing(scene, replace(scene.state, message=f"{NOT_APPLIED}, reason: {scene.refusal}"))
    if ensure := before.namespace(scene):
        return Step((ensure,), scene.state, f"creating namespace {ensure.name}")
    if before.awaited(scene):
        return Step((), scene.state, "waiting for the dry run")
    if refused := before.refused(scene):
        reasons = "; ".join(f"{one.kind} {one.name}: {one.message}" for one in refused)
        return _refused(scene, f"{NOT_TAKEN}, reason: {reasons}", refused)
    if scene.sync.dry_run:
        tried = [of_task(one, SUCCEEDED, "dry run") for one in scene.tasks]
        return _over(ending.succeeded(recorded(scene, tried), ALL_RUN, scene.now))
    return None


def _invalid(scene: Scene) -> Step | None:
    if unknown := before.unknown(scene):
        return _refused(scene, f"{NOT_VALID}, reason: {unknown}", ())
    invalid = before.invalid(scene)
    return _refused(scene, NOT_VALID, invalid) if invalid else None


def _go_on(scene: Scene) -> Step:
    """The first step that is not done, in its phase; or the end."""
    sync = PHASES.index("Sync")
    return (
        _through(scene, (one for one in scene.steps if one[0].place[0] <= sync))
        or prune(scene)
        or _through(scene, (one for one in scene.steps if one[0].place[0] > sync))
        or _done(scene)
    )


def _through(scene: Scene, groups: Iterable[tuple[Task, ...]]) -> Step | None:
    return next((found for group in groups if (found := _do(scene, group))), None)


def _done(scene: Scene) -> Step:
    message = ALL_RUN if results(scene.state) else NO_MORE
    return _over(ending.succeeded(recorded(scene, ()), message, scene.now))


def _do(scene: Scene, group: tuple[Task, ...]) -> Step | None:
    """Apply what can be applied of a step, then wait for it; None where it is done."""
    due = [one for one in group if result(scene, one) is None or lost(scene, one)]
    if ready := [one for one in due if not unready(scene, one)]:
        return _applied(scene, ready, scene.state) or _in_the_way(scene, ready)
    if due:
        why = unready(scene, due[0])
        return Step((), replace(scene.state, message=why), why)
    return _watched(scene, group)


def _applied(scene: Scene, due: list[Task], state: OperationState) -> Step | None:
    """The writes of a step; None while hooks of an earlier sync stand in the way."""
    if any(hooks.leaving(scene, one) for one in due):
        return None
    missing = [one for one in due if not _there(scene, one)]
    if taken := [found for one in missing if (found := _taken_over(scene, one))]:
        why = f"taking over {', '.join(str(one.key) for one in taken)} from a client-side apply"
        return Step(tuple(taken), state, why)
    writes = tuple(_apply(scene, one) for one in missing)
    new = [of_task(one, RUNNING if waits(scene, one) else SUCCEEDED, _said(scene, one)) for one in due]
    told = recorded(scene, new, state)
    return Step(writes, told, f"applying {', '.join(str(one.key) for one in due)}")


def _in_the_way(scene: Scene, due: list[Task]) -> Step:
    old = [one for one in due if hooks.leaving(scene, one)]
    removals = tuple(gone for one in old for gone in hooks.remove(scene, one))
    return Step(removals, scene.state, f"removing {old[0].key} of an earlier sync")


def _taken_over(scene: Scene, task: Task) -> TakeOver | None:
    return None if task.hook else take_over(scene.target(task.key).live, scene.options)


def _apply(scene: Scene, task: Task) -> Apply:
    raw = hooks.marked(scene, task) if task.hook else task.wanted
    return Apply(raw, scene.target(task.key).guard)


def _there(scene: Scene, task: Task) -> bool:
    """A hook that this try has begun; an object in sync, where only differences are wanted."""
    if task.hook:
        return hooks.begun(scene, task)
    return scene.options.on("ApplyOutOfSyncOnly") and synced(scene.target(task.key))


def _said(scene: Scene, task: Task) -> str:
    """What is said of an object once it is applied, as kubectl does."""
    group = f".{task.key.group}" if task.key.group else ""
    word = "unchanged" if _there(scene, task) and not task.hook else "serverside-applied"
    return f"{task.key.kind.lower()}{group}/{task.key.name} {word}"


def _watched(scene: Scene, group: tuple[Task, ...]) -> Step | None:
    """Whether an applied step has come to its end, and how. Ends are recorded before a hook is removed."""
    state = _with_ends(scene, group)
    if any(one.hook_phase == FAILED for one in results(state)):
        return Step((), replace(state, message=UNSUCCESSFUL), UNSUCCESSFUL)
    if state != scene.state:
        return Step((), state, "objects came to their end")
    if removals := _outlived(scene, group):
        return Step(removals, state, "removing hooks that came to their end")
    if running := [one for one in group if phase(scene, one) == RUNNING]:
        return Step((), replace(state, message=words(running)), words(running))
    return None


def _with_ends(scene: Scene, group: Iterable[Task]) -> OperationState:
    """The state with what has just ended."""
    running = [one for one in group if phase(scene, one) == RUNNING]
    ended = [(one, now) for one in running if (now := standing(scene, one)).phase != RUNNING]
    new = [of_task(one, now.phase, now.message or _said(scene, one)) for one, now in ended]
    return recorded(scene, new) if new else scene.state


def _outlived(scene: Scene, group: Iterable[Task]) -> tuple[Remove, ...]:
    """The hooks that are to be removed for how they ended."""
    gone = (one for one in group if hooks.outlived(scene, one, phase(scene, one)))
    return tuple(removal for one in gone for removal in hooks.remove(scene, one))


def _failing(scene: Scene, state: OperationState) -> Step:
    """Run what is for failures, then end; the message is kept meanwhile, so that nobody goes on."""
    tasks = [one for one in scene.tasks if one.phase == "SyncFail"]
    if scene.state.message.startswith(ending.FAILURES) and scene.refusal:
        return _over(ending.failed(state, state.message, scene.now))
    if due := [one for one in tasks if result(scene, one) is None]:
        return _applied(scene, due, state) or replace(_in_the_way(scene, due), state=state)
    ended = _with_ends(scene, tasks)
    if ended != scene.state:
        return Step((), ended, "hooks for failures came to their end")
    if any(phase(scene, one) == RUNNING for one in tasks):
        return Step((), state, state.message)
    if removals := _outlived(scene, scene.tasks):
        return Step(removals, state, "removing hooks that came to their end")
    return _over(ending.failed(state, state.message, scene.now))


def _refused(scene: Scene, message: str, new: Results) -> Step:
    """Nothing was written, so nothing is run for failures."""
    return _over(ending.failed(recorded(scene, new), message, scene.now))


def _over(state: OperationState, actions: tuple[Action, ...] = ()) -> Step:
    at = ending.retry_at(state) if ending.waits_for_retry(state) else None
    return Step(actions, state, state.message, at)
