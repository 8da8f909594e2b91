"""What a Rollout and its newest ReplicaSet carry beside sizes, for people and tools, as the spec says it."""

from __future__ import annotations

from typing import Any

from crds import paths
from crds.patches import merge_diff
from crds.pruning import KEPT
from crds.refs import REPLICA_SET, ROLLOUT, Ref, ref_of
from rollouts.world import World
from tidegate.planners.needs import Answers, known
from tidegate.planners.plan import MergePatch
from tidegate.planners.rollout_world import DESIRED, HISTORY, REVISION, Given, own

Raw = dict[str, Any]

NOT_COPIED = ("kubectl.kubernetes.io/last-applied-configuration", REVISION, HISTORY, DESIRED, KEPT)
NOT_COPIED_PREFIX = "notified.notifications.argoproj.io"


def upkeep(here: Given, world: World, answers: Answers) -> tuple[MergePatch, ...]:
    """The patches that are due, mostly none."""
    return (*_of_rollout(here, world), *_of_newest(here, world, answers))


def copied(here: Given) -> dict[str, str]:
    """The annotations that a ReplicaSet has of its Rollout."""
    return {
        key: value
        for key, value in here.rollout.metadata.annotations.items()
        if key not in NOT_COPIED and not key.startswith(NOT_COPIED_PREFIX)
    }


def _of_rollout(here: Given, world: World) -> tuple[MergePatch, ...]:
    """Its revision; and `replicas`, without which nobody can scale it through its subresource."""
    meta: Raw = {"resourceVersion": here.rollout.metadata.resource_version}
    body, revision = {}, str(world.revision)
    if world.new and here.rollout.metadata.annotations.get(REVISION) != revision:
        body["metadata"] = meta | {"annotations": {REVISION: revision}}
    if paths.get(here.raw, "spec", "replicas") is None:
        body |= {"metadata": body.get("metadata", meta), "spec": {"replicas": here.rollout.spec.replicas}}
    return (MergePatch(ref_of(ROLLOUT, here.raw), body),) if body else ()


def _of_newest(here: Given, world: World, answers: Answers) -> tuple[MergePatch, ...]:
    """Annotations and minReadySeconds that were edited since it was made."""
    sets = known(answers, own(here)[0], ())
    found = (raw for raw in sets if world.new and _name(raw) == world.new.name)
    return tuple(patch for raw in found for patch in _edited(here, raw))


def _edited(here: Given, raw: Raw) -> tuple[MergePatch, ...]:
    annotations = paths.get(raw, "metadata", "annotations", default={})
    seconds = paths.get(raw, "spec", "minReadySeconds", default=0)
    due = merge_diff(
        {"metadata": {"annotations": annotations}, "spec": {"minReadySeconds": seconds}},
        {
            "metadata": {"annotations": annotations | copied(here)},
            "spec": {"minReadySeconds": here.rollout.spec.min_ready_seconds},
        },
    )
    return (MergePatch(Ref(REPLICA_SET, here.namespace, _name(raw)), due),) if due else ()


def _name(raw: Raw) -> str:
    return str(raw["metadata"]["name"])
