"""What is to be simulated: a Rollout, what stands around it, and how its versions behave."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import timedelta
from typing import Any, NamedTuple

import msgspec

from crds.paths import get, put
from tidegate.cli.failure import Failure
from tidegate.sandbox.resources import (
    ANALYSIS_TEMPLATES,
    CLUSTER_ANALYSIS_TEMPLATES,
    CONFIG_MAPS,
    DESTINATION_RULES,
    SERVICES,
    VIRTUAL_SERVICES,
    Resource,
)

Raw = dict[str, Any]
IMAGE = ("spec", "template", "spec", "containers", 0, "image")
TAG_BEFORE = "before"
GROUP = "argoproj.io"
PLAYED = (
    SERVICES,
    CONFIG_MAPS,
    ANALYSIS_TEMPLATES,
    CLUSTER_ANALYSIS_TEMPLATES,
    VIRTUAL_SERVICES,
    DESTINATION_RULES,
)
OURS = ("name", "namespace", "labels", "annotations")
"""Of a manifest's metadata; the rest is the API server's to say."""


class Thing(NamedTuple):
    """An object of the sandbox."""

    resource: Resource
    raw: Raw

    @property
    def name(self) -> str:
        return str(self.raw["metadata"]["name"])

    def __str__(self) -> str:
        return f"{self.resource.kind} {self.name}"


class Behaviour(msgspec.Struct, frozen=True):
    """Error rates are shares; `answers` are numbers by metric, `latency` is what a quantile answers.

    `patience` is how long a person lets a pause last, None for ever. `within` is how long the whole may take,
    None for what its steps make plausible.
    """

    rate: float = 100.0
    errors: float = 0.0
    canary_errors: float = 0.0
    latency: float | None = None
    answers: Mapping[str, float] = {}
    crash: bool = False
    patience: timedelta | None = timedelta(minutes=1)
    within: timedelta | None = None
    seed: int = 1


class Plot(msgspec.Struct, frozen=True):
    """`before` is the image that stands when `rollout` is applied; `unplayed` names the other objects."""

    rollout: Raw
    things: tuple[Thing, ...]
    before: str
    behaviour: Behaviour = Behaviour()
    unplayed: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        return str(self.rollout["metadata"]["name"])

    @property
    def namespace(self) -> str:
        return str(self.rollout["metadata"]["namespace"])

    @property
    def image(self) -> str:
        return str(get(self.rollout, *IMAGE, default=""))

    @property
    def canary(self) -> Raw:
        found: Raw = get(self.rollout, "spec", "strategy", "canary", default={})
        return found

    def standing(self) -> Raw:
        """The Rollout as it stands before."""
        if not self.image:
            return self.rollout
        standing: Raw = put(self.rollout, IMAGE, self.before)
        return standing

    def of(self, resource: Resource) -> list[Thing]:
        return [thing for thing in self.things if thing.resource is resource]


def plot(manifests: Iterable[Raw], name: str = "", before: str = "") -> Plot:
    """Failure where there is not one Rollout, or none of that name."""
    every = list(manifests)
    rollout = _placed(_the_one([one for one in every if _is_rollout(one)], name))
    namespace, image = rollout["metadata"]["namespace"], str(get(rollout, *IMAGE, default=""))
    if before and before == image:
        raise Failure(f"{before} stands before and is asked for: nothing would happen; give another --before")
    played = [(one, resource) for one in every if (resource := _resource(one))]
    others = [one for one in every if not (_is_rollout(one) or _resource(one))]
    return Plot(
        rollout=rollout,
        things=tuple(Thing(resource, _placed(one, namespace, resource)) for one, resource in played),
        before=before or _image_before(image),
        unplayed=tuple(f"{get(one, 'kind')} {get(one, 'metadata', 'name', default='')}" for one in others),
    )


def _the_one(rollouts: list[Raw], name: str) -> Raw:
    wanted = [one for one in rollouts if name in ("", get(one, "metadata", "name"))]
    if len(wanted) == 1 and get(wanted[0], "metadata", "name"):
        return wanted[0]
    known = ", ".join(str(get(one, "metadata", "name", default="(no name)")) for one in rollouts)
    if not rollouts:
        raise Failure("there is no Rollout in these files; give one of kind Rollout, argoproj.io/v1alpha1")
    if not wanted:
        raise Failure(f"there is no Rollout {name!r} in these files; there are: {known}")
    raise Failure(f"say which Rollout is meant: --rollout NAME, one of: {known}")


def _is_rollout(raw: Raw) -> bool:
    return get(raw, "kind") == "Rollout" and _group(raw) == GROUP


def _group(raw: Raw) -> str:
    group, slash, _ = str(get(raw, "apiVersion", default="")).partition("/")
    return group if slash else ""


def _resource(raw: Raw) -> Resource | None:
    """Whichever of its group's versions it is written in."""
    said = (_group(raw), get(raw, "kind"))
    named = bool(get(raw, "metadata", "name"))
    return next((one for one in PLAYED if named and (one.group, one.kind) == said), None)


def _placed(raw: Raw, namespace: str = "default", resource: Resource | None = None) -> Raw:
    """As a person applies it."""
    meta = {key: value for key, value in raw["metadata"].items() if key in OURS}
    if resource is None or resource.namespaced:
        meta = {"namespace": namespace, **meta}
    return {**{key: value for key, value in raw.items() if key != "status"}, "metadata": meta}


def _image_before(image: str) -> str:
    name = image.partition("@")[0]
    path, slash, last = name.rpartition("/")
    return f"{path}{slash}{last.partition(':')[0]}:{TAG_BEFORE}"
