"""Which pods the stable and the canary arm mean: two subsets of a DestinationRule, or two Services.

Both are told by the pod hash that is written into them. `seen` reads it, `point` changes it, and leaves all
else in the objects to their owners. An arm without a hash means every pod of the application.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from typing import Any

import msgspec

from crds import paths
from crds.errors import Invalid
from crds.paths import Path
from crds.refs import DESTINATION_RULE, HASH_LABEL, SERVICE, Ref
from traffic.patches import pointer, same_version, with_annotation

Raw = dict[str, Any]
Objects = Mapping[Ref, Raw]
Operations = tuple[Raw, ...]

MANAGED_BY = "argo-rollouts.argoproj.io/managed-by-rollouts"


class Subsets(msgspec.Struct, frozen=True):
    """Two subsets of the DestinationRule `rule`."""

    namespace: str
    rule: str
    stable: str = "stable"
    canary: str = "canary"

    @property
    def refs(self) -> tuple[Ref, ...]:
        return (Ref(DESTINATION_RULE, self.namespace, self.rule),)


class Services(msgspec.Struct, frozen=True):
    """Two Services, by name; "" for one that no router needs and nobody names."""

    namespace: str
    stable: str
    canary: str

    @property
    def refs(self) -> tuple[Ref, ...]:
        return tuple(Ref(SERVICE, self.namespace, name) for name in (self.stable, self.canary) if name)


Arms = Subsets | Services


class Meaning(msgspec.Struct, frozen=True):
    """The pod hashes of the two arms, "" for every pod; `host` is the Service's name behind the canary's."""

    stable: str
    canary: str
    host: str


def seen(arms: Arms, objects: Objects) -> Meaning:
    """What the arms mean now. Raises Invalid, naming object and field, where an arm cannot be told."""
    stable, canary = (str(paths.get(objects[ref], *path, default="")) for ref, path in _labels(arms, objects))
    return Meaning(stable, canary, _host(arms, objects))


def stable_means(arms: Arms, objects: Objects) -> str:
    """The pod hash of the stable arm, whatever is wrong with the other; "" where it cannot be told."""
    with suppress(Invalid):
        ref, path = _label(arms, objects, arms.stable)
        return str(paths.get(objects.get(ref), *path, default=""))
    return ""


def point(
    arms: Arms, objects: Objects, hashes: tuple[str, str], owner: str
) -> tuple[tuple[Ref, Operations], ...]:
    """The JSON Patches that make the (stable, canary) arms mean `hashes`; none for objects that do.

    An empty hash leaves that arm alone. `owner` is the Rollout's name, for the managed-by annotation.
    """
    changes: dict[Ref, list[Raw]] = {}
    for (ref, path), wanted in zip(_labels(arms, objects), hashes, strict=True):
        if wanted and ref.name and paths.get(objects[ref], *path) != wanted:
            changes.setdefault(ref, []).extend(_relabel(objects[ref], path, wanted))
    return tuple(
        (ref, (same_version(objects[ref]), *changed, *with_annotation(objects[ref], MANAGED_BY, owner)))
        for ref, changed in changes.items()
    )


def manager(raw: Raw | None) -> str:
    """The Rollout that a Service or a DestinationRule says it belongs to; "" for none."""
    return str(paths.get(raw, "metadata", "annotations", MANAGED_BY, default=""))


def let_go(raw: Raw) -> Operations:
    """The JSON Patch after which a managed Service or DestinationRule means every pod, and is nobody's."""
    subsets = range(len(paths.get(raw, "spec", "subsets", default=[])))
    places: list[Path] = [("spec", "selector"), *(("spec", "subsets", index, "labels") for index in subsets)]
    hashes = [(*place, HASH_LABEL) for place in places if paths.get(raw, *place, HASH_LABEL) is not None]
    gone = (*hashes, ("metadata", "annotations", MANAGED_BY))
    return (same_version(raw), *({"op": "remove", "path": pointer(*path)} for path in gone))


def _labels(arms: Arms, objects: Objects) -> tuple[tuple[Ref, Path], tuple[Ref, Path]]:
    """Where the stable and the canary arm's hashes are written."""
    return _label(arms, objects, arms.stable), _label(arms, objects, arms.canary)


def _label(arms: Arms, objects: Objects, name: str) -> tuple[Ref, Path]:
    if isinstance(arms, Services):
        return Ref(SERVICE, arms.namespace, name), ("spec", "selector", HASH_LABEL)
    (rule,) = arms.refs
    return rule, (*_subset(rule, objects.get(rule, {}), name), "labels", HASH_LABEL)


def _subset(ref: Ref, rule: Raw, subset: str) -> Path:
    names = [paths.get(one, "name") for one in paths.get(rule, "spec", "subsets", default=[])]
    if names.count(subset) != 1:
        have = ", ".join(map(str, names)) or "none"
        raise Invalid(f"{ref} spec.subsets", f"needs one subset named {subset!r}; it has: {have}")
    return ("spec", "subsets", names.index(subset))


def _host(arms: Arms, objects: Objects) -> str:
    if isinstance(arms, Services):
        return arms.canary
    return str(paths.get(objects[arms.refs[0]], "spec", "host", default="")).partition(".")[0]


def _relabel(raw: Raw, path: Path, wanted: str) -> list[Raw]:
    *labels, key = path
    name = (*labels[:-1], "name")
    same: list[Raw] = []
    if paths.get(raw, *name) is not None:  # a subset, which is known by its place in a list
        same = [{"op": "test", "path": pointer(*name), "value": paths.get(raw, *name)}]
    if paths.get(raw, *labels) is None:
        return [*same, {"op": "add", "path": pointer(*labels), "value": {str(key): wanted}}]
    return [*same, {"op": "add", "path": pointer(*path), "value": wanted}]
