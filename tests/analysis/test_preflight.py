"""A selector that matches nothing is told with what there is instead."""

from __future__ import annotations

from typing import Any

from analysis.counters import Series
from analysis.preflight import not_ready, told_apart, wider

SELECTOR = 'istio_requests_total{reporter="source",upstream_cluster=~"outbound\\\\|.*"}'


def counter(**labels: str) -> Series:
    return Series(tuple(sorted(labels.items())), ((1.0, 1.0),))


def test_the_wider_question_is_the_metric_alone() -> None:
    assert wider(SELECTOR) == "istio_requests_total"
    assert wider('{__name__="x"}') is None


def test_the_labels_that_are_there_are_shown() -> None:
    found = (counter(reporter="destination", pod="a"), counter(reporter="waypoint"))
    assert not_ready(SELECTOR, "http://p:9090", found) == (
        f"http://p:9090 has no series for the stable pods: {SELECTOR}; "
        "found reporter=destination, waypoint; no label upstream_cluster: "
        "send the Service a first request, or correct the selector in the metrics catalogue"
    )


def test_many_values_are_cut_short() -> None:
    found = tuple(counter(reporter=letter, upstream_cluster="x") for letter in "abcde")
    assert "reporter=a, b, c and 2 more; upstream_cluster=x" in not_ready(SELECTOR, "p", found)


def spec(total: str, **more: Any) -> dict[str, Any]:
    provider = {"prometheus": {"address": "http://p:9090", "query": "up"}}
    plain = {"name": "plain", "provider": provider}
    block = {"errors": "e", "total": total}
    counted = {"name": "m", "thresholdRange": {"max": 0.05}, "provider": provider, "statistics": block}
    return {"metrics": [plain, counted], **more}


def test_counters_that_the_arguments_tell_apart_are_known_beforehand() -> None:
    (metric,) = told_apart(spec('t{hash="new"}'), spec('t{hash="old"}'))
    assert metric.total == 't{hash="old"}'
    assert told_apart(spec('t{subset="canary"}'), spec('t{subset="canary"}')) == ()


def test_who_must_show_a_secret_is_not_asked_beforehand() -> None:
    token = {"name": "token", "valueFrom": {"secretKeyRef": {"name": "prometheus", "key": "token"}}}
    new, old = (spec(f't{{hash="{name}"}}', args=[token]) for name in ("new", "old"))
    for one in (new, old):
        one["metrics"][1]["provider"]["prometheus"]["headers"] = [{"key": "X", "value": "{{args.token}}"}]
    assert told_apart(new, old) == ()


def test_a_metric_nobody_scrapes_is_told_apart() -> None:
    assert "nor any for istio_requests_total at all" in not_ready(SELECTOR, "p", ())
