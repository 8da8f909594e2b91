"""The name of a new ReplicaSet is made of its hash, and may be somebody else's already.

Then the hash is made anew with one collision more in status.collisionCount, as Argo and Deployments do.
"""

from __future__ import annotations

from typing import Any

from crds import paths
from crds.refs import REPLICA_SET, ROLLOUT, Ref, ref_of
from rollouts.world import World
from tidegate.planners.needs import Answers, Need, Object, known
from tidegate.planners.plan import Plan, Record
from tidegate.planners.rollout_world import Given

Raw = dict[str, Any]


def name_needs(here: Given, world: World) -> tuple[Need, ...]:
    """Whatever stands under the name that a missing ReplicaSet is to get."""
    if world.new is not None:
        return ()
    return (Object(Ref(REPLICA_SET, here.namespace, f"{here.name}-{here.pod_hash}")),)


def collided(here: Given, world: World, answers: Answers) -> Plan | None:
    """What to write if the name is taken: nothing of ours is there, so whoever has it keeps it."""
    asked = name_needs(here, world)
    taken: Raw | None = known(answers, asked[0]) if asked else None
    if taken is None or paths.get(taken, "metadata", "deletionTimestamp"):
        return None
    collisions = (here.rollout.status.collision_count or 0) + 1
    meta = here.rollout.metadata
    record = Record(ref_of(ROLLOUT, here.raw), {"collisionCount": collisions}, meta.resource_version)
    return Plan((record,), why=f"the name {taken['metadata']['name']} is another's; taking the next hash")
