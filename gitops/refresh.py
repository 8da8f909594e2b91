"""When an Application is looked at anew without a knock: every few minutes, and when somebody asks for it."""

from __future__ import annotations

from datetime import datetime, timedelta
from zlib import crc32

from crds.application import Application
from crds.application_problems import SOONEST
from crds.application_source import normalised
from crds.errors import Invalid

REFRESH = "argocd.argoproj.io/refresh"
SKIP = "argocd.argoproj.io/skip-reconcile"
USUAL = timedelta(minutes=3)
JITTER = 0.2
"""Part of the interval by which Applications are spread, so that they do not all ask at once."""


def poll_at(application: Application, last: datetime) -> datetime:
    """When Git is to be asked again, spread by name: the same one always as late."""
    interval = _interval(application)
    meta = application.metadata
    spread = crc32(f"{meta.namespace}/{meta.name}".encode()) / 2**32
    return last + interval + timedelta(seconds=interval.total_seconds() * JITTER * spread)


def _interval(application: Application) -> timedelta:
    """One that will do where what is written does not, which is said as a problem of the spec."""
    try:
        return max(SOONEST, application.drift_check_interval)
    except Invalid:
        return USUAL


def asked(application: Application) -> str:
    """`normal`, `hard` (render anew too) or "": the annotation is taken away when it is answered."""
    return application.metadata.annotations.get(REFRESH, "")


def skipped(application: Application) -> bool:
    """Its author wants nobody to touch it."""
    return application.metadata.annotations.get(SKIP) == "true"


def changed(application: Application) -> bool:
    """Whether its spec is another than the one compared last."""
    spec, compared = application.spec, application.status.sync.compared_to
    now = (spec.source and normalised(spec.source), spec.destination, spec.ignore_differences)
    return now != (compared.source, compared.destination, compared.ignore_differences)
