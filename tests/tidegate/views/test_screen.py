"""The screen of a Rollout, whole: what people know, plus what they need at night."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any

import pytest

from tests.tidegate.views.worlds import (
    NOW,
    ago,
    analysis_run,
    crashing,
    measurement,
    paused,
    pod,
    promoted,
    replica_set,
    rollout,
)
from tidegate.views.ages import span
from tidegate.views.family import Parts
from tidegate.views.rollout import set_weight, view
from tidegate.views.screen import coloured, screen
from tidegate.views.status import standing

Raw = dict[str, Any]


def shown(raw: Raw, parts: Parts | None = None) -> str:
    return screen(view(raw, parts or Parts(), NOW))


HELD = """\
NAME  STRATEGY  STEP  SET WEIGHT  READY  UPDATED  UP-TO-DATE  AVAILABLE
api   Canary    0/4   10          11/10  1        1           11

Name:            api
Namespace:       production
Status:          ॥ Paused
Message:         CanaryPauseStep
Next:            3m20s left of this step, or go on with: kubectl argo rollouts promote api -n production
Strategy:        Canary
  Step:          0/4
  SetWeight:     10
  ActualWeight:  10
Images:          myregistry/api:v2.0.0 (stable)
                 myregistry/api:v2.1.0 (canary)
Replicas:
  Desired:       10
  Current:       11
  Updated:       1
  Ready:         11
  Available:     11

NAME                    KIND         STATUS              AGE   INFO
⟳ api                   Rollout      ॥ Paused            3d
├──# revision:2
│  ├──⧉ api-new         ReplicaSet   ✔ Healthy           100s  canary
│  │  └──□ api-new-abc  Pod          ✖ CrashLoopBackOff  100s  ready:0/1,restarts:4
│  └──α api-new-2       AnalysisRun  ◌ Running           100s  ✔ 2
└──# revision:1
   └──⧉ api-old         ReplicaSet   ✔ Healthy           100s  stable
      ├──□ api-old-x    Pod          ✔ Running           100s  ready:1/1
      └──□ api-old-y    Pod          ✔ Running           100s  ready:1/1
"""


def test_a_held_canary_is_shown_with_all_its_family() -> None:
    parts = Parts(
        replica_sets=(replica_set("old", 1, 10, image="v2.0.0"), replica_set("new", 2, 1)),
        pods=(pod("api-old-y", "old"), pod("api-old-x", "old"), crashing("api-new-abc", "new")),
        analysis_runs=(analysis_run("api-new-2", measurement(), measurement()),),
    )
    assert shown(paused(canary={"weights": {"canary": {"weight": 10}}}), parts) == HELD


def test_on_a_low_terminal_pods_that_run_are_counted_and_others_named() -> None:
    parts = Parts(
        replica_sets=(replica_set("old", 1, 10), replica_set("new", 2, 1)),
        pods=(pod("api-old-y", "old"), pod("api-old-x", "old"), crashing("api-new-abc", "new")),
    )
    low = screen(view(rollout(), parts, NOW), height=24)
    assert re.search("□ 2 pods +Pod +✔ Running", low)
    assert ("api-new-abc" in low, "api-old-x" in low) == (True, False)


def test_where_there_is_room_every_pod_is_named() -> None:
    parts = Parts(replica_sets=(replica_set("old", 1, 10),), pods=(pod("api-old-x", "old"),))
    seen = view(rollout(), parts, NOW)
    assert screen(seen, height=60) == screen(seen)


def test_what_others_own_is_not_shown() -> None:
    stranger = replica_set("new", 2, 1)
    stranger["metadata"]["ownerReferences"][0]["uid"] = "another"
    assert "api-new" not in shown(rollout(), Parts(replica_sets=(stranger,)))


def test_a_pause_without_end_says_who_ends_it() -> None:
    want = "Next:            waits for a person: kubectl argo rollouts promote api -n production\n"
    assert want in shown(paused(currentStepIndex=1))


def test_a_pause_that_is_over_and_still_there_doubts_the_controller() -> None:
    pauses = [{"reason": "CanaryPauseStep", "startTime": ago(minutes=6)}]
    assert "see whether the controller runs" in shown(paused(pauseConditions=pauses))


def test_a_rollout_without_metrics_says_what_it_waits_for() -> None:
    pauses = [{"reason": "MetricsNotReady", "startTime": ago(seconds=10)}]
    assert "goes on when its metrics are there, or with: kubectl" in shown(paused(pauseConditions=pauses))


def test_an_aborted_rollout_says_how_to_go_on() -> None:
    want = (
        "Next:            walk the steps again with: kubectl argo rollouts retry rollout api -n production\n"
    )
    assert want in shown(rollout(abort=True))


def test_a_condition_of_ours_is_shown_with_its_fix() -> None:
    message = "VirtualService production/api: spec.http[0].route names no subset canary; add it"
    screened = shown(rollout(conditions=[{"type": "TrafficNotReady", "status": "True", "message": message}]))
    assert f"Conditions:      TrafficNotReady: {message}\n" in screened


@pytest.mark.parametrize(
    "condition",
    [
        {"type": "Available", "status": "False", "message": "not minimum availability"},
        {"type": "TrafficNotReady", "status": "False", "message": "the route is there"},
    ],
    ids=["the usual ones", "one that is over"],
)
def test_conditions_that_ask_for_nothing_are_left_out(condition: Raw) -> None:
    assert "Conditions:" not in shown(rollout(conditions=[condition]))


def test_what_the_message_says_already_is_not_said_twice() -> None:
    raw = rollout(
        phase="Degraded",
        message="InvalidSpec: spec.replicas is no number",
        conditions=[{"type": "InvalidSpec", "status": "True", "message": "spec.replicas is no number"}],
    )
    assert shown(raw).count("spec.replicas is no number") == 1


def test_a_promoted_rollout_gives_all_traffic_to_its_revision() -> None:
    seen = view(promoted(canary={"weights": {"canary": {"weight": 0}}}), Parts(), NOW)
    assert (seen.set_weight, seen.actual_weight, seen.step) == (100, 100, "4/4")


def test_without_a_router_the_weight_is_the_share_of_available_pods() -> None:
    raw = rollout(spec={"strategy": {"canary": {"steps": [{"setWeight": 20}]}}})
    parts = Parts(replica_sets=(replica_set("old", 1, 6), replica_set("new", 2, 2)))
    assert view(raw, parts, NOW).actual_weight == 25


def test_blue_green_has_roles_of_its_own_and_no_weights() -> None:
    raw = rollout(
        spec={"strategy": {"blueGreen": {"activeService": "api"}}},
        blueGreen={"activeSelector": "old", "previewSelector": "new"},
    )
    screened = shown(raw, Parts(replica_sets=(replica_set("old", 1, 1), replica_set("new", 2, 1))))
    assert "stable,active" in screened
    assert re.search(r"api-new .* preview\n", screened)
    assert "SetWeight" not in screened


def test_a_replica_set_tells_how_long_it_is_kept() -> None:
    kept = replica_set("old", 1, 10)
    kept["metadata"]["annotations"]["scale-down-deadline"] = ago(seconds=-25)
    assert "delay:25s" in shown(promoted(), Parts(replica_sets=(kept,)))


@pytest.mark.parametrize("written", ["soon", "", "2026-03-15"])
def test_a_deadline_nobody_can_read_is_left_out(written: str) -> None:
    kept = replica_set("old", 1, 10)
    kept["metadata"]["annotations"]["scale-down-deadline"] = written
    assert "delay" not in shown(promoted(), Parts(replica_sets=(kept,)))


@pytest.mark.parametrize("written", ["soon", "2026-03-15T10:28:00", 7])
def test_a_pause_since_when_nobody_can_tell_shows_no_time_left(written: Any) -> None:
    pause = {"reason": "CanaryPauseStep", "startTime": written}
    waits = rollout(phase="Paused", currentStepIndex=0, pauseConditions=[pause], controllerPause=True)
    assert "waits for a person" in shown(waits, Parts())


@pytest.mark.parametrize(
    ("status", "weight"),
    [
        ({"currentStepIndex": 0}, 10),
        ({"currentStepIndex": 1}, 10),
        ({"currentStepIndex": 2}, 50),
        ({"currentStepIndex": 4}, 100),
        ({"currentStepIndex": 2, "abort": True}, 0),
        ({"stableRS": "new"}, 100),
    ],
)
def test_the_set_weight_is_that_of_the_last_weight_step(status: Raw, weight: int) -> None:
    assert set_weight(rollout(**status)) == weight


def test_before_the_first_weight_step_nothing_is_asked_for() -> None:
    raw = rollout(spec={"strategy": {"canary": {"steps": [{"pause": {}}, {"setWeight": 20}]}}})
    assert set_weight(raw) == 0


def test_a_spec_not_seen_yet_is_progress_whatever_the_phase_says() -> None:
    line = standing(promoted(observedGeneration="1")).line
    assert line == "Progressing - waiting for rollout spec update to be observed"


def test_a_pause_just_ended_is_progress() -> None:
    assert standing(paused(pauseConditions=None)).line == "Progressing - waiting for rollout to unpause"


def test_a_rollout_without_any_status_is_shown() -> None:
    raw = rollout()
    del raw["status"]
    assert "waiting for rollout spec update to be observed" in shown(raw)


def test_colours_change_no_words() -> None:
    plain = coloured(HELD)
    assert plain != HELD
    assert re.sub(r"\033\[\d+m", "", plain) == HELD


@pytest.mark.parametrize(
    ("length", "text"),
    [
        (timedelta(seconds=-5), "0s"),
        (timedelta(seconds=119), "119s"),
        (timedelta(minutes=3, seconds=20), "3m20s"),
        (timedelta(minutes=5), "5m"),
        (timedelta(minutes=14, seconds=20), "14m"),
        (timedelta(hours=5, minutes=3), "5h3m"),
        (timedelta(hours=30), "30h"),
        (timedelta(days=3, hours=2), "3d2h"),
        (timedelta(days=300), "300d"),
    ],
)
def test_spans_are_written_as_kubectl_writes_ages(length: timedelta, text: str) -> None:
    assert span(length) == text
