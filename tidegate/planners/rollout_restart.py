"""The pods that a restart is to take: they are listed only while one is under way.

They are listed anew when a ReplicaSet changed, for every pod that comes or goes changes one, and every half
minute, since a disruption budget may change without that.
"""

from __future__ import annotations

from typing import Any

from crds import paths
from crds.times import parse as parse_time
from rollouts.restart import ASK_AGAIN, under_way
from rollouts.world import Aged, World
from tidegate.planners.needs import Answers, Known, Pods
from tidegate.planners.rollout_world import Given, hash_of, pods_need, replica_sets

Raw = dict[str, Any]


def restart_needs(here: Given, world: World, answers: Answers) -> tuple[Pods, ...]:
    if not under_way(world, world.memory):
        return ()
    seen = tuple(str(raw["metadata"]["resourceVersion"]) for raw in replica_sets(here, answers))
    return (pods_need(here, world.now, ASK_AGAIN, seen=seen),)


def aged(here: Given, world: World, answers: Answers) -> tuple[Aged, ...] | None:
    """The Rollout's pods from before its restartAt that are not going yet; None while that is not known."""
    staying = _staying(here, world, answers)
    return None if staying is None else tuple(_aged(pod) for pod in staying if _is_old(pod, world))


def ready(here: Given, world: World, answers: Answers) -> int | None:
    """How many of its pods are ready and not going; None while that is not known."""
    staying = _staying(here, world, answers)
    return None if staying is None else sum(map(_is_ready, staying))


def _staying(here: Given, world: World, answers: Answers) -> tuple[Raw, ...] | None:
    asked = restart_needs(here, world, answers)
    answer = answers.get(asked[0]) if asked else None
    if not isinstance(answer, Known):
        return None
    owners = {raw["metadata"]["uid"] for raw in replica_sets(here, answers)}
    staying = (pod for pod in answer.value if "deletionTimestamp" not in pod["metadata"])
    return tuple(pod for pod in staying if _owner(pod) in owners)


def _aged(pod: Raw) -> Aged:
    meta = pod["metadata"]
    return Aged(meta["name"], meta["uid"], hash_of(pod), _is_ready(pod))


def _is_ready(pod: Raw) -> bool:
    conditions = paths.get(pod, "status", "conditions", default=[])
    return any((one["type"], one["status"]) == ("Ready", "True") for one in conditions)


def _owner(pod: Raw) -> str:
    owners = paths.get(pod, "metadata", "ownerReferences", default=[])
    return next((str(owner["uid"]) for owner in owners if owner.get("controller")), "")


def _is_old(pod: Raw, world: World) -> bool:
    at, created = world.ask.restart_at, parse_time(pod["metadata"]["creationTimestamp"])
    return at is not None and created < at
