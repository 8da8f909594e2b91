"""Traffic through the real istiod and the real Envoy; run with `python -m tests.lab run -- pytest -m lab`."""

from __future__ import annotations

import json
import math
import urllib.request
from collections.abc import Iterator
from urllib.parse import quote

import pytest

from tests.lab import envoy, load, worlds
from tests.lab.kube import Kube
from tests.lab.state import State
from tests.lab.waiting import until

pytestmark = pytest.mark.lab

STABLE, CANARY = envoy.cluster_name("stable"), envoy.cluster_name("canary")


@pytest.fixture
def two(lab: State, api: Kube) -> Iterator[Kube]:
    """v1 with four pods behind subset stable, v2 with two behind subset canary."""
    worlds.make(api, worlds.mesh_of())
    api.apply(worlds.destination_rule("api", hashes={"stable": "aaa", "canary": "bbb"}))
    api.apply(worlds.replica_set("aaa", "v1", 4))
    api.apply(worlds.replica_set("bbb", "v2", 2, ERROR_RATE="0.2"))
    worlds.available(api, "api-aaa", 4)
    worlds.available(api, "api-bbb", 2)
    until(lambda: len(envoy.endpoints(lab, STABLE)) == 4, 20, "Envoy to know the stable pods")
    until(lambda: len(envoy.endpoints(lab, CANARY)) == 2, 20, "Envoy to know the canary's pods")
    yield api
    for name in ("api-aaa", "api-bbb"):
        api.delete(f"/apis/apps/v1/namespaces/production/replicasets/{name}")
    until(lambda: not api.get("/api/v1/namespaces/production/pods")["items"], 60, "the pods to go")


def route(lab: State, api: Kube, canary: int) -> None:
    """Ask for a weight, and wait until Envoy routes by it."""
    api.apply(worlds.virtual_service("api", canary=canary))
    wanted = {STABLE: 100 - canary, CANARY: canary}
    until(lambda: envoy.weights(lab, worlds.HOST) == {k: w for k, w in wanted.items() if w}, 20, str(wanted))


def test_weights_asked_are_shares_measured(lab: State, two: Kube) -> None:
    route(lab, two, 10)
    got = load.send(lab.gateway, worlds.HOST, 20_000)
    assert got.total == 20_000
    assert abs(got.by_version["v2"] - 2_000) <= 6 * math.sqrt(20_000 * 0.1 * 0.9)


def test_envoys_counters_agree_with_what_came_back(lab: State, two: Kube) -> None:
    route(lab, two, 50)
    before = envoy.cluster(lab, CANARY)
    got = load.send(lab.gateway, worlds.HOST, 2_000)
    until(lambda: envoy.cluster(lab, CANARY).active == 0, 5, "Envoy to note that all are answered")
    after = envoy.cluster(lab, CANARY)
    assert (after.total - before.total, after.active) == (got.by_version["v2"], 0)
    assert after.by_code[500] - before.by_code.get(500, 0) == got.by_status[500]


def test_prometheus_has_the_counters_under_the_clusters_whole_name(lab: State, two: Kube) -> None:
    route(lab, two, 50)
    load.send(lab.gateway, worlds.HOST, 100)
    query = f'envoy_cluster_upstream_rq{{envoy_cluster_name="{CANARY}",envoy_response_code="200"}}'

    def scraped() -> bool:
        with urllib.request.urlopen(
            f"{lab.prometheus}/api/v1/query?query={quote(query)}", timeout=10
        ) as answer:
            return bool(json.load(answer)["data"]["result"])

    until(scraped, 20, "Prometheus to have scraped Envoy")


def test_no_request_is_hurt_when_pods_go(lab: State, two: Kube) -> None:
    """Only the service's own errors are seen while three of four stable pods are deleted under load."""
    route(lab, two, 0)
    with load.Load(lab.gateway, worlds.HOST, rate=300) as steady:
        two.apply(worlds.replica_set("aaa", "v1", 1))
        worlds.available(two, "api-aaa", 1)
        pods = "/api/v1/namespaces/production/pods"
        until(
            lambda: len(two.get(pods, labelSelector=f"{worlds.HASH}=aaa")["items"]) == 1,
            60,
            "three pods to go",
        )
        got = steady.stop()
    assert got.total > 300
    assert (set(got.by_version), got.not_from_service) == ({"v1"}, 0)
