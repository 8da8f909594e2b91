"""What an Application or its project may say and we do not act on yet.

Where passing it over would deploy something else, somewhere else or with more rights than was asked,
nothing is synced (`unsupported`); the rest is named and passed over (`ignored`). Support for a field is added
by deleting its line here.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from msgspec.structs import replace

from crds.application import IN_CLUSTER, Application
from crds.application_source import Kustomize, Source, normalised
from crds.application_status import SyncOperation
from crds.appproject import AppProject
from crds.errors import Invalid
from crds.paths import show

Table = Mapping[str, Callable[[Any], Any]]

SPEC: Table = {
    "sources": lambda app: app.spec.sources,
    "sourceHydrator": lambda app: app.spec.source_hydrator,
    "destination.server": lambda app: app.spec.destination.server not in {"", IN_CLUSTER},
    "destination.name": lambda app: app.spec.destination.name not in {"", "in-cluster"},
}
SOURCE: Table = {
    "chart": lambda source: source.chart,
    "helm": lambda source: source.helm,
    "plugin": lambda source: source.plugin,
    "tagPrefix": lambda source: source.tag_prefix,
    "directory.jsonnet": lambda source: source.directory and source.directory.jsonnet,
    "directory.disableExtensionFilter": lambda source: (
        source.directory and source.directory.disable_extension_filter
    ),
}
KUSTOMIZE: Table = {
    "version": lambda kustomize: kustomize.version,
    "commonAnnotationsEnvsubst": lambda kustomize: kustomize.common_annotations_envsubst,
    "patches[].path": lambda kustomize: any(one.path for one in kustomize.patches),
}
PROJECT: Table = {
    "syncWindows": lambda spec: spec.sync_windows,
    "sourceIntegrity": lambda spec: spec.source_integrity and spec.source_integrity.git,
    "signatureKeys": lambda spec: spec.signature_keys,
    "destinationServiceAccounts": lambda spec: spec.destination_service_accounts,
}
OPERATION: Table = {
    "source": lambda sync: sync.source,
    "sources": lambda sync: sync.sources,
    "revisions": lambda sync: sync.revisions,
    "manifests": lambda sync: sync.manifests,
}
OPTIONS = frozenset(
    {
        *("Replace=true", "Force=true", "Validate=false", "ServerSideApply=false", "Delete=confirm"),
        *("RespectIgnoreDifferences=false", "FailOnSharedResource=false"),
    }
)
"""Sync options of no effect: all is applied by server-side apply, which names what it does not take; what is
ignored is never overwritten, and nobody writes what is another's."""
SWITCH = frozenset({"true", "false"})
ASKING = SWITCH | {"confirm"}
KNOWN_OPTIONS = {
    "ApplyOutOfSyncOnly": SWITCH,
    "ClientSideApplyMigration": SWITCH,
    "CreateNamespace": SWITCH,
    "Delete": ASKING,
    "FailOnSharedResource": SWITCH,
    "Force": SWITCH,
    "Prune": ASKING,
    "PruneLast": SWITCH,
    "PrunePropagationPolicy": frozenset({"foreground", "background", "orphan"}),
    "Replace": SWITCH,
    "RespectIgnoreDifferences": SWITCH,
    "ServerSideApply": SWITCH,
    "SkipDryRunOnMissingResource": SWITCH,
    "Validate": SWITCH,
}
"""With the values that mean anything."""

STRATEGY: Table = {
    "apply.force": lambda strategy: strategy.apply and strategy.apply.force,
    "hook.force": lambda strategy: strategy.hook and strategy.hook.force,
}
IGNORED: Table = {
    "notifications": lambda app: app.spec.notifications,
    "health.resources": lambda app: app.spec.health.resources,
    "syncPolicy.retry.refresh": lambda app: app.spec.sync_policy.retry and app.spec.sync_policy.retry.refresh,
}
ROLLBACK: Table = {
    "onSyncFailure": lambda rollback: rollback.on_sync_failure,
    "scope": lambda rollback: rollback.scope == "app",
    "ignoreSyncWindows": lambda rollback: rollback.ignore_sync_windows,
    "git.branch": lambda rollback: rollback.git.branch,
    "git.baseBranch": lambda rollback: rollback.git.base_branch,
    "git.commitTemplate": lambda rollback: rollback.git.commit_template,
    "git.signing.type": lambda rollback: rollback.git.signing.type not in {"", "ssh", "none"},
    "quarantine.ttl": lambda rollback: rollback.quarantine.ttl not in {0, "0", "0s"},
}
NOT_YET = "is not acted on yet; remove it, or leave this Application to Argo CD"
NOT_YET_ASKED = "is not acted on yet; ask for operation.sync.revision, as tidegate app sync --revision does"
NOT_YET_IN_PROJECT = "is not acted on yet; remove it, or leave the Applications of this project to Argo CD"


def unsupported(application: Application) -> tuple[Invalid, ...]:
    """The fields without which something else would be deployed; an Application with any is not synced."""
    spec = application.spec
    said = (*_said("spec.", SPEC, application), *_of_source(spec.source))
    return tuple(Invalid(path, NOT_YET) for path in said)


def unsupported_sync(sync: SyncOperation, declared: Source | None) -> tuple[Invalid, ...]:
    """The fields by which a sync asks for something else than the `declared` source at one revision."""
    same = sync.source and declared and normalised(sync.source) == normalised(declared)
    asked = replace(sync, source=None) if same else sync
    return tuple(Invalid(path, NOT_YET_ASKED) for path in _said("operation.sync.", OPERATION, asked))


def project_unsupported(project: AppProject) -> tuple[Invalid, ...]:
    """The fields that limit what may be synced, and when; while there is any, nothing of it is synced."""
    return tuple(Invalid(path, NOT_YET_IN_PROJECT) for path in _said("spec.", PROJECT, project.spec))


def ignored(application: Application) -> tuple[str, ...]:
    """The paths of fields we pass over because they change nothing that is deployed."""
    options = enumerate(application.spec.sync_policy.sync_options)
    passed = (
        f"{show('spec', 'syncPolicy', 'syncOptions', at)} ({option})"
        for at, option in options
        if without_effect(option)
    )
    differences = enumerate(application.spec.ignore_differences)
    jq = (
        show("spec", "ignoreDifferences", at, "jqPathExpressions")
        for at, one in differences
        if one.jq_path_expressions
    )
    of_spec = (*_said("spec.", IGNORED, application), *_of_rollback(application), *passed, *jq)
    return (*of_spec, *_of_operation(application))


def without_effect(option: str) -> bool:
    """Whether a sync option, of an Application or of one object, changes nothing: it may be misspelled."""
    name, _, value = (part.strip() for part in option.partition("="))
    return f"{name}={value}" in OPTIONS or value not in KNOWN_OPTIONS.get(name, ())


def _of_operation(application: Application) -> Iterator[str]:
    """Of the last sync, what a person asked for beyond the spec."""
    state, own = application.status.operation_state, application.spec.sync_policy.sync_options
    sync = state.operation.sync if state and not state.operation.initiated_by.automated else None
    for option in sync.sync_options if sync else ():
        if without_effect(option) and option not in own:
            yield f"operation.sync.syncOptions ({option})"
    if sync and sync.sync_strategy:
        yield from _said("operation.sync.syncStrategy.", STRATEGY, sync.sync_strategy)


def _of_rollback(application: Application) -> list[str]:
    where = "spec.rollback." if application.spec.rollback else "spec.syncPolicy.rollback."
    return _said(where, ROLLBACK, application.rollback)


def _of_source(source: Source | None) -> Iterator[str]:
    if source is None:
        return
    yield from _said("spec.source.", SOURCE, source)
    yield from _said("spec.source.kustomize.", KUSTOMIZE, source.kustomize or Kustomize())


def _said(prefix: str, table: Table, value: Any) -> list[str]:
    return [f"{prefix}{path}" for path, said in table.items() if said(value)]
