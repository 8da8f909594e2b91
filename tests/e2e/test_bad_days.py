"""Bad days: whatever breaks beside a canary, its story ends as it would have, and says what to mend."""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from random import Random

import pytest

from tests.e2e.scene import HOST, Raw, Scene, condition, path, quick
from tests.e2e.witness import Watch, canary_weights, rises_after_abort
from tests.lab import parts
from tests.lab.load import Load
from tests.lab.state import read_state
from tests.lab.waiting import until
from tests.lab.worlds import destination_rule

pytestmark = pytest.mark.lab

SERVICES = path("virtualservices", group="networking.istio.io/v1")
RULE = path("destinationrules", "api", group="networking.istio.io/v1")
OUTAGE = 30.0


@pytest.fixture
def day(tmp_path: Path) -> Iterator[Scene]:
    """v1 stands healthy under load; the controller does not wait for Leases of the dead."""
    with Scene(read_state(), tmp_path) as scene:
        scene.install()
        scene.edit = quick
        scene.controller("--no-leader-elect")
        scene.release("v1")
        scene.healthy("v1")
        with Load(scene.state.gateway, HOST, rate=200):
            yield scene


@contextmanager
def killed(scene: Scene, rollouts: Watch, points: list[int]) -> Iterator[None]:
    """SIGKILL the controller, and start another, as the Rollout's n-th version from here on is seen."""
    begins, over, deaths = len(rollouts.saw), threading.Event(), []

    def run() -> None:
        for point in points:
            while len(rollouts.saw) < begins + point:
                if over.wait(0.005):
                    return
            scene.kill(scene.running[-1])
            scene.controller("--no-leader-elect")
            deaths.append(point)

    thread = threading.Thread(target=run)
    thread.start()
    yield
    over.set()
    thread.join()
    assert deaths == points, f"the controller was killed at versions {deaths} alone"


def points(seed: int, among: int) -> list[int]:
    """Three moments of a story that writes `among` versions of the Rollout at least."""
    return sorted(Random(seed).sample(range(1, among), 3))


def walked(scene: Scene) -> None:
    """The brief's good story: to the pause, a person, to the end."""
    scene.release("v2")
    scene.at_pause(seconds=90)
    scene.cli("promote", "api")
    scene.healthy("v2", 120)


def caught(scene: Scene) -> Raw:
    """The bad one: the status once it is aborted."""
    scene.release("v3", ERROR_RATE="0.5")
    return scene.wait(90, "v3 to be caught", lambda s: s.get("phase") == "Degraded")


@pytest.mark.parametrize("seed", [1])
def test_a_good_story_survives_three_deaths_of_the_controller(day: Scene, seed: int) -> None:
    with Watch(day.kube, SERVICES) as routes, Watch(day.kube, path("rollouts")) as rollouts:
        with killed(day, rollouts, points(seed, 14)):
            walked(day)
        assert canary_weights(routes) == [0, 10, 50, 100, 0]


@pytest.mark.parametrize("seed", [2])
def test_a_bad_story_survives_three_deaths_of_the_controller(day: Scene, seed: int) -> None:
    with Watch(day.kube, SERVICES) as routes, Watch(day.kube, path("rollouts")) as rollouts:
        with killed(day, rollouts, points(seed, 8)):
            status = caught(day)
            until(lambda: not day.pods(status["currentPodHash"]), 60, "the canary's pods to go")
        assert canary_weights(routes) == [0, 10, 0]
        assert rises_after_abort(routes, rollouts) == []


def stopped_in_its_tracks(scene: Scene) -> Callable[[], None]:
    """Prometheus hangs: connections are taken, and nothing is answered."""
    pid = scene.state.parts["prometheus"].pid
    os.kill(pid, signal.SIGSTOP)
    return lambda: os.kill(pid, signal.SIGCONT)


def killed_and_gone(scene: Scene) -> Callable[[], None]:
    """Prometheus is gone: connections are refused."""
    parts.stop(scene.state, "prometheus")

    def back() -> None:
        scene.state = parts.start(scene.state, "prometheus")

    return back


@pytest.mark.parametrize("outage", [stopped_in_its_tracks, killed_and_gone])
def test_prometheus_down_for_half_a_minute_holds_a_canary_and_says_so(
    day: Scene, outage: Callable[[Scene], Callable[[], None]]
) -> None:
    with Watch(day.kube, SERVICES) as routes:
        day.release("v2")
        day.wait(60, "10 %", lambda s: s.get("controllerPause") and day.weights() == (90, 10))
        began, back = time.monotonic(), outage(day)
        said = day.wait(OUTAGE, "the condition", lambda s: condition(s, "MetricsNotReady"))
        until(lambda: time.monotonic() - began >= OUTAGE, 2 * OUTAGE, "the outage to be long enough")
        assert (day.status()["phase"], day.weights()) == ("Paused", (90, 10))
        back()
        day.wait(60, "the condition to go", lambda s: not condition(s, "MetricsNotReady"))
        day.at_pause()
        day.cli("promote", "api")
        day.healthy("v2", 90)
        assert canary_weights(routes) == [0, 10, 50, 100, 0]
    words = condition(said, "MetricsNotReady")["message"]
    assert day.state.prometheus in words
    assert "error-rate" in words
    assert "metrics catalogue" in words


def test_weights_edited_by_hand_are_set_back_and_told(day: Scene) -> None:
    day.release("v2")
    day.at_pause()
    edit = [{"op": "replace", "path": f"/spec/http/0/route/{i}/weight", "value": 50} for i in (0, 1)]
    day.kube.call("PATCH", f"{SERVICES}/api", edit, "application/json-patch+json")
    said = day.wait(20, "the condition", lambda s: condition(s, "TrafficEdited"))
    until(lambda: day.weights() == (90, 10), 20, "the weights to be set back")
    words = condition(said, "TrafficEdited")["message"]
    assert "VirtualService production/api" in words
    assert "50 % where 10 % was set" in words
    assert "Leave these weights to the Rollout" in words
    until(lambda: "TrafficEdited" in warnings(day), 10, "the warning")
    day.cli("promote", "api")
    day.healthy("v2", 90)


def warnings(scene: Scene) -> set[str]:
    events = scene.kube.get(path("events", group="v1"))["items"]
    return {event["reason"] for event in events if event["type"] == "Warning"}


def test_a_rival_that_writes_the_status_is_left_alone_until_it_is_silent(day: Scene) -> None:
    def rival() -> bool:
        status = {"status": {"message": f"{time.monotonic()}"}}
        address = f"{path('rollouts', 'api')}/status?fieldManager=rollouts-controller"
        day.kube.call("PATCH", address, status, "application/merge-patch+json")
        return "ControllerConflict" in warnings(day)

    until(rival, 20, "the warning")
    day.release("v2")
    for _ in range(10):
        rival()
    assert len(day.kube.get(path("replicasets", group="apps/v1"))["items"]) == 1
    day.at_pause(seconds=90)  # half a minute of silence before the walk
    day.cli("promote", "api")
    day.healthy("v2", 90)


def test_a_missing_destination_rule_is_named_and_its_return_heals(day: Scene) -> None:
    before = day.kube.get(RULE)["spec"]["subsets"][0]["labels"]["rollouts-pod-template-hash"]
    day.kube.delete(RULE)
    day.release("v2")
    said = day.wait(30, "the condition", lambda s: condition(s, "TrafficNotReady"))
    words = condition(said, "TrafficNotReady")["message"]
    assert "DestinationRule production/api does not exist; create it" in words
    assert words.endswith("correct 'api' in spec.strategy.canary.trafficRouting.istio.destinationRule.name")
    day.kube.create(destination_rule("api", hashes={"stable": before, "canary": before}))
    healed = day.at_pause()
    assert not condition(healed, "TrafficNotReady")
    day.cli("promote", "api")
    day.healthy("v2", 90)


def test_an_invalid_spec_beside_it_is_named_and_hurts_nobody(day: Scene) -> None:
    beside = day.rollout_manifest("v1")
    beside["metadata"]["name"] = "beside"
    beside["spec"]["strategy"]["canary"]["steps"][0]["setWeight"] = 110
    day.kube.apply(beside)
    walked(day)
    status = day.kube.get(path("rollouts", "beside"))["status"]
    words = condition(status, "InvalidSpec")["message"]
    assert status["phase"] == "Degraded"
    assert "spec.strategy.canary.steps[0].setWeight" in words
    assert "110" in words


def test_a_version_that_crashes_never_gets_traffic(day: Scene) -> None:
    with Watch(day.kube, SERVICES) as routes:
        day.release("v4", CRASH="1")
        status = day.wait(90, "v4 to be given up", lambda s: s.get("phase") == "Degraded")
        assert canary_weights(routes) == [0]
    assert "canary pods never started" in status["message"]
    assert "CrashLoopBackOff after" in status["message"]


def test_an_image_that_cannot_be_pulled_never_gets_traffic(day: Scene) -> None:
    with Watch(day.kube, SERVICES) as routes:
        day.release("missing")
        status = day.wait(90, "it to be given up", lambda s: s.get("phase") == "Degraded")
        assert canary_weights(routes) == [0]
    assert "ImagePullBackOff" in status["message"]


def test_a_lost_status_is_found_again_in_what_stands(day: Scene) -> None:
    before, pods = day.status(), day.pods(day.status()["stableRS"])
    day.kube.call("PATCH", f"{path('rollouts', 'api')}/status", [{"op": "remove", "path": "/status"}],
                  "application/json-patch+json")  # fmt: skip
    after = day.healthy("v1")
    assert after["stableRS"] == before["stableRS"]
    assert uids(day.pods(after["stableRS"])) == uids(pods)


def test_a_status_lost_in_mid_canary_walks_again_from_the_first_step(day: Scene) -> None:
    day.release("v2")
    stable = day.at_pause()["stableRS"]
    day.kube.call("PATCH", f"{path('rollouts', 'api')}/status", [{"op": "remove", "path": "/status"}],
                  "application/json-patch+json")  # fmt: skip
    assert day.at_pause()["stableRS"] == stable
    assert day.weights() == (90, 10)
    day.cli("promote", "api")
    day.healthy("v2", 90)


def uids(pods: list[Raw]) -> set[str]:
    return {pod["metadata"]["uid"] for pod in pods}
