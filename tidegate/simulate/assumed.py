"""What a Rollout takes for granted and nobody has given: made up, and said so."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

from crds.paths import get
from tidegate.sandbox.objects import carries
from tidegate.sandbox.resources import DESTINATION_RULES, SERVICES, VIRTUAL_SERVICES, Resource
from tidegate.simulate.plot import Plot, Raw, Thing


class Stage(NamedTuple):
    """What stands around the Rollout; `doors` are the VirtualServices, or the Service, that users come by."""

    things: tuple[Thing, ...]
    assumed: tuple[Thing, ...]
    doors: tuple[str, ...]


def staged(plot: Plot) -> Stage:
    """Everything there is, in an order that can be created."""
    assumed: list[Thing] = []
    for thing in _wanted(plot):
        if not any(_same(thing, one) for one in (*plot.things, *assumed)):
            assumed.append(thing)
    routed = tuple(name for name, _ in _virtual_services(plot))
    return Stage((*plot.things, *assumed), tuple(assumed), routed or (_host(plot),))


def _wanted(plot: Plot) -> Iterator[Thing]:
    services = [*_arms(plot), _host(plot)]
    yield from (_thing(plot, SERVICES, name, _service(plot)) for name in services if name)
    if rule := _rule(plot):
        names = [rule.get(f"{arm}SubsetName") or arm for arm in ("stable", "canary")]
        subsets = [{"name": name, "labels": _labels(plot)} for name in names]
        yield _thing(plot, DESTINATION_RULES, rule["name"], {"host": _host(plot), "subsets": subsets})
    for name, routes in _virtual_services(plot):
        http = [{"name": route, "route": _route(plot)} for route in routes]
        yield _thing(plot, VIRTUAL_SERVICES, name, {"hosts": [_host(plot)], "http": http})


def _thing(plot: Plot, resource: Resource, name: str, spec: Raw) -> Thing:
    return Thing(resource, {"metadata": {"name": name, "namespace": plot.namespace}, "spec": spec})


def _same(one: Thing, other: Thing) -> bool:
    places = (one.raw["metadata"].get("namespace"), other.raw["metadata"].get("namespace"))
    return (one.resource, one.name) == (other.resource, other.name) and places[0] == places[1]


def _labels(plot: Plot) -> dict[str, str]:
    """Of the pods, as far as the selector names them."""
    chosen: dict[str, str] = get(plot.rollout, "spec", "selector", "matchLabels", default={})
    return chosen or get(plot.rollout, "spec", "template", "metadata", "labels", default={})


def _service(plot: Plot) -> Raw:
    return {"selector": _labels(plot), "ports": [{"port": 80}]}


def _arms(plot: Plot) -> list[str]:
    return [plot.canary.get("stableService") or "", plot.canary.get("canaryService") or ""]


def _host(plot: Plot) -> str:
    """Whom users ask for: as the DestinationRule says, or with no router a Service that selects all the pods;
    else the stable Service, which shows them no canary."""
    for thing in plot.of(DESTINATION_RULES):
        if thing.name == (_rule(plot) or {}).get("name"):
            return str(get(thing.raw, "spec", "host", default="")).partition(".")[0]
    stable = _arms(plot)[0]
    if stable and _virtual_services(plot):
        return stable
    return next(_selecting(plot), stable or plot.name)


def _selecting(plot: Plot) -> Iterator[str]:
    """The Services of its pods, of both versions."""
    pods = get(plot.rollout, "spec", "template", "metadata", "labels", default={})
    for thing in plot.of(SERVICES):
        wanted = get(thing.raw, "spec", "selector", default={})
        if wanted and carries(pods, wanted) and thing.name not in _arms(plot):
            yield thing.name


def _istio(plot: Plot) -> Raw:
    found: Raw = get(plot.canary, "trafficRouting", "istio", default={})
    return found


def _rule(plot: Plot) -> Raw | None:
    rule: Any = _istio(plot).get("destinationRule")
    return rule if get(rule, "name") else None


def _virtual_services(plot: Plot) -> list[tuple[str, list[str]]]:
    """Names, each with the routes that share the traffic out."""
    one = _istio(plot).get("virtualService")
    every = _istio(plot).get("virtualServices") or ([one] if one else [])
    return [(each["name"], each.get("routes") or ["primary"]) for each in every if get(each, "name")]


def _route(plot: Plot) -> list[Raw]:
    return [
        {"destination": destination, "weight": weight}
        for destination, weight in zip(destinations(plot), (100, 0), strict=True)
    ]


def destinations(plot: Plot) -> tuple[Raw, Raw]:
    """Where stable's and the canary's requests go to."""
    if rule := _rule(plot):
        names = [rule.get(f"{arm}SubsetName") or arm for arm in ("stable", "canary")]
        return {"host": _host(plot), "subset": names[0]}, {"host": _host(plot), "subset": names[1]}
    stable, canary = _arms(plot)
    return {"host": stable}, {"host": canary}
