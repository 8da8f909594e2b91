"""A background analysis made of templates: what is asked for it, what it becomes, and what holds it up."""

from __future__ import annotations

from typing import Any

import pytest

from analysis.provider import OTHERS
from crds.paths import get, put
from crds.refs import ANALYSIS_RUN, ANALYSIS_TEMPLATE, CLUSTER_ANALYSIS_TEMPLATE, REPLICA_SET, SHARD, Ref
from tests.tidegate.test_rollout_planner import (
    NOW,
    PLANNER,
    brief,
    hash_of,
    mesh,
    planned,
    replica_set,
    settled,
)
from tidegate.planners.needs import Absent, Answer, Failed, Known, Need, Object, Owned, Pending, Samples
from tidegate.planners.plan import Create, JsonPatch, Plan, Record
from tidegate.sandbox.patches import merged

Raw = dict[str, Any]

ANALYSIS = ("spec", "strategy", "canary", "analysis")
OLD = brief()
RATE = Object(Ref(ANALYSIS_TEMPLATE, "production", "success-rate"))
EVERYONE = Object(Ref(CLUSTER_ANALYSIS_TEMPLATE, "", "everyone"))
METRIC = {
    "name": "success-rate",
    "interval": "1m",
    "successCondition": "result[0] >= 0.95",
    "provider": {"prometheus": {"query": 'sum(up{hash="{{args.canary}}"})'}},
}
TEMPLATE: Raw = {"spec": {"metrics": [METRIC], "args": [{"name": "canary"}]}}
ARGS = [{"name": "canary", "valueFrom": {"podTemplateHashValue": "Latest"}}]


def on_the_way(**analysis: Any) -> Raw:
    asked = {"templates": [{"templateName": "success-rate"}], "args": ARGS, **analysis}
    return settled(put(OLD, ANALYSIS, asked), put(brief("myregistry/api:v2.2.0"), ANALYSIS, asked))


def plan(raw: Raw, found: dict[Need, Answer], weight: int = 0) -> Plan:
    traffic = mesh(weight, hash_of(OLD), hash_of(raw))
    return planned(raw, replica_set(OLD, 10), replica_set(raw, 1, 2), found={**traffic, **found})


def held_by(raw: Raw, made: Plan) -> str:
    """What the condition says after the plan, be it new or from before."""
    after = merged(raw["status"], next(w.patch for w in made.writes if isinstance(w, Record)))
    return next(str(one["message"]) for one in after["conditions"] if one["type"] == "MetricsNotReady")


def started(made: Plan) -> list[Create]:
    return [write for write in made.writes if isinstance(write, Create) and write.ref.kind == ANALYSIS_RUN]


def test_the_run_is_made_of_the_template_with_its_arguments_named() -> None:
    raw = on_the_way()
    (run,) = started(plan(raw, {RATE: Known(TEMPLATE)}))
    assert run.ref.name == f"api-{hash_of(raw)}-2"
    assert run.body["spec"] == {"metrics": [METRIC], "args": [{"name": "canary", "value": hash_of(raw)}]}


def test_templates_and_inline_metrics_make_one_run() -> None:
    inline = [{"name": "error-rate", "thresholdRange": {"max": 0.05}}]
    raw = on_the_way(metrics=inline)
    found: dict[Need, Answer] = {RATE: Known(TEMPLATE)}
    asked = PLANNER.needs(raw, _answers(raw, found), NOW)
    assert RATE in asked
    series: dict[Need, Answer] = {need: Known(("a series",)) for need in asked if isinstance(need, Samples)}
    (run,) = started(plan(raw, {**found, **series}))
    assert [one["name"] for one in run.body["spec"]["metrics"]] == ["success-rate", "error-rate"]


def _answers(raw: Raw, found: dict[Need, Answer]) -> dict[Need, Answer]:
    """What is known once everything was asked that `found` leads to."""
    answers: dict[Need, Answer] = {
        Owned(REPLICA_SET, "production", "u1"): Known((replica_set(OLD, 10), replica_set(raw, 1, 2))),
        Owned(REPLICA_SET, "production", ""): Known(()),
        Owned(ANALYSIS_RUN, "production", "u1"): Known(()),
        **mesh(0, hash_of(OLD), hash_of(raw)),
        **found,
    }
    for _ in range(5):
        for need in PLANNER.needs(raw, answers, NOW):
            answers.setdefault(need, Absent() if isinstance(need, Object) else Pending())
    return answers


def test_while_a_template_is_being_read_nothing_starts_and_nothing_moves() -> None:
    made = plan(on_the_way(), {RATE: Pending()})
    assert started(made) == []
    assert not any(isinstance(write, JsonPatch) for write in made.writes)


def test_a_missing_template_holds_the_canary_and_is_named_with_its_fix() -> None:
    raw = on_the_way()
    made = plan(raw, {RATE: Absent()})
    assert started(made) == []
    assert held_by(raw, made) == (
        "AnalysisTemplate production/success-rate does not exist; create it, or correct "
        "spec.strategy.canary.analysis.templates[0].templateName"
    )


def test_a_missing_nested_template_is_named_by_the_one_that_names_it() -> None:
    nesting = {"spec": {"templates": [{"templateName": "everyone", "clusterScope": True}]}}
    raw = on_the_way()
    made = plan(raw, {RATE: Known(nesting), EVERYONE: Absent()})
    assert held_by(raw, made) == (
        "ClusterAnalysisTemplate everyone does not exist; create it, or correct "
        "AnalysisTemplate production/success-rate spec.templates[0].templateName"
    )


def test_a_template_that_cannot_be_read_says_so() -> None:
    raw = on_the_way(templates=[{"templateName": "everyone", "clusterScope": True}])
    made = plan(raw, {EVERYONE: Failed("forbidden")})
    assert held_by(raw, made) == "ClusterAnalysisTemplate everyone: forbidden"


def test_a_missing_argument_holds_the_canary_before_its_first_request() -> None:
    raw = on_the_way(args=[])
    made = plan(raw, {RATE: Known(TEMPLATE)})
    assert started(made) == []
    assert "'canary' has no value" in held_by(raw, made)


@pytest.mark.parametrize("name", OTHERS)
def test_another_provider_holds_the_canary_and_is_named(name: str) -> None:
    raw = on_the_way()
    asked = {"spec": {**TEMPLATE["spec"], "metrics": [{**METRIC, "provider": {name: {"query": "up"}}}]}}
    made = plan(raw, {RATE: Known(asked)})
    assert started(made) == []
    where = f"AnalysisTemplate production/success-rate spec.metrics[0].provider.{name}"
    assert held_by(raw, made).startswith(f"{where}: is not measured yet; write prometheus")


def test_a_run_that_measures_needs_its_template_no_more() -> None:
    raw = on_the_way()
    (run,) = started(plan(raw, {RATE: Known(TEMPLATE)}))
    standing = {**run.body, "status": {"phase": "Running"}}
    found = {**_answers(raw, {}), Owned(ANALYSIS_RUN, "production", "u1"): Known((standing,))}
    assert RATE not in PLANNER.needs(raw, found, NOW)


def test_before_its_starting_step_the_canary_moves_unjudged() -> None:
    raw = on_the_way(startingStep=1)
    made = plan(raw, {RATE: Known(TEMPLATE)})
    assert started(made) == []
    assert any(isinstance(write, JsonPatch) for write in made.writes)
    assert RATE not in PLANNER.needs(raw, _answers(raw, {}), NOW)


def test_from_its_starting_step_on_it_is_judged() -> None:
    raw = on_the_way(startingStep=1)
    status = {
        **raw["status"],
        "currentStepIndex": 1,
        "currentStepHash": get(raw, "status", "currentStepHash"),
    }
    raw = {**raw, "status": status}
    (run,) = started(plan(raw, {RATE: Known(TEMPLATE)}, weight=10))
    assert run.body["spec"]["metrics"] == [METRIC]


def test_a_run_carries_what_the_rollout_asks_for_and_belongs_to_the_same_controller() -> None:
    theirs = {"labels": {"team": "shop", "app": "other"}, "annotations": {"why": "release"}}
    raw = on_the_way(analysisRunMetadata=theirs)
    raw["metadata"]["labels"] = {SHARD: "blue"}
    (run,) = started(plan(raw, {RATE: Known(TEMPLATE)}))
    assert get(run.body, "metadata", "labels") == {
        "team": "shop",
        "app": "api",
        SHARD: "blue",
        "rollout-type": "Background",
        "rollouts-pod-template-hash": hash_of(raw),
    }
    assert get(run.body, "metadata", "annotations", "why") == "release"
