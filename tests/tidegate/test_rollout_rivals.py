"""Two Rollouts on one subset, or on one route: the second is held, and told of the first."""

from __future__ import annotations

from typing import Any

from crds.paths import put
from crds.refs import ROLLOUT, Ref
from tests.tidegate.test_rollout_planner import (
    RULE,
    Raw,
    brief,
    condition,
    hash_of,
    mesh,
    planned,
    replica_set,
)
from tidegate.planners.needs import Absent, Answer, Known, Need, Object
from tidegate.planners.plan import JsonPatch, Plan

MANAGED_BY = "argo-rollouts.argoproj.io/managed-by-rollouts"
OTHER = Object(Ref(ROLLOUT, "production", "checkout"))
ISTIO = ("spec", "strategy", "canary", "trafficRouting", "istio")


def managed(raw: Raw, name: str = "checkout") -> Known:
    return Known(put(raw, ("metadata", "annotations"), {MANAGED_BY: name}))


def taken(other: Answer, by: str = "checkout") -> dict[Need, Answer]:
    """The brief's mesh with another's name on its DestinationRule, and what is found under that name."""
    found = mesh(stable="others", canary="others")
    return {**found, RULE: managed(found[RULE].value, by), OTHER: other}  # type: ignore[union-attr]


def checkout(**rule: Any) -> Known:
    raw = put(brief(), ("metadata", "name"), "checkout")
    return Known(put(raw, (*ISTIO, "destinationRule"), {"name": "api", **rule}))


def moved(plan: Plan) -> list[str]:
    return [write.ref.kind.kind for write in plan.writes if isinstance(write, JsonPatch)]


def second(found: dict[Need, Answer]) -> Plan:
    """A first deployment whose pods are all there, so that its arms are due."""
    raw = brief(stableRS="", currentPodHash=hash_of(brief()))
    return planned(raw, replica_set(raw, 10), found=found)


def test_a_destination_rule_of_another_rollout_is_left_alone_and_both_are_named() -> None:
    plan = second(taken(checkout()))
    assert moved(plan) == []
    assert condition(plan, "TrafficNotReady") == (
        "DestinationRule production/api is managed by Rollout production/checkout; name another one in "
        "spec.strategy.canary.trafficRouting.istio.destinationRule.name, or take it out of that Rollout"
    )


def test_it_is_free_once_the_other_is_gone() -> None:
    assert moved(second(taken(Absent()))) == ["DestinationRule"]


def test_it_is_free_once_the_other_names_another_one() -> None:
    assert moved(second(taken(checkout(name="checkout")))) == ["DestinationRule"]


def test_other_subsets_of_the_same_rule_are_no_quarrel() -> None:
    theirs = checkout(stableSubsetName="checkout-stable", canarySubsetName="checkout-canary")
    assert moved(second(taken(theirs))) == ["DestinationRule"]


def test_a_rollouts_own_name_is_no_quarrel() -> None:
    assert moved(second(taken(Absent(), by="api"))) == ["DestinationRule"]


def test_a_route_to_a_host_of_another_rule_is_named_with_both() -> None:
    found = mesh()
    found[RULE] = Known(put(found[RULE].value, ("spec", "host"), "checkout.production.svc.cluster.local"))  # type: ignore[union-attr]
    plan = second(found)
    assert moved(plan) == []
    assert condition(plan, "TrafficNotReady") == (
        "VirtualService production/api spec.http[0].route: goes to host 'api', and DestinationRule "
        "production/api is for 'checkout'; name a VirtualService and a DestinationRule of one host"
    )


def test_a_rule_for_every_host_is_for_this_one_too() -> None:
    found = mesh()
    found[RULE] = Known(put(found[RULE].value, ("spec", "host"), "*.production.svc.cluster.local"))  # type: ignore[union-attr]
    assert moved(second(found)) == ["DestinationRule"]
