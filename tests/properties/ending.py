"""Whether a Rollout at rest is what it should be: told by its ReplicaSets and router, not by its words."""

from __future__ import annotations

from collections.abc import Iterator

from tests.properties.controller import NAMESPACE
from tests.properties.world import World
from tidegate.sandbox.objects import Raw, at
from tidegate.sandbox.resources import DESTINATION_RULES, REPLICA_SETS, SERVICES, VIRTUAL_SERVICES

HASH = "rollouts-pod-template-hash"


def unsound(world: World, name: str) -> Iterator[str]:
    """What is wrong with a Rollout that is Healthy, or aborted; one whose spec is refused is left alone."""
    raw = world.rollout(name)
    phase, status = at(raw, "status", "phase"), at(raw, "status", default={})
    stable = str(status.get("stableRS", ""))
    if phase == "Healthy":
        yield from _healthy(world, raw, stable)
    if phase == "Healthy" or (status.get("abort") and not _is_refused(status)):
        yield from (f"{name}: {text}" for text in _all_on(world, name, stable))
        yield from (f"{name}: {text}" for text in _full(world, raw, stable))


def _is_refused(status: Raw) -> bool:
    said = at(status, "conditions", default=[])
    return any(one["type"] == "InvalidSpec" and one["status"] == "True" for one in said)


def _healthy(world: World, raw: Raw, stable: str) -> Iterator[str]:
    name, uid = raw["metadata"]["name"], raw["metadata"]["uid"]
    if at(raw, "status", "currentPodHash") != stable:
        yield f"{name} is Healthy and stable is not what is asked for"
    for one in world.every(REPLICA_SETS):
        if at(one, "metadata", "ownerReferences", 0, "uid") != uid:
            continue
        if _hash(one) == stable and _images(one) != _images(raw):
            yield f"{name}: stable runs {_images(one)} where {_images(raw)} is asked for"
        if _hash(one) != stable and one["spec"]["replicas"]:
            yield f"{name}: {one['metadata']['name']} keeps {one['spec']['replicas']} pods"


def _full(world: World, raw: Raw, stable: str) -> Iterator[str]:
    wanted = at(raw, "spec", "replicas", default=1)
    mine = (one for one in world.every(REPLICA_SETS) if _hash(one) == stable)
    have = sum(
        at(one, "status", "availableReplicas", default=0)
        for one in mine
        if at(one, "metadata", "ownerReferences", 0, "uid") == raw["metadata"]["uid"]
    )
    if have != wanted:
        yield f"stable {stable} has {have} pods available where {wanted} are asked for"


def _all_on(world: World, name: str, stable: str) -> Iterator[str]:
    """The router gives everything to stable."""
    service = world.store.find(VIRTUAL_SERVICES, NAMESPACE, name)
    weights = [route.get("weight") for route in at(service, "spec", "http", 0, "route", default=[])]
    if weights not in ([], [100, 0]):
        yield f"the weights are {weights}"
    rule = world.store.find(DESTINATION_RULES, NAMESPACE, name)
    for subset in at(rule, "spec", "subsets", default=[])[:1]:
        if at(subset, "labels", HASH) != stable:
            yield f"the stable subset means {at(subset, 'labels', HASH)}, not {stable}"
    arm = world.store.find(SERVICES, NAMESPACE, f"{name}-stable")
    if arm and at(arm, "spec", "selector", HASH) != stable:
        yield f"the stable Service means {at(arm, 'spec', 'selector', HASH)}, not {stable}"


def _hash(one: Raw) -> str:
    return str(at(one, "metadata", "labels", HASH, default=""))


def _images(raw: Raw) -> list[str]:
    return [one["image"] for one in at(raw, "spec", "template", "spec", "containers", default=[])]
