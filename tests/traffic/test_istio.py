"""Istio's objects as they stand, and the patches that change just what is ours."""

from __future__ import annotations

from typing import Any

import pytest

from crds.errors import Invalid
from crds.refs import DESTINATION_RULE, HASH_LABEL, SERVICE, VIRTUAL_SERVICE, Ref
from tests.traffic.patching import applied
from traffic.arms import MANAGED_BY, Services, Subsets, point
from traffic.istio import Istio, Via, route, seen

Raw = dict[str, Any]

API = Ref(VIRTUAL_SERVICE, "shop", "api")
RULE = Ref(DESTINATION_RULE, "shop", "api")
STABLE, CANARY = Ref(SERVICE, "shop", "api-stable"), Ref(SERVICE, "shop", "api-canary")
BY_SUBSET = Istio("shop", (Via("api"),), Subsets("shop", "api"))
BY_HOST = Istio("shop", (Via("api"),), Services("shop", "api-stable", "api-canary"))


def destination(subset: str, weight: int | None, **more: Any) -> Raw:
    weighed = {} if weight is None else {"weight": weight}
    return {"destination": {"host": "api", "subset": subset}, **weighed, **more}


def virtual_service(*routes: Raw) -> Raw:
    return {"metadata": {"resourceVersion": "5"}, "spec": {"hosts": ["api"], "http": list(routes)}}


def split(canary: int | None = 10, name: str = "primary") -> Raw:
    stable = None if canary is None else 100 - canary
    return {
        "name": name,
        "timeout": "3s",
        "route": [destination("stable", stable), destination("canary", canary)],
    }


def rule(stable: str = "old", canary: str = "new") -> Raw:
    subsets = [
        {"name": name, "labels": {"app": "api", HASH_LABEL: pod_hash}, "trafficPolicy": {"keep": name}}
        for name, pod_hash in (("stable", stable), ("canary", canary))
    ]
    return {"metadata": {"resourceVersion": "6"}, "spec": {"host": "api.shop.svc", "subsets": subsets}}


def objects(service: Raw | None = None, by: Raw | None = None) -> dict[Ref, Raw]:
    return {API: service or virtual_service(split()), RULE: by or rule()}


def by_host(canary: int = 10) -> dict[Ref, Raw]:
    hosts = [("api-stable.shop.svc", 100 - canary), ("api-canary", canary)]
    routes = [{"destination": {"host": host}, "weight": weight} for host, weight in hosts]
    selectors = {STABLE: {"app": "api", HASH_LABEL: "old"}, CANARY: {"app": "api"}}
    services = {
        ref: {"metadata": {"resourceVersion": "7", "annotations": {}}, "spec": {"selector": selector}}
        for ref, selector in selectors.items()
    }
    return {API: virtual_service({"route": routes}), **services}


def problem(istio: Istio, stand: dict[Ref, Raw]) -> str:
    with pytest.raises(Invalid) as caught:
        seen(istio, stand)
    return str(caught.value)


def test_the_weight_and_both_arms_are_read() -> None:
    got = seen(BY_SUBSET, objects())
    assert (got.weight, got.exact, got.arms.stable, got.arms.canary, got.arms.host) == (
        10,
        True,
        "old",
        "new",
        "api",
    )


def test_weights_that_do_not_add_up_are_not_exact_and_count_for_what_the_canary_really_gets() -> None:
    edited = {"route": [destination("stable", 30), destination("canary", 30)]}
    got = seen(BY_SUBSET, objects(virtual_service(edited)))
    assert (got.weight, got.exact) == (50, False)


def test_routes_that_differ_are_not_exact_and_the_largest_share_counts() -> None:
    istio = Istio("shop", (Via("api", ("a", "b")),), BY_SUBSET.arms)
    got = seen(istio, objects(virtual_service(split(5, "a"), split(20, "b"))))
    assert (got.weight, got.exact) == (20, False)


def test_a_new_weight_changes_the_weights_and_nothing_else() -> None:
    stand = objects()
    ((ref, patch),) = route(BY_SUBSET, stand, 50)
    assert ref == API
    assert applied(stand[API], patch) == virtual_service(split(50))


def test_a_patch_tests_the_version_and_the_destinations_it_was_planned_on() -> None:
    ((_, patch),) = route(BY_SUBSET, objects(), 50)
    assert [one["path"] for one in patch if one["op"] == "test"] == [
        "/metadata/resourceVersion",
        "/spec/http/0/route/0/destination",
        "/spec/http/0/route/1/destination",
    ]


def test_weights_never_written_are_written() -> None:
    stand = objects(virtual_service(split(None)))
    ((_, patch),) = route(BY_SUBSET, stand, 0)
    assert applied(stand[API], patch) == virtual_service(split(0))


def test_a_second_pass_does_nothing() -> None:
    assert route(BY_SUBSET, objects(), 10) == ()
    assert point(BY_SUBSET.arms, objects(), ("old", "new"), "api") == ()


def test_only_named_routes_are_touched() -> None:
    istio = Istio("shop", (Via("api", ("mine",)),), BY_SUBSET.arms)
    other = {"name": "other", "route": [{"destination": {"host": "elsewhere"}}]}
    stand = objects(virtual_service(other, split(10, "mine")))
    ((_, patch),) = route(istio, stand, 20)
    assert applied(stand[API], patch) == virtual_service(other, split(20, "mine"))


def test_an_arm_is_pointed_without_touching_its_other_labels_or_policies() -> None:
    stand = objects()
    ((ref, patch),) = point(BY_SUBSET.arms, stand, ("", "newer"), "api")
    after = applied(stand[RULE], patch)
    assert ref == RULE
    assert after["spec"] == rule("old", "newer")["spec"]
    assert after["metadata"]["annotations"] == {MANAGED_BY: "api"}


def test_a_subset_without_labels_gets_them() -> None:
    bare = {
        "metadata": {"resourceVersion": "6"},
        "spec": {"subsets": [{"name": "stable"}, {"name": "canary"}]},
    }
    stand = objects(by=bare)
    ((_, patch),) = point(BY_SUBSET.arms, stand, ("old", ""), "api")
    assert applied(bare, patch)["spec"]["subsets"][0]["labels"] == {HASH_LABEL: "old"}


def test_services_are_arms_by_their_selectors() -> None:
    got = seen(BY_HOST, by_host())
    assert (got.weight, got.arms.stable, got.arms.canary) == (10, "old", "")


def test_a_services_selector_gets_the_hash_and_its_manager() -> None:
    stand = by_host()
    ((ref, patch),) = point(BY_HOST.arms, stand, ("old", "new"), "api")
    after = applied(stand[CANARY], patch)
    assert ref == CANARY
    assert after["spec"]["selector"] == {"app": "api", HASH_LABEL: "new"}
    assert after["metadata"]["annotations"] == {MANAGED_BY: "api"}


def test_host_level_weights_move_by_host() -> None:
    stand = by_host()
    ((_, patch),) = route(BY_HOST, stand, 30)
    assert [one["weight"] for one in applied(stand[API], patch)["spec"]["http"][0]["route"]] == [70, 30]


def test_several_virtual_services_are_moved_each_by_its_own_patch() -> None:
    istio = Istio("shop", (Via("api"), Via("api.edge")), BY_SUBSET.arms)
    edge = Ref(VIRTUAL_SERVICE, "edge", "api")
    stand = {**objects(), edge: virtual_service(split(0))}
    assert not seen(istio, stand).exact
    assert [ref for ref, _ in route(istio, stand, 10)] == [edge]
    assert [ref for ref, _ in route(istio, stand, 20)] == [API, edge]


def test_an_ambiguous_route_is_named_with_its_fix() -> None:
    said = problem(BY_SUBSET, objects(virtual_service(split(), split(10, "other"))))
    assert said.startswith("VirtualService shop/api spec.http: has 2 http routes and the Rollout names none")


def test_a_route_that_is_not_there_is_named_beside_those_that_are() -> None:
    istio = Istio("shop", (Via("api", ("main",)),), BY_SUBSET.arms)
    said = problem(istio, objects())
    assert said.endswith("has 0 http routes named 'main', one is needed; it has: primary")


def test_a_destination_too_many_is_named() -> None:
    third = {"route": [*split()["route"], destination("shadow", 0)]}
    said = problem(BY_SUBSET, objects(virtual_service(third)))
    assert "subsets 'stable' and 'canary'; it has: 'stable', 'canary', 'shadow'" in said


def test_a_missing_subset_is_named() -> None:
    said = problem(BY_SUBSET, objects(by={"metadata": {}, "spec": {"subsets": [{"name": "v1"}]}}))
    assert said == "DestinationRule shop/api spec.subsets: needs one subset named 'stable'; it has: v1"
