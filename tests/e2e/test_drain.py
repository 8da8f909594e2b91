"""No pod goes before its last request has been answered: Envoy's own counters stand still for 3 s first."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.e2e.scene import HOST, Scene, path, quick
from tests.e2e.witness import Sampler, Watch
from tests.lab import envoy
from tests.lab.load import Load
from tests.lab.state import read_state

pytestmark = pytest.mark.lab

CANARY = envoy.cluster_name("canary")
QUIET = 3.0
"""Seconds without a request before the first pod is deleted."""
LOOKS = 20
"""At least so many looks at Envoy in that time."""


@pytest.fixture(scope="module")
def busy(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scene]:
    """v1 healthy under a steady load."""
    with Scene(read_state(), tmp_path_factory.mktemp("drain")) as scene:
        scene.install()
        scene.edit = quick
        scene.controller()
        scene.release("v1")
        scene.healthy("v1")
        with Load(scene.state.gateway, HOST, rate=300):
            yield scene


def pods_of(scene: Scene) -> Watch:
    return Watch(scene.kube, path("pods", group="v1"))


def canary(scene: Scene, version: str) -> tuple[str, set[str]]:
    """The hash of this version, at 10 %, and its pods' addresses."""
    scene.release(version)
    scene.wait(30, f"{version} to be seen", lambda s: s.get("observedGeneration") == generation(scene))
    pod_hash = scene.at_pause()["currentPodHash"]
    return pod_hash, {pod["status"]["podIP"] for pod in scene.pods(pod_hash)}


def generation(scene: Scene) -> str:
    return str(scene.rollout()["metadata"]["generation"])


def first_deletion(pods: Watch, pod_hash: str) -> float:
    """When the API server told of the first deletion among these pods."""
    return pods.first(
        lambda saw: (
            saw.object["metadata"]["labels"].get("rollouts-pod-template-hash") == pod_hash
            and "deletionTimestamp" in saw.object["metadata"]
        ),
        60,
        f"a pod of {pod_hash} to be deleted",
    ).at


def test_an_aborted_canary_is_silent_in_envoy_before_its_first_pod_goes(busy: Scene) -> None:
    with pods_of(busy) as pods, Sampler(lambda: envoy.cluster(busy.state, CANARY)) as counters:
        pod_hash, _ = canary(busy, "v2")
        busy.cli("abort", "api")
        gone = first_deletion(pods, pod_hash)
    looks = counters.between(gone - QUIET, gone)
    assert len(looks) >= LOOKS
    assert {(look.total, look.active) for look in looks} == {(looks[-1].total, 0)}
    assert looks[-1].total > 0


def test_an_overtaken_canary_is_silent_in_envoy_before_its_first_pod_goes(busy: Scene) -> None:
    with pods_of(busy) as pods, Sampler(lambda: envoy.by_pod(busy.state)) as counters:
        pod_hash, addresses = canary(busy, "v3")
        busy.release("v4")
        gone = first_deletion(pods, pod_hash)
    before = [requests(look, addresses) for look in counters.between(gone - 60, gone - QUIET)]
    looks = [requests(look, addresses) for look in counters.between(gone - QUIET, gone)]
    assert len(looks) >= LOOKS
    assert all(one in ((max(before)[0], 0), (0, 0)) for one in looks)
    assert max(before) > (0, 0)


def requests(look: dict[str, envoy.Cluster], addresses: set[str]) -> tuple[int, int]:
    """Sent and not yet answered, over these pods; nothing where Envoy has forgotten them."""
    known = [look[address] for address in addresses if address in look]
    return sum(one.total for one in known), sum(one.active for one in known)
