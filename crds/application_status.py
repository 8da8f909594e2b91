"""What `operation` asks of an Application, and what its status says: Argo's fields, ours in `tidegate`.

Every field of the status has a default, so that `crds.meta.read_status` can leave out what people wrote
wrongly; defaults are not written, but for those that Argo's CRD requires: they come from a factory.
"""

from __future__ import annotations

from typing import Any

import msgspec

from crds.application_policy import Destination, IgnoredDifference, Info, Retry
from crds.application_rollback import KnownGood, QuarantinedRevision, RollbackStatus
from crds.application_source import Source
from crds.meta import Metadata
from crds.times import Time


class Force(msgspec.Struct, frozen=True, rename="camel"):
    force: bool = False


class SyncStrategy(msgspec.Struct, frozen=True, rename="camel"):
    """`apply` runs no hooks; `hook`, the default, does."""

    apply: Force | None = None
    hook: Force | None = None


class SyncResource(msgspec.Struct, frozen=True, rename="camel"):
    """One object of a selective sync."""

    kind: str
    name: str
    group: str = ""
    namespace: str = ""


class SyncOperation(msgspec.Struct, frozen=True, rename="camel", omit_defaults=True):
    revision: str = ""
    revisions: tuple[str, ...] = ()
    prune: bool = False
    dry_run: bool = False
    sync_strategy: SyncStrategy | None = None
    resources: tuple[SyncResource, ...] = ()
    source: Source | None = None
    sources: tuple[Source, ...] = ()
    manifests: tuple[str, ...] = ()
    sync_options: tuple[str, ...] = ()
    auto_heal_attempts_count: int = 0


class Initiator(msgspec.Struct, frozen=True, rename="camel", omit_defaults=True):
    username: str = ""
    automated: bool = False


class Operation(msgspec.Struct, frozen=True, rename="camel", omit_defaults=True):
    """Written on top of an Application it starts a sync; the controller moves it to status.operationState."""

    sync: SyncOperation | None = None
    initiated_by: Initiator = Initiator()
    info: tuple[Info, ...] = ()
    retry: Retry | None = None


class ResourceResult(msgspec.Struct, frozen=True, rename="camel", omit_defaults=True):
    """What an operation did to one object. `status`: Synced, SyncFailed, Pruned or PruneSkipped."""

    group: str = msgspec.field(default_factory=str)
    version: str = msgspec.field(default_factory=str)
    kind: str = msgspec.field(default_factory=str)
    namespace: str = msgspec.field(default_factory=str)
    name: str = msgspec.field(default_factory=str)
    status: str = ""
    message: str = ""
    hook_type: str = ""
    hook_phase: str = ""
    sync_phase: str = ""
    images: tuple[str, ...] = ()


class SyncResult(msgspec.Struct, frozen=True, rename="camel", omit_defaults=True):
    revision: str = msgspec.field(default_factory=str)
    revisions: tuple[str, ...] = ()
    source: Source | None = None
    sources: tuple[Source, ...] = ()
    resources: tuple[ResourceResult, ...] = ()
    managed_namespace_metadata: Metadata | None = None


class OperationState(msgspec.Struct, frozen=True, rename="camel", omit_defaults=True):
    """`phase`: Running, Terminating, Failed, Error or Succeeded."""

    operation: Operation = msgspec.field(default_factory=Operation)
    phase: str = ""
    message: str = ""
    sync_result: SyncResult | None = None
    started_at: Time | None = None
    finished_at: Time | None = None
    retry_count: int = 0


class HealthStatus(msgspec.Struct, frozen=True, rename="camel", omit_defaults=True):
    """`status`: Healthy, Suspended, Progressing, Missing, Degraded or Unknown."""

    status: str = ""
    message: str = ""
    last_transition_time: Time | None = None


class ResourceStatus(msgspec.Struct, frozen=True, rename="camel", omit_defaults=True):
    group: str = ""
    version: str = ""
    kind: str = ""
    namespace: str = ""
    name: str = ""
    status: str = ""
    health: HealthStatus | None = None
    hook: bool = False
    requires_pruning: bool = False
    requires_deletion_confirmation: bool = False
    sync_wave: int = 0


class ComparedTo(msgspec.Struct, frozen=True, rename="camel", omit_defaults=True):
    source: Source | None = None
    sources: tuple[Source, ...] = ()
    destination: Destination = Destination()
    ignore_differences: tuple[IgnoredDifference, ...] = ()


class SyncStatus(msgspec.Struct, frozen=True, rename="camel", omit_defaults=True):
    """`status`: Synced, OutOfSync or Unknown."""

    status: str = ""
    revision: str = ""
    revisions: tuple[str, ...] = ()
    compared_to: ComparedTo = ComparedTo()


class Deployed(msgspec.Struct, frozen=True, rename="camel", omit_defaults=True):
    """One entry of the history."""

    id: int = msgspec.field(default_factory=int)
    revision: str = ""
    revisions: tuple[str, ...] = ()
    source: Source | None = None
    sources: tuple[Source, ...] = ()
    deploy_started_at: Time | None = None
    deployed_at: Time | None = None
    initiated_by: Initiator = Initiator()


class AppCondition(msgspec.Struct, frozen=True, rename="camel", omit_defaults=True):
    """Something to know or to mend; it is there only as long as it holds."""

    type: str = ""
    message: str = ""
    last_transition_time: Time | None = None


class Summary(msgspec.Struct, frozen=True, rename="camel", omit_defaults=True):
    images: tuple[str, ...] = ()
    external_urls: tuple[str, ...] = msgspec.field(name="externalURLs", default=())
    is_app_of_apps: bool = False


class ApplicationStatus(msgspec.Struct, frozen=True, rename="camel", omit_defaults=True):
    resources: tuple[ResourceStatus, ...] = ()
    sync: SyncStatus = SyncStatus()
    health: HealthStatus = HealthStatus()
    history: tuple[Deployed, ...] = ()
    conditions: tuple[AppCondition, ...] = ()
    reconciled_at: Time | None = None
    observed_at: Time | None = None
    operation_state: OperationState | None = None
    source_type: str = ""
    source_types: tuple[str, ...] = ()
    summary: Summary = Summary()
    resource_health_source: str = ""
    controller_namespace: str = ""
    source_hydrator: dict[str, Any] = {}
    last_known_good: KnownGood = KnownGood()
    quarantined_revisions: tuple[QuarantinedRevision, ...] = ()
    rollback: RollbackStatus = RollbackStatus()
    tidegate: dict[str, Any] = {}
