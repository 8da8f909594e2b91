"""How well an object is, by its kind, in Argo's words; and an Application by the objects it holds.

A kind that is not known here has no health and counts for nothing. What is being deleted is Progressing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import msgspec

from crds.paths import get
from gitops import health_argo, health_cluster, health_pods, health_workloads
from gitops.objects import Key, annotation, key_of
from gitops.wellness import HEALTHY, ORDER, Health

Raw = dict[str, Any]
Check = Callable[[Raw], Health]

IGNORED = "argocd.argoproj.io/ignore-healthcheck"
CHECKS: dict[tuple[str, str], Check] = {
    ("apps", "Deployment"): health_workloads.deployment,
    ("apps", "StatefulSet"): health_workloads.stateful_set,
    ("apps", "DaemonSet"): health_workloads.daemon_set,
    ("apps", "ReplicaSet"): health_workloads.replica_set,
    ("", "Pod"): health_pods.pod,
    ("batch", "Job"): health_pods.job,
    ("batch", "CronJob"): health_pods.cron_job,
    ("", "Service"): health_cluster.service,
    ("networking.k8s.io", "Ingress"): health_cluster.ingress,
    ("", "PersistentVolumeClaim"): health_cluster.claim,
    ("autoscaling", "HorizontalPodAutoscaler"): health_cluster.autoscaler,
    ("apiregistration.k8s.io", "APIService"): health_cluster.api_service,
    ("apiextensions.k8s.io", "CustomResourceDefinition"): health_cluster.definition,
    ("argoproj.io", "Rollout"): health_argo.rollout,
    ("argoproj.io", "AnalysisRun"): health_argo.run,
    ("argoproj.io", "Experiment"): health_argo.run,
    ("argoproj.io", "Application"): health_argo.application,
    ("bitnami.com", "SealedSecret"): health_argo.sealed_secret,
}


class Part(msgspec.Struct, frozen=True):
    """One object of an Application, as its health counts; `health` None where its kind has none."""

    key: Key
    health: Health | None


def health(raw: Raw | None) -> Health | None:
    """Missing where there is no object; None where its kind has no health."""
    if raw is None:
        return Health("Missing")
    if get(raw, "metadata", "deletionTimestamp"):
        return Health("Progressing", "Pending deletion")
    key = key_of(raw)
    check = CHECKS.get((key.group, key.kind))
    return check(raw) if check else None


def ignored(raw: Raw | None) -> bool:
    """Its author wants it not to count."""
    return annotation(raw, IGNORED) == "true"


def overall(parts: Iterable[Part], me: Key) -> Health:
    """The worst of the parts. A missing one shows as OutOfSync already: only where all are it is Missing."""
    counted = [one for one in parts if one.key != me and not _unsure(one)]
    said = [one.health.status for one in counted if one.health]
    present = [status for status in said if status != "Missing"]
    if counted and not present and len(said) == len(counted):
        return Health("Missing")
    return Health(max(present, key=ORDER.index, default="Healthy"))


def settled(raw: Raw | None) -> Health | None:
    """As `health`, but for what a wave waits for: a child must also have synced what it was given, and how an
    earlier Job of a CronJob ended says nothing of a sync."""
    found = health(raw)
    if raw is None or found is None:
        return found
    match key_of(raw)[:2]:
        case "argoproj.io", "Application":
            return health_argo.synced(raw) or found
        case "batch", "CronJob" if found.status == "Degraded":
            return HEALTHY
    return found


def _unsure(part: Part) -> bool:
    child = part.key[:2] == ("argoproj.io", "Application")
    return bool(child and part.health and part.health.status in {"Missing", "Unknown"})
