"""Whether what was applied has come to its end: a hook by its result, others by their health.

An object on its own wave is waited for; where everything is one wave nobody waits, as in Argo CD. What is
Suspended holds no wave: a paused Rollout, a child that waits for a person. Nor does the Application itself.
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from gitops.compare import Unseen, Unserved
from gitops.health import settled
from gitops.order import Task
from gitops.results import FAILED, RUNNING, SUCCEEDED, phase
from gitops.scene import Scene

WAITS_FOR_HOOKS = "waiting for completion of hook"
WAITS_FOR_HEALTH = "waiting for healthy state of"
WAITS_FOR_KIND = "waiting for the API server:"
WAITS_FOR_CONFIRMATION = "waiting for pruning confirmation of"
WAITS_FOR_OTHERS = (WAITS_FOR_HEALTH, WAITS_FOR_KIND, WAITS_FOR_CONFIRMATION)


class Standing(msgspec.Struct, frozen=True):
    """`phase` is Running, Succeeded or Failed."""

    phase: str
    message: str = ""


def waits(scene: Scene, task: Task) -> bool:
    """Whether the sync goes on only after its end."""
    return scene.many or task.hook or task.defines or scene.prunes_last


def standing(scene: Scene, task: Task) -> Standing:
    if task.key == scene.me:
        return Standing(SUCCEEDED)
    live = scene.target(task.key).live
    found = settled(live)
    if live is None and unready(scene, task):
        return Standing(RUNNING)
    if live is None and task.hook:
        return Standing(FAILED, "was deleted before its end was seen; sync again to run it anew")
    if live is None:
        return Standing(RUNNING)
    if found is None:
        return Standing(SUCCEEDED)
    enough = {"Healthy"} if task.hook else {"Healthy", "Suspended"}
    if found.status in enough:
        return Standing(SUCCEEDED, found.message)
    return Standing(FAILED if found.status == "Degraded" else RUNNING, found.message)


def lost(scene: Scene, task: Task) -> bool:
    """It was applied and is gone, before it came to its end: somebody deleted it."""
    gone = scene.target(task.key).live is None
    return gone and not task.hook and phase(scene, task) == RUNNING


def unready(scene: Scene, task: Task) -> str:
    """Why it can be neither seen nor applied now; "" where it can."""
    answer = scene.target(task.key).answer
    return f"{WAITS_FOR_KIND} {answer.why}" if isinstance(answer, Unserved | Unseen) else ""


def words(waiting: Sequence[Task]) -> str:
    """What is waited for, hooks first."""
    hooks = [one for one in waiting if one.hook]
    named = hooks or waiting
    what = WAITS_FOR_HOOKS if hooks else WAITS_FOR_HEALTH
    more = f" and {len(named) - 1} more {'hooks' if hooks else 'resources'}" if len(named) > 1 else ""
    return f"{what} {named[0].key.short}{more}"
