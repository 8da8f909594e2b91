"""The other ways of sharing traffic, on the real control plane: two Services, and pods alone."""

from __future__ import annotations

from typing import Any

import pytest

from tests.e2e.scene import HOST, NAMESPACE, Raw, Scene, path, quick
from tests.lab.load import send
from tests.lab.waiting import until
from tests.lab.worlds import service, virtual_service

pytestmark = pytest.mark.lab

REQUESTS = 4000


def services(scene: Scene) -> None:
    for name in ("api-stable", "api-canary"):
        scene.kube.apply(
            {**service("api"), "metadata": {"name": name, "namespace": NAMESPACE}},
        )


def hosts(scene: Scene) -> None:
    """A VirtualService between Services api-stable and api-canary, and no DestinationRule."""
    scene.kube.delete(path("destinationrules", "api", group="networking.istio.io/v1"))
    services(scene)
    split = virtual_service("api")
    split["spec"]["http"][0]["route"] = [
        {"destination": {"host": f"{name}.{NAMESPACE}.svc.cluster.local"}, "weight": weight}
        for name, weight in (("api-stable", 100), ("api-canary", 0))
    ]
    scene.kube.apply(split)


def by_host(manifest: Raw) -> None:
    quick(manifest)
    canary: dict[str, Any] = manifest["spec"]["strategy"]["canary"]
    del canary["trafficRouting"]["istio"]["destinationRule"], canary["analysis"]
    canary |= {"stableService": "api-stable", "canaryService": "api-canary"}


def by_pods(manifest: Raw) -> None:
    quick(manifest)
    canary: dict[str, Any] = manifest["spec"]["strategy"]["canary"]
    for routed in ("trafficRouting", "analysis", "scaleDownDelaySeconds", "abortScaleDownDelaySeconds"):
        del canary[routed]


def by_pods_and_services(manifest: Raw) -> None:
    by_pods(manifest)
    manifest["spec"]["strategy"]["canary"] |= {"stableService": "api-stable", "canaryService": "api-canary"}


def dynamic(manifest: Raw) -> None:
    quick(manifest)
    canary: dict[str, Any] = manifest["spec"]["strategy"]["canary"]
    for gone in ("analysis", "scaleDownDelaySeconds", "abortScaleDownDelaySeconds"):
        del canary[gone]
    canary["steps"] = [{"setWeight": 60}, {"pause": {}}]
    canary["dynamicStableScale"] = True


def selector(scene: Scene, name: str) -> str:
    found = scene.kube.get(path("services", name, group="v1"))["spec"]["selector"]
    return str(found.get("rollouts-pod-template-hash", ""))


def test_two_services_split_the_requests_and_end_on_the_new_revision(scene: Scene) -> None:
    hosts(scene)
    scene.edit = by_host
    scene.controller()
    scene.release("v1")
    first = scene.healthy("v1")["stableRS"]
    assert (selector(scene, "api-stable"), selector(scene, "api-canary")) == (first, first)
    scene.release("v2")
    scene.at_pause()
    tally = send(scene.state.gateway, HOST, REQUESTS)
    # 6 binomial standard errors of 10 % of 4,000: a healthy split misses once in 500 million runs
    assert abs(tally.by_version["v2"] - 400) < 6 * (REQUESTS * 0.1 * 0.9) ** 0.5
    assert tally.by_status == {200: REQUESTS}
    scene.cli("promote", "api")
    second = scene.healthy("v2")["stableRS"]
    assert (selector(scene, "api-stable"), selector(scene, "api-canary")) == (second, second)


def test_without_a_router_the_pods_are_the_shares(scene: Scene) -> None:
    scene.edit = by_pods
    scene.controller()
    scene.release("v1")
    scene.healthy("v1")
    scene.release("v2")
    at_pause = scene.at_pause()
    # step 1 asks for 10 % of ten pods: one of the new revision and nine of the old
    assert (at_pause["updatedReplicas"], at_pause["availableReplicas"]) == (1, 10)
    scene.cli("abort", "api")
    until(lambda: scene.status().get("updatedReplicas", 0) == 0, 30, "the canary's pod to go")
    scene.wait(30, "all old pods back", lambda s: s.get("availableReplicas") == 10)
    scene.cli("retry", "rollout", "api")
    scene.at_pause()
    scene.cli("promote", "api")
    done = scene.healthy("v2")
    assert (done["replicas"], done["updatedReplicas"]) == (10, 10)


def test_without_a_router_two_services_follow_the_release(scene: Scene) -> None:
    hosts(scene)
    scene.edit = by_pods_and_services
    scene.controller()
    scene.release("v1")
    first = scene.healthy("v1")["stableRS"]
    scene.release("v2")
    second = scene.at_pause()["currentPodHash"]
    assert (selector(scene, "api-stable"), selector(scene, "api-canary")) == (first, second)
    scene.cli("promote", "api")
    scene.healthy("v2")
    assert (selector(scene, "api-stable"), selector(scene, "api-canary")) == (second, second)
    tally = send(scene.state.gateway, HOST, REQUESTS)  # all of it through the stable Service
    assert tally.by_status == {200: REQUESTS}


def test_a_service_that_is_missing_is_said_and_the_release_goes_on_once_it_is_there(scene: Scene) -> None:
    services(scene)
    scene.kube.delete(path("services", "api-stable", group="v1"))
    scene.edit = by_pods_and_services
    scene.controller()
    scene.release("v1")
    said = scene.wait(30, "the condition", lambda s: "InvalidSpec" in s.get("message", ""))
    wrong = 'spec.strategy.canary.stableService: Invalid value: "api-stable": service "api-stable" not found'
    assert wrong in said["message"]
    services(scene)
    scene.healthy("v1")


def test_with_dynamic_stable_scale_ten_pods_carry_a_release_and_its_abort(scene: Scene) -> None:
    scene.edit = dynamic
    scene.controller()
    scene.release("v1")
    scene.healthy("v1")
    scene.release("v2")
    scene.at_pause()
    scene.wait(30, "ten pods in all", lambda s: (s["replicas"], s["updatedReplicas"]) == (10, 6))
    assert send(scene.state.gateway, HOST, REQUESTS).by_status == {200: REQUESTS}
    scene.cli("abort", "api")
    scene.wait(60, "stable alone", lambda s: (s["replicas"], s.get("updatedReplicas", 0)) == (10, 0))
    tally = send(scene.state.gateway, HOST, REQUESTS)
    assert (tally.by_status, tally.by_version["v1"]) == ({200: REQUESTS}, REQUESTS)
