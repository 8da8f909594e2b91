"""Pods as the fake node plays them, seen through the real API server."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tests.lab import worlds
from tests.lab.kube import ApiError, Kube
from tests.lab.test_app import ask, listens_at
from tests.lab.waiting import until

pytestmark = pytest.mark.lab

NAMESPACE = "pods"
PODS = f"/api/v1/namespaces/{NAMESPACE}/pods"


@pytest.fixture
def there(api: Kube) -> Iterator[Kube]:
    """A namespace for pods, emptied afterwards."""
    namespace = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": NAMESPACE}}
    worlds.make(api, [namespace])
    yield api
    for pod in api.get(PODS)["items"]:
        api.delete(f"{PODS}/{pod['metadata']['name']}")
    until(lambda: not api.get(PODS)["items"], 60, "the pods to go")


def begin(api: Kube, image: str = "lab/app:v1", pod: dict[str, Any] | None = None, **container: Any) -> str:
    """A pod of one container; its path."""
    whole = {
        "apiVersion": "v1", "kind": "Pod", "metadata": {"generateName": "pod-", "namespace": NAMESPACE},
        "spec": {"containers": [{"name": "main", "image": image, **container}], **(pod or {})},
    }  # fmt: skip
    return f"{PODS}/{api.create(whole)['metadata']['name']}"


def ready(api: Kube, path: str) -> bool:
    conditions = api.get(path)["status"].get("conditions") or []
    return any((each["type"], each["status"]) == ("Ready", "True") for each in conditions)


def reason(api: Kube, path: str) -> str:
    """Why the container waits."""
    statuses = api.get(path)["status"].get("containerStatuses") or [{}]
    return str(statuses[0].get("state", {}).get("waiting", {}).get("reason", ""))


def gone(api: Kube, path: str) -> bool:
    try:
        api.get(path)
    except ApiError as error:
        return error.status == 404
    return False


def test_a_pod_of_the_labs_app_answers_at_its_own_address(there: Kube) -> None:
    path = begin(there, "lab/app:v7")
    until(lambda: ready(there, path), 30, "the pod to be ready")
    address = there.get(path)["status"]["podIP"]
    until(lambda: listens_at(address, 3000), 10, "the app to listen")
    assert ask(3000, host=address).headers["x-version"] == "v7"


def test_a_pod_is_not_ready_while_its_probe_is_answered_badly(there: Kube) -> None:
    probe = {"httpGet": {"path": "/status/503", "port": 3000}, "periodSeconds": 1}
    path = begin(there, readinessProbe=probe)
    until(lambda: there.get(path)["status"].get("phase") == "Running", 30, "the pod to run")
    address = there.get(path)["status"]["podIP"]
    until(lambda: listens_at(address, 3000), 10, "the app to listen")
    assert not ready(there, path)


def test_an_image_nobody_has_is_backed_off(there: Kube) -> None:
    path = begin(there, "nowhere.invalid/api:v1")
    until(lambda: reason(there, path) == "ImagePullBackOff", 30, "ImagePullBackOff")
    assert there.get(path)["status"]["phase"] == "Pending"


def test_a_crashing_app_is_restarted_and_backed_off(there: Kube) -> None:
    path = begin(there, env=[{"name": "CRASH", "value": "1"}])
    until(lambda: reason(there, path) == "CrashLoopBackOff", 30, "CrashLoopBackOff")
    container = there.get(path)["status"]["containerStatuses"][0]
    assert container["restartCount"] >= 1
    assert container["lastState"]["terminated"]["exitCode"] == 1


def test_a_deleted_pod_serves_until_it_goes(there: Kube) -> None:
    probe = {"httpGet": {"path": "/health", "port": 3000}}
    path = begin(there, env=[{"name": "DRAIN", "value": "1"}], readinessProbe=probe)
    until(lambda: ready(there, path), 30, "the pod to be ready")
    address = there.get(path)["status"]["podIP"]
    there.delete(path)
    assert there.get(path)["metadata"]["deletionTimestamp"]
    assert ask(3000, host=address).status == 200
    until(lambda: gone(there, path), 30, "the pod to go")
    assert not listens_at(address, 3000)


def test_a_pod_that_does_not_go_is_killed_after_its_grace(there: Kube) -> None:
    path = begin(there, env=[{"name": "DRAIN", "value": "1000"}], pod={"terminationGracePeriodSeconds": 1})
    until(lambda: ready(there, path), 30, "the pod to be ready")
    there.delete(path)
    until(lambda: gone(there, path), 20, "the pod to be killed")


def test_a_crash_loop_can_be_deleted_in_mid_back_off(there: Kube) -> None:
    path = begin(there, env=[{"name": "CRASH", "value": "1"}])
    until(lambda: reason(there, path) == "CrashLoopBackOff", 30, "CrashLoopBackOff")
    there.delete(path)
    until(lambda: gone(there, path), 10, "the pod to go")


def test_a_job_pod_ends_well_and_one_that_fails_fails(there: Kube) -> None:
    good = begin(there, "busybox", pod={"restartPolicy": "Never"}, command=["true"])
    bad = begin(there, "busybox", pod={"restartPolicy": "Never"}, command=["false"])
    until(lambda: there.get(good)["status"]["phase"] == "Succeeded", 30, "the good one to succeed")
    until(lambda: there.get(bad)["status"]["phase"] == "Failed", 30, "the bad one to fail")


def test_a_pod_nobody_can_hold_stays_pending(there: Kube) -> None:
    path = begin(there, pod={"nodeSelector": {"disk": "golden"}})
    other = begin(there)
    until(lambda: ready(there, other), 30, "the other pod to be ready")
    assert "nodeName" not in there.get(path)["spec"]
