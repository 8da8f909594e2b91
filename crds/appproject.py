"""The AppProject: which repositories, namespaces and kinds a group of Applications may use.

Patterns are globs; `!` in front denies.
"""

from __future__ import annotations

from typing import Any

import msgspec

from crds.meta import ObjectMeta, read
from crds.paths import drop


class ProjectDestination(msgspec.Struct, frozen=True, rename="camel"):
    server: str = ""
    name: str = ""
    namespace: str = ""


class ServiceAccount(msgspec.Struct, frozen=True, rename="camel"):
    """As whom a sync writes there."""

    server: str = ""
    namespace: str = ""
    default_service_account: str = ""


class GroupKind(msgspec.Struct, frozen=True, rename="camel"):
    group: str
    kind: str
    name: str = ""


class Orphan(msgspec.Struct, frozen=True, rename="camel"):
    group: str = ""
    kind: str = ""
    name: str = ""


class OrphanedResources(msgspec.Struct, frozen=True, rename="camel"):
    """Objects in a destination that belong to no Application; `prune` is ours, and opt-in."""

    warn: bool | None = None
    prune: bool = False
    ignore: tuple[Orphan, ...] = ()


class Token(msgspec.Struct, frozen=True, rename="camel"):
    iat: int
    exp: int = 0
    id: str = ""


class Role(msgspec.Struct, frozen=True, rename="camel"):
    name: str
    description: str = ""
    policies: tuple[str, ...] = ()
    groups: tuple[str, ...] = ()
    jwt_tokens: tuple[Token, ...] = ()


class SyncWindow(msgspec.Struct, frozen=True, rename="camel"):
    """`kind` is allow or deny, `schedule` a cron line; the lists are globs."""

    kind: str = ""
    schedule: str = ""
    duration: str = ""
    time_zone: str = ""
    applications: tuple[str, ...] = ()
    namespaces: tuple[str, ...] = ()
    clusters: tuple[str, ...] = ()
    and_operator: bool = False
    manual_sync: bool = False
    sync_overrun: bool = False
    description: str = ""


class SignatureKey(msgspec.Struct, frozen=True, rename="camel"):
    key_id: str = msgspec.field(name="keyID")


class RepositoryGlob(msgspec.Struct, frozen=True, rename="camel"):
    url: str


class GPG(msgspec.Struct, frozen=True, rename="camel"):
    """`mode`: none, head or strict."""

    mode: str = ""
    keys: tuple[str, ...] = ()


class IntegrityPolicy(msgspec.Struct, frozen=True, rename="camel"):
    repos: tuple[RepositoryGlob, ...] = ()
    gpg: GPG | None = None


class GitIntegrity(msgspec.Struct, frozen=True, rename="camel"):
    policies: tuple[IntegrityPolicy, ...] = ()


class SourceIntegrity(msgspec.Struct, frozen=True, rename="camel"):
    git: GitIntegrity | None = None


class ProjectSpec(msgspec.Struct, frozen=True, rename="camel"):
    """Nothing is permitted that is not listed; namespaced kinds are, unless a list says otherwise."""

    source_repos: tuple[str, ...] = ()
    source_namespaces: tuple[str, ...] = ()
    destinations: tuple[ProjectDestination, ...] = ()
    destination_service_accounts: tuple[ServiceAccount, ...] = ()
    cluster_resource_whitelist: tuple[GroupKind, ...] = ()
    cluster_resource_blacklist: tuple[GroupKind, ...] = ()
    namespace_resource_whitelist: tuple[GroupKind, ...] = ()
    namespace_resource_blacklist: tuple[GroupKind, ...] = ()
    orphaned_resources: OrphanedResources | None = None
    roles: tuple[Role, ...] = ()
    sync_windows: tuple[SyncWindow, ...] = ()
    signature_keys: tuple[SignatureKey, ...] = ()
    source_integrity: SourceIntegrity | None = None
    permit_only_project_scoped_clusters: bool = False
    description: str = ""


class ProjectStatus(msgspec.Struct, frozen=True, rename="camel"):
    jwt_tokens_by_role: dict[str, Any] = {}


class AppProject(msgspec.Struct, frozen=True, rename="camel"):
    spec: ProjectSpec
    metadata: ObjectMeta = ObjectMeta()
    status: ProjectStatus = ProjectStatus()


EVERYTHING = ProjectSpec(
    source_repos=("*",),
    destinations=(ProjectDestination("*", namespace="*"),),
    cluster_resource_whitelist=(GroupKind("*", "*"),),
)
"""What the project `default` permits while nobody has written it, as Argo CD makes it."""


def parse_project(raw: dict[str, Any]) -> AppProject:
    """The project in `raw`; Invalid where it has a wrong type."""
    return read(drop(raw, ("status",)), AppProject)
