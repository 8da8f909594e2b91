"""The name of a new ReplicaSet is made of its hash, and may be somebody else's already; so may a run's.

Then the hash is made anew with one collision more in status.collisionCount, as Argo and Deployments do; a
run gets the next number behind its name.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import count
from typing import Any

from crds import paths
from crds.refs import ANALYSIS_RUN, REPLICA_SET, ROLLOUT, Ref, ref_of
from rollouts.actions import StartAnalysis
from rollouts.world import World
from tidegate.planners.needs import Answers, Known, Need, Object, known
from tidegate.planners.plan import Plan, Record
from tidegate.planners.rollout_world import Given, own

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


def run_name_needs(here: Given, start: StartAnalysis, answers: Answers) -> tuple[Need, ...]:
    """Whatever stands under the name that the run is to get; where one does, under the next."""
    asked: list[Need] = []
    for name in _free_of_ours(here, start, answers):
        asked.append(_run(here, name))
        if not isinstance(answers.get(asked[-1]), Known):
            break
    return tuple(asked)


def run_name(here: Given, start: StartAnalysis, answers: Answers) -> str:
    """`ROLLOUT-HASH-REVISION[-STEP][.N]`, of which nobody else's run is known."""
    names = _free_of_ours(here, start, answers)
    return next(name for name in names if not isinstance(answers.get(_run(here, name)), Known))


def _run(here: Given, name: str) -> Object:
    return Object(Ref(ANALYSIS_RUN, here.namespace, name))


def _free_of_ours(here: Given, start: StartAnalysis, answers: Answers) -> Iterator[str]:
    """The names that none of the Rollout's own runs has, from the attempt's on."""
    step = "" if start.step is None else f"-{start.step}"
    ours = {raw["metadata"]["name"] for raw in known(answers, own(here)[2], ())}
    name = f"{here.name}-{start.hash}-{start.revision}{step}"
    numbered = (f"{name}.{number}" if number else name for number in count(start.attempt))
    return (name for name in numbered if name not in ours)
