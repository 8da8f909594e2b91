"""What is wrong with a run or a template is told before it is used."""

from __future__ import annotations

from typing import Any

import pytest

from analysis.run_spec import endless, mistakes

Raw = dict[str, Any]


def of(*metrics: Any, **spec: Any) -> list[str]:
    return [str(one) for one in mistakes({"spec": {"metrics": list(metrics), **spec}})]


def metric(**changes: Any) -> Raw:
    return {"name": "m", "provider": {"prometheus": {"query": "up"}}, **changes}


def test_a_right_metric_has_no_mistakes() -> None:
    assert of(metric(successCondition="result[0] > 0.95")) == []


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"successCondition": "reslut > 1"}, "spec.metrics[0].successCondition: column 1: 'reslut'"),
        ({"provider": {"web": {}}}, "spec.metrics[0].provider.web: is not measured yet"),
        ({"count": 3}, "spec.metrics[0].interval: is needed for a count of 3"),
        ({"statistics": {"errors": "e"}}, "spec.metrics[0].statistics.total: is missing"),
        ({"initialDelay": "{{args.wait}}"}, "spec.metrics[0].initialDelay: {{args.wait}} has no value"),
    ],
)
def test_a_mistake_is_named_with_its_field(changes: Raw, words: str) -> None:
    (said,) = of(metric(**changes))
    assert said.startswith(words)


COUNTERS: Raw = {
    "interval": "1m",
    "thresholdRange": {"max": 0.05},
    "provider": {"prometheus": {"address": "http://prometheus:9090"}},
    "statistics": {"errors": "e", "total": "t"},
}


@pytest.mark.parametrize(
    ("changes", "name"),
    [
        ({}, ""),
        ({"interval": "1m", "count": 3}, ""),
        ({"interval": "1m", "count": "{{args.count}}"}, ""),
        ({"interval": "1m"}, "m"),
        (COUNTERS, "m"),
        (COUNTERS | {"count": 3}, ""),
        (COUNTERS | {"statistics": {"errors": "e", "total": "t", "earlySuccess": True}}, ""),
    ],
)
def test_a_metric_that_only_its_runs_end_ends_is_endless(changes: Raw, name: str) -> None:
    args = [{"name": "count", "value": "3"}]
    assert endless({"spec": {"metrics": [metric(**changes)], "args": args}}) == name


def test_every_metric_is_looked_at() -> None:
    assert len(of(metric(count=2), metric(name="other", failureLimit=-5))) == 2


def test_what_arguments_will_decide_is_left_for_then() -> None:
    args = [{"name": "count"}, {"name": "pod"}, {"name": "limit", "value": "soon"}]
    asked = {"prometheus": {"query": "up{pod='{{args.pod}}'}"}}
    assert of(metric(count="{{args.count}}", interval="1m", provider=asked), args=args) == []
    (said,) = of(metric(failureLimit="{{args.limit}}", provider=asked), args=args)
    assert "failureLimit: 'soon' is no count" in said
