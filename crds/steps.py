"""The steps of a canary: written as a mapping with one key, read at once into a closed set.

The brief's form, `setWeight` with a `duration`, is ONE step: set the weight, then hold.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import msgspec

from crds import times
from crds.analysis import RolloutAnalysis
from crds.errors import Invalid
from crds.meta import read
from crds.paths import show

IntOrString = int | str


class SetWeight(msgspec.Struct, frozen=True):
    """The canary's share of traffic in percent, held for `hold` before the next step."""

    weight: int
    hold: timedelta | None = None


class Pause(msgspec.Struct, frozen=True):
    """Wait; for ever, until a person promotes, without a duration."""

    duration: timedelta | None = None


class SetCanaryScale(msgspec.Struct, frozen=True, rename="camel"):
    """Canary pods as a share or a number, or (`matchTrafficWeight`) following the weight again."""

    weight: int | None = None
    replicas: int | None = None
    match_traffic_weight: bool = False


class RunAnalysis(msgspec.Struct, frozen=True):
    analysis: RolloutAnalysis


class Experiment(msgspec.Struct, frozen=True):
    spec: dict[str, Any]


class SetHeaderRoute(msgspec.Struct, frozen=True):
    """Requests with these headers go to the canary; an empty `match` removes the route."""

    name: str = ""
    match: tuple[dict[str, Any], ...] = ()


class SetMirrorRoute(msgspec.Struct, frozen=True):
    """Copies of these requests go to the canary; an empty `match` removes the route."""

    name: str
    match: tuple[dict[str, Any], ...] = ()
    percentage: int = 100


class Plugin(msgspec.Struct, frozen=True):
    name: str
    config: Any = None


Step = (
    SetWeight | Pause | SetCanaryScale | RunAnalysis | Experiment | SetHeaderRoute | SetMirrorRoute | Plugin
)


class WrittenPause(msgspec.Struct, frozen=True):
    duration: IntOrString | None = None


class WrittenStep(msgspec.Struct, frozen=True, rename="camel"):
    """A step as users write it; exactly one of these, and `duration` beside setWeight only."""

    set_weight: int | None = None
    duration: IntOrString | None = None
    pause: WrittenPause | None = None
    experiment: dict[str, Any] | None = None
    analysis: RolloutAnalysis | None = None
    set_canary_scale: SetCanaryScale | None = None
    set_header_route: SetHeaderRoute | None = None
    set_mirror_route: SetMirrorRoute | None = None
    plugin: Plugin | None = None


KINDS = (
    "setWeight",
    "pause",
    "setCanaryScale",
    "analysis",
    "experiment",
    "setHeaderRoute",
    "setMirrorRoute",
    "plugin",
)


def read_step(raw: dict[str, Any], *path: str | int) -> Step:
    """The step written at `path`; Invalid where it says nothing, two things, or has a wrong type."""
    written = read(raw, WrittenStep, *path)
    kinds = [kind for kind in KINDS if raw.get(kind) is not None]
    if len(kinds) != 1:
        raise Invalid(show(*path), _not_one(kinds, raw))
    if written.duration is not None and written.set_weight is None:
        raise Invalid(
            show(*path, "duration"), "stands beside setWeight only; in a pause write pause.duration"
        )
    return _step(written, path)


def _not_one(kinds: list[str], raw: dict[str, Any]) -> str:
    if kinds:
        return f"says {' and '.join(kinds)}; make each a step of its own"
    if empty := [kind for kind in KINDS if kind in raw]:
        return f"says {empty[0]} without a value; write it, or {empty[0]}: {{}} where it needs none"
    known = ", ".join(KINDS)
    return f"says none of {known}" + (f"; {', '.join(raw)} is not known" if raw else "; write one of them")


def _step(written: WrittenStep, path: tuple[str | int, ...]) -> Step:
    match written:
        case WrittenStep(set_weight=int(weight), duration=hold):
            return SetWeight(weight, _span(hold, *path, "duration"))
        case WrittenStep(pause=WrittenPause(duration)):
            return Pause(_span(duration, *path, "pause", "duration"))
        case WrittenStep(analysis=RolloutAnalysis() as analysis):
            return RunAnalysis(analysis)
        case WrittenStep(experiment=dict() as spec):
            return Experiment(spec)
    rarer = written.set_canary_scale or written.set_header_route or written.set_mirror_route or written.plugin
    assert rarer, "one kind was counted"
    return rarer


def _span(written: IntOrString | None, *path: str | int) -> timedelta | None:
    return None if written is None else times.duration(written, show(*path))
