"""When a running operation makes way for something newer, instead of going on.

An automated one that only waits makes way for a newer commit. Any makes way for another source, of which it
would deploy the rest as its own; but not while a hook of it runs, which may be in the middle of a migration.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from crds.application_source import normalised
from gitops.actions import Step
from gitops.ending import superseded, waits_for_retry
from gitops.health import settled
from gitops.objects import key_of
from gitops.results import RUNNING, results
from gitops.scene import Scene, key_of_result
from gitops.sync import step
from gitops.waiting import WAITS_FOR_HOOKS, WAITS_FOR_OTHERS

Raw = dict[str, Any]


def stepped(scene: Scene, head: str, extras: Iterable[Raw]) -> Step:
    """Its next step, or its end; `extras` are objects that are ours and no more in Git, hooks too."""
    if _of_another_source(scene):
        there = (*extras, *(one.live for one in scene.targets if one.live is not None))
        if hook := _still_runs(scene, there):
            return Step((), scene.state, f"{WAITS_FOR_HOOKS} {hook}, of another source")
        over = superseded(scene.state, "another spec.source", scene.now)
        return Step((), over, over.message)
    found = step(scene)
    if not _overtaken(scene, found, head):
        return found
    over = superseded(found.state, head, scene.now)
    return Step((), over, over.message)


def _overtaken(scene: Scene, found: Step, head: str) -> bool:
    """An automated sync that only waits, for its next try or for others, while Git has something newer."""
    newer = head not in {"", scene.revision}
    idle = waits_for_retry(found.state) or found.state.message.startswith(WAITS_FOR_OTHERS)
    return newer and idle and not found.actions and found.state.operation.initiated_by.automated


def _of_another_source(scene: Scene) -> bool:
    """Whether what it did so far was of another source than the one declared by now."""
    result, source = scene.state.sync_result, scene.application.spec.source
    if scene.state.phase != "Running" or result is None or not result.resources:
        return False
    return source is not None and result.source != normalised(source)


def _still_runs(scene: Scene, live: Iterable[Raw]) -> str:
    """A hook of it that has not come to its end; "" for none."""
    hooks = (one for one in results(scene.state) if one.hook_type and one.hook_phase == RUNNING)
    begun = {key_of_result(one) for one in hooks}
    for raw in live:
        health = settled(raw) if key_of(raw) in begun else None
        if health and health.status not in {"Healthy", "Degraded"}:
            return key_of(raw).short
    return ""
