"""Each kind's health is told in Argo's words, and an Application's is the worst of its parts."""

from __future__ import annotations

from typing import Any

import pytest

from crds.paths import put
from gitops.health import Part, health, overall, settled
from gitops.objects import Key
from gitops.wellness import Health
from tests.gitops.examples import app, config, deployment, raw_app, thing

ME = Key("argoproj.io", "Application", "argocd", "api-prod")
DONE = {"updatedReplicas": 2, "replicas": 2, "availableReplicas": 2}
WAITING = "Waiting for rollout to finish: "


def workload(kind: str, spec: Any = None, generation: int = 1, **status: Any) -> dict[str, Any]:
    raw = thing(kind, api="apps/v1", spec=spec or {"replicas": 2}, status={"observedGeneration": 1, **status})
    raw["metadata"]["generation"] = generation
    return raw


def condition(kind: str, status: str = "True", **more: str) -> dict[str, Any]:
    return {"conditions": [{"type": kind, "status": status, **more}]}


def of(kind: str, api: str, **more: Any) -> Health | None:
    return health(thing(kind, api=api, **more))


def part(name: str, status: str, kind: str = "Deployment", group: str = "apps") -> Part:
    return Part(Key(group, kind, "production", name), Health(status))


@pytest.mark.parametrize(
    ("raw", "status", "message"),
    [
        (workload("Deployment", **DONE), "Healthy", ""),
        (workload("Deployment", {"paused": True}), "Suspended", "Deployment is paused"),
        (
            workload("Deployment", generation=2, **DONE),
            "Progressing",
            WAITING + "observed deployment generation less than desired generation",
        ),
        (
            workload("Deployment", **condition("Progressing", "False", reason="ProgressDeadlineExceeded")),
            "Degraded",
            'Deployment "api" exceeded its progress deadline',
        ),
        (
            workload("Deployment", updatedReplicas=1),
            "Progressing",
            WAITING + "1 out of 2 new replicas have been updated...",
        ),
        (
            workload("Deployment", **DONE | {"replicas": 3}),
            "Progressing",
            WAITING + "1 old replicas are pending termination...",
        ),
        (
            workload("Deployment", **DONE | {"availableReplicas": 1}),
            "Progressing",
            WAITING + "1 of 2 updated replicas are available...",
        ),
        (
            workload("StatefulSet", generation=2),
            "Progressing",
            "Waiting for statefulset spec update to be observed...",
        ),
        (workload("StatefulSet", readyReplicas=1), "Progressing", "Waiting for 1 pods to be ready..."),
        (
            workload("StatefulSet", {"replicas": 2, "updateStrategy": {"type": "OnDelete"}}, readyReplicas=2),
            "Healthy",
            "statefulset has 2 ready pods",
        ),
        (
            workload(
                "StatefulSet",
                {"replicas": 2, "updateStrategy": {"rollingUpdate": {"partition": 1}}},
                readyReplicas=2,
            ),
            "Progressing",
            "Waiting for partitioned roll out to finish: 0 out of 1 new pods have been updated...",
        ),
        (
            workload(
                "StatefulSet", readyReplicas=2, updatedReplicas=1, currentRevision="a", updateRevision="b"
            ),
            "Progressing",
            "waiting for statefulset rolling update to complete 1 pods at revision b...",
        ),
        (
            workload("DaemonSet", {}, desiredNumberScheduled=3, updatedNumberScheduled=1),
            "Progressing",
            'Waiting for daemon set "api" rollout to finish: 1 out of 3 new pods have been updated...',
        ),
        (
            workload("DaemonSet", {}, desiredNumberScheduled=3, updatedNumberScheduled=3, numberAvailable=2),
            "Progressing",
            'Waiting for daemon set "api" rollout to finish: 2 of 3 updated pods are available...',
        ),
        (workload("ReplicaSet", **condition("ReplicaFailure", message="no quota")), "Degraded", "no quota"),
    ],
)
def test_a_workload_tells_how_far_its_rollout_is(raw: dict[str, Any], status: str, message: str) -> None:
    assert health(raw) == Health(status, message)


@pytest.mark.parametrize(
    ("spec", "pod", "expected"),
    [
        ({}, {"phase": "Pending"}, Health("Progressing")),
        ({}, {"phase": "Running", **condition("Ready")}, Health("Healthy")),
        ({}, {"phase": "Running"}, Health("Progressing")),
        (
            {},
            {"phase": "Running", "containerStatuses": [{"lastState": {"terminated": {"exitCode": 1}}}]},
            Health("Degraded"),
        ),
        (
            {},
            {
                "phase": "Pending",
                "containerStatuses": [{"state": {"waiting": {"reason": "ImagePullBackOff"}}}],
            },
            Health("Degraded", "ImagePullBackOff"),
        ),
        ({"restartPolicy": "Never"}, {"phase": "Running", **condition("Ready")}, Health("Progressing")),
        ({"restartPolicy": "Never"}, {"phase": "Succeeded"}, Health("Healthy")),
        (
            {"restartPolicy": "Never"},
            {
                "phase": "Failed",
                "containerStatuses": [{"name": "c", "state": {"terminated": {"exitCode": 3}}}],
            },
            Health("Degraded", 'container "c" failed with exit code 3'),
        ),
    ],
)
def test_a_pod_is_as_well_as_its_containers(
    spec: dict[str, Any], pod: dict[str, Any], expected: Health
) -> None:
    assert of("Pod", "v1", spec=spec, status=pod) == expected


@pytest.mark.parametrize(
    ("kind", "api", "more", "expected"),
    [
        (
            "Job",
            "batch/v1",
            {"status": condition("Failed", message="too often")},
            Health("Degraded", "too often"),
        ),
        ("Job", "batch/v1", {"status": condition("Complete")}, Health("Healthy")),
        ("Job", "batch/v1", {"status": condition("Suspended")}, Health("Suspended")),
        ("Service", "v1", {"spec": {}}, Health("Healthy")),
        ("Service", "v1", {"spec": {"type": "LoadBalancer"}}, Health("Progressing")),
        ("Ingress", "networking.k8s.io/v1", {}, Health("Progressing")),
        ("PersistentVolumeClaim", "v1", {"status": {"phase": "Lost"}}, Health("Degraded")),
        (
            "HorizontalPodAutoscaler",
            "autoscaling/v2",
            {"status": condition("ScalingActive", "False", reason="FailedGetResourceMetric", message="none")},
            Health("Degraded", "none"),
        ),
        ("HorizontalPodAutoscaler", "autoscaling/v2", {}, Health("Progressing", "Waiting to Autoscale")),
        ("APIService", "apiregistration.k8s.io/v1", {"status": condition("Available")}, Health("Healthy")),
        (
            "CustomResourceDefinition",
            "apiextensions.k8s.io/v1",
            {"status": condition("Established")},
            Health("Healthy"),
        ),
        (
            "SealedSecret",
            "bitnami.com/v1alpha1",
            {},
            Health("Progressing", "Waiting for Sealed Secret to be decrypted"),
        ),
        (
            "SealedSecret",
            "bitnami.com/v1alpha1",
            {"status": condition("Synced", "False", message="no key could decrypt secret")},
            Health("Degraded", "no key could decrypt secret"),
        ),
        ("AnalysisRun", "argoproj.io/v1alpha1", {"status": {"phase": "Inconclusive"}}, Health("Unknown")),
        (
            "AnalysisRun",
            "argoproj.io/v1alpha1",
            {"status": {"phase": "Failed", "message": "2.4 %"}},
            Health("Degraded", "2.4 %"),
        ),
    ],
)
def test_other_kinds_tell_it_by_their_status(
    kind: str, api: str, more: dict[str, Any], expected: Health
) -> None:
    assert of(kind, api, **more) == expected


@pytest.mark.parametrize(
    ("phase", "status"),
    [
        ("Paused", "Suspended"),
        ("Healthy", "Healthy"),
        ("Degraded", "Degraded"),
        ("Progressing", "Progressing"),
    ],
)
def test_a_rollout_is_as_its_phase_says(phase: str, status: str) -> None:
    raw = thing("Rollout", api="argoproj.io/v1alpha1", status={"phase": phase, "observedGeneration": "1"})
    assert health(put(raw, ("metadata", "generation"), 1)) == Health(status)


def test_a_rollout_whose_spec_nobody_has_seen_is_progressing() -> None:
    raw = thing("Rollout", api="argoproj.io/v1alpha1", status={"phase": "Healthy", "observedGeneration": "1"})
    found = health(put(raw, ("metadata", "generation"), 2))
    assert found == Health("Progressing", "Waiting for rollout spec update to be observed")


def test_what_is_being_deleted_is_progressing() -> None:
    raw = put(config(), ("metadata", "deletionTimestamp"), "2026-03-15T10:30:00Z")
    assert health(raw) == Health("Progressing", "Pending deletion")


def test_a_kind_that_is_not_known_has_no_health() -> None:
    assert health(config()) is None


def test_an_application_is_the_worst_of_its_parts() -> None:
    parts = [part("a", "Healthy"), part("b", "Suspended"), part("c", "Progressing")]
    assert overall(parts, ME) == Health("Progressing")


def test_one_missing_object_counts_for_nothing_and_all_do() -> None:
    assert overall([part("a", "Missing"), part("b", "Healthy")], ME) == Health("Healthy")
    assert overall([part("a", "Missing"), part("b", "Missing")], ME) == Health("Missing")


def test_what_is_there_and_has_no_health_is_there_all_the_same() -> None:
    there = Part(Key("", "ConfigMap", "production", "settings"), None)
    assert overall([part("a", "Missing"), there], ME) == Health("Healthy")


def test_nothing_at_all_is_healthy() -> None:
    assert overall([], ME) == Health("Healthy")


def test_an_application_in_itself_does_not_count() -> None:
    assert overall([Part(ME, Health("Degraded")), part("a", "Healthy")], ME) == Health("Healthy")


def test_a_child_that_knows_nothing_of_itself_does_not_count() -> None:
    child = part("child", "Unknown", "Application", "argoproj.io")
    assert overall([child, part("a", "Healthy")], ME) == Health("Healthy")


def child(sync: dict[str, Any], *, automated: bool = True, **status: Any) -> dict[str, Any]:
    policy: dict[str, Any] = {"automated": {}} if automated else {}
    source = {"repoURL": "https://example.com/a", "path": "b", "kustomize": {"images": ["api:v2"]}}
    status = {"sync": {"comparedTo": {"source": source}, **sync}, "health": {"status": "Healthy"}, **status}
    return raw_app(name="child", source=source, syncPolicy=policy, status=status)


def test_a_child_is_waited_for_until_it_is_compared_with_what_it_was_given() -> None:
    raw = put(child({"status": "Synced"}), ("spec", "source", "kustomize", "images"), ["api:v3"])
    assert health(raw) == Health("Healthy")
    assert settled(raw) == Health("Progressing", "Waiting for its source to be compared")


def test_a_child_is_waited_for_until_it_has_synced_by_itself() -> None:
    raw = child({"status": "OutOfSync", "revision": "b"})
    assert settled(raw) == Health("Progressing", "Waiting for its automated sync")


def test_a_child_that_waits_for_a_person_is_not_waited_for() -> None:
    missing = child({"status": "OutOfSync"}, automated=False, health={"status": "Missing"})
    assert settled(missing) == Health("Suspended", "Waiting for a person to sync it")
    assert settled(child({"status": "Synced"}, automated=False)) == Health("Healthy")


def test_a_child_whose_sync_failed_is_degraded_for_its_parents_wave() -> None:
    state = {"phase": "Failed", "message": "no such namespace", "syncResult": {"revision": "b"}}
    raw = child({"status": "OutOfSync", "revision": "b"}, operationState=state)
    assert settled(raw) == Health("Degraded", "no such namespace")


def test_an_application_that_is_as_it_should_be_is_settled() -> None:
    assert app().metadata.name
    assert settled(child({"status": "Synced"})) == Health("Healthy")
    assert settled(deployment()) == health(deployment())


BEGUN, BEFORE, AFTER = "2026-03-15T10:00:00Z", "2026-03-15T09:00:20Z", "2026-03-15T10:00:20Z"


@pytest.mark.parametrize(
    ("status", "health_is"),
    [
        ({}, "Healthy"),
        ({"lastScheduleTime": BEGUN, "lastSuccessfulTime": AFTER}, "Healthy"),
        ({"lastScheduleTime": BEGUN, "lastSuccessfulTime": BEFORE, "active": [{"name": "a"}]}, "Progressing"),
        ({"lastScheduleTime": BEGUN, "lastSuccessfulTime": BEFORE}, "Degraded"),
        ({"lastScheduleTime": BEGUN}, "Degraded"),
    ],
)
def test_a_cron_job_is_as_its_last_job(status: dict[str, Any], health_is: str) -> None:
    found = of("CronJob", "batch/v1", spec={}, status=status)
    assert found
    assert found.status == health_is


def test_the_job_that_failed_before_a_sync_fails_no_wave_of_it() -> None:
    assert settled(thing("CronJob", api="batch/v1", status={"lastScheduleTime": BEGUN})) == Health("Healthy")
