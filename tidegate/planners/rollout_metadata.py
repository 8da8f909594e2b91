"""canaryMetadata and stableMetadata: given to a revision's pods while it plays that part, without a restart.

First the ReplicaSet's template and its annotation have it, so that no pod is born without, and a note of ours
says what its pods may still carry; then each pod is set right, and the note goes. Pods are listed for that.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from crds import ephemeral, paths
from crds.meta import Metadata
from crds.patches import merge_diff
from crds.refs import POD, REPLICA_SET, Ref
from rollouts.world import World
from tidegate.planners.needs import Answers, Known, Pods
from tidegate.planners.plan import MergePatch
from tidegate.planners.rollout_world import PODS_EVERY, Given, hash_of, observed, pods_need, replica_sets

Raw = dict[str, Any]

WAS = "tidegate.dev/ephemeral-metadata-was"
"""Annotation: what pods of a ReplicaSet may carry from before, as long as they were not all looked at."""


def metadata_of(here: Given, stable: str, new: str, pod_hash: str) -> Metadata:
    """What the pods of a revision should carry; the first revision of all is stable from the start."""
    canary = here.rollout.canary
    if canary is None or pod_hash not in (stable, new):
        return Metadata()
    is_stable = pod_hash == (stable or new)
    return (canary.stable_metadata if is_stable else canary.canary_metadata) or Metadata()


def metadata_needs(here: Given, world: World, answers: Answers) -> tuple[Pods, ...]:
    """The pods, once all templates are right and there are some to be looked at."""
    return _asked(here, world, replica_sets(here, answers))


def _asked(here: Given, world: World, sets: tuple[Raw, ...]) -> tuple[Pods, ...]:
    due = [raw for raw in sets if _was(raw) is not None]
    if not due or any(_set_patch(here, world, raw) or not observed(raw) for raw in sets):
        return ()
    seen = tuple(f"{raw['metadata']['name']} {raw['metadata'].get('generation')}" for raw in due)
    return (pods_need(here, world.now, PODS_EVERY, seen=seen),)


def metadata_writes(here: Given, world: World, answers: Answers) -> tuple[MergePatch, ...]:
    """The next part of the way, for all ReplicaSets."""
    sets = replica_sets(here, answers)
    asked = _asked(here, world, sets)
    if not asked:
        return tuple(patch for raw in sets for patch in _set_patch(here, world, raw))
    pods = answers.get(asked[0])
    if not isinstance(pods, Known):
        return ()
    return tuple(patch for raw in sets for patch in _pod_patches(here, raw, pods.value))


def _set_patch(here: Given, world: World, raw: Raw) -> tuple[MergePatch, ...]:
    """Its template and annotation, where they are to say something else."""
    asked = metadata_of(here, world.memory.stable, world.ask.pod_hash, hash_of(raw))
    if asked == Metadata() and paths.get(raw, "metadata", "annotations", ephemeral.EPHEMERAL) is None:
        return ()
    had, template = ephemeral.given(raw), raw["spec"]["template"]
    own = ephemeral.without(template, had)
    wanted = ephemeral.fitting(own, asked)
    if wanted == had:
        return ()
    said = {ephemeral.EPHEMERAL: ephemeral.annotation(wanted), WAS: _note(raw, had)}
    change = merge_diff(template, ephemeral.beside(own, wanted))
    return (_patch(here, raw, {"metadata": {"annotations": said}, "spec": {"template": change}}),)


def _note(raw: Raw, had: Metadata) -> str:
    before = _was(raw) or Metadata()
    both = Metadata(before.labels | had.labels, before.annotations | had.annotations)
    return ephemeral.annotation(both) or "{}"


def _was(raw: Raw) -> Metadata | None:
    return ephemeral.given(raw, WAS) if paths.get(raw, "metadata", "annotations", WAS) is not None else None


def _pod_patches(here: Given, raw: Raw, pods: tuple[Raw, ...]) -> Iterator[MergePatch]:
    """To each pod that lacks something or has too much; then nothing is left to be looked at."""
    was, wanted = _was(raw), ephemeral.given(raw)
    if was is None:
        return
    for pod in pods:
        meta = pod["metadata"]
        change = merge_diff(pod, ephemeral.beside(ephemeral.without(pod, was), wanted))
        if change and _belongs(pod, raw) and "deletionTimestamp" not in meta:
            body = {"metadata": {"uid": meta["uid"], **change["metadata"]}}
            yield MergePatch(Ref(POD, here.namespace, meta["name"]), body)
    yield _patch(here, raw, {"metadata": {"annotations": {WAS: None}}})


def _belongs(pod: Raw, raw: Raw) -> bool:
    owners = paths.get(pod, "metadata", "ownerReferences", default=[])
    return any(owner.get("uid") == raw["metadata"]["uid"] for owner in owners)


def _patch(here: Given, raw: Raw, body: Raw) -> MergePatch:
    return MergePatch(Ref(REPLICA_SET, here.namespace, raw["metadata"]["name"]), body)
