"""Seeds are fixed, so no draw here can come out otherwise than it did."""

from datetime import timedelta
from typing import Any

import pytest

from tests.tidegate.sandbox.worlds import START, Clock, create
from tidegate.kube.http import Request
from tidegate.sandbox.prometheus import Prometheus
from tidegate.sandbox.resources import PODS
from tidegate.sandbox.store import Store
from tidegate.sandbox.traffic import Traffic

ISTIO = "/apis/networking.istio.io/v1/namespaces/production"
STABLE = "outbound|80|stable|api.production.svc.cluster.local"
CANARY = "outbound|80|canary|api.production.svc.cluster.local"


def pod(name: str, version: str) -> dict[str, Any]:
    ready = {"type": "Ready", "status": "True", "lastTransitionTime": "2026-03-15T10:30:00Z"}
    return {
        "metadata": {"name": name, "namespace": "production", "labels": {"app": "api", "version": version}},
        "spec": {"containers": [{"name": "api", "image": f"registry/api:{version}"}]},
        "status": {"conditions": [ready]},
    }


def mesh(weight: int) -> Store:
    """One pod a version; `weight` percent to v2."""
    store = Store(Clock())
    route = [
        {"destination": {"host": "api", "subset": "stable"}, "weight": 100 - weight},
        {"destination": {"host": "api", "subset": "canary"}, "weight": weight},
    ]
    subsets = [
        {"name": "stable", "labels": {"version": "v1"}},
        {"name": "canary", "labels": {"version": "v2"}},
    ]
    create(
        store, f"{ISTIO}/virtualservices", {"metadata": {"name": "api"}, "spec": {"http": [{"route": route}]}}
    )
    rule = {"metadata": {"name": "api"}, "spec": {"host": "api", "subsets": subsets}}
    create(store, f"{ISTIO}/destinationrules", rule)
    store.put(PODS, pod("one", "v1"))
    store.put(PODS, pod("two", "v2"))
    return store


def traffic(store: Store, rate: float = 1000.0) -> Traffic:
    return Traffic(store, "production", "api", rate, {"registry/api:v2": 0.5})


def test_shares_follow_the_weights() -> None:
    requests = traffic(mesh(weight=20))
    requests.tick(timedelta(seconds=20))
    # 20,000 requests at 20 %: 6 standard errors are 340.
    assert abs(requests.served["registry/api:v2", "request"] - 4000) < 340
    assert requests.served.total() - requests.served["registry/api:v2", "error"] == 20_000


def test_errors_follow_the_version() -> None:
    requests = traffic(mesh(weight=100))
    requests.tick(timedelta(seconds=10))
    # 10,000 requests at 50 %: 6 standard errors are 300.
    assert abs(requests.served["registry/api:v2", "error"] - 5000) < 300
    assert requests.served["registry/api:v1", "error"] == 0


def test_parts_of_a_request_are_kept_for_the_next_tick() -> None:
    requests = traffic(mesh(weight=0), rate=0.5)
    for _ in range(8):
        requests.tick(timedelta(seconds=1))
    assert requests.served["registry/api:v1", "request"] == 4


def test_without_a_pod_envoy_answers_503_and_does_not_count_it_as_sent() -> None:
    store = mesh(weight=100)
    store.remove(PODS, pod("two", "v2"))
    requests = traffic(store)
    requests.tick(timedelta(seconds=1))
    labels = (("envoy_cluster_name", CANARY),)
    assert requests.counters["envoy_cluster_upstream_rq_total", labels] == 0
    assert requests.counters["envoy_cluster_upstream_rq", (*labels, ("envoy_response_code", "503"))] == 1000
    assert requests.unserved == 1000


def test_without_a_virtual_service_requests_go_to_the_service_of_that_name() -> None:
    store = mesh(weight=0)
    store.handle(Request("DELETE", f"{ISTIO}/virtualservices/api"))
    service = {"metadata": {"name": "api"}, "spec": {"selector": {"app": "api"}}}
    create(store, "/api/v1/namespaces/production/services", service)
    requests = traffic(store)
    requests.tick(timedelta(seconds=20))
    # 20,000 requests over two pods: 6 standard errors are 425.
    assert abs(requests.served["registry/api:v2", "request"] - 10_000) < 425


def test_a_sidecar_counts_in_istios_words_too() -> None:
    requests = traffic(mesh(weight=0))
    requests.tick(timedelta(seconds=1))
    labels = (("reporter", "source"), ("upstream_cluster", STABLE), ("response_code", "200"))
    assert requests.counters["istio_requests_total", labels] == 1000


def query(prometheus: Prometheus, text: str, seconds: float) -> Any:
    at = str((START + timedelta(seconds=seconds)).timestamp())
    return prometheus.handle(Request("GET", "/api/v1/query", {"query": text, "time": at}))


@pytest.fixture
def prometheus() -> Prometheus:
    """Scraped each 5 seconds for 20 seconds of 1000 requests a second to stable."""
    requests = traffic(mesh(weight=0))
    scraped = Prometheus(requests.counters)
    for tick in range(1, 5):
        requests.tick(timedelta(seconds=5))
        scraped.scrape(START + timedelta(seconds=5 * tick))
    return scraped


def test_a_range_selector_gives_the_raw_samples_of_its_window(prometheus: Prometheus) -> None:
    text = f'envoy_cluster_upstream_rq_total{{envoy_cluster_name="{STABLE}"}}[10s]'
    (series,) = query(prometheus, text, 20).body["data"]["result"]
    assert [value for _, value in series["values"]] == ["10000", "15000", "20000"]


def test_regular_expressions_are_anchored(prometheus: Prometheus) -> None:
    text = 'envoy_cluster_upstream_rq_total{envoy_cluster_name=~"outbound.*(stable|other).*local"}[10s]'
    assert len(query(prometheus, text, 20).body["data"]["result"]) == 1
    assert query(prometheus, text.replace(".*local", ""), 20).body["data"]["result"] == []


@pytest.mark.parametrize("text", ["rate(x[1m])", "x", 'x{a!="b"}[1m]', "sum(x)"])
def test_queries_we_do_not_send_are_refused_by_name(prometheus: Prometheus, text: str) -> None:
    answer = query(prometheus, text, 20)
    assert answer.status == 501
    assert text in answer.body["error"]


def test_a_prometheus_that_is_down_says_so(prometheus: Prometheus) -> None:
    prometheus.down = True
    assert query(prometheus, "x[1m]", 20).status == 503
