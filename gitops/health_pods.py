"""Health of pods and of what runs to an end: Pod, Job, CronJob."""

from __future__ import annotations

import re
from typing import Any

from crds.paths import get
from gitops.objects import annotation
from gitops.wellness import HEALTHY, Health, conditions, holds, told

Raw = dict[str, Any]
IGNORE_POLICY = "argocd.argoproj.io/ignore-restart-policy"
BROKEN = re.compile(r"Err.*|.*Error|.*BackOff")
"""Reasons for which a container waits and will not start by itself."""


def pod(raw: Raw) -> Health:
    statuses = [
        *get(raw, "status", "initContainerStatuses", default=[]),
        *get(raw, "status", "containerStatuses", default=[]),
    ]
    always = get(raw, "spec", "restartPolicy", default="Always") == "Always"
    if always and (broken := [told_of for one in statuses if (told_of := _broken(one))]):
        return Health("Degraded", ", ".join(broken))
    match get(raw, "status", "phase"):
        case "Pending":
            return Health("Progressing", _message(raw))
        case "Succeeded":
            return Health("Healthy", _message(raw))
        case "Failed":
            return Health("Degraded", _failure(raw, statuses))
        case "Running":
            return _running(raw, statuses, always or annotation(raw, IGNORE_POLICY) == "true")
    return Health("Unknown", _message(raw))


def _running(raw: Raw, statuses: list[Raw], serves: bool) -> Health:
    if not serves:
        return Health("Progressing", _message(raw))
    if holds(conditions(raw).get("Ready")):
        return Health("Healthy", _message(raw))
    if any(get(one, "lastState", "terminated") for one in statuses):
        return Health("Degraded", _message(raw))
    return Health("Progressing", _message(raw))


def _broken(container: Raw) -> str:
    waiting = get(container, "state", "waiting", default={})
    reason = str(get(waiting, "reason", default=""))
    return str(get(waiting, "message", default=reason)) if BROKEN.fullmatch(reason) else ""


def _failure(raw: Raw, statuses: list[Raw]) -> str:
    return _message(raw) or next((why for one in statuses if (why := _ended_badly(one))), "")


def _ended_badly(container: Raw) -> str:
    ended = get(container, "state", "terminated", default={})
    if get(ended, "reason") == "OOMKilled":
        return "OOMKilled"
    code = get(ended, "exitCode", default=0)
    return f'container "{get(container, "name")}" failed with exit code {code}' if code else ""


def _message(raw: Raw) -> str:
    return str(get(raw, "status", "message", default=""))


def job(raw: Raw) -> Health:
    said = conditions(raw)
    if holds(said.get("Failed")):
        return Health("Degraded", told(said["Failed"]))
    if holds(said.get("Complete")):
        return Health("Healthy", told(said["Complete"]))
    if holds(said.get("Suspended")):
        return Health("Suspended", told(said["Suspended"]))
    return Health("Progressing", "Waiting for the Job to complete")


def cron_job(raw: Raw) -> Health:
    """Its last Job has failed where none is running and none has succeeded since it was begun."""
    if get(raw, "spec", "suspend"):
        return Health("Suspended", "CronJob is suspended")
    if get(raw, "status", "active"):
        return Health("Progressing", "Job is running")
    begun, done = (
        str(get(raw, "status", f"last{name}Time", default="")) for name in ("Schedule", "Successful")
    )
    return Health("Degraded", f"the Job of {begun} did not succeed") if begun > done else HEALTHY
