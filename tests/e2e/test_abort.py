"""A person aborts and retries: traffic first, settled, pods after their delay; then from the first step."""

from __future__ import annotations

from collections.abc import Iterator

import msgspec
import pytest

from tests.e2e.scene import HOST, Raw, Scene, condition, path, quick
from tests.e2e.witness import Saw, Watch, canary_weights
from tests.lab import envoy
from tests.lab.load import Load
from tests.lab.state import read_state

pytestmark = pytest.mark.lab

DELAY = 4.0
SETTLE = 2.0


class Story(msgspec.Struct, frozen=True):
    """What the witnesses saw of an abort at 10 % and a retry."""

    weights: list[int]
    aborted: Raw
    envoy: dict[str, int]
    traffic_left: float
    pods_left: float
    first: str
    retried: Raw
    run: Raw


@pytest.fixture(scope="module")
def story(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Story]:
    with Scene(read_state(), tmp_path_factory.mktemp("abort")) as scene:
        scene.install()
        scene.edit = quick
        scene.controller()
        scene.release("v1")
        scene.healthy("v1")
        services = path("virtualservices", group="networking.istio.io/v1")
        with (
            Load(scene.state.gateway, HOST, rate=100),
            Watch(scene.kube, services) as routes,
            Watch(scene.kube, path("replicasets", group="apps/v1")) as sets,
        ):
            yield tell(scene, routes, sets)


def tell(scene: Scene, routes: Watch, sets: Watch) -> Story:
    scene.release("v2")
    pod_hash = scene.at_pause()["currentPodHash"]
    first = scene.status()["canary"]["currentBackgroundAnalysisRunStatus"]["name"]
    scene.cli("abort", "api")
    gone = sets.first(lambda saw: scaled_to_nothing(saw, pod_hash), 60, "the canary to be scaled down")
    aborted, weighed = scene.status(), envoy.weights(scene.state, HOST)
    left = next(saw.at for saw in reversed(routes.saw) if canary_weight(saw) == 0)
    scene.cli("retry", "rollout", "api")
    retried = scene.at_pause()
    run = scene.kube.get(path("analysisruns", first))
    return Story(canary_weights(routes), aborted, weighed, left, gone.at, first, retried, run)


def canary_weight(saw: Saw) -> int:
    weight: int = saw.object["spec"]["http"][0]["route"][1]["weight"]
    return weight


def scaled_to_nothing(saw: Saw, pod_hash: str) -> bool:
    """The canary's ReplicaSet is asked for no pods, after it had some."""
    mine = saw.object["metadata"]["name"] == f"api-{pod_hash}"
    return bool(mine and saw.object["spec"]["replicas"] == 0 and saw.object["status"].get("replicas"))


def test_traffic_goes_back_at_once_and_comes_again_with_the_retry(story: Story) -> None:
    assert story.weights == [0, 10, 0, 10]


def test_envoy_sends_everything_to_stable(story: Story) -> None:
    assert story.envoy == {envoy.cluster_name("stable"): 100}


def test_an_aborted_rollout_is_degraded_and_says_so(story: Story) -> None:
    assert (story.aborted["phase"], condition(story.aborted, "Progressing")["reason"]) == (
        "Degraded",
        "RolloutAborted",
    )


def test_the_pods_stay_until_the_router_has_settled_and_their_delay_is_over(story: Story) -> None:
    a_second_of_rounding = 1.0
    assert story.pods_left - story.traffic_left >= SETTLE + DELAY - a_second_of_rounding


def test_the_retry_walks_the_first_step_again_with_a_run_of_its_own(story: Story) -> None:
    again = story.retried["canary"]["currentBackgroundAnalysisRunStatus"]["name"]
    assert (story.retried["currentStepIndex"], again) == (1, f"{story.first}.1")


def test_the_run_of_the_aborted_attempt_has_ended(story: Story) -> None:
    assert story.run["status"]["phase"] in ("Successful", "Inconclusive")
