"""Health of what the cluster itself provides: addresses, volumes, scaling, API groups."""

from __future__ import annotations

from typing import Any

from crds.paths import get
from gitops.wellness import HEALTHY, Health, conditions, holds, told

Raw = dict[str, Any]
BROKEN_SCALING = ("FailedGet", "Invalid")
"""How reasons begin for which an autoscaler cannot scale."""


def service(raw: Raw) -> Health:
    balanced = get(raw, "spec", "type") == "LoadBalancer"
    return _addressed(raw) if balanced else HEALTHY


def ingress(raw: Raw) -> Health:
    return _addressed(raw)


def _addressed(raw: Raw) -> Health:
    return HEALTHY if get(raw, "status", "loadBalancer", "ingress") else Health("Progressing")


def claim(raw: Raw) -> Health:
    phases = {"Bound": "Healthy", "Pending": "Progressing", "Lost": "Degraded"}
    return Health(phases.get(get(raw, "status", "phase", default=""), "Unknown"))


def autoscaler(raw: Raw) -> Health:
    said = conditions(raw)
    for one in said.values():
        if str(get(one, "reason", default="")).startswith(BROKEN_SCALING):
            return Health("Degraded", told(one))
    for name in ("AbleToScale", "ScalingLimited"):
        if holds(said.get(name)):
            return Health("Healthy", told(said[name]))
    return Health("Progressing", "Waiting to Autoscale")


def api_service(raw: Raw) -> Health:
    return _by_condition(raw, "Available")


def definition(raw: Raw) -> Health:
    """A CustomResourceDefinition that is served."""
    names = conditions(raw).get("NamesAccepted")
    if holds(names, "False"):
        return Health("Degraded", told(names))
    return _by_condition(raw, "Established")


def _by_condition(raw: Raw, name: str) -> Health:
    found = conditions(raw).get(name)
    return Health("Healthy" if holds(found) else "Progressing", told(found))
