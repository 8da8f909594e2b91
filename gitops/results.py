"""What an operation has done so far, object by object: its memory, kept in the Application's status.

A result is recorded behind the write it tells of, so a crash between the two repeats a write that changes
nothing. What ended stays ended, also when the object is gone.
"""

from __future__ import annotations

from collections.abc import Iterable

from msgspec.structs import replace

from crds.application_source import normalised
from crds.application_status import OperationState, ResourceResult, SyncResult
from gitops import order
from gitops.objects import group_version
from gitops.order import Task
from gitops.scene import Scene, key_of_result

RUNNING, SUCCEEDED, FAILED = "Running", "Succeeded", "Failed"


def result(scene: Scene, task: Task) -> ResourceResult | None:
    """What was recorded of a task."""
    return scene.done.get((task.key, task.phase))


def phase(scene: Scene, task: Task) -> str:
    """Running, Succeeded or Failed as recorded, "" for not begun."""
    found = result(scene, task)
    return found.hook_phase if found else ""


def results(state: OperationState) -> tuple[ResourceResult, ...]:
    return state.sync_result.resources if state.sync_result else ()


def of_task(task: Task, phase: str, message: str, status: str = "Synced") -> ResourceResult:
    said = order.hooks(task.wanted)
    return ResourceResult(
        task.key.group,
        group_version(task.wanted)[1],
        task.key.kind,
        task.key.namespace,
        task.key.name,
        status=status,
        message=message,
        hook_type=task.phase if said else "",
        hook_phase=phase,
        sync_phase=task.phase,
    )


def recorded(
    scene: Scene, new: Iterable[ResourceResult], state: OperationState | None = None
) -> OperationState:
    """The state with these results, each in the place of what was said of its object before."""
    state = state or scene.state
    told = {(key_of_result(one), one.sync_phase): one for one in (*results(state), *new)}
    source = scene.application.spec.source
    kept = state.sync_result or SyncResult(scene.revision, source=source and normalised(source))
    return replace(state, sync_result=replace(kept, resources=tuple(told.values())))
