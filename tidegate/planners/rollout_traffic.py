"""Where a Rollout's requests are split, and what was found there: Istio's objects, or two Services alone.

A Service that a Rollout names must be there, be no other Rollout's, and select its pods; what is wrong with
it is said as a mistake in the spec, as Argo does (rollouts.md §1.3). Nor may two Rollouts move one subset:
the name on its DestinationRule binds for as long as that Rollout is there and names the subset itself.
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
from tidegate.planners.plan import JsonPatch
from traffic import arms
from traffic.arms import Arms, Subsets, manager
from traffic.istio import Istio, Seen, Via, seen, take_away

Raw = dict[str, Any]

CANARY = "spec.strategy.canary"
FIELDS = {
    VIRTUAL_SERVICE: "trafficRouting.istio.virtualService.name",
    DESTINATION_RULE: "trafficRouting.istio.destinationRule.name",
}
NAMED_IN_CANARY = ("canaryService", "stableService")
NAMED_IN_BLUE_GREEN = ("activeService", "previewService")
NAMED_IN_PING_PONG = ("pingService", "pongService")


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
    """The other Rollouts that its Services, or its DestinationRule, say they belong to."""
    others = (manager(known(answers, Object(ref))) for ref in named.refs)
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
    if rival := _rival(rollout, istio.arms, answers):
        return rival
    try:
        return _as_traffic(istio, seen(istio, found))
    except Invalid as problem:
        return Trouble("RouteNotFound", str(problem))


def taken_away(istio: Istio, stable: str, answers: Answers) -> tuple[JsonPatch, ...]:
    """For an abort while the router is in trouble: the routes that can be told give the canary nothing, as
    long as their stable arm is there and means the stable pods."""
    known_of = {ref: known(answers, Object(ref)) for ref in istio.refs}
    objects = {ref: raw for ref, raw in known_of.items() if raw is not None}
    if not stable or arms.stable_means(istio.arms, objects) != stable:
        return ()
    return tuple(JsonPatch(ref, operations) for ref, operations in take_away(istio, objects))


def _rival(rollout: Rollout, named: Arms, answers: Answers) -> Trouble | None:
    """Another Rollout that moves a subset of ours."""
    if not isinstance(named, Subsets):
        return None
    (rule,) = named.refs
    other = _rollout(rollout, manager(known(answers, Object(rule))))
    if other.ref.name == rollout.metadata.name or not _moves(known(answers, other), rule, named):
        return None
    fix = f"name another one in {CANARY}.{FIELDS[DESTINATION_RULE]}, or take it out of that Rollout"
    return Trouble("ManagedByAnother", f"{rule} is managed by {other.ref}; {fix}")


def _moves(rollout: Raw | None, rule: Ref, ours: Subsets) -> bool:
    """Whether a Rollout, where there is one, names one of these subsets of the rule too."""
    canary = paths.get(rollout, "spec", "strategy", "canary")
    field = ("trafficRouting", "istio", "destinationRule")
    theirs = {paths.get(canary, *field, f"{arm}SubsetName", default=arm) for arm in ("stable", "canary")}
    return names(rollout, rule) and bool(theirs & {ours.stable, ours.canary})


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
    return Service(means, manager(raw) == rollout.metadata.name)


def _wrong_service(rollout: Rollout, named: Arms, answers: Answers) -> Trouble | None:
    """The first of the Services that cannot be used."""
    if not isinstance(named, arms.Services):
        return None
    fields = (("stableService", named.stable), ("canaryService", named.canary))
    for field, name in fields:
        ref = Ref(SERVICE, named.namespace, name)
        if wrong := next(_wrongs(rollout, ref, answers), ""):
            problem = Invalid(f"{CANARY}.{field}", f'"{name}": service "{name}" {wrong}')
            return Trouble(INVALID, invalid_spec(rollout.metadata.name, problem))
    return None


def _wrongs(rollout: Rollout, ref: Ref, answers: Answers) -> Iterator[str]:
    answer = answers.get(Object(ref))
    if isinstance(answer, Absent):
        yield "not found; create it, or correct the name"
    raw = answer.value if isinstance(answer, Known) else None
    other = manager(raw)
    if other != rollout.metadata.name and names(known(answers, _rollout(rollout, other)), ref):
        yield f'is managed by another Rollout, "{other}"; name another Service here or there'
    selector: dict[str, str] = paths.get(raw, "spec", "selector", default={})
    labels = paths.get(rollout.spec.template, "metadata", "labels", default={})
    for key, value in selector.items():
        if key != HASH_LABEL and labels.get(key) != value:
            yield f"selects {key}={value}, which the pod template does not carry; make them agree"


def _rollout(beside: Rollout, name: str) -> Object:
    return Object(Ref(ROLLOUT, beside.metadata.namespace, name))


def names(rollout: Raw | None, ref: Ref) -> bool:
    """Whether a Rollout, where there is one, names this Service or DestinationRule, whoever acts on it."""
    canary, blue_green = (
        paths.get(rollout, "spec", "strategy", one, default={}) for one in ("canary", "blueGreen")
    )
    if ref.kind == DESTINATION_RULE:
        return bool(paths.get(canary, "trafficRouting", "istio", "destinationRule", "name") == ref.name)
    ping_pong = paths.get(canary, "pingPong", default={})
    named = [paths.get(canary, field) for field in NAMED_IN_CANARY]
    named += [paths.get(blue_green, field) for field in NAMED_IN_BLUE_GREEN]
    named += [paths.get(ping_pong, field) for field in NAMED_IN_PING_PONG]
    return ref.name in named


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
