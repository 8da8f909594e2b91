"""Templates and a Rollout's arguments become one run, or a sentence that names what to edit."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from analysis.inline import Inline
from analysis.run_spec import read_run
from analysis.templates import Surroundings, run_spec, wanted
from crds.analysis import RolloutAnalysis
from crds.errors import Invalid
from crds.meta import read
from crds.refs import ANALYSIS_TEMPLATE, CLUSTER_ANALYSIS_TEMPLATE, Ref

Raw = dict[str, Any]
METADATA = {
    "name": "api",
    "namespace": "production",
    "labels": {"region": "eu"},
    "annotations": {"team.io/slo": "0.99"},
}
AROUND = Surroundings(
    {"metadata": METADATA, "spec": {"replicas": 3, "paused": False, "steps": [{"setWeight": 20}]}},
    stable="aaa",
    latest="bbb",
)
AT = "spec.strategy.canary.analysis"


def ref(name: str) -> Ref:
    return Ref(ANALYSIS_TEMPLATE, "production", name)


def metric(name: str, query: str = "up") -> Raw:
    return {
        "name": name,
        "interval": "1m",
        "successCondition": "result[0] > 0.95",
        "provider": {"prometheus": {"query": query}},
    }


def template(*metrics: Raw, **spec: Any) -> Raw:
    return {"spec": {"metrics": list(metrics), **spec}}


def analysis(*names: str, **more: Any) -> RolloutAnalysis:
    return read({"templates": [{"templateName": name} for name in names], **more}, RolloutAnalysis)


def made(asked: RolloutAnalysis, **found: Raw) -> Inline:
    return run_spec(asked, {ref(name): raw for name, raw in found.items()}, AROUND)


def args_of(*args: Raw, declared: tuple[Raw, ...] = ({"name": "x"},)) -> Any:
    return made(analysis("a", args=list(args)), a=template(metric("m"), args=list(declared))).spec["args"]


def mistake(asked: RolloutAnalysis, **found: Raw) -> str:
    with pytest.raises(Invalid) as caught:
        made(asked, **found)
    return str(caught.value)


def test_a_template_becomes_a_run_as_its_author_wrote_it() -> None:
    inline = made(analysis("a"), a=template(metric("m")))
    assert inline.spec == {"metrics": [metric("m")]}


def test_several_templates_become_one_run() -> None:
    found = {"a": template(metric("one")), "b": template(metric("two"), dryRun=[{"metricName": "two"}])}
    retention = [{"metricName": "one", "limit": 3}]
    inline = made(analysis("a", "b", dryRun=[{"metricName": "one"}], measurementRetention=retention), **found)
    assert [one["name"] for one in inline.spec["metrics"]] == ["one", "two"]
    assert inline.spec["dryRun"] == [{"metricName": "one"}, {"metricName": "two"}]
    assert inline.spec["measurementRetention"] == retention


def test_the_rollouts_value_goes_before_the_templates_default() -> None:
    default = ({"name": "x", "value": "theirs"},)
    assert args_of(declared=default) == [{"name": "x", "value": "theirs"}]
    assert args_of({"name": "x", "value": "ours"}, declared=default) == [{"name": "x", "value": "ours"}]


def test_an_argument_that_the_rollout_only_names_has_the_templates_default() -> None:
    got = args_of({"name": "x"}, declared=({"name": "x", "value": "default"},))
    assert got == [{"name": "x", "value": "default"}]


def test_an_argument_that_no_template_declares_is_left_out() -> None:
    assert args_of({"name": "x", "value": "1"}, {"name": "y", "value": "2"}) == [{"name": "x", "value": "1"}]


@pytest.mark.parametrize(
    ("source", "value"),
    [
        ({"podTemplateHashValue": "Stable"}, "aaa"),
        ({"podTemplateHashValue": "Latest"}, "bbb"),
        ({"fieldRef": {"fieldPath": "metadata.name"}}, "api"),
        ({"fieldRef": {"fieldPath": "metadata.namespace"}}, "production"),
        ({"fieldRef": {"fieldPath": "metadata.labels['region']"}}, "eu"),
        ({"fieldRef": {"fieldPath": 'metadata.annotations["team.io/slo"]'}}, "0.99"),
        ({"fieldRef": {"fieldPath": "spec.replicas"}}, "3"),
        ({"fieldRef": {"fieldPath": "spec.paused"}}, "false"),
        ({"fieldRef": {"fieldPath": "spec.steps[0].setWeight"}}, "20"),
    ],
)
def test_a_value_may_come_from_the_rollout(source: Raw, value: str) -> None:
    assert args_of({"name": "x", "valueFrom": source}) == [{"name": "x", "value": value}]


@pytest.mark.parametrize("asked", ["", ".spec", "spec..replicas", "spec.steps[x]", "{.spec.replicas}"])
def test_a_field_that_cannot_be_read_is_named(asked: str) -> None:
    with pytest.raises(Invalid, match="is no such field; name a field that is text or a number"):
        args_of({"name": "x", "valueFrom": {"fieldRef": {"fieldPath": asked}}})


def test_a_templates_default_may_come_from_the_rollout_too() -> None:
    region = {"fieldRef": {"fieldPath": "metadata.labels['region']"}}
    assert args_of(declared=({"name": "x", "valueFrom": region},)) == [{"name": "x", "value": "eu"}]


def test_a_secret_stays_a_reference() -> None:
    secret = {"name": "x", "valueFrom": {"secretKeyRef": {"name": "prometheus", "key": "token"}}}
    found = template(metric("m", query="{{args.x}}"), args=[secret])
    assert made(analysis("a"), a=found).spec["args"] == [secret]


def test_the_run_fills_its_arguments_in() -> None:
    found = template(metric("m", query='up{pod="{{args.x}}-{{ args.x }}"}'), args=[{"name": "x"}])
    inline = made(analysis("a", args=[{"name": "x", "value": "api"}]), a=found)
    run = read_run({"spec": inline.spec})
    assert run.spec.metrics[0].provider == {"prometheus": {"query": 'up{pod="api-api"}'}}


def test_nested_templates_are_wanted_each_once_and_wherever_they_are() -> None:
    asked = read(
        {"templates": [{"templateName": "a"}, {"templateName": "c", "clusterScope": True}]}, RolloutAnalysis
    )
    cluster = Ref(CLUSTER_ANALYSIS_TEMPLATE, "", "c")
    assert [one.ref for one in wanted(asked, "production", {})] == [ref("a"), cluster]
    found = {ref("a"): template(templates=[{"templateName": "b"}, {"templateName": "a"}])}
    (_, _, nested) = wanted(asked, "production", found)
    assert nested.ref == ref("b")
    assert nested.by == "AnalysisTemplate production/a spec.templates[0].templateName"


def test_a_cluster_template_is_named_without_a_namespace() -> None:
    assert str(Ref(CLUSTER_ANALYSIS_TEMPLATE, "", "c")) == "ClusterAnalysisTemplate c"


@pytest.mark.parametrize(
    ("spec", "asked", "words"),
    [
        ({"args": [{"name": "x"}]}, {}, f"{AT}.args: 'x' has no value, and AnalysisTemplate production/a"),
        (
            {"args": [{"name": "x"}]},
            {"args": [{"name": "x", "valueFrom": {"fieldRef": {"fieldPath": "metadata.labels['zone']"}}}]},
            f"{AT}.args[0].valueFrom.fieldRef.fieldPath: the Rollout has no metadata.labels['zone']",
        ),
        (
            {"args": [{"name": "x"}]},
            {"args": [{"name": "x", "valueFrom": {"fieldRef": {"fieldPath": "spec.steps"}}}]},
            "'spec.steps' is no such field; name a field that is text or a number, like metadata.labels['x']",
        ),
        (
            {"metrics": [metric("m", query="{{args.pdo}}")], "args": [{"name": "pod", "value": "1"}]},
            {},
            "AnalysisTemplate production/a spec.metrics[0].provider.prometheus.query: {{args.pdo}} has no "
            "value; give args one of that name. Known: {{args.pod}}",
        ),
        (
            {"metrics": [{"name": "m", "provider": {"datadog": {}}}]},
            {},
            "AnalysisTemplate production/a spec.metrics[0].provider.datadog: is not measured yet",
        ),
        ({"metrics": "all"}, {}, 'AnalysisTemplate production/a spec.metrics: "all" does not fit here'),
        (
            {},
            {"dryRun": [{"metricName": "q"}]},
            "in its run, spec.dryRun[0].metricName: 'q' matches no metric",
        ),
    ],
)
def test_a_mistake_names_the_object_the_field_and_the_fix(spec: Raw, asked: Raw, words: str) -> None:
    assert words in mistake(analysis("a", **asked), a={"spec": {"metrics": [metric("m")], **spec}})


def test_in_a_step_the_mistake_is_named_there() -> None:
    step = msgspec.structs.replace(AROUND, path=("spec", "strategy", "canary", "steps", 2, "analysis"))
    with pytest.raises(
        Invalid, match=r"^spec\.strategy\.canary\.steps\[2\]\.analysis\.args: 'x' has no value"
    ):
        run_spec(analysis("a"), {ref("a"): template(metric("m"), args=[{"name": "x"}])}, step)
    (one,) = wanted(analysis("a"), "production", {}, step.path)
    assert one.by == "spec.strategy.canary.steps[2].analysis.templates[0].templateName"


def test_a_metric_in_two_templates_is_refused() -> None:
    said = mistake(analysis("a", "b"), a=template(metric("m")), b=template(metric("n"), metric("m")))
    assert said == (
        "AnalysisTemplate production/b spec.metrics[1].name: 'm' is in AnalysisTemplate production/a too; "
        "name each metric once"
    )


def test_two_different_defaults_are_refused_and_two_equal_ones_are_not() -> None:
    def of(name: str, value: str) -> Raw:
        return template(metric(name), args=[{"name": "x", "value": value}])

    said = mistake(analysis("a", "b"), a=of("m", "1"), b=of("n", "2"))
    assert "'x' has another default in AnalysisTemplate production/a spec.args[0]" in said
    assert made(analysis("a", "b"), a=of("m", "1"), b=of("n", "1")).spec["args"] == [
        {"name": "x", "value": "1"}
    ]


def test_a_default_in_one_template_serves_the_others() -> None:
    bare = template(metric("m"), args=[{"name": "x"}])
    inline = made(analysis("a", "b"), a=bare, b=template(metric("n"), args=[{"name": "x", "value": "1"}]))
    assert inline.spec["args"] == [{"name": "x", "value": "1"}]
