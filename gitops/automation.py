"""Whether an automated Application starts a sync now: Argo's guards, in Argo's order.

A revision is tried once. What failed is not tried again until Git or the source changes; what succeeded is
put right again only with `selfHeal`, ever later: 2 s, 6 s, 18 s, up to five minutes. What a person has let
out of quarantine since is synced once more.
"""

from __future__ import annotations

from datetime import datetime, timedelta

import msgspec

from crds.application import BY_DEFAULT, Application
from crds.application_policy import Automated
from crds.application_source import normalised
from crds.application_status import Initiator, Operation, OperationState, SyncOperation, SyncResource
from gitops.compare import KEPT_FOR, NO_PRUNE, Compared, Comparison
from gitops.objects import Key
from gitops.scene import key_of_result

FIRST, LONGEST = timedelta(seconds=2), timedelta(seconds=300)
FORGOTTEN = timedelta(seconds=330)
"""After so long without healing the back-off begins anew."""


class Start(msgspec.Struct, frozen=True):
    """Write this operation."""

    operation: Operation
    why: str


class Later(msgspec.Struct, frozen=True):
    """Heal at that time."""

    at: datetime
    why: str


class Nothing(msgspec.Struct, frozen=True):
    """No sync; `condition` is what to say under SyncError, "" for nothing."""

    why: str
    condition: str = ""


Choice = Start | Later | Nothing


def automatic(application: Application, comparison: Comparison, revision: str, now: datetime) -> Choice:
    """What an Application compared with `revision` does by itself."""
    sight = _sight(application, comparison, revision)
    if isinstance(sight, Nothing):
        return sight
    tried = attempted(application, revision) and not _let_go_since(application)
    return _again(sight, now) if tried else _first(sight)


def healing(application: Application, comparison: Comparison, revision: str, now: datetime) -> Choice:
    """The same where nothing new may begin."""
    sight = _sight(application, comparison, revision)
    if isinstance(sight, Nothing):
        return sight
    return _healed(sight, now) if sight.automated.self_heal else Nothing("automated.selfHeal is off")


def _sight(application: Application, comparison: Comparison, revision: str) -> _Sight | Nothing:
    """Argo's guards."""
    automated = application.automated
    if automated is None:
        return Nothing("not automated")
    if application.operation or _running(application.status.operation_state):
        return Nothing("an operation is there")
    if application.metadata.deletion_timestamp:
        return Nothing("being deleted")
    if comparison.pending or comparison.status != "OutOfSync":
        return Nothing(f"{'comparing' if comparison.pending else comparison.status}")
    if not automated.prune and all(one.requires_pruning for one in comparison.different):
        return Nothing("only pruning is left, and automated.prune is off")
    return _Sight(application, automated, comparison, revision)


class _Sight(msgspec.Struct, frozen=True):
    application: Application
    automated: Automated
    comparison: Comparison
    revision: str


def attempted(application: Application, revision: str) -> bool:
    """Whether the last operation was for this very revision and source."""
    state, source = application.status.operation_state, application.spec.source
    if state is None or state.sync_result is None or source is None:
        return False
    result = state.sync_result
    return result.revision == revision and result.source == normalised(source)


def _let_go_since(application: Application) -> bool:
    """Whether a person has let a release go since the last operation began."""
    state, at = application.status.operation_state, application.status.rollback.released_at
    return at is not None and state is not None and state.started_at is not None and state.started_at < at


def heal_after(attempts: int) -> timedelta:
    """How long after the last sync the next healing comes."""
    return min(LONGEST, FIRST * int(3 ** min(attempts, 10)))


def _running(state: OperationState | None) -> bool:
    return state is not None and state.phase in {"Running", "Terminating"}


def _again(sight: _Sight, now: datetime) -> Choice:
    state = sight.application.status.operation_state or OperationState()
    if state.phase != "Succeeded":
        said = f"Failed last sync attempt to [{sight.revision}]: {state.message}"
        return Nothing("the last sync of this revision failed", said)
    spared = _skipped(state, NO_PRUNE)
    wanted = tuple(one for one in sight.comparison.different if not _among(one, spared))
    if not wanted:
        return Nothing("what is left in the cluster asks not to be pruned")
    kept = _skipped(state, KEPT_FOR)
    left = wanted if all(_among(one, kept) for one in wanted) else ()
    if not sight.automated.self_heal and not left:
        return Nothing("synced once, and automated.selfHeal is off")
    return _first(sight, left, _attempts(state, now) + 1) if left else _healed(sight, now)


def _healed(sight: _Sight, now: datetime) -> Choice:
    state = sight.application.status.operation_state or OperationState()
    attempts = _attempts(state, now)
    due = state.finished_at + heal_after(attempts) if state.finished_at else now
    if now < due:
        return Later(due, f"healing in {(due - now).total_seconds():.0f} s")
    return _first(sight, sight.comparison.different, attempts + 1)


def _attempts(state: OperationState, now: datetime) -> int:
    sync = state.operation.sync
    long_ago = state.finished_at is not None and now >= state.finished_at + FORGOTTEN
    return 0 if sync is None or long_ago else sync.auto_heal_attempts_count


def _skipped(state: OperationState, why: str) -> frozenset[Key]:
    """What the last sync did not prune, and for this."""
    results = state.sync_result.resources if state.sync_result else ()
    skipped = (one for one in results if one.status == "PruneSkipped" and one.message.startswith(why))
    return frozenset(map(key_of_result, skipped))


def _among(one: Compared, keys: frozenset[Key]) -> bool:
    return one.requires_pruning and one.key in keys


def _first(sight: _Sight, only: tuple[Compared, ...] = (), attempts: int = 0) -> Choice:
    automated, policy = sight.automated, sight.application.spec.sync_policy
    if automated.prune and not automated.allow_empty and _wiped(sight.comparison):
        said = f"Skipping sync attempt to [{sight.revision}]: auto-sync will wipe out all resources"
        return Nothing("everything would be pruned", said)
    sync = SyncOperation(
        revision=sight.revision,
        prune=automated.prune,
        sync_options=policy.sync_options,
        resources=tuple(_named(one.key) for one in only),
        auto_heal_attempts_count=attempts,
    )
    operation = Operation(sync, Initiator(automated=True), retry=policy.retry or BY_DEFAULT)
    return Start(operation, f"Initiated automated sync to '{sight.revision}'")


def _wiped(comparison: Comparison) -> bool:
    return bool(comparison.resources) and all(one.requires_pruning for one in comparison.resources)


def _named(key: Key) -> SyncResource:
    return SyncResource(key.kind, key.name, key.group, key.namespace)
