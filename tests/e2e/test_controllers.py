"""Several controllers at once: one writes, the other waits for its Lease; idle ones write nothing; and
instances keep to their own."""

from __future__ import annotations

import re
import signal
import subprocess
import time
from collections import Counter
from collections.abc import Iterator

import msgspec
import pytest

from tests.e2e.scene import HOST, LEASE, NAMESPACE, Raw, Scene, path, quick
from tests.lab.kube import address
from tests.lab.load import Load
from tests.lab.state import read_state
from tests.lab.waiting import deadline, until
from tests.lab.worlds import make

pytestmark = pytest.mark.lab

IDLE = 10.0
FROZEN = 5.0
"""Seconds that a Lease survives without its holder."""
FAREWELL, DEATH = 3.0, 20.0
"""Seconds within which the next one leads."""
SHARD = "argo-rollouts.argoproj.io/controller-instance-id"
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
    assert passed_on(two, two.first, signal.SIGTERM) < deadline(FAREWELL)
    assert two.first.wait(10) == 0
    two.scene.cli("promote", "api")
    two.scene.healthy("v2", 90)
    assert two.second.poll() is None


def test_another_leads_soon_when_the_leader_dies_without_a_word(two: Two) -> None:
    """And takes a release on from where it stood."""
    third = two.scene.controller()
    until(lambda: "on port" in log(two.scene, 3), 20, "the third to have begun")
    two.scene.release("v3")
    two.scene.wait(30, "the release to have begun", lambda s: s.get("currentPodHash") != s.get("stableRS"))
    assert passed_on(two, two.second, signal.SIGKILL) < deadline(DEATH)
    two.scene.at_pause()
    two.scene.cli("promote", "api")
    two.scene.healthy("v3", 90)
    assert third.poll() is None


def passed_on(two: Two, leader: subprocess.Popen[bytes], by: signal.Signals) -> float:
    """Seconds from the signal until another holds the Lease."""
    led, began = holder(two.scene), time.monotonic()
    leader.send_signal(by)
    until(lambda: holder(two.scene) not in (led, ""), 60, "another to lead")
    took = time.monotonic() - began
    print(f"another led {took:.1f} s after {by.name}")
    return took


def test_with_nothing_to_do_nothing_is_written(two: Two) -> None:
    two.scene.healthy("v3")
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
    left = scene.healthy("v3")
    at_rest(scene)
    scene.running[-1].send_signal(signal.SIGTERM)
    assert scene.running[-1].wait(10) == 0
    argos = {key: value for key, value in left.items() if key != "tidegate"}
    patch = [{"op": "replace", "path": "/status", "value": argos}]
    where = f"{path('rollouts', 'api')}/status"
    scene.kube.call("PATCH", where, patch, "application/json-patch+json")
    before = standing(scene, left["stableRS"])
    scene.controller()
    until(lambda: "leads" in log(scene, 4), 30, "the new controller to lead")
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


def test_each_instance_acts_on_its_own_alone(two: Two) -> None:
    """Without an instance's controller its Rollouts stand still, whoever else is there."""
    scene = two.scene
    scene.kill(scene.running[-1])
    scene.release("v4")
    for name in ("blue", "green"):
        make(scene.kube, [namespace(name), instance(name)])
    scene.controller("--instance-id=blue", home="blue")
    until(lambda: standing_of(scene, "blue").get("phase") == "Healthy", 60, "blue to be healthy")
    assert standing_of(scene, "green") == {}
    scene.controller("--instance-id=green", home="green")
    until(lambda: standing_of(scene, "green").get("phase") == "Healthy", 60, "green to be healthy")
    rollout = scene.rollout()
    assert rollout["status"]["observedGeneration"] != str(rollout["metadata"]["generation"])
    scene.controller()
    scene.at_pause()


def namespace(name: str) -> Raw:
    return {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}}


def instance(name: str) -> Raw:
    """A Rollout without steps that belongs to the controllers of this instance."""
    labels = {"app": name}
    container = {"name": "web", "image": "myregistry/played:v1"}
    return {
        "apiVersion": "argoproj.io/v1alpha1",
        "kind": "Rollout",
        "metadata": {"name": name, "namespace": NAMESPACE, "labels": {SHARD: name}},
        "spec": {
            "replicas": 1,
            "selector": {"matchLabels": labels},
            "strategy": {"canary": {}},
            "template": {"metadata": {"labels": labels}, "spec": {"containers": [container]}},
        },
    }


def standing_of(scene: Scene, name: str) -> Raw:
    """The status of an instance's Rollout."""
    found: Raw = scene.kube.get(address(instance(name))).get("status", {})
    return found
