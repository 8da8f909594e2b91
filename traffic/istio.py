"""Istio, subset-level: one VirtualService splits by weight between two subsets of one DestinationRule.

`seen` reads what stands, `route` changes the weights, `point` changes which pods the subsets mean. Istio's
lists are atomic to server-side apply, so a change is one JSON Patch that tests what it was planned on:
the version of the object and each destination it touches. Everything else in both objects is its owner's.
"""

from __future__ import annotations

from typing import Any

import msgspec

from crds import paths
from crds.errors import Invalid
from crds.paths import Path, show
from crds.refs import DESTINATION_RULE, VIRTUAL_SERVICE, Ref

Raw = dict[str, Any]

HASH_LABEL = "rollouts-pod-template-hash"
MANAGED_BY = "argo-rollouts.argoproj.io/managed-by-rollouts"


class Istio(msgspec.Struct, frozen=True):
    """Where a Rollout's traffic is split. `routes` empty means: the VirtualService's only http route."""

    namespace: str
    virtual_service: str
    destination_rule: str
    routes: tuple[str, ...] = ()
    stable_subset: str = "stable"
    canary_subset: str = "canary"

    @property
    def virtual_service_ref(self) -> Ref:
        name, _, namespace = self.virtual_service.partition(".")
        return Ref(VIRTUAL_SERVICE, namespace or self.namespace, name)

    @property
    def destination_rule_ref(self) -> Ref:
        return Ref(DESTINATION_RULE, self.namespace, self.destination_rule)


class Seen(msgspec.Struct, frozen=True):
    """What the two objects say: the canary's weight in percent, and the pod hashes the subsets mean.

    `weights` are all (stable, canary) pairs found; they are `exact` when each adds up to 100 and all agree.
    `weight` is the largest share any route gives the canary; `host` the Service's name behind the subsets.
    """

    weights: tuple[tuple[int, int], ...]
    stable: str
    canary: str
    host: str

    @property
    def weight(self) -> int:
        return max(_percent(stable, canary) for stable, canary in self.weights)

    @property
    def exact(self) -> bool:
        return len(set(self.weights)) == 1 and sum(self.weights[0]) == 100


class _Split(msgspec.Struct, frozen=True):
    """One http route: where its two destinations stand in the list."""

    path: Path
    stable: int
    canary: int


def seen(istio: Istio, virtual_service: Raw, destination_rule: Raw) -> Seen:
    """What stands now. Raises Invalid, naming object and field, where a route or subset cannot be told."""
    return Seen(
        weights=tuple(_weights(virtual_service, split) for split in _splits(istio, virtual_service)),
        stable=_subset_hash(istio, destination_rule, istio.stable_subset),
        canary=_subset_hash(istio, destination_rule, istio.canary_subset),
        host=str(paths.get(destination_rule, "spec", "host", default="")).partition(".")[0],
    )


def route(istio: Istio, virtual_service: Raw, weight: int) -> tuple[Raw, ...]:
    """The JSON Patch that gives the canary `weight` percent, () where it has it already."""
    wanted = (100 - weight, weight)
    changes: list[Raw] = []
    for split in _splits(istio, virtual_service):
        now = _weights(virtual_service, split)
        for index, had, wants in zip((split.stable, split.canary), now, wanted, strict=True):
            written = paths.get(virtual_service, *split.path, "route", index, "weight")
            if had != wants or written is None:
                changes += _reweigh(virtual_service, (*split.path, "route", index), wants)
    return (_same_version(virtual_service), *changes) if changes else ()


def point(istio: Istio, destination_rule: Raw, hashes: tuple[str, str], owner: str) -> tuple[Raw, ...]:
    """The JSON Patch that makes the (stable, canary) subsets mean the pods of `hashes`, () where they do.

    An empty hash leaves that subset alone. `owner` is the Rollout's name, for the managed-by annotation.
    """
    changes: list[Raw] = []
    for subset, wanted in zip((istio.stable_subset, istio.canary_subset), hashes, strict=True):
        if wanted and _subset_hash(istio, destination_rule, subset) != wanted:
            changes += _relabel(destination_rule, _subset_path(istio, destination_rule, subset), wanted)
    if not changes:
        return ()
    return (_same_version(destination_rule), *changes, *_annotate(destination_rule, owner))


def _splits(istio: Istio, virtual_service: Raw) -> tuple[_Split, ...]:
    where = f"{istio.virtual_service_ref} spec.http"
    routes = paths.get(virtual_service, "spec", "http", default=[])
    if not istio.routes:
        if len(routes) != 1:
            raise Invalid(
                where,
                f"has {len(routes)} http routes and the Rollout names none; keep one, or name yours in "
                "spec.strategy.canary.trafficRouting.istio.virtualService.routes",
            )
        return (_split(istio, routes[0], 0),)
    return tuple(_split(istio, routes[i], i) for i in (_index(routes, name, where) for name in istio.routes))


def _index(routes: list[Raw], name: str, where: str) -> int:
    found = [i for i, r in enumerate(routes) if paths.get(r, "name") == name]
    if len(found) != 1:
        have = ", ".join(str(paths.get(r, "name", default="(unnamed)")) for r in routes) or "none"
        raise Invalid(where, f"has {len(found)} http routes named {name!r}, one is needed; it has: {have}")
    return found[0]


def _split(istio: Istio, raw_route: Raw, index: int) -> _Split:
    path: Path = ("spec", "http", index)
    subsets = [
        str(paths.get(d, "destination", "subset", default=""))
        for d in paths.get(raw_route, "route", default=[])
    ]
    wanted = [istio.stable_subset, istio.canary_subset]
    if sorted(subsets) != sorted(wanted):
        raise Invalid(
            f"{istio.virtual_service_ref} {show(*path, 'route')}",
            f"must have exactly two destinations, subsets {wanted[0]!r} and {wanted[1]!r}; it has: "
            + (", ".join(repr(s) for s in subsets) or "none"),
        )
    return _Split(path, subsets.index(istio.stable_subset), subsets.index(istio.canary_subset))


def _weights(virtual_service: Raw, split: _Split) -> tuple[int, int]:
    def weight(index: int) -> int:
        return int(paths.get(virtual_service, *split.path, "route", index, "weight", default=0))

    return weight(split.stable), weight(split.canary)


def _percent(stable: int, canary: int) -> int:
    return -(-100 * canary // (stable + canary)) if canary else 0


def _subset_path(istio: Istio, destination_rule: Raw, subset: str) -> Path:
    names = [s.get("name") for s in paths.get(destination_rule, "spec", "subsets", default=[])]
    if names.count(subset) != 1:
        raise Invalid(
            f"{istio.destination_rule_ref} spec.subsets",
            f"needs one subset named {subset!r}; it has: {', '.join(map(str, names)) or 'none'}",
        )
    return ("spec", "subsets", names.index(subset))


def _subset_hash(istio: Istio, destination_rule: Raw, subset: str) -> str:
    path = _subset_path(istio, destination_rule, subset)
    return str(paths.get(destination_rule, *path, "labels", HASH_LABEL, default=""))


def _same_version(raw: Raw) -> Raw:
    return {"op": "test", "path": "/metadata/resourceVersion", "value": raw["metadata"]["resourceVersion"]}


def _reweigh(virtual_service: Raw, path: Path, weight: int) -> list[Raw]:
    destination = paths.get(virtual_service, *path, "destination")
    return [
        {"op": "test", "path": _pointer(*path, "destination"), "value": destination},
        {"op": "add", "path": _pointer(*path, "weight"), "value": weight},
    ]


def _relabel(destination_rule: Raw, path: Path, wanted: str) -> list[Raw]:
    name = paths.get(destination_rule, *path, "name")
    same = {"op": "test", "path": _pointer(*path, "name"), "value": name}
    if paths.get(destination_rule, *path, "labels") is None:
        return [same, {"op": "add", "path": _pointer(*path, "labels"), "value": {HASH_LABEL: wanted}}]
    return [same, {"op": "add", "path": _pointer(*path, "labels", HASH_LABEL), "value": wanted}]


def _annotate(destination_rule: Raw, owner: str) -> list[Raw]:
    annotations = paths.get(destination_rule, "metadata", "annotations")
    if annotations is None:
        return [{"op": "add", "path": "/metadata/annotations", "value": {MANAGED_BY: owner}}]
    if annotations.get(MANAGED_BY) == owner:
        return []
    return [{"op": "add", "path": _pointer("metadata", "annotations", MANAGED_BY), "value": owner}]


def _pointer(*path: str | int) -> str:
    return "".join("/" + str(key).replace("~", "~0").replace("/", "~1") for key in path)
