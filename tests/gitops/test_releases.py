"""What a Rollout or an autoscaler is moving is taken as it is in the cluster; everything else is Git's."""

from __future__ import annotations

from typing import Any

import pytest

from crds.paths import get, put
from crds.refs import HASH_LABEL
from gitops.images import images
from gitops.releases import kept, moving, releasing
from tests.gitops.examples import deployment, thing
from tests.tidegate.test_any_value import paths

ISTIO = "networking.istio.io/v1"


def rollout(**canary: Any) -> dict[str, Any]:
    spec = {"strategy": {"canary": canary}}
    return thing("Rollout", api="argoproj.io/v1alpha1", spec=spec)


def routed(*routes: str, managed: tuple[str, ...] = (), rule: str = "api") -> dict[str, Any]:
    istio = {"virtualService": {"name": "api", "routes": list(routes)}, "destinationRule": {"name": rule}}
    return rollout(trafficRouting={"istio": istio, "managedRoutes": [{"name": one} for one in managed]})


def split(stable: int, canary: int, name: str = "primary") -> dict[str, Any]:
    arms = (("stable", stable), ("canary", canary))
    return {
        "name": name,
        "route": [{"destination": {"host": "api", "subset": arm}, "weight": weight} for arm, weight in arms],
    }


def virtual_service(*http: dict[str, Any]) -> dict[str, Any]:
    return thing("VirtualService", api=ISTIO, spec={"hosts": ["api"], "http": list(http)})


def weights(raw: dict[str, Any]) -> list[list[int]]:
    return [[one["weight"] for one in route["route"]] for route in raw["spec"]["http"]]


GIT = virtual_service(split(100, 0))
LIVE = virtual_service(split(90, 10))


def test_weights_are_as_the_rollout_has_set_them() -> None:
    assert weights(kept(GIT, LIVE, moving([routed()]))) == [[90, 10]]


def test_weights_that_nobody_moves_are_gits() -> None:
    assert weights(kept(GIT, LIVE, moving([deployment()]))) == [[100, 0]]


def test_only_the_routes_that_are_named_are_moved() -> None:
    git, live = (virtual_service(split(*one), split(*one, name="other")) for one in ((100, 0), (90, 10)))
    assert weights(kept(git, live, moving([routed("primary")]))) == [[90, 10], [100, 0]]


def test_a_route_is_found_by_its_name_and_not_by_its_place() -> None:
    git = virtual_service(split(100, 0, "other"), split(100, 0))
    live = virtual_service(split(90, 10), split(70, 30, "other"))
    assert weights(kept(git, live, moving([routed()]))) == [[70, 30], [90, 10]]


def test_the_route_that_a_step_put_in_stays() -> None:
    live = virtual_service({"name": "me", "route": []}, split(90, 10))
    found = kept(GIT, live, moving([routed("primary", managed=("me",))]))
    assert [one["name"] for one in found["spec"]["http"]] == ["me", "primary"]


def test_what_else_is_in_git_goes_on_being_applied() -> None:
    git = put(GIT, ("spec", "hosts"), ["api", "shop"])
    assert kept(git, LIVE, moving([routed()]))["spec"]["hosts"] == ["api", "shop"]


def test_a_virtual_service_may_be_named_with_its_namespace() -> None:
    istio = {"virtualService": {"name": "api.mesh"}}
    far = put(GIT, ("metadata", "namespace"), "mesh")
    found = kept(far, LIVE, moving([rollout(trafficRouting={"istio": istio})]))
    assert weights(found) == [[90, 10]]


def test_subsets_go_on_meaning_the_pods_they_mean() -> None:
    def rule(**labels: str) -> dict[str, Any]:
        return thing("DestinationRule", api=ISTIO, spec={"subsets": [{"name": "canary", "labels": labels}]})

    live, git = rule(**{"app": "api", HASH_LABEL: "abc"}), rule(app="api", tier="new")
    found = kept(git, live, moving([routed()]))
    assert get(found, "spec", "subsets", 0, "labels") == {"app": "api", "tier": "new", HASH_LABEL: "abc"}


def test_a_service_goes_on_selecting_the_pods_it_selects() -> None:
    git, live = (
        thing("Service", "stable", spec={"selector": one}) for one in ({"a": "b"}, {HASH_LABEL: "abc"})
    )
    found = kept(git, live, moving([rollout(stableService="stable")]))
    assert found["spec"]["selector"] == {"a": "b", HASH_LABEL: "abc"}


def test_an_autoscaler_decides_how_many_there_are() -> None:
    ref = {"apiVersion": "apps/v1", "kind": "Deployment", "name": "api"}
    scaler = thing("HorizontalPodAutoscaler", api="autoscaling/v2", spec={"scaleTargetRef": ref})
    live = put(deployment(), ("spec", "replicas"), 9)
    assert kept(deployment(), live, moving([scaler]))["spec"]["replicas"] == 9
    assert kept(deployment(), live, moving([]))["spec"]["replicas"] == 2


def standing(stable: str, current: str, generation: int = 1) -> dict[str, Any]:
    raw = rollout() | {"status": {"stableRS": stable, "currentPodHash": current, "observedGeneration": "1"}}
    return dict(put(raw, ("metadata", "generation"), generation))


def test_a_rollout_between_two_revisions_is_releasing() -> None:
    assert releasing([standing("a", "b")]) == "Rollout production/api"
    assert releasing([standing("a", "a", generation=2)]) == "Rollout production/api"


def test_a_rollout_that_has_come_to_its_end_is_not() -> None:
    assert releasing([standing("a", "a"), standing("", "a")]) == ""


RULE = thing("DestinationRule", api=ISTIO, spec={"subsets": [{"name": "stable", "labels": {"a": "b"}}]})


@pytest.mark.parametrize("at", [0, 1, 2], ids=["Rollout", "VirtualService", "DestinationRule"])
def test_whatever_git_holds_is_left_to_the_api_server_to_refuse(at: int) -> None:
    live = (routed("primary", managed=("mirror",)), virtual_service(split(90, 10)), RULE)
    for path in paths(live[at]):
        for value in (5, "x", [None], {"a": [1]}):
            wanted = [put(one, path, value) if one is live[at] else one for one in live]
            moved = moving([*wanted, *live])
            for one, there in zip(wanted, live, strict=True):
                assert kept(one, there, moved)
            images(wanted)
