"""A metric's name becomes two selectors, and no name a user chose can change what they select."""

from __future__ import annotations

import pytest

from analysis.catalogue import DEFAULT_ADDRESS, Arm, read, resolve
from crds.errors import Invalid

CANARY = Arm(namespace="production", rollout="api", service="api", subset="canary", hash="6b8f9")


def test_error_rate_is_known_without_any_configuration() -> None:
    counters = resolve(read({}), "error-rate", CANARY)
    assert counters.address == DEFAULT_ADDRESS
    assert counters.total == (
        'istio_requests_total{reporter="source",'
        r'upstream_cluster=~"outbound\\|[0-9]+\\|canary\\|api\\.production\\..*"}'
    )
    assert counters.errors == counters.total[:-1] + ',response_code=~"5.."}'


def test_host_level_routing_has_no_subset_in_its_clusters() -> None:
    arm = Arm(namespace="production", rollout="api", service="api-canary")
    assert r"outbound\\|[0-9]+\\|\\|api-canary\\.production" in resolve(read({}), "error-rate", arm).total


def test_a_service_named_by_its_host_is_the_same_service() -> None:
    host = Arm(
        namespace="production", rollout="api", service="api.production.svc.cluster.local", subset="canary"
    )
    assert resolve(read({}), "error-rate", host) == resolve(read({}), "error-rate", CANARY)


def test_envoys_own_counters_stand_in_for_istios() -> None:
    counters = resolve(read({}), "error-rate-envoy", CANARY)
    assert counters.errors.startswith("envoy_cluster_upstream_rq{envoy_cluster_name=~")
    assert counters.errors.endswith(',envoy_response_code=~"5.."}')


def test_the_address_is_the_entrys_own_then_the_controllers() -> None:
    data = {"mine": {"errors": "e", "total": "t", "address": "http://mine:9090"}}
    catalogue = read(data, address="http://argos:9090")
    assert resolve(catalogue, "mine", CANARY).address == "http://mine:9090"
    assert resolve(catalogue, "error-rate", CANARY).address == "http://argos:9090"


def test_an_entry_of_the_config_map_replaces_the_built_in_one() -> None:
    data = {"error-rate": {"errors": 'e{hash="{{hash}}"}', "total": 't{pod=~"{{ rollout }}-.*"}'}}
    counters = resolve(read(data), "error-rate", CANARY)
    assert (counters.errors, counters.total) == ('e{hash="6b8f9"}', 't{pod=~"api-.*"}')


def test_values_are_escaped_for_the_matcher_they_stand_in() -> None:
    sly = Arm(namespace="n", rollout='a.b"} or up{x="\\', subset="v1.2")
    data = {"m": {"errors": 'e{a="{{rollout}}"}', "total": 't{a!~"{{subset}}|x",b!="{{subset}}"}'}}
    counters = resolve(read(data), "m", sly)
    assert counters.errors == r'e{a="a.b\"} or up{x=\"\\"}'
    assert counters.total == r't{a!~"v1\\.2|x",b!="v1.2"}'


def test_an_unknown_metric_is_answered_with_the_known_ones() -> None:
    with pytest.raises(
        Invalid, match=r"^spec.x: 'latency' is not in .* one of error-rate, error-rate-envoy,"
    ):
        resolve(read({}), "latency", CANARY, "spec.x")


def test_an_unknown_placeholder_is_answered_with_the_known_ones() -> None:
    with pytest.raises(Invalid, match=r"^m.errors: {{pod}} is unknown; known: namespace, rollout, service"):
        resolve(read({"m": {"errors": 'e{a="{{pod}}"}', "total": "t"}}), "m", CANARY)


def test_a_placeholder_outside_of_quotes_is_refused() -> None:
    with pytest.raises(Invalid, match="outside of quotes"):
        resolve(read({"m": {"errors": "e_{{subset}}", "total": "t"}}), "m", CANARY)


@pytest.mark.parametrize("written", ["e", {"errors": "e"}, {"errors": "e", "total": "t", "adress": "typo"}])
def test_an_entry_of_another_shape_is_named(written: object) -> None:
    with pytest.raises(Invalid, match=r"^data\.m: .*write a mapping of errors, total and address"):
        read({"m": written})
