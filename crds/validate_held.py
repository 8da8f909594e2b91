"""What is wrong in fields that are not acted on yet: routes by header, mirrors, experiments, ping-pong,
blueGreen and antiAffinity.

A Rollout with any of them is held, or goes on without; lint and the webhook still tell their mistakes, and a
held Rollout hears of them first (rollouts.md §1.3).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from crds.errors import Invalid
from crds.paths import get, show
from crds.rollout import STEPS, Canary, Rollout, TrafficRouting
from crds.steps import Experiment, SetHeaderRoute, SetMirrorRoute, Step, read_step

CANARY = "spec.strategy.canary"
BY_HEADER = ("istio", "alb", "apisix", "plugins")
BY_MIRROR = ("istio", "plugins")
BY_EXPERIMENT = ("smi", "alb", "istio", "plugins")
BY_PING_PONG = ("alb", "istio", "plugins")
WAYS = ("exact", "prefix", "regex")
PREFERRED = "preferredDuringSchedulingIgnoredDuringExecution"
REQUIRED = "requiredDuringSchedulingIgnoredDuringExecution"
Problems = Iterator[Invalid]


def held_problems(rollout: Rollout) -> Problems:
    """The mistakes, in reading order."""
    strategy = rollout.spec.strategy
    if strategy.canary is None and strategy.blue_green is not None:
        yield from _blue_green(strategy.blue_green)
    if strategy.canary:
        yield from _ping_pong(strategy.canary)
        yield from _anti_affinity(strategy.canary.anti_affinity, f"{CANARY}.antiAffinity")
        for index, raw in enumerate(strategy.canary.steps):
            yield from _step(strategy.canary, raw, index)


def _blue_green(written: dict[str, Any]) -> Problems:
    path, active = "spec.strategy.blueGreen", written.get("activeService")
    if not active:
        yield Invalid(f"{path}.activeService", "is missing; name the Service that people's requests come by")
    elif active == written.get("previewService"):
        yield Invalid(f"{path}.previewService", "is the same Service as activeService; name two")
    yield from _anti_affinity(written.get("antiAffinity"), f"{path}.antiAffinity")


def _ping_pong(canary: Canary) -> Problems:
    pair, path = canary.ping_pong, f"{CANARY}.pingPong"
    if pair is None:
        return
    if not (pair.ping_service and pair.pong_service):
        yield Invalid(path, "needs both pingService and pongService; name them")
    elif pair.ping_service == pair.pong_service:
        yield Invalid(f"{path}.pongService", "is the same Service as pingService; name two")
    yield from _needs(canary.traffic_routing, BY_PING_PONG, path)
    alb = canary.traffic_routing.alb if canary.traffic_routing else None
    if alb is not None and not alb.get("rootService"):
        yield Invalid(f"{CANARY}.trafficRouting.alb.rootService", "is missing; pingPong needs it")


def _anti_affinity(written: dict[str, Any] | None, path: str) -> Problems:
    if written is None:
        return
    if (PREFERRED in written) == (REQUIRED in written):
        yield Invalid(path, f"must have exactly one of {PREFERRED} and {REQUIRED}")
    elif PREFERRED in written:
        weight = get(written, PREFERRED, "weight", default=0)
        if not (isinstance(weight, int) and 1 <= weight <= 100):
            yield Invalid(f"{path}.{PREFERRED}.weight", f"{weight} does not fit here; write 1 to 100")


def _step(canary: Canary, raw: dict[str, Any], index: int) -> Problems:
    try:
        step: Step = read_step(raw, *STEPS, index)
    except Invalid:
        return  # told with the other mistakes of steps
    path = show(*STEPS, index)
    match step:
        case SetHeaderRoute():
            yield from _header_route(canary.traffic_routing, step, f"{path}.setHeaderRoute")
        case SetMirrorRoute():
            yield from _mirror_route(canary.traffic_routing, step, f"{path}.setMirrorRoute")
        case Experiment(spec):
            yield from _experiment(canary.traffic_routing, spec, f"{path}.experiment")


def _header_route(routing: TrafficRouting | None, step: SetHeaderRoute, path: str) -> Problems:
    yield from _needs(routing, BY_HEADER, path)
    yield from _managed(routing, step.name, path)
    ways = ("exact",) if routing and routing.alb is not None else WAYS
    for at, match in enumerate(step.match):
        if not match.get("headerName"):
            yield Invalid(f"{path}.match[{at}].headerName", "is missing; name the header")
        yield from _text_match(match.get("headerValue"), f"{path}.match[{at}].headerValue", ways)


def _mirror_route(routing: TrafficRouting | None, step: SetMirrorRoute, path: str) -> Problems:
    yield from _needs(routing, BY_MIRROR, path)
    yield from _managed(routing, step.name, path)
    if not 0 <= step.percentage <= 100:
        yield Invalid(f"{path}.percentage", f"{step.percentage} is no share; write 0 to 100")
    for at, match in enumerate(step.match):
        where = f"{path}.match[{at}]"
        if not any(match.get(key) for key in ("method", "path", "headers")):
            yield Invalid(where, "says none of method, path and headers; write one of them")
        for key in ("method", "path"):
            if match.get(key) is not None:
                yield from _text_match(match[key], f"{where}.{key}", WAYS)
        for name, value in get(match, "headers", default={}).items():
            yield from _text_match(value, f"{where}.headers.{name}", WAYS)


def _experiment(routing: TrafficRouting | None, spec: dict[str, Any], path: str) -> Problems:
    for at, template in enumerate(get(spec, "templates", default=[])):
        if get(template, "weight") is not None:
            yield from _needs(routing, BY_EXPERIMENT, f"{path}.templates[{at}].weight")


def _needs(routing: TrafficRouting | None, routers: tuple[str, ...], path: str) -> Problems:
    if routing is None or not set(routing.routers) & set(routers):
        yield Invalid(path, f"needs trafficRouting by one of {', '.join(routers)}; add one, or remove it")


def _managed(routing: TrafficRouting | None, name: str, path: str) -> Problems:
    if routing and name not in [route.name for route in routing.managed_routes]:
        where = f"{CANARY}.trafficRouting.managedRoutes"
        yield Invalid(f"{path}.name", f"{name!r} is not among {where}; add it there")


def _text_match(written: Any, path: str, ways: tuple[str, ...]) -> Problems:
    said = [way for way in WAYS if get(written, way)]
    if len(said) != 1 or said[0] not in ways:
        yield Invalid(
            path, f"must have exactly one of {', '.join(ways)}" if len(ways) > 1 else "must say exact"
        )
