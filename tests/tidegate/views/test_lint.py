"""What is said of a manifest: every field that is wrong or unknown, and what to write instead."""

from __future__ import annotations

from typing import Any

import pytest
import yaml

from crds.paths import put
from tests.test_examples import EXAMPLES, documents
from tidegate.views.lint import findings

Raw = dict[str, Any]
BRIEF = next(path for path in EXAMPLES if path.name == "rollout.yaml")
ROLLOUT = documents(BRIEF)[0]
CONTAINER = ("spec", "template", "spec", "containers", 0)
CANARY = ("spec", "strategy", "canary")
TEMPLATE: Raw = yaml.safe_load("""
apiVersion: argoproj.io/v1alpha1
kind: AnalysisTemplate
metadata: {name: errors}
spec:
  args: [{name: service}]
  metrics:
    - name: errors
      provider: {prometheus: {query: up}}
      interval: 1m
""")


def said(manifest: Raw) -> list[str]:
    return [str(one) for one in findings(manifest) or ()]


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.name)
def test_the_examples_are_in_order(path: Any) -> None:
    assert [finding for one in documents(path) for finding in findings(one) or ()] == []


@pytest.mark.parametrize(
    ("where", "value", "told"),
    [
        (("spec", "relpicas"), 3, "spec.relpicas: is not known here; did you mean replicas?"),
        (
            (*CANARY, "steps", 0, "setWieght"),
            5,
            "spec.strategy.canary.steps[0].setWieght: is not known here; did you mean setWeight?",
        ),
        (
            (*CONTAINER, "livenesProbe"),
            {},
            "spec.template.spec.containers[0].livenesProbe: is not known here; did you mean livenessProbe?",
        ),
        (
            (*CONTAINER, "resources"),
            {"limits": {"cpu": 1}, "limit": {}},
            "spec.template.spec.containers[0].resources.limit: is not known here; did you mean limits?",
        ),
        (
            ("metadata", "zone"),
            "b",
            "metadata.zone: is not known here; remove it, or move it to its place",
        ),
        (("template",), {}, "template: is not known here; remove it, or move it to its place"),
    ],
    ids=["spec", "step", "container", "resources", "metadata", "top"],
)
def test_a_field_nobody_reads_is_named_with_its_path(where: Any, value: Any, told: str) -> None:
    assert said(put(ROLLOUT, where, value)) == [told]


@pytest.mark.parametrize(
    "where",
    [
        ("metadata", "annotations"),
        ("spec", "template", "metadata", "labels"),
        (*CANARY, "canaryMetadata", "labels"),
    ],
    ids=lambda path: path[-2],
)
def test_a_name_that_people_choose_is_known(where: Any) -> None:
    known = {**ROLLOUT["spec"]["selector"]["matchLabels"], "of-my-own": "x"}
    assert [one for one in findings(put(ROLLOUT, where, known)) or () if not one.passes] == []


def test_a_value_of_a_wrong_type_is_named() -> None:
    assert said(put(ROLLOUT, ("spec", "replicas"), "ten")) == [
        'spec.replicas: "ten" does not fit here; write a whole number'
    ]


def test_the_controllers_own_validation_is_asked() -> None:
    assert said(put(ROLLOUT, ("spec", "selector"), {})) == [
        "spec.selector: selects nothing; write matchLabels that the template's labels carry"
    ]


def test_what_a_rollout_would_be_held_for_is_a_problem() -> None:
    held = findings(put(ROLLOUT, (*CANARY, "trafficRouting"), {"nginx": {"stableIngress": "api"}})) or ()
    assert any("trafficRouting" in one.path and not one.passes for one in held)


def test_every_mistake_is_said_at_once() -> None:
    wrong = put(put(ROLLOUT, ("spec", "replicas"), -1), ("spec", "relpicas"), 3)
    assert [one.path for one in findings(wrong) or ()] == ["spec.relpicas", "spec.replicas"]


def test_a_manifest_without_a_name_says_so() -> None:
    nameless = ROLLOUT | {"metadata": {}}
    assert said(nameless) == ["metadata.name: is missing; add it"]


def test_a_version_that_is_not_served_is_named() -> None:
    assert said(ROLLOUT | {"apiVersion": "argoproj.io/v1"}) == [
        "apiVersion: argoproj.io/v1 is not served; write argoproj.io/v1alpha1"
    ]


@pytest.mark.parametrize("kind", ["AnalysisTemplate", "ClusterAnalysisTemplate", "AnalysisRun"])
def test_a_template_is_looked_at_too_down_to_its_provider(kind: str) -> None:
    wrong = put(TEMPLATE | {"kind": kind}, ("spec", "metrics", 0, "intervall"), "5m")
    assert said(wrong) == ["spec.metrics[0].intervall: is not known here; did you mean interval?"]
    metric = ("spec", "metrics", 0)
    assert said(put(TEMPLATE | {"kind": kind}, (*metric, "provider", "prometheus", "adress"), "x")) == [
        "spec.metrics[0].provider.prometheus.adress: is not known here; did you mean address?"
    ]
    (told,) = said(put(TEMPLATE | {"kind": kind}, (*metric, "provider"), {"web": {"anything": "goes"}}))
    assert told.startswith("spec.metrics[0].provider.web: is not measured yet")
    (told,) = said(put(TEMPLATE | {"kind": kind}, (*metric, "successCondition"), "reslut > 1"))
    assert told.startswith("spec.metrics[0].successCondition: column 1: 'reslut': is not known")


def test_an_inline_metric_says_what_is_not_acted_on_there() -> None:
    metric = {"name": "error-rate", "thresholdRange": {"max": 0.05}, "failureLimit": 3}
    told = said(put(ROLLOUT, (*CANARY, "steps", 1), {"analysis": {"metrics": [metric]}}))
    assert told == [
        "spec.strategy.canary.steps[1].analysis.metrics[0].failureLimit: is not acted on in an inline "
        "metric; write the metric into an AnalysisTemplate"
    ]


def test_a_metric_that_could_not_be_taken_is_named() -> None:
    wrong = put(TEMPLATE, ("spec", "metrics", 0, "interval"), "soon")
    (told,) = said(wrong)
    assert told.startswith("spec.metrics[0].interval: 'soon' is no duration")


@pytest.mark.parametrize(
    "manifest",
    [{"apiVersion": "v1", "kind": "Service"}, {"apiVersion": "example.com/v1", "kind": "Rollout"}, {}],
    ids=["a Service", "another Rollout", "nothing"],
)
def test_what_is_not_ours_is_not_judged(manifest: Raw) -> None:
    assert findings(manifest) is None


def test_a_step_that_cannot_be_read_is_told_once() -> None:
    assert len(said(put(ROLLOUT, (*CANARY, "steps", 1), {"pause": {"duration": "soon"}}))) == 1


def test_a_word_that_is_none_of_those_known_is_told_as_such() -> None:
    threshold = {"type": "Pdos", "value": 1}
    assert said(put(ROLLOUT, (*CANARY, "replicaProgressThreshold"), threshold)) == [
        'spec.strategy.canary.replicaProgressThreshold.type: "Pdos" does not fit here; write one of the words'
        " that are known here"
    ]


@pytest.mark.parametrize(
    ("kind", "told"),
    [
        ("Rolout", ["kind: Rolout is not known; did you mean Rollout?"]),
        ("Experiment", ["kind: experiments are not run here; leave it to Argo Rollouts"]),
        ("Application", []),
        ("WorkflowTemplate", []),
        ("ClusterWorkflowTemplate", []),
    ],
)
def test_a_misspelled_kind_of_ours_is_told_and_argos_others_are_passed_by(kind: str, told: list[str]) -> None:
    assert said(ROLLOUT | {"kind": kind}) == told
