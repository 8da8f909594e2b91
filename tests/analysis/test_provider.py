"""Whom a metric asks: Prometheus as it is written, and every other provider by its name."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from analysis.provider import OTHERS, Header, Range, read_prometheus
from crds.analysis import Metric
from crds.errors import Invalid

AT = "spec.metrics[0]"


def read(**prometheus: Any) -> Any:
    return read_prometheus(Metric("m", provider={"prometheus": {"query": "up", **prometheus}}), AT)


def mistake(provider: dict[str, Any]) -> str:
    with pytest.raises(Invalid) as caught:
        read_prometheus(Metric("m", provider=provider), AT)
    return str(caught.value)


def test_what_is_written_is_read() -> None:
    written = {"address": "http://p:9090", "timeout": 40, "insecure": True}
    got = read(**written, headers=[{"key": "X-Scope-OrgID", "value": "shop"}])
    assert (got.server.address, got.server.timeout, got.server.insecure) == ("http://p:9090", 40, True)
    assert got.server.headers == (Header("X-Scope-OrgID", "shop"),)


@pytest.mark.parametrize(
    ("start", "minutes"),
    [
        ("now() - duration('5m')", 5),
        ('now()-duration("1h") - duration("30m")', 90),
        (" now() - duration('90s') ", 1.5),
    ],
)
def test_a_range_is_written_as_expr_lang_has_it(start: str, minutes: float) -> None:
    got = read(rangeQuery={"start": start, "end": "now()", "step": "1m"})
    assert got.span == Range(timedelta(minutes=minutes), timedelta(), timedelta(minutes=1))


@pytest.mark.parametrize("name", OTHERS)
def test_every_other_provider_is_refused_by_its_name(name: str) -> None:
    for body in ({}, {"query": "up"}, None, "up", [1]):
        assert mistake({name: body}).startswith(
            f"{AT}.provider.{name}: is not measured yet; write prometheus"
        )


OAUTH = {"tokenUrl": "https://issuer/token"}


@pytest.mark.parametrize(
    ("provider", "words"),
    [
        ({}, "provider.none: is no provider; known: prometheus, and Argo's web, job, kayenta"),
        ({"promethius": {}}, "provider.promethius: is no provider; known: prometheus, and Argo's web"),
        ({"prometheus": {}, "web": {}}, "provider: names prometheus and web; give each a metric of its own"),
        (
            {"prometheus": None},
            "provider.prometheus: None does not fit here; write address and query below it",
        ),
        ({"prometheus": "up"}, "provider.prometheus: 'up' does not fit here"),
        ({"prometheus": {}}, "provider.prometheus.query: is missing"),
        ({"prometheus": {"query": 5}}, "provider.prometheus.query: 5 does not fit here"),
        (
            {"prometheus": {"query": "up", "timeout": -1}},
            "timeout: -1 is no patience; write 1 to 300 seconds",
        ),
        ({"prometheus": {"query": "up", "headers": [{"key": "a"}]}}, "provider.prometheus.headers"),
        (
            {"prometheus": {"query": "up", "authentication": {"sigv4": {"region": "eu-west-1"}}}},
            "authentication.sigv4: requests are not signed for AWS; let address be a proxy that signs them",
        ),
        (
            {"prometheus": {"query": "up", "authentication": {"oauth2": OAUTH}}},
            "provider.prometheus.authentication.oauth2: needs tokenUrl and clientId; add them",
        ),
        (
            {"prometheus": {"query": "up", "rangeQuery": {"start": "now() - duration('5m')"}}},
            "provider.prometheus.rangeQuery.step: is missing; write one like 1m",
        ),
        (
            {"prometheus": {"query": "up", "rangeQuery": {"start": "yesterday", "step": "1m"}}},
            "rangeQuery.start: 'yesterday' is not understood; write now() or now() - duration('5m')",
        ),
        (
            {"prometheus": {"query": "up", "rangeQuery": {"start": "now()", "step": "1m"}}},
            "provider.prometheus.rangeQuery.start: is not before end",
        ),
    ],
)
def test_a_mistake_is_named_with_its_field_and_the_fix(provider: dict[str, Any], words: str) -> None:
    assert words in mistake(provider)


@pytest.mark.parametrize("password", ["s3cret", "s3@cret"])
def test_a_password_in_an_address_is_told_to_nobody(password: str) -> None:
    server = read(address=f"https://ann:{password}@prometheus.example.com/api").server
    assert f"{server} {server!r}" == "https://prometheus.example.com/api Server()"
