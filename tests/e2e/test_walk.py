"""The brief's Rollout walks on a real control plane, and tells of it in Argo's order as it goes."""

from __future__ import annotations

from collections.abc import Iterator

import msgspec
import pytest

from tests.e2e.scene import HOST, Raw, Scene, path
from tests.e2e.witness import Watch
from tests.lab.load import Load
from tests.lab.state import read_state
from tests.lab.waiting import until

pytestmark = pytest.mark.lab

BEGINS = ["RolloutUpdated", "NewReplicaSetCreated", "RolloutNotCompleted", "ScalingReplicaSet"]
JUDGED = ["AnalysisNote", "AnalysisRunRunning"]
WEIGHT = ["Updated VirtualService", "TrafficWeightUpdated"]
HELD = ["RolloutPaused", "RolloutStepCompleted", "RolloutResumed"]


class Walked(msgspec.Struct, frozen=True):
    """What stood at the pause and at the end, and the reasons of the events up to v1's end, the pause and
    the end."""

    at_pause: tuple[int, int]
    at_end: tuple[int, int]
    judged: str
    told: tuple[list[str], list[str], list[str]]


@pytest.fixture(scope="module")
def walked(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Walked]:
    """v1 is deployed; v2 walks to its pause, is promoted by a person, and ends healthy and alone."""
    with Scene(read_state(), tmp_path_factory.mktemp("walk")) as scene:
        scene.install()
        scene.edit = leaving_soon
        with Watch(scene.kube, path("events", group="v1")) as seen:
            scene.controller()
            scene.release("v1")
            former = scene.healthy("v1")["stableRS"]
            deployed = told_up_to(seen, "RolloutCompleted")
            with Load(scene.state.gateway, HOST, rate=100):
                scene.release("v2")
                scene.at_pause()
                paused = told_up_to(seen, "RolloutPaused", deployed, times=2)
                at_pause = scene.weights()
                scene.cli("promote", "api")
                scene.healthy("v2", 60)
                until(lambda: not scene.pods(former), 60, "v1's pods to go")
                ended = told_up_to(seen, "ScalingReplicaSet", paused, times=3)
            judged = scene.analysis_runs()[0]["status"]["phase"]
            chapters = (
                reasons(seen, 0, deployed),
                reasons(seen, deployed, paused),
                reasons(seen, paused, ended),
            )
            yield Walked(at_pause, scene.weights(), judged, chapters)


def leaving_soon(manifest: Raw) -> None:
    manifest["spec"]["strategy"]["canary"]["scaleDownDelaySeconds"] = 4


def told_up_to(seen: Watch, last: str, since: int = 0, times: int = 1) -> int:
    """How much was told once this was, so many times; Events come after the writes they tell of."""
    until(
        lambda: reasons(seen, since).count(last) >= times,
        20,
        lambda: f"{times} of {last}; what was told is {reasons(seen, since)}",
    )
    return len(seen.saw)


def reasons(seen: Watch, since: int, upto: int | None = None) -> list[str]:
    """Of the Rollout's events, as the API server took them."""
    told = [saw.object for saw in seen.saw[since:upto] if saw.type == "ADDED"]
    return [one["reason"] for one in told if one["involvedObject"]["kind"] == "Rollout"]


def test_a_good_release_walks_is_promoted_by_a_person_and_ends_healthy(walked: Walked) -> None:
    assert (walked.at_pause, walked.at_end, walked.judged) == ((90, 10), (100, 0), "Successful")


def test_a_first_deployment_is_told_in_order(walked: Walked) -> None:
    told = ["RolloutAddedToInformer", *BEGINS, "UpdatedDestinationRule", "RolloutCompleted"]
    assert walked.told[0] == told


def test_a_release_up_to_its_pause_is_told_in_order(walked: Walked) -> None:
    assert walked.told[1] == [*BEGINS, "UpdatedDestinationRule", *JUDGED, *WEIGHT, *HELD, "RolloutPaused"]


def test_a_promotion_to_the_end_is_told_in_order(walked: Walked) -> None:
    """But for its run's verdict, which two controllers bring about, and which comes in its own time."""
    approved = ["RolloutStepCompleted", "RolloutResumed"]
    promoted = ["RolloutStepCompleted", "RolloutCompleted", "UpdatedDestinationRule"]
    climb, home = ["ScalingReplicaSet", *WEIGHT], [*WEIGHT, "ScalingReplicaSet"]
    told = [one for one in walked.told[2] if one != "AnalysisRunSuccessful"]
    assert told == [*approved, *climb, *HELD, *climb, *promoted, *home]
    assert walked.told[2].count("AnalysisRunSuccessful") == 1
