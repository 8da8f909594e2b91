"""A freeze: no release is taken back in Git and no new canary is begun until somebody ends it. Aborts go on.

It lies on the ConfigMap beside the controller, which holds the metrics catalogue too: one watch sees it.
"""

from __future__ import annotations

from msgspec.structs import replace

from crds.paths import get
from rollouts.progress import on_the_way, remember
from rollouts.world import World
from tidegate.planners.needs import Answers, Need, Object, known
from tidegate.planners.settings import FROZEN, Settings


def freeze_need(settings: Settings) -> Need:
    return Object(settings.catalogue_ref)


def frozen(answers: Answers, settings: Settings) -> str:
    """By whom and why, "" where nothing is; what cannot be read freezes nothing."""
    said = str(get(known(answers, freeze_need(settings), {}), "metadata", "annotations", FROZEN, default=""))
    return f"frozen: {said}; to go on: tidegate unfreeze" if said else ""


def in_a_freeze(world: World, said: str) -> World:
    """A canary that has not begun waits, as if its Rollout were paused; a release that was good does not."""
    if not said or not _unbegun(world) or world.ask.was_good:
        return world
    return replace(world, ask=replace(world.ask, paused=True, frozen=said))


def _unbegun(world: World) -> bool:
    memory, new = remember(world), world.new
    idle = not (new and (new.desired or new.replicas)) and not (world.seen and world.seen.weight)
    return on_the_way(world.ask, memory) and not memory.abort and not memory.promote_full and idle
