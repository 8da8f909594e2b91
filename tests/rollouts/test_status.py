"""The memory survives the status, whatever stands in it."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import msgspec
import pytest
from msgspec.structs import replace

from crds.analysis import RolloutAnalysis
from crds.meta import read_status
from crds.patches import merge_diff
from crds.rollout_status import RolloutStatus
from crds.steps import Pause, RunAnalysis, SetWeight
from rollouts.memory import Memory, Paused, Walked
from rollouts.plan import plan
from rollouts.status import remembered, report
from rollouts.world import Run, World
from tests.rollouts.worlds import START, ask, noted, pods, world

ANALYSED = (SetWeight(10), RunAnalysis(RolloutAnalysis()))
FULL = Memory(
    pod_hash="new",
    step_hash="steps",
    step=2,
    stable="old",
    pauses=(Paused("CanaryPauseStep", START),),
    controller_pause=True,
    held_for=("CanaryPauseStep",),
    abort=True,
    aborted_at=START,
    promote_full=True,
    attempt=3,
    verdict="12 % errors",
    overridden=True,
    edited="someone moved it",
    walked=(Walked(START, "0 of 251"), Walked(START)),
    traffic=noted(10),
)


def read(raw: dict[str, Any]) -> RolloutStatus:
    return read_status(msgspec.json.decode(msgspec.json.encode(raw)), RolloutStatus)


def written(seen: World, memory: Memory) -> dict[str, Any]:
    return report(seen, memory, RolloutStatus(), {})


@pytest.mark.parametrize("memory", [FULL, Memory(), Memory(pod_hash="new", stable="old", traffic=noted(50))])
def test_what_is_remembered_reads_back_as_it_was(memory: Memory) -> None:
    """But for how long the router was seen so."""
    seen = memory.traffic and replace(memory.traffic, weight_since=None, arms_since=None)
    assert remembered(read(written(world(), memory))) == replace(memory, traffic=seen)


def test_who_reads_the_memory_of_another_reckons_the_settling_time_anew() -> None:
    read_back = remembered(read(written(world(weight=10), replace(FULL, traffic=noted(10, ago=3600)))))
    noticed = plan(replace(world(weight=10), memory=read_back)).memory.traffic
    assert noticed == noted(10, ago=0)


@pytest.mark.parametrize(("elapsed", "step"), [(1.0, 0), (1.1, 1)])
def test_a_pause_begun_within_a_second_lasts_no_shorter_than_asked(elapsed: float, step: int) -> None:
    one_second = ask(steps=(Pause(timedelta(seconds=1)),))
    begun = replace(world(ask=one_second), now=START + timedelta(seconds=0.9))
    read_back = remembered(read(written(begun, plan(begun).memory)))
    later = replace(begun, memory=read_back, now=begun.now + timedelta(seconds=elapsed))
    assert plan(later).memory.step == step


def test_looking_twice_at_the_same_world_writes_nothing_the_second_time() -> None:
    seen = world(weight=10)
    first = plan(seen).memory
    status = written(seen, first)
    again = replace(seen, memory=remembered(read(status)))
    second = report(again, plan(again).memory, read(status), status)
    assert merge_diff(status, second) == {}


ARGOS: dict[str, Any] = {
    "controllerPause": True,
    "pauseConditions": [{"reason": "InconclusiveAnalysisRun", "startTime": "2026-03-01T11:00:00Z"}],
}


def test_a_pause_that_argo_began_is_known_by_its_reason_when_a_person_ends_it() -> None:
    assert remembered(read(ARGOS)).held_for == ("InconclusiveAnalysisRun",)


def test_a_pause_that_a_person_ended_before_we_came_was_one_of_a_step() -> None:
    assert remembered(read({**ARGOS, "pauseConditions": None})).held_for == ("CanaryPauseStep",)


def test_fields_of_others_stay() -> None:
    status = report(
        world(), FULL, RolloutStatus(), {"alb": {"arn": "x"}, "canary": {"stablePingPong": "ping"}}
    )
    assert (status["alb"], status["canary"]["stablePingPong"]) == ({"arn": "x"}, "ping")


def test_nonsense_in_a_status_counts_as_not_written() -> None:
    assert remembered(read({"abort": "yes", "tidegate": {"traffic": 7}, "stableRS": "old"})) == Memory(
        stable="old"
    )


def phase(seen: World) -> tuple[str, str]:
    status = written(seen, plan(seen).memory)
    return status["phase"], status.get("message", "")


def test_a_canary_waiting_for_a_person_is_paused() -> None:
    assert phase(world(weight=10)) == ("Paused", "CanaryPauseStep")


def test_an_aborted_rollout_is_degraded_and_says_why() -> None:
    failed = Run("api-new-2", "Failed", 2, message="12 % errors against a limit of 5 %")
    got = phase(world(weight=10, ask=ask(judged=True), run=failed))
    assert got[0] == "Degraded"
    assert "12 % errors against a limit of 5 %" in got[1]


def test_what_a_steps_analysis_said_stays_told_after_its_abort() -> None:
    failed = Run("api-new-2-1", "Failed", 2, step=1, message="too slow")
    seen = world(weight=10, ask=ask(steps=ANALYSED), memory={"step": 1}, step_runs=(failed,))
    first = written(seen, plan(seen).memory)
    again = replace(seen, memory=remembered(read(first)))
    told = report(again, plan(again).memory, read(first), first)["canary"]["currentStepAnalysisRunStatus"]
    assert told == {"name": "api-new-2-1", "status": "Failed", "message": "too slow"}


def test_a_promoted_rollout_is_healthy_only_with_its_traffic_back_on_the_stable_arm() -> None:
    assert phase(world(canary=10, weight=100, memory={"step": 4}))[0] == "Progressing"


def test_missing_pods_are_progressing() -> None:
    assert phase(world(pods=(pods("old", 10), pods("new", 1, 0, revision=2)))) == (
        "Progressing",
        "more replicas need to be updated",
    )


def test_without_steps_there_is_no_step_index() -> None:
    seen = world(ask=ask(steps=()))
    assert "currentStepIndex" not in written(seen, plan(seen).memory)


def test_the_first_step_is_written_though_it_is_nought() -> None:
    assert written(world(), plan(world()).memory)["currentStepIndex"] == 0


def test_the_weights_name_revisions_and_services() -> None:
    seen = world(weight=10, ask=ask(canary_service="api-canary", stable_service="api-stable"))
    assert written(seen, plan(seen).memory)["canary"]["weights"] == {
        "canary": {"weight": 10, "serviceName": "api-canary", "podTemplateHash": "new"},
        "stable": {"weight": 90, "serviceName": "api-stable", "podTemplateHash": "old"},
    }


@pytest.mark.parametrize(("routed", "kept"), [(True, True), (False, False)])
def test_weights_stay_while_a_router_cannot_be_read_and_go_with_it(routed: bool, kept: bool) -> None:
    blind = world(traffic=None, ask=ask(routed=routed))
    was = {"canary": {"weights": {"canary": {"weight": 20}}}}
    status = report(blind, plan(blind).memory, RolloutStatus(), was)
    assert ("weights" in status.get("canary", {})) is kept


def test_an_attempt_that_a_person_wrote_below_nought_is_the_first() -> None:
    """A run carries its attempt as a number; one that never matched its own would be made for ever."""
    status = read_status({"tidegate": {"attempt": -2}}, RolloutStatus)
    assert remembered(status).attempt == 0


def test_a_pause_that_does_not_say_since_when_begins_now_and_is_not_over() -> None:
    held = read({"controllerPause": True, "pauseConditions": [{"reason": "CanaryPauseStep"}]})
    timed = ask(steps=(Pause(timedelta(seconds=9)),))
    got = plan(world(ask=timed, memory=msgspec.structs.asdict(remembered(held)) | KNOWN)).memory
    assert (got.step, got.pauses) == (0, (Paused("CanaryPauseStep", START),))


KNOWN: dict[str, Any] = {"pod_hash": "new", "step_hash": "steps", "stable": "old"}
NO_ZONE = "2026-03-01T11:00:00"


@pytest.mark.parametrize(
    "status",
    [
        {"abort": True, "abortedAt": NO_ZONE},
        {"restartedAt": NO_ZONE},
        {"conditions": [{"type": "Progressing", "lastUpdateTime": NO_ZONE, "lastTransitionTime": NO_ZONE}]},
        {"duration": {"rolloutStartedAt": NO_ZONE, "manualPauseStartedAt": NO_ZONE}},
        {"tidegate": {"served": {"stable": "old", "since": NO_ZONE}, "steps": [{"began": NO_ZONE}]}},
        {"tidegate": {"traffic": {"weight": 0, "stable": "old", "canary": "new", "exact": True,
                                  "weightSince": NO_ZONE}}},
    ],
)  # fmt: skip
def test_a_time_without_its_zone_counts_as_not_written(status: dict[str, Any]) -> None:
    seen = world(memory=msgspec.structs.asdict(remembered(read(status))) | KNOWN)
    assert report(seen, plan(seen).memory, read(status), status)["phase"]
