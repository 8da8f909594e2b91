"""What a Rollout or an autoscaler is moving in the cluster: it is neither drift, nor overwritten by a sync.

Istio's lists and a Service's selector are atomic to server-side apply, so what is moved inside them is
copied from the live object into what is applied. A field that nobody moves any more is Git's again.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import msgspec

from crds.paths import Path, get, items, put
from crds.refs import HASH_LABEL
from gitops.fields import resolved
from gitops.objects import Key, group_version, key_of

Raw = dict[str, Any]
ISTIO = "networking.istio.io"
CANARY = ("spec", "strategy", "canary")
BLUE_GREEN = ("spec", "strategy", "blueGreen")
SERVICES = (
    (*CANARY, "canaryService"),
    (*CANARY, "stableService"),
    (*CANARY, "pingPong", "pingService"),
    (*CANARY, "pingPong", "pongService"),
    (*BLUE_GREEN, "activeService"),
    (*BLUE_GREEN, "previewService"),
)


class Split(msgspec.Struct, frozen=True):
    """The http routes of a VirtualService whose weights are moved (() for all), and those of a step."""

    routes: tuple[str, ...]
    managed: tuple[str, ...]


class Moving(msgspec.Struct, frozen=True):
    """Everything that is being moved, by object."""

    splits: dict[Key, Split] = {}
    rules: frozenset[Key] = frozenset()
    services: frozenset[Key] = frozenset()
    scaled: frozenset[Key] = frozenset()


NOTHING = Moving()


def is_mover(raw: Raw) -> bool:
    """Whether it may be one of those that move others."""
    return get(raw, "kind") in {"Rollout", "HorizontalPodAutoscaler"}


def moving(objects: Iterable[Raw]) -> Moving:
    """What the Rollouts and autoscalers among `objects`, live or in Git, lay their hands on."""
    objects = tuple(objects)
    rollouts = [raw for raw in objects if key_of(raw)[:2] == ("argoproj.io", "Rollout")]
    scalers = [raw for raw in objects if get(raw, "kind") == "HorizontalPodAutoscaler"]
    return Moving(
        dict(pair for raw in rollouts for pair in _splits(raw)),
        frozenset(key for raw in rollouts for key in _rules(raw)),
        frozenset(key for raw in rollouts for key in _services(raw)),
        frozenset(_target(raw) for raw in scalers),
    )


def kept(wanted: Raw, live: Raw, moved: Moving) -> Raw:
    """`wanted` with what is being moved as it is in `live`."""
    if moved == NOTHING:
        return wanted
    key = key_of(wanted)
    if split := moved.splits.get(key):
        wanted = _weights_kept(wanted, live, split)
    if key in moved.rules:
        wanted = _hashes_kept(wanted, live)
    if key in moved.services:
        wanted = _copied(wanted, live, ("spec", "selector", HASH_LABEL))
    if key in moved.scaled:
        wanted = _copied(wanted, live, ("spec", "replicas"))
    return wanted


def releasing(rollouts: Iterable[Raw]) -> str:
    """A Rollout between two revisions, whose older pods may still need what Git has dropped; "" for none."""
    for raw in rollouts:
        status = get(raw, "status", default={})
        stable, current = get(status, "stableRS"), get(status, "currentPodHash")
        seen = str(get(status, "observedGeneration")) == str(get(raw, "metadata", "generation"))
        if stable and not (seen and stable == current):
            return str(key_of(raw))
    return ""


def _splits(rollout: Raw) -> Iterable[tuple[Key, Split]]:
    routing = get(rollout, *CANARY, "trafficRouting", default={})
    istio = get(routing, "istio", default={})
    managed = tuple(str(get(one, "name")) for one in items(routing, "managedRoutes"))
    for one in (get(istio, "virtualService"), *items(istio, "virtualServices")):
        if get(one, "name"):
            name, _, namespace = str(get(one, "name")).partition(".")
            key = Key(ISTIO, "VirtualService", namespace or key_of(rollout).namespace, name)
            yield key, Split(tuple(items(one, "routes")), managed)


def _rules(rollout: Raw) -> Iterable[Key]:
    name = get(rollout, *CANARY, "trafficRouting", "istio", "destinationRule", "name")
    return [Key(ISTIO, "DestinationRule", key_of(rollout).namespace, str(name))] if name else []


def _services(rollout: Raw) -> Iterable[Key]:
    names = (get(rollout, *path) for path in SERVICES)
    return [Key("", "Service", key_of(rollout).namespace, str(name)) for name in names if name]


def _target(scaler: Raw) -> Key:
    ref = get(scaler, "spec", "scaleTargetRef", default={})
    kind, name = str(get(ref, "kind", default="")), str(get(ref, "name", default=""))
    return Key(group_version(ref)[0], kind, key_of(scaler).namespace, name)


def _copied(wanted: Raw, live: Raw, path: Path) -> Raw:
    found, there = get(live, *path), resolved(wanted, tuple(f"f:{one}" for one in path))
    changed: Raw = wanted if found is None or there is None else put(wanted, path, found)
    return changed


def _hashes_kept(wanted: Raw, live: Raw) -> Raw:
    hashes = {str(get(one, "name")): get(one, "labels", HASH_LABEL) for one in items(live, "spec", "subsets")}
    for at, one in enumerate(items(wanted, "spec", "subsets")):
        found = hashes.get(str(get(one, "name")))
        if found and isinstance(get(one, "labels", default={}), dict):
            wanted = put(wanted, ("spec", "subsets", at, "labels", HASH_LABEL), found)
    return wanted


def _weights_kept(wanted: Raw, live: Raw, split: Split) -> Raw:
    there = items(live, "spec", "http")
    added = [one for one in there if get(one, "name") in split.managed]
    plain = [one for one in there if get(one, "name") not in split.managed]
    routes = items(wanted, "spec", "http")
    mixed = [_weighed(one, _like(one, plain, at), split) for at, one in enumerate(routes)]
    own = [one for one in mixed if get(one, "name") not in split.managed]
    changed: Raw = put(wanted, ("spec", "http"), added + own) if routes else wanted
    return changed


def _like(route: Raw, there: list[Raw], at: int) -> Raw | None:
    """The live route of that name; of one without a name, that at its place."""
    if name := get(route, "name"):
        return next((one for one in there if get(one, "name") == name), None)
    return there[at] if at < len(there) else None


def _weighed(route: Raw, live: Raw | None, split: Split) -> Raw:
    if live is None or (split.routes and get(route, "name") not in split.routes):
        return route
    weights = {_arm(one): get(one, "weight") for one in items(live, "route")}
    for at, one in enumerate(items(route, "route")):
        if (found := weights.get(_arm(one))) is not None:
            route = put(route, ("route", at, "weight"), found)
    return route


def _arm(destination: Raw) -> tuple[str, str]:
    return str(get(destination, "destination", "host")), str(get(destination, "destination", "subset"))
