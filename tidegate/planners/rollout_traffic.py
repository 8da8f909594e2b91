"""Where a Rollout's requests are split, and what was found there: Istio's objects, or two Services alone.

A Service that a Rollout names must be there, be no other Rollout's, and select its pods; what is wrong with
it is said as a mistake in the spec, as Argo does (rollouts.md §1.3).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from crds import paths
from crds.errors import Invalid
from crds.refs import DESTINATION_RULE, HASH_LABEL, ROLLOUT, SERVICE, VIRTUAL_SERVICE, Ref
from crds.rollout import DestinationRule, Rollout
from rollouts.conditions import INVALID, invalid_spec
from rollouts.world import Service, Services, Traffic, Trouble
from tidegate.planners.needs import Absent, Answer, Answers, Failed, Known, Object, known
from traffic import arms
from traffic.arms import MANAGED_BY, Arms, Subsets
from traffic.istio import Istio, Seen, Via, seen

Raw = dict[str, Any]

CANARY = "spec.strategy.canary"
FIELDS = {
    VIRTUAL_SERVICE: "trafficRouting.istio.virtualService.name",
    DESTINATION_RULE: "trafficRouting.istio.destinationRule.name",
}
NAMED_IN_CANARY = ("canaryService", "stableService")
NAMED_IN_BLUE_GREEN = ("activeService", "previewService")


def istio_of(rollout: Rollout) -> Istio | None:
    """Where traffic is split; None where the pods themselves are the shares."""
    routing = rollout.canary.traffic_routing if rollout.canary else None
    if routing is None:
        return None
    istio = routing.istio
    if istio is None or not istio.all:
        raise Invalid(f"{CANARY}.trafficRouting.istio", "needs a virtualService; name it")
    return Istio(
        namespace=rollout.metadata.namespace,
        via=tuple(Via(one.name, one.routes) for one in istio.all),
        arms=_arms(rollout, istio.destination_rule),
    )


def _arms(rollout: Rollout, rule: DestinationRule | None) -> Arms:
    if rule:
        namespace = rollout.metadata.namespace
        return Subsets(namespace, rule.name, rule.stable_subset_name, rule.canary_subset_name)
    return services_of(rollout)


def services_of(rollout: Rollout) -> arms.Services:
    """The Services it names, "" for one that it does not."""
    canary = rollout.canary
    stable, new = (canary.stable_service, canary.canary_service) if canary else ("", "")
    return arms.Services(rollout.metadata.namespace, stable, new)


def claims(rollout: Rollout, named: Arms, answers: Answers) -> tuple[Object, ...]:
    """The other Rollouts that its Services say they belong to."""
    refs = named.refs if isinstance(named, arms.Services) else ()
    others = (_manager(known(answers, Object(ref))) for ref in refs)
    namespace, name = rollout.metadata.namespace, rollout.metadata.name
    return tuple(Object(Ref(ROLLOUT, namespace, other)) for other in others if other not in ("", name))


def traffic(istio: Istio, rollout: Rollout, answers: Answers) -> Traffic | Trouble | None:
    """What the router says; None while that is not known."""
    if wrong := _wrong_service(rollout, istio.arms, answers):
        return wrong
    found: dict[Ref, Raw] = {}
    for ref in istio.refs:
        match _found(ref, answers.get(Object(ref))):
            case Trouble() as trouble:
                return trouble
            case None:
                return None
            case raw:
                found[ref] = raw
    try:
        return _as_traffic(istio, seen(istio, found))
    except Invalid as problem:
        return Trouble("RouteNotFound", str(problem))


def services(rollout: Rollout, named: Arms, answers: Answers) -> Services | Trouble | None:
    """What the Services select that no router splits requests between; None where none is named."""
    if not isinstance(named, arms.Services) or not named.refs:
        return None
    if wrong := _wrong_service(rollout, named, answers):
        return wrong
    found = {ref.name: _selects(rollout, known(answers, Object(ref), {})) for ref in named.refs}
    return Services(found.get(named.stable), found.get(named.canary))


def _selects(rollout: Rollout, raw: Raw) -> Service:
    means = str(paths.get(raw, "spec", "selector", HASH_LABEL, default=""))
    return Service(means, _manager(raw) == rollout.metadata.name)


def _manager(raw: Raw | None) -> str:
    return str(paths.get(raw, "metadata", "annotations", MANAGED_BY, default=""))


def _wrong_service(rollout: Rollout, named: Arms, answers: Answers) -> Trouble | None:
    """The first of the Services that cannot be used."""
    if not isinstance(named, arms.Services):
        return None
    fields = (("stableService", named.stable), ("canaryService", named.canary))
    for field, name in fields:
        answer = answers.get(Object(Ref(SERVICE, named.namespace, name)))
        if wrong := next(_wrongs(rollout, name, answer, answers), ""):
            problem = Invalid(f"{CANARY}.{field}", f'"{name}": service "{name}" {wrong}')
            return Trouble(INVALID, invalid_spec(rollout.metadata.name, problem))
    return None


def _wrongs(rollout: Rollout, name: str, answer: Answer | None, answers: Answers) -> Iterator[str]:
    if isinstance(answer, Absent):
        yield "not found; create it, or correct the name"
    raw = answer.value if isinstance(answer, Known) else None
    other = _manager(raw)
    if other != rollout.metadata.name and _claims(known(answers, _rollout(rollout, other)), name):
        yield f'is managed by another Rollout, "{other}"; name another Service here or there'
    selector: dict[str, str] = paths.get(raw, "spec", "selector", default={})
    labels = paths.get(rollout.spec.template, "metadata", "labels", default={})
    for key, value in selector.items():
        if key != HASH_LABEL and labels.get(key) != value:
            yield f"selects {key}={value}, which the pod template does not carry; make them agree"


def _rollout(beside: Rollout, name: str) -> Object:
    return Object(Ref(ROLLOUT, beside.metadata.namespace, name))


def _claims(rollout: Raw | None, service: str) -> bool:
    """Whether a Rollout, where there is one, still names this Service."""
    strategy = paths.get(rollout, "spec", "strategy", default={})
    named = [paths.get(strategy, "canary", field) for field in NAMED_IN_CANARY]
    named += [paths.get(strategy, "blueGreen", field) for field in NAMED_IN_BLUE_GREEN]
    return service in named


def _found(ref: Ref, answer: Answer | None) -> Raw | Trouble | None:
    match answer:
        case Known(value):
            return value  # type: ignore[no-any-return]
        case Absent():
            fix = f"create it, or correct {ref.name!r} in {CANARY}.{FIELDS[ref.kind]}"
            return Trouble(f"{ref.kind}NotFound", f"{ref} does not exist; {fix}")
        case Failed(why):
            return Trouble(f"{ref.kind}NotReadable", f"{ref}: {why}; see that Istio's CRDs are installed")
        case _:
            return None


def _as_traffic(istio: Istio, found: Seen) -> Traffic:
    means = found.arms
    return Traffic(found.weight, means.stable, means.canary, found.exact, istio.where, means.host)
