"""Health of what keeps pods, as far as each is with its rollout."""

from __future__ import annotations

from typing import Any

from crds.paths import get
from gitops.wellness import HEALTHY, Health, conditions, holds, number, told, unobserved

Raw = dict[str, Any]
WAITING = "Waiting for rollout to finish"


def deployment(raw: Raw) -> Health:
    if get(raw, "spec", "paused"):
        return Health("Suspended", "Deployment is paused")
    if unobserved(raw):
        return _waits(f"{WAITING}: observed deployment generation less than desired generation")
    if get(conditions(raw).get("Progressing"), "reason") == "ProgressDeadlineExceeded":
        name = get(raw, "metadata", "name")
        return Health("Degraded", f'Deployment "{name}" exceeded its progress deadline')
    wanted, updated = number(raw, "spec", "replicas", default=1), number(raw, "status", "updatedReplicas")
    there, available = number(raw, "status", "replicas"), number(raw, "status", "availableReplicas")
    if updated < wanted:
        return _waits(f"{WAITING}: {updated} out of {wanted} new replicas have been updated...")
    if there > updated:
        return _waits(f"{WAITING}: {there - updated} old replicas are pending termination...")
    if available < updated:
        return _waits(f"{WAITING}: {available} of {updated} updated replicas are available...")
    return HEALTHY


def stateful_set(raw: Raw) -> Health:
    wanted, ready = number(raw, "spec", "replicas", default=1), number(raw, "status", "readyReplicas")
    if unobserved(raw):
        return _waits("Waiting for statefulset spec update to be observed...")
    if ready < wanted:
        return _waits(f"Waiting for {wanted - ready} pods to be ready...")
    if get(raw, "spec", "updateStrategy", "type") == "OnDelete":
        return Health("Healthy", f"statefulset has {ready} ready pods")
    if partition := number(raw, "spec", "updateStrategy", "rollingUpdate", "partition"):
        return _partitioned(number(raw, "status", "updatedReplicas"), wanted - partition)
    current, newest = (get(raw, "status", name) for name in ("currentRevision", "updateRevision"))
    if current != newest:
        updated = number(raw, "status", "updatedReplicas")
        words = "waiting for statefulset rolling update to complete"
        return _waits(f"{words} {updated} pods at revision {newest}...")
    pods = number(raw, "status", "currentReplicas")
    return Health("Healthy", f"statefulset rolling update complete {pods} pods at revision {current}...")


def _partitioned(updated: int, wanted: int) -> Health:
    if updated < wanted:
        words = "Waiting for partitioned roll out to finish"
        return _waits(f"{words}: {updated} out of {wanted} new pods have been updated...")
    return Health("Healthy", f"partitioned roll out complete: {updated} new pods have been updated...")


def daemon_set(raw: Raw) -> Health:
    wanted = number(raw, "status", "desiredNumberScheduled")
    updated = number(raw, "status", "updatedNumberScheduled")
    available = number(raw, "status", "numberAvailable")
    if unobserved(raw):
        return _waits(f"{WAITING}: observed daemon set generation less than desired generation")
    if get(raw, "spec", "updateStrategy", "type") == "OnDelete":
        return Health("Healthy", f"daemon set {updated} out of {wanted} new pods have been updated")
    words = f'Waiting for daemon set "{get(raw, "metadata", "name")}" rollout to finish'
    if updated < wanted:
        return _waits(f"{words}: {updated} out of {wanted} new pods have been updated...")
    if available < wanted:
        return _waits(f"{words}: {available} of {wanted} updated pods are available...")
    return HEALTHY


def replica_set(raw: Raw) -> Health:
    if unobserved(raw):
        return _waits(f"{WAITING}: observed replica set generation less than desired generation")
    failure = conditions(raw).get("ReplicaFailure")
    if holds(failure):
        return Health("Degraded", told(failure))
    wanted = number(raw, "spec", "replicas", default=1)
    available = number(raw, "status", "availableReplicas")
    if available < wanted:
        return _waits(f"{WAITING}: {available} out of {wanted} new replicas are available...")
    return HEALTHY


def _waits(message: str) -> Health:
    return Health("Progressing", message)
