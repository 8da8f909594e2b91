"""Istio: VirtualServices split by weight between two arms, subsets of a DestinationRule or Services.

`seen` reads what stands, `route` changes the weights; which pods the arms mean is `traffic.arms`'. Istio's
lists are atomic to server-side apply, so a change is one JSON Patch that tests what it was planned on:
the version of the object and each destination it touches. Everything else in them is their owner's.
"""

from __future__ import annotations

from contextlib import suppress
from functools import cached_property
from typing import Any

import msgspec

from crds import paths
from crds.errors import Invalid
from crds.paths import Path, show
from crds.refs import VIRTUAL_SERVICE, Ref
from traffic import arms
from traffic.arms import Arms, Objects, Operations, Services
from traffic.patches import pointer, same_version

Raw = dict[str, Any]


class Via(msgspec.Struct, frozen=True):
    """One VirtualService, `name` or `name.namespace`; no `routes` means the only http route there is."""

    name: str
    routes: tuple[str, ...] = ()


class Istio(msgspec.Struct, frozen=True, dict=True):
    """Where a Rollout's traffic is split, and between what."""

    namespace: str
    via: tuple[Via, ...]
    arms: Arms

    def ref(self, via: Via) -> Ref:
        name, _, namespace = via.name.partition(".")
        return Ref(VIRTUAL_SERVICE, namespace or self.namespace, name)

    @cached_property
    def refs(self) -> tuple[Ref, ...]:
        """Every object that is read and patched."""
        return (*(self.ref(via) for via in self.via), *self.arms.refs)

    @property
    def where(self) -> str:
        """The weights, as people may look for them."""
        return ", ".join(f"{self.ref(via)} spec.http weights" for via in self.via)


class Seen(msgspec.Struct, frozen=True):
    """What the objects say: the canary's weight in percent, and what the arms mean.

    `weights` are all (stable, canary) pairs found; they are `exact` when each adds up to 100 and all agree.
    `weight` is the largest share that any route gives the canary.
    """

    weights: tuple[tuple[int, int], ...]
    arms: arms.Meaning

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


def seen(istio: Istio, objects: Objects) -> Seen:
    """What stands now. Raises Invalid, naming object and field, where a route or an arm cannot be told."""
    weights: list[tuple[int, int]] = []
    means = arms.seen(istio.arms, objects)
    for via in istio.via:
        virtual_service = objects[istio.ref(via)]
        for split in _splits(istio, via, virtual_service):
            _check_hosts(istio, istio.ref(via), virtual_service, split, means.host)
            weights.append(_weights(virtual_service, split))
    return Seen(tuple(weights), means)


def route(istio: Istio, objects: Objects, weight: int) -> tuple[tuple[Ref, Operations], ...]:
    """The JSON Patches that give the canary `weight` percent; none for objects that do already."""
    patches = ((istio.ref(via), _reweighed(istio, via, objects, weight)) for via in istio.via)
    return tuple((ref, operations) for ref, operations in patches if operations)


def take_away(istio: Istio, objects: Objects) -> tuple[tuple[Ref, Operations], ...]:
    """The JSON Patches that leave the canary nothing where that can be told, whatever is wrong elsewhere."""
    found: list[tuple[Ref, Operations]] = []
    for via in istio.via:
        ref = istio.ref(via)
        with suppress(Invalid):
            found.append((ref, _reweighed(istio, via, objects, 0) if ref in objects else ()))
    return tuple((ref, operations) for ref, operations in found if operations)


def _reweighed(istio: Istio, via: Via, objects: Objects, weight: int) -> Operations:
    virtual_service = objects[istio.ref(via)]
    wanted = (100 - weight, weight)
    changes: list[Raw] = []
    for split in _splits(istio, via, virtual_service):
        now = _weights(virtual_service, split)
        for index, had, wants in zip((split.stable, split.canary), now, wanted, strict=True):
            written = paths.get(virtual_service, *split.path, "route", index, "weight")
            if had != wants or written is None:
                changes += _reweigh(virtual_service, (*split.path, "route", index), wants)
    return (same_version(virtual_service), *changes) if changes else ()


def _splits(istio: Istio, via: Via, virtual_service: Raw) -> tuple[_Split, ...]:
    where = f"{istio.ref(via)} spec.http"
    routes = paths.get(virtual_service, "spec", "http", default=[])
    if not via.routes:
        if len(routes) != 1:
            raise Invalid(
                where,
                f"has {len(routes)} http routes and the Rollout names none; keep one, or name yours in "
                "spec.strategy.canary.trafficRouting.istio.virtualService.routes",
            )
        return (_split(istio, via, routes[0], 0),)
    found = (_index(routes, name, where) for name in via.routes)
    return tuple(_split(istio, via, routes[i], i) for i in found)


def _index(routes: list[Raw], name: str, where: str) -> int:
    found = [i for i, one in enumerate(routes) if paths.get(one, "name") == name]
    if len(found) != 1:
        have = ", ".join(str(paths.get(one, "name", default="(unnamed)")) for one in routes) or "none"
        raise Invalid(where, f"has {len(found)} http routes named {name!r}, one is needed; it has: {have}")
    return found[0]


def _split(istio: Istio, via: Via, raw_route: Raw, index: int) -> _Split:
    path: Path = ("spec", "http", index)
    names = [_arm_name(istio.arms, one) for one in paths.get(raw_route, "route", default=[])]
    wanted = [istio.arms.stable, istio.arms.canary]
    if sorted(names) != sorted(wanted):
        kind = "hosts" if isinstance(istio.arms, Services) else "subsets"
        have = ", ".join(repr(name) for name in names) or "none"
        raise Invalid(
            f"{istio.ref(via)} {show(*path, 'route')}",
            f"must have exactly two destinations, {kind} {wanted[0]!r} and {wanted[1]!r}; it has: {have}",
        )
    return _Split(path, names.index(istio.arms.stable), names.index(istio.arms.canary))


def _arm_name(of: Arms, destination: Raw) -> str:
    """What tells a destination's arm: its subset, or its host up to the first dot."""
    if isinstance(of, Services):
        return str(paths.get(destination, "destination", "host", default="")).partition(".")[0]
    return str(paths.get(destination, "destination", "subset", default=""))


def _check_hosts(istio: Istio, ref: Ref, virtual_service: Raw, split: _Split, host: str) -> None:
    """The subsets of a route are those of the rule only where both speak of the same host."""
    if isinstance(istio.arms, Services) or host in ("", "*"):
        return
    for one in paths.get(virtual_service, *split.path, "route", default=[]):
        goes = str(paths.get(one, "destination", "host", default="")).partition(".")[0]
        if goes != host:
            raise Invalid(
                f"{ref} {show(*split.path, 'route')}",
                f"goes to host {goes!r}, and {istio.arms.refs[0]} is for {host!r}; "
                "name a VirtualService and a DestinationRule of one host",
            )


def _weights(virtual_service: Raw, split: _Split) -> tuple[int, int]:
    def weight(index: int) -> int:
        return int(paths.get(virtual_service, *split.path, "route", index, "weight", default=0))

    return weight(split.stable), weight(split.canary)


def _percent(stable: int, canary: int) -> int:
    return -(-100 * canary // (stable + canary)) if canary else 0


def _reweigh(virtual_service: Raw, path: Path, weight: int) -> list[Raw]:
    destination = paths.get(virtual_service, *path, "destination")
    return [
        {"op": "test", "path": pointer(*path, "destination"), "value": destination},
        {"op": "add", "path": pointer(*path, "weight"), "value": weight},
    ]
