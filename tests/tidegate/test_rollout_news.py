"""What is told beside a decision: of runs, of the router, of a person's pause; each when it turns."""

from __future__ import annotations

from typing import Any

import pytest

from crds.refs import DESTINATION_RULE, SERVICE, VIRTUAL_SERVICE, Kind, Ref
from rollouts.actions import Decision, Told
from rollouts.memory import Memory
from tidegate.planners.plan import Event, JsonPatch, Write
from tidegate.planners.rollout_metrics import Metrics
from tidegate.planners.rollout_news import is_milestone, news

Raw = dict[str, Any]


def told(before: Raw, after: Raw, *acted: Write, news_of: tuple[Told, ...] = ()) -> list[tuple[str, str]]:
    decision = Decision((), Memory(), "weight 0 to 10", told=news_of)
    events = news({"status": before}, after, decision, acted, (Metrics(), Metrics()))
    return [(event.reason, event.message) for event in events]


def run(phase: str, name: str = "api-1", field: str = "currentBackgroundAnalysisRunStatus") -> Raw:
    return {"canary": {field: {"name": name, "status": phase}}}


def missing(reason: str, message: str = "VirtualService shop/api does not exist; create it") -> Raw:
    return {"conditions": [{"type": "TrafficNotReady", "reason": reason, "message": message}]}


def paused(status: str) -> Raw:
    return {"conditions": [{"type": "Paused", "status": status, "message": ""}]}


@pytest.mark.parametrize("phase", ["Running", "Successful", "Failed", "Error", "Inconclusive"])
def test_a_run_is_told_of_when_its_phase_turns(phase: str) -> None:
    words = f"Background Analysis Run 'api-1' Status New: '{phase}' Previous: 'Pending'"
    assert told(run("Pending"), run(phase)) == [(f"AnalysisRun{phase}", words)]


def test_another_run_has_no_previous_status() -> None:
    (got,) = told(run("Running", "api-0"), run("Running"))
    assert got[1].endswith("Previous: 'NoPreviousStatus'")


def test_a_steps_run_is_told_as_such() -> None:
    step = run("Failed", field="currentStepAnalysisRunStatus")
    assert told({}, step)[0][1].startswith("Step Analysis Run 'api-1'")


def test_nothing_is_told_of_a_status_that_stays() -> None:
    status = {**run("Running"), **missing("RouteNotFound")}
    assert told(status, status) == []


@pytest.mark.parametrize(
    ("reason", "warning", "milestone"),
    [
        ("RolloutStepCompleted", False, True),
        ("RolloutAborted", True, True),
        ("ScalingReplicaSet", False, False),
        ("Updated VirtualService", False, False),
        ("RolloutNotCompleted", True, True),
    ],
)
def test_milestones_are_what_nothing_else_tells_and_all_that_goes_wrong(
    reason: str, warning: bool, milestone: bool
) -> None:
    assert is_milestone(Event({}, reason, "", warning)) is milestone


@pytest.mark.parametrize("reason", ["VirtualServiceNotFound", "DestinationRuleNotFound"])
def test_a_routers_object_that_is_missing_is_told_by_its_name(reason: str) -> None:
    assert [one[0] for one in told({}, missing(reason))] == [reason]


def test_other_trouble_with_the_router_is_an_error_of_routing() -> None:
    assert told({}, missing("RouteNotFound", "two routes"))[0] == ("TrafficRoutingError", "two routes")


@pytest.mark.parametrize(
    ("kind", "reason"),
    [
        (VIRTUAL_SERVICE, "Updated VirtualService"),
        (DESTINATION_RULE, "UpdatedDestinationRule"),
        (SERVICE, "SwitchService"),
    ],
)
def test_an_object_of_the_router_is_told_before_the_weight_it_makes(kind: Kind, reason: str) -> None:
    wrote = JsonPatch(Ref(kind, "shop", "api"), ())
    weight = Told("TrafficWeightUpdated", "Traffic weight updated from 0 to 10")
    got = told({}, {}, wrote, news_of=(Told("RolloutResumed", ""), weight))
    assert [one[0] for one in got] == ["RolloutResumed", reason, "TrafficWeightUpdated"]


def test_a_replica_set_that_is_not_accepted_is_told_with_the_servers_words() -> None:
    refused = {
        "type": "Progressing",
        "reason": "ReplicaSetCreateError",
        "message": "Failed to create it: quota",
    }
    assert told({}, {"conditions": [refused]}) == [("ReplicaSetCreateError", "Failed to create it: quota")]


def test_a_persons_pause_is_told_when_it_begins_and_when_it_ends() -> None:
    assert told(paused("False"), paused("True")) == [("RolloutPaused", "Rollout is paused")]
    assert told(paused("True"), paused("False")) == [("RolloutResumed", "Rollout is resumed")]


def test_a_pause_that_the_decision_tells_of_is_not_told_twice() -> None:
    one = Told("RolloutPaused", "Rollout is paused (CanaryPauseStep)")
    assert told({}, paused("True"), news_of=(one,)) == [(one.reason, one.message)]


def test_an_abort_ends_a_pause_without_resuming() -> None:
    assert told(paused("True"), {**paused("False"), "abort": True}) == []
