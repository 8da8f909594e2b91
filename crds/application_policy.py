"""How an Application is synced, watched and taken back: Argo's syncPolicy, and the brief's forms.

The brief's are `driftCheckInterval`, `health.resources`, `rollback` (in either of two places) and
`notifications`.
"""

from __future__ import annotations

import msgspec

from crds.meta import Metadata

IntOrString = int | str


class Automated(msgspec.Struct, frozen=True, rename="camel"):
    """`automated: {}` means enabled; so does `enabled: null`."""

    enabled: bool | None = None
    prune: bool = False
    self_heal: bool = False
    allow_empty: bool = False


class Backoff(msgspec.Struct, frozen=True, rename="camel", omit_defaults=True):
    duration: IntOrString = "5s"
    factor: int = 2
    max_duration: IntOrString = "3m"


class Retry(msgspec.Struct, frozen=True, rename="camel"):
    """How often a failed sync is tried again; a limit below 0 is no limit."""

    limit: int = 0
    backoff: Backoff = Backoff()
    refresh: bool = False


class Author(msgspec.Struct, frozen=True, rename="camel"):
    name: str = ""
    email: str = ""


class SecretRef(msgspec.Struct, frozen=True, rename="camel"):
    name: str = ""


class Signing(msgspec.Struct, frozen=True, rename="camel"):
    """With which key a revert commit is signed; `type` is ssh, gpg or none."""

    type: str = ""
    secret_ref: SecretRef | None = None


class GitBack(msgspec.Struct, frozen=True, rename="camel"):
    """How a revert gets into Git: `mode` auto, push, pullRequest, none; `strategy` auto, commit, paths."""

    mode: str = "auto"
    strategy: str = "auto"
    branch: str = ""
    base_branch: str = ""
    author: Author = Author()
    signing: Signing = Signing()
    commit_template: str = ""


class Quarantine(msgspec.Struct, frozen=True, rename="camel"):
    """Whether a bad revision is held back in the cluster, and for how long (0: until Git moves)."""

    hold: bool = True
    ttl: IntOrString = 0


class Rollback(msgspec.Struct, frozen=True, rename="camel"):
    """When a bad release is reverted in Git; off unless `enabled`. `scope` is rollout or app."""

    enabled: bool = False
    on_health_failure: bool = True
    on_analysis_failure: bool = True
    on_sync_failure: bool = False
    max_retries: int = 3
    scope: str = "rollout"
    allow_schema_change: bool = False
    ignore_sync_windows: bool = False
    git: GitBack = GitBack()
    quarantine: Quarantine = Quarantine()


class SyncPolicy(msgspec.Struct, frozen=True, rename="camel"):
    automated: Automated | None = None
    sync_options: tuple[str, ...] = ()
    retry: Retry | None = None
    managed_namespace_metadata: Metadata | None = None
    drift_check_interval: IntOrString = "3m"
    rollback: Rollback | None = None


class HealthRule(msgspec.Struct, frozen=True, rename="camel"):
    """At `healthLevel` or worse so long after a sync is a health failure; `name` may be a glob."""

    name: str
    kind: str
    group: str | None = None
    timeout: IntOrString = "5m"
    health_level: str = "Progressing"


class HealthRules(msgspec.Struct, frozen=True, rename="camel"):
    resources: tuple[HealthRule, ...] = ()


class Notification(msgspec.Struct, frozen=True, rename="camel"):
    """Who is told: `name` is the service, `on` one event or several, `for` how long it must last.

    kubectl reads YAML 1.1, where the key `on` is a bool: what arrives is `true`.
    """

    name: str
    destination: str = ""
    on: str | tuple[str, ...] = ()
    on_as_kubectl_sends_it: str | tuple[str, ...] = msgspec.field(name="true", default=())
    lasting: IntOrString = msgspec.field(name="for", default=0)
    once_per: str = ""

    @property
    def events(self) -> tuple[str, ...]:
        said = self.on or self.on_as_kubectl_sends_it
        return (said,) if isinstance(said, str) else said


class IgnoredDifference(msgspec.Struct, frozen=True, rename="camel", omit_defaults=True):
    """Fields whose difference is no drift; group and kind may be `*`, no name means every name."""

    kind: str
    group: str = ""
    name: str = ""
    namespace: str = ""
    json_pointers: tuple[str, ...] = ()
    jq_path_expressions: tuple[str, ...] = ()
    managed_fields_managers: tuple[str, ...] = ()


class Info(msgspec.Struct, frozen=True, rename="camel"):
    name: str = ""
    value: str = ""


class Destination(msgspec.Struct, frozen=True, rename="camel", omit_defaults=True):
    """The cluster, by server or by name, and the namespace of objects that name none."""

    server: str = ""
    name: str = ""
    namespace: str = ""
