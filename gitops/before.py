"""What must be right before a sync writes its first object."""

from __future__ import annotations

from crds.application_status import ResourceResult
from crds.meta import Metadata
from crds.paths import get
from gitops import order
from gitops.actions import EnsureNamespace
from gitops.compare import Awaited, Refused, Unasked, Unseen, Unserved
from gitops.hooks import leaving
from gitops.objects import defines, key_of
from gitops.order import NEEDED, Task
from gitops.results import of_task
from gitops.scene import Scene, names

Results = tuple[ResourceResult, ...]


def invalid(scene: Scene) -> Results:
    """The objects that this Application may not write, or that cannot be written as they are."""
    said = ((one, _problem(scene, one)) for one in scene.tasks)
    return tuple(of_task(one, "Failed", why, "SyncFailed") for one, why in said if why)


def unknown(scene: Scene) -> str:
    """What a person names and this Application has not, misspelled perhaps; "" for nothing.

    What is to be healed may be gone by now.
    """
    if scene.state.operation.initiated_by.automated:
        return ""
    keys = [*(one.key for one in scene.targets), *(key_of(raw) for raw in scene.extras)]
    found = (one for one in scene.sync.resources if not any(names(one, key) for key in keys))
    named = [f"{one.group}/{one.kind}/{one.name}" for one in found]
    return f"no object of this Application: {', '.join(named)}" if named else ""


def namespace(scene: Scene) -> EnsureNamespace | None:
    """The destination, where it is to be created or marked; one that is in Git is applied like all else."""
    name, policy = scene.application.spec.destination.namespace, scene.application.spec.sync_policy
    in_git = any(one.key[:2] == ("", "Namespace") and one.key.name == name for one in scene.tasks)
    if in_git or scene.sync.dry_run or not name or name != _created(scene):
        return None
    wanted = policy.managed_namespace_metadata or Metadata()
    there = scene.namespaces.get(name)
    if there is not None and _carries(there, wanted):
        return None
    return EnsureNamespace(name, wanted.labels, wanted.annotations)


def awaited(scene: Scene) -> bool:
    """Some dry runs are not answered yet."""
    asked = (scene.target(one.key).answer for one in scene.tasks if not leaving(scene, one))
    return any(isinstance(one, Awaited) or (isinstance(one, Unseen) and one.passing) for one in asked)


def refused(scene: Scene) -> Results:
    """What the API server would not take, or could not be asked for without good reason."""
    said = ((one, _refusal(scene, one)) for one in scene.tasks)
    return tuple(of_task(one, "Failed", why, "SyncFailed") for one, why in said if why)


def _problem(scene: Scene, task: Task) -> str:
    if not task.key.name:
        return f"a {task.key.kind} has no name; write metadata.name"
    if order.wave(task.wanted) is None:
        return f"{order.WAVE} of {task.key} is no whole number; write one like 1 or -1"
    return scene.forbidden.get(task.key, "")


def _refusal(scene: Scene, task: Task) -> str:
    """Of a hook that stands in for an earlier one nothing is known: that must first go."""
    if leaving(scene, task):
        return ""
    match scene.target(task.key).answer:
        case Refused(why) | Unseen(why):
            return why
        case (Unasked() | Unserved()) as missing if not _comes(scene, task):
            return missing.why
    return ""


def _comes(scene: Scene, task: Task) -> bool:
    """This very sync brings what is missing, or nobody minds."""
    if scene.options.on("SkipDryRunOnMissingResource", task.wanted):
        return True
    if task.key.namespace and task.key.namespace == _created(scene):
        return True
    return any(_brings(one, task) for one in scene.tasks if one.key.kind in NEEDED)


def _created(scene: Scene) -> str:
    """The destination where it is to be created, "" where it is not."""
    return scene.application.spec.destination.namespace if scene.options.on("CreateNamespace") else ""


def _brings(one: Task, task: Task) -> bool:
    if one.key[:2] == ("", "Namespace"):
        return one.key.name == task.key.namespace
    return defines(one.wanted, task.key.group, task.key.kind)


def _carries(there: object, wanted: Metadata) -> bool:
    labels = get(there, "metadata", "labels", default={})
    annotations = get(there, "metadata", "annotations", default={})
    labelled = wanted.labels.items() <= labels.items()
    return bool(labelled and wanted.annotations.items() <= annotations.items())
