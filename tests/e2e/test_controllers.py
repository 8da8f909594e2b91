"""Two controllers at once: one writes, the other waits for its Lease; and idle ones write nothing."""

from __future__ import annotations

import re
import signal
import subprocess
import time
from collections import Counter
from collections.abc import Iterator

import msgspec
import pytest

from tests.e2e.scene import HOST, LEASE, Scene, path, quick
from tests.lab.load import Load
from tests.lab.state import read_state
from tests.lab.waiting import until

pytestmark = pytest.mark.lab

IDLE = 10.0
FROZEN = 5.0
"""Seconds that a Lease survives without its holder."""
OURS = ("rollouts", "analysisruns", "replicasets", "virtualservices", "destinationrules", "events", "pods")
"""Resources that a Tidegate with nothing to do leaves alone, whoever else is there."""
WRITES = re.compile(
    r'^apiserver_request_total\{.*resource="(\w+)".*verb="(?:POST|PUT|PATCH|DELETE|APPLY)".*\} (\S+)$', re.M
)


class Two(msgspec.Struct, frozen=True):
    """A scene in which v1 is healthy, and two controllers of which the first leads."""

    scene: Scene
    first: subprocess.Popen[bytes]
    second: subprocess.Popen[bytes]


@pytest.fixture(scope="module")
def two(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Two]:
    with Scene(read_state(), tmp_path_factory.mktemp("controllers")) as scene:
        scene.install()
        scene.edit = quick
        first = scene.controller()
        scene.release("v1")
        scene.healthy("v1")
        second = scene.controller()
        until(lambda: log(scene, 2), 20, "the second to have begun")
        with Load(scene.state.gateway, HOST, rate=100):
            yield Two(scene, first, second)


def log(scene: Scene, number: int) -> str:
    return (scene.folder / f"controller-{number}.log").read_text()


def holder(scene: Scene) -> str:
    found: str = scene.kube.get(LEASE)["spec"]["holderIdentity"]
    return found


def writes(scene: Scene) -> Counter[str]:
    """Writes since the API server began, by resource, as it counts them itself."""
    return Counter(resource for resource, count in WRITES.findall(scene.kube.get("/metrics"))
                   for _ in range(int(count)) if resource in OURS)  # fmt: skip


def written_in(scene: Scene, seconds: float) -> dict[str, int]:
    """What anyone wrote in that time, Leases and the lab's own matters aside."""
    before, began = writes(scene), time.monotonic()
    until(lambda: time.monotonic() - began >= seconds, 2 * seconds, "some seconds to pass")
    return dict(writes(scene) - before)


def test_the_second_writes_nothing_while_the_first_holds_the_lease(two: Two) -> None:
    """Not even when the first is frozen and a release waits for it."""
    led = holder(two.scene)
    two.first.send_signal(signal.SIGSTOP)
    two.scene.release("v2")
    written = written_in(two.scene, FROZEN)
    two.first.send_signal(signal.SIGCONT)
    assert (written, holder(two.scene)) == ({}, led)
    two.scene.at_pause()


def test_the_second_leads_at_once_when_the_first_is_told_to_go(two: Two) -> None:
    led = holder(two.scene)
    two.first.send_signal(signal.SIGTERM)
    assert two.first.wait(10) == 0
    until(lambda: holder(two.scene) not in (led, ""), 5, "the second to lead")
    two.scene.cli("promote", "api")
    two.scene.healthy("v2", 90)
    assert two.second.poll() is None


def test_with_nothing_to_do_nothing_is_written(two: Two) -> None:
    two.scene.healthy("v2")
    at_rest(two.scene)
    assert written_in(two.scene, IDLE) == {}


def at_rest(scene: Scene) -> None:
    """Until the former pods are gone, and the status says so."""
    replicas = scene.rollout()["spec"]["replicas"]
    until(lambda: len(scene.kube.get(path("pods", group="v1"))["items"]) == replicas, 60, "old pods to go")
    scene.wait(20, "the status to know", lambda s: s.get("replicas") == replicas)
    until(lambda: not written_in(scene, 1), 20, "the last writes")


def test_what_argo_rollouts_left_is_taken_over_without_restarting_a_pod(two: Two) -> None:
    """Names, hash, labels, subset labels and status as Argo's, nothing of ours; we find them when we come."""
    scene = two.scene
    left = scene.healthy("v2")
    at_rest(scene)
    two.second.send_signal(signal.SIGTERM)
    assert two.second.wait(10) == 0
    argos = {key: value for key, value in left.items() if key != "tidegate"}
    patch = [{"op": "replace", "path": "/status", "value": argos}]
    where = f"{path('rollouts', 'api')}/status"
    scene.kube.call("PATCH", where, patch, "application/json-patch+json")
    before = standing(scene, left["stableRS"])
    scene.controller()
    until(lambda: "leads" in log(scene, 3), 30, "the new controller to lead")
    scene.wait(20, "it to have looked", lambda s: "tidegate" in s and s["phase"] == "Healthy")
    assert written_in(scene, IDLE) == {}
    assert standing(scene, left["stableRS"]) == before


def standing(scene: Scene, pod_hash: str) -> tuple[int, set[str], list[tuple[str, int]]]:
    """The Rollout's generation, the pods' uids, and each ReplicaSet's uid and generation."""
    sets = scene.kube.get(path("replicasets", group="apps/v1"))["items"]
    return (
        scene.rollout()["metadata"]["generation"],
        {pod["metadata"]["uid"] for pod in scene.pods(pod_hash)},
        [(one["metadata"]["uid"], one["metadata"]["generation"]) for one in sets],
    )
