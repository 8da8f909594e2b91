"""Hooks: objects of a sync, run anew in each, and gone when their delete policy says.

A hook carries the mark of its operation, try and phase: one begun before a crash is not begun again, and one
of an earlier sync is told from it.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from crds.paths import drop, get, put
from crds.times import rfc3339
from gitops.actions import Remove
from gitops.objects import annotation, words
from gitops.order import HELM_HOOK, HOOK, Task, hooks
from gitops.scene import Scene

Raw = dict[str, Any]
MARK = "tidegate.dev/operation"
LONGEST = 63
"""Characters of a Job's name."""
POLICY = "argocd.argoproj.io/hook-delete-policy"
HELM_POLICY = "helm.sh/hook-delete-policy"
HELM_POLICIES = {
    "before-hook-creation": "BeforeHookCreation",
    "hook-succeeded": "HookSucceeded",
    "hook-failed": "HookFailed",
}


def called(raw: Raw, sync: str) -> Raw:
    """A hook that only says how its name begins has another in each sync."""
    if get(raw, "metadata", "name") or hooks(raw) is None:
        return raw
    begins = str(get(raw, "metadata", "generateName", default=""))
    bare = drop(raw, ("metadata", "generateName"))
    named: Raw = put(bare, ("metadata", "name"), f"{begins[: LONGEST - len(sync)]}{sync}")
    return named


def marked(scene: Scene, task: Task) -> Raw:
    raw: Raw = put(task.wanted, ("metadata", "annotations", MARK), _mark(scene, task))
    return raw


def begun(scene: Scene, task: Task) -> bool:
    """It was already created by this try of this operation."""
    return annotation(scene.target(task.key).live, MARK) == _mark(scene, task)


def leaving(scene: Scene, task: Task) -> bool:
    """One of an earlier sync stands in the way."""
    there = scene.target(task.key).live is not None
    return task.hook and there and not begun(scene, task) and "BeforeHookCreation" in policies(task.wanted)


def outlived(scene: Scene, task: Task, phase: str) -> bool:
    """It ended in a way after which its author wants it gone."""
    return task.hook and f"Hook{phase}" in policies(task.wanted) and begun(scene, task)


def remove(scene: Scene, task: Task) -> tuple[Remove, ...]:
    """The deletion of what is there, unless that is on its way."""
    live = scene.target(task.key).live
    if live is None or get(live, "metadata", "deletionTimestamp"):
        return ()
    return (removal(task.key, live, "Background"),)


def removal(key: Any, live: Raw, propagation: str) -> Remove:
    """The deletion of exactly this object."""
    uid, version = get(live, "metadata", "uid", default=""), get(live, "apiVersion", default="")
    return Remove(key, str(version), str(uid), propagation)


def policies(raw: Raw) -> frozenset[str]:
    said: Iterable[str] = words(annotation(raw, POLICY))
    if not annotation(raw, HOOK) and annotation(raw, HELM_HOOK):
        said = [HELM_POLICIES.get(word, word) for word in words(annotation(raw, HELM_POLICY))]
    return frozenset(said or ["BeforeHookCreation"])


def _mark(scene: Scene, task: Task) -> str:
    """One object may be a hook of several phases, and runs in each."""
    return f"{rfc3339(scene.state.started_at or scene.now)}/{scene.state.retry_count}/{task.phase}"
