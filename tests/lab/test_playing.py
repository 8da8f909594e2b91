"""The fake kubelet's words, each world as a value."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.lab import playing
from tests.lab.playing import Ended, Played, Running, Waiting

BEGAN = datetime(2026, 3, 1, 12, 0, 0, tzinfo=UTC)
LATER = BEGAN + timedelta(seconds=30)


def pod(**spec: Any) -> playing.Pod:
    container = {"name": "api", "image": "myregistry/api:v1"}
    return {
        "metadata": {"name": "api-1", "namespace": "production", "uid": "u1", "labels": {"app": "api"}},
        "spec": {"containers": [container], **spec},
        "status": {},
    }


def said(world: playing.Pod, played: Played, now: datetime = LATER) -> dict[str, Any]:
    return playing.status(world, "10.244.1.1", BEGAN, (played,), now)


def condition(status: dict[str, Any], kind: str) -> dict[str, Any]:
    return next(each for each in status["conditions"] if each["type"] == kind)


def test_a_started_pod_is_running_but_not_ready_until_its_probe_passes() -> None:
    status = said(pod(), Played(Running(BEGAN)))
    assert status["phase"] == "Running"
    assert condition(status, "Ready")["message"] == "containers with unready status: [api]"


def test_a_probed_pod_is_ready() -> None:
    status = said(pod(), Played(Running(BEGAN), ready=True))
    assert (condition(status, "Ready")["status"], status["containerStatuses"][0]["ready"]) == ("True", True)


def test_a_pod_whose_image_nobody_has_stays_pending() -> None:
    status = said(pod(), Played(playing.pull_backed_off("nowhere.invalid/api:v1")))
    waiting = status["containerStatuses"][0]["state"]["waiting"]
    assert (status["phase"], waiting["reason"]) == ("Pending", "ImagePullBackOff")


def test_a_crashing_pod_keeps_its_last_end_and_its_count() -> None:
    crashed = Ended(1, BEGAN, LATER)
    played = Played(Waiting("CrashLoopBackOff"), last=crashed, restarts=3)
    container = said(pod(), played)["containerStatuses"][0]
    assert container["restartCount"] == 3
    assert container["lastState"]["terminated"]["exitCode"] == 1
    assert said(pod(), played)["phase"] == "Running"


def test_a_finished_job_pod_has_succeeded() -> None:
    status = said(pod(restartPolicy="Never"), Played(Ended(0, BEGAN, LATER)))
    assert (status["phase"], condition(status, "Ready")["reason"]) == ("Succeeded", "PodCompleted")


def test_a_failed_job_pod_has_failed() -> None:
    assert said(pod(restartPolicy="Never"), Played(Ended(2, BEGAN, LATER)))["phase"] == "Failed"


def test_a_closed_readiness_gate_keeps_a_probed_pod_unready() -> None:
    gated = pod(readinessGates=[{"conditionType": "example.com/go"}])
    status = said(gated, Played(Running(BEGAN), ready=True))
    assert condition(status, "Ready")["reason"] == "ReadinessGatesNotReady"
    assert condition(status, "ContainersReady")["status"] == "True"


def test_an_unchanged_condition_keeps_its_time() -> None:
    world = pod()
    world["status"] = said(world, Played(Running(BEGAN)), now=BEGAN)
    assert condition(said(world, Played(Running(BEGAN)), LATER), "Ready")["lastTransitionTime"] == (
        playing.stamp(BEGAN)
    )


def test_what_was_said_is_not_said_again() -> None:
    world = pod()
    status = said(world, Played(Running(BEGAN)))
    assert not playing.said_already(world, status)
    world["status"] = status
    assert playing.said_already(world, said(world, Played(Running(BEGAN)), LATER + timedelta(hours=1)))


def test_somebody_elses_condition_does_not_count_as_a_change() -> None:
    world = pod()
    status = said(world, Played(Running(BEGAN)))
    foreign = {"type": "example.com/go", "status": "True", "lastTransitionTime": playing.stamp(BEGAN)}
    world["status"] = {**status, "conditions": [*status["conditions"], foreign]}
    assert playing.said_already(world, said(world, Played(Running(BEGAN))))


@pytest.mark.parametrize(
    ("image", "real"),
    [
        ("myregistry/api:v2.1.0", True),
        ("lab/app", True),
        ("host:5000/team/api@sha256:1", True),
        ("redis:7", False),
    ],
)
def test_the_labs_app_is_told_by_the_last_part_of_the_image(image: str, real: bool) -> None:
    assert playing.is_app(image) is real


@pytest.mark.parametrize(
    "image", ["nowhere.invalid/api:v1", "myregistry/missing:v1", "myregistry/api:missing"]
)
def test_some_images_nobody_has(image: str) -> None:
    assert playing.unpullable(image)


def test_back_offs_double_from_ten_seconds_to_five_minutes() -> None:
    assert [playing.back_off(n).total_seconds() for n in range(8)] == [0, 10, 20, 40, 80, 160, 300, 300]


@pytest.mark.parametrize("command", [["false"], ["/bin/false"], ["sh", "-c", "exit 3"]])
def test_some_played_commands_crash(command: list[str]) -> None:
    assert playing.crashes({"name": "x", "image": "busybox", "command": command})


def test_a_named_probe_port_is_looked_up() -> None:
    container = {
        "name": "api", "image": "api", "ports": [{"name": "http", "containerPort": 8000}],
        "readinessProbe": {"httpGet": {"port": "http"}},
    }  # fmt: skip
    assert playing.ports(container) == [8000]


def test_an_app_is_served_on_the_port_it_is_probed_on() -> None:
    container = {
        "name": "api",
        "image": "api",
        "readinessProbe": {"httpGet": {"path": "/health", "port": 3000}},
    }
    assert playing.ports(container) == [3000]


def test_environment_resolves_fields_of_the_pod() -> None:
    container = {
        "name": "api", "image": "api",
        "env": [
            {"name": "ERROR_RATE", "value": "0.2"},
            {"name": "ME", "valueFrom": {"fieldRef": {"fieldPath": "metadata.name"}}},
            {"name": "IP", "valueFrom": {"fieldRef": {"fieldPath": "status.podIP"}}},
            {"name": "APP", "valueFrom": {"fieldRef": {"fieldPath": "metadata.labels['app']"}}},
        ],
    }  # fmt: skip
    assert playing.environment(pod(), container, "10.244.1.1") == {
        "ERROR_RATE": "0.2", "ME": "api-1", "IP": "10.244.1.1", "APP": "api",
    }  # fmt: skip
