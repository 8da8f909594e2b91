"""The Application: a path in Git, and the namespace that is to look like it.

All of Argo CD's fields, and the brief's forms. Its CRD has no status subresource and `operation` stands
beside `spec`, because tools patch both on the object itself.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import msgspec

from crds.application_policy import (
    Automated,
    Destination,
    HealthRules,
    IgnoredDifference,
    Info,
    Notification,
    Retry,
    Rollback,
    SyncPolicy,
)
from crds.application_source import Source, SourceHydrator
from crds.application_status import ApplicationStatus, Operation
from crds.meta import ObjectMeta, read, read_status
from crds.paths import drop, get
from crds.times import duration

IN_CLUSTER = "https://kubernetes.default.svc"
BY_DEFAULT = Retry(limit=5)
"""How often an automated sync is tried again where nobody says."""


class ApplicationSpec(msgspec.Struct, frozen=True, rename="camel"):
    """One of `source`, `sources` and `sourceHydrator`; `source` is passed over where `sources` is said."""

    destination: Destination
    project: str
    source: Source | None = None
    sources: tuple[Source, ...] = ()
    source_hydrator: SourceHydrator | None = None
    sync_policy: SyncPolicy = SyncPolicy()
    ignore_differences: tuple[IgnoredDifference, ...] = ()
    info: tuple[Info, ...] = ()
    revision_history_limit: int = 10
    health: HealthRules = HealthRules()
    rollback: Rollback | None = None
    notifications: tuple[Notification, ...] = ()


class Application(msgspec.Struct, frozen=True, rename="camel"):
    spec: ApplicationSpec
    metadata: ObjectMeta = ObjectMeta()
    status: ApplicationStatus = ApplicationStatus()
    operation: Operation | None = None

    @property
    def name(self) -> str:
        return self.metadata.name

    @property
    def automated(self) -> Automated | None:
        """How it syncs by itself; None where it does not."""
        automated = self.spec.sync_policy.automated
        return None if automated is None or automated.enabled is False else automated

    @property
    def rollback(self) -> Rollback:
        """From either of the two places; off where neither says a word."""
        return self.spec.rollback or self.spec.sync_policy.rollback or Rollback()

    @property
    def drift_check_interval(self) -> timedelta:
        return duration(self.spec.sync_policy.drift_check_interval, "spec.syncPolicy.driftCheckInterval")


def parse(raw: dict[str, Any]) -> Application:
    """The Application in `raw`, with what of its status can be read. Invalid where its spec is wrong."""
    application = read(drop(raw, ("status",)), Application)
    return msgspec.structs.replace(application, status=read_status(get(raw, "status"), ApplicationStatus))
