"""What a Rollout may say and we do not act on yet.

Where it moves traffic or capacity the Rollout is held (`unsupported`); the rest is named and passed over
(`ignored`). Support for a field is added by deleting its line here.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from crds.errors import Invalid
from crds.paths import show
from crds.rollout import STEPS, Canary, Istio, Rollout, TrafficRouting, steps
from crds.steps import Experiment, Plugin, SetHeaderRoute, SetMirrorRoute, Step

SPEC: dict[str, Callable[[Rollout], Any]] = {
    "workloadRef": lambda rollout: rollout.spec.workload_ref,
    "strategy.blueGreen": lambda rollout: rollout.spec.strategy.blue_green is not None,
}
CANARY: dict[str, Callable[[Canary], Any]] = {
    "canaryService": lambda canary: canary.canary_service and _by_subsets(canary),
    "stableService": lambda canary: canary.stable_service and _by_subsets(canary),
    "pingPong": lambda canary: canary.ping_pong,
}
ROUTERS = frozenset({"istio"})  # acted on; a new one is added here
ROUTING: dict[str, Callable[[TrafficRouting], Any]] = {
    "managedRoutes": lambda routing: routing.managed_routes,
}
ISTIO: dict[str, Callable[[Istio], Any]] = {
    "virtualService.tlsRoutes": lambda istio: any(one.tls_routes for one in istio.all),
    "virtualService.tcpRoutes": lambda istio: any(one.tcp_routes for one in istio.all),
    "destinationRule.additionalSubsetNames": lambda istio: (
        istio.destination_rule and istio.destination_rule.additional_subset_names
    ),
}
STEP: dict[type[Step], str] = {
    Experiment: "experiment",
    SetHeaderRoute: "setHeaderRoute",
    SetMirrorRoute: "setMirrorRoute",
    Plugin: "plugin",
}
IGNORED_CANARY: dict[str, Callable[[Canary], Any]] = {
    "antiAffinity": lambda canary: canary.anti_affinity,
}
TRAFFIC = "spec.strategy.canary.trafficRouting"
NOT_YET = "is not acted on yet; remove it, or leave this Rollout to Argo Rollouts"


def unsupported(rollout: Rollout) -> tuple[Invalid, ...]:
    """The fields that move traffic or capacity and that we would pass over; a Rollout with any is held."""
    canary = rollout.canary
    routing = canary.traffic_routing if canary else None
    said = [
        *_said("spec.", SPEC, rollout),
        *_said("spec.strategy.canary.", CANARY, canary),
        *(f"{TRAFFIC}.{name}" for name in (routing.routers if routing else ()) if name not in ROUTERS),
        *_said(f"{TRAFFIC}.", ROUTING, routing),
        *_said(f"{TRAFFIC}.istio.", ISTIO, routing.istio if routing else None),
        *(show(*STEPS, at, STEP[type(one)]) for at, one in enumerate(steps(rollout)) if type(one) in STEP),
    ]
    return (*(Invalid(path, NOT_YET) for path in said), *_router_missing(canary))


def ignored(rollout: Rollout) -> tuple[str, ...]:
    """The paths of fields we pass over because they move neither traffic nor capacity."""
    return tuple(_said("spec.strategy.canary.", IGNORED_CANARY, rollout.canary))


def _said(prefix: str, table: dict[str, Callable[[Any], Any]], value: Any) -> list[str]:
    return [] if value is None else [f"{prefix}{path}" for path, said in table.items() if said(value)]


def _by_subsets(canary: Canary) -> bool:
    """Istio's split is between subsets, which Services beside them would have to follow."""
    istio = canary.traffic_routing.istio if canary.traffic_routing else None
    return istio is not None and istio.destination_rule is not None


def _router_missing(canary: Canary | None) -> Iterator[Invalid]:
    """A trafficRouting must name who splits the traffic."""
    routing = canary.traffic_routing if canary else None
    if routing and not routing.routers:
        yield Invalid(TRAFFIC, "names no router; add istio, or remove it to share by pod counts")
