"""A Rollout is read as its author wrote it, and a mistake is named at its place."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from crds import rollout
from crds.errors import Invalid
from crds.paths import Path, put
from crds.rollout_status import PauseCondition, RolloutStatus
from crds.steps import (
    Experiment,
    Pause,
    Plugin,
    RunAnalysis,
    SetCanaryScale,
    SetHeaderRoute,
    SetMirrorRoute,
    SetWeight,
    Step,
)
from tests.crds.examples import brief

CANARY = ("spec", "strategy", "canary")


def with_steps(*steps: Any) -> dict[str, Any]:
    changed: dict[str, Any] = put(brief(), (*CANARY, "steps"), list(steps))
    return changed


def complaint(raw: dict[str, Any]) -> tuple[str, str]:
    with pytest.raises(Invalid) as caught:
        rollout.steps(rollout.parse(raw))
    return caught.value.path, caught.value.problem


def test_the_briefs_rollout_is_read_as_written() -> None:
    read = rollout.parse(brief())
    assert read.canary is not None
    assert read.canary.traffic_routing is not None
    assert read.canary.traffic_routing.istio is not None
    assert read.canary.analysis is not None
    assert read.spec.replicas == 10
    assert [one.name for one in read.canary.traffic_routing.istio.all] == ["api"]
    assert read.canary.analysis.interval == "30s"
    assert read.canary.analysis.threshold == 5
    assert read.canary.analysis.metrics[0].threshold_range is not None
    assert read.canary.analysis.metrics[0].threshold_range.max == 0.05


def test_subsets_nobody_named_are_canary_and_stable() -> None:
    istio = rollout.Istio(destination_rule=rollout.DestinationRule("api"))
    assert istio.destination_rule is not None
    assert istio.destination_rule.canary_subset_name == "canary"
    assert istio.destination_rule.stable_subset_name == "stable"


def test_a_weight_with_a_duration_is_one_step() -> None:
    assert rollout.steps(rollout.parse(brief())) == (
        SetWeight(10, timedelta(minutes=5)),
        Pause(),
        SetWeight(50, timedelta(minutes=10)),
        SetWeight(100),
    )


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ({"setWeight": 0}, SetWeight(0)),
        ({"pause": {"duration": 30}}, Pause(timedelta(seconds=30))),
        ({"pause": {"duration": "1h30m"}}, Pause(timedelta(minutes=90))),
        ({"setCanaryScale": {"matchTrafficWeight": True}}, SetCanaryScale(match_traffic_weight=True)),
        ({"setCanaryScale": {"replicas": 3}}, SetCanaryScale(replicas=3)),
        ({"experiment": {"duration": "5m"}}, Experiment({"duration": "5m"})),
        ({"setHeaderRoute": {"name": "me"}}, SetHeaderRoute("me")),
        ({"setMirrorRoute": {"name": "me", "percentage": 5}}, SetMirrorRoute("me", percentage=5)),
        ({"plugin": {"name": "org/step", "config": {"a": 1}}}, Plugin("org/step", {"a": 1})),
    ],
)
def test_each_kind_of_step_is_understood(written: dict[str, Any], meant: Step) -> None:
    assert rollout.steps(rollout.parse(with_steps(written))) == (meant,)


def test_an_inline_analysis_step_names_its_templates() -> None:
    (step,) = rollout.steps(
        rollout.parse(with_steps({"analysis": {"templates": [{"templateName": "errors"}]}}))
    )
    assert isinstance(step, RunAnalysis)
    assert step.analysis.templates[0].template_name == "errors"


@pytest.mark.parametrize(
    ("step", "path", "problem"),
    [
        ({"setWeight": 5, "pause": {}}, "", "says setWeight and pause; make each a step of its own"),
        ({"setWeigth": 5}, "", "setWeigth is not known"),
        ({}, "", "write one of them"),
        ({"pause": {}, "duration": "5m"}, ".duration", "in a pause write pause.duration"),
        ({"pause": {"duration": "5 minutes"}}, ".pause.duration", "'5 minutes' is no duration"),
        ({"setWeight": "ten"}, ".setWeight", '"ten" does not fit here; write a whole number'),
        ({"setCanaryScale": {"weight": []}}, ".setCanaryScale.weight", "[] does not fit here"),
        ("pause", "", '"pause" does not fit here; write a mapping'),
    ],
)
def test_a_step_that_cannot_be_meant_is_named(step: Any, path: str, problem: str) -> None:
    where, what = complaint(with_steps({"pause": {}}, step))
    assert where == f"spec.strategy.canary.steps[1]{path}"
    assert problem in what


@pytest.mark.parametrize(
    ("path", "value", "where", "problem"),
    [
        (("spec", "replicas"), "3", "spec.replicas", '"3" does not fit here; write a whole number'),
        (("spec", "paused"), "yes", "spec.paused", "true or false"),
        (("spec", "restartAt"), "now", "spec.restartAt", "write a time like"),
        (("spec", "restartAt"), "2026-03-15T10:30:00", "spec.restartAt", "write a time like"),
        (("spec", "selector", "matchLabels", "app.io/n"), 1, "spec.selector.matchLabels.app.io/n", "text"),
        ((*CANARY, "analysis", "metrics", 0), {}, "spec.strategy.canary.analysis.metrics[0].name", "missing"),
        ((*CANARY, "maxSurge"), 2.5, "spec.strategy.canary.maxSurge", "a whole number or text"),
    ],
)
def test_a_wrong_type_is_named_with_its_path(path: Path, value: Any, where: str, problem: str) -> None:
    got_where, got_problem = complaint(put(brief(), path, value))
    assert got_where == where
    assert problem in got_problem


def test_a_missing_spec_is_named() -> None:
    assert complaint({"kind": "Rollout"}) == ("spec", "is missing; add it")


def test_a_field_we_do_not_know_is_no_mistake() -> None:
    assert rollout.parse(put(brief(), ("spec", "fromTheFuture"), 1)).spec.replicas == 10


def test_a_null_field_counts_as_absent() -> None:
    assert rollout.parse(put(brief(), ("spec", "replicas"), None)).spec.replicas == 1


def test_what_a_person_wrote_wrongly_into_status_hides_nothing_else() -> None:
    status = {"abort": True, "pauseConditions": "none", "stableRS": "abc", "HPAReplicas": "x", "junk": 1}
    read = rollout.parse(brief() | {"status": status}).status
    assert (read.abort, read.pause_conditions, read.stable_rs, read.hpa_replicas) == (True, (), "abc", 0)


@pytest.mark.parametrize("status", ["aborted", [], 3, None, {"tidegate": "x"}])
def test_a_status_of_another_shape_reads_as_empty(status: Any) -> None:
    assert rollout.parse(brief() | {"status": status}).status == RolloutStatus()


def test_a_pause_condition_is_read_with_its_time() -> None:
    since = "2026-03-15T10:30:00Z"
    status = {"pauseConditions": [{"reason": "CanaryPauseStep", "startTime": since}], "tidegate": {"a": [1]}}
    read = rollout.parse(brief() | {"status": status}).status
    assert read.pause_conditions == (PauseCondition("CanaryPauseStep", read.pause_conditions[0].start_time),)
    assert read.pause_conditions[0].start_time is not None
    assert read.pause_conditions[0].start_time.isoformat() == "2026-03-15T10:30:00+00:00"
    assert read.tidegate == {"a": [1]}


@pytest.mark.parametrize(
    ("surge", "unavailable", "pods"),
    [("25%", "25%", (3, 2)), (1, 0, (1, 0)), (0, 0, (0, 1)), ("1%", "9%", (1, 0)), ("100%", 11, (10, 10))],
)
def test_surge_rounds_up_and_unavailable_down(surge: Any, unavailable: Any, pods: tuple[int, int]) -> None:
    raw = put(put(brief(), (*CANARY, "maxSurge"), surge), (*CANARY, "maxUnavailable"), unavailable)
    assert rollout.surge(rollout.parse(raw)) == pods


def test_old_pods_stay_half_a_minute_behind_a_router() -> None:
    canary = rollout.Canary(traffic_routing=rollout.TrafficRouting())
    assert (canary.scale_down_delay, canary.abort_scale_down_delay) == (timedelta(seconds=30),) * 2


def test_an_abort_delay_of_zero_keeps_the_canary_for_ever() -> None:
    canary = rollout.Canary(traffic_routing=rollout.TrafficRouting(), abort_scale_down_delay_seconds=0)
    assert canary.abort_scale_down_delay is None
