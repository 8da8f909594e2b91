"""How an operation begins, ends, and is tried again, with Argo's words."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from msgspec.structs import replace

from crds.application_policy import Retry
from crds.application_status import Operation, OperationState
from crds.times import duration

ALL_RUN = "successfully synced (all tasks run)"
NO_MORE = "successfully synced (no more tasks)"
NOT_APPLIED = "one or more objects failed to apply"
NOT_TAKEN = "one or more objects failed to apply (dry run)"
UNSUCCESSFUL = "one or more synchronization tasks completed unsuccessfully"
NOT_VALID = "one or more synchronization tasks are not valid"
TERMINATED = "Operation terminated"
FAILURES = (NOT_APPLIED, NOT_TAKEN, UNSUCCESSFUL, NOT_VALID)

BACKOFF = "spec.syncPolicy.retry.backoff"


def begun(operation: Operation, now: datetime) -> OperationState:
    """The state that takes the place of `operation`, in one and the same write."""
    return OperationState(operation, "Running", started_at=_second(now))


def succeeded(state: OperationState, message: str, now: datetime) -> OperationState:
    return _ended(state, "Succeeded", message, now)


def failed(state: OperationState, message: str, now: datetime, phase: str = "Failed") -> OperationState:
    """Over, or, while tries are left, waiting for the next: Running with a time of finish."""
    retry = state.operation.retry or Retry()
    if phase == "Failed" and not 0 <= retry.limit <= state.retry_count:
        tried = replace(state, finished_at=_second(now))
        at = retry_at(tried)
        said = f"{message}. Retrying attempt #{state.retry_count + 1} at {_clock(at)}."
        return replace(tried, phase="Running", message=said)
    return _ended(state, phase, message, now)


def terminated(state: OperationState, now: datetime) -> OperationState:
    """Ended by a person: not tried again."""
    return _ended(state, "Failed", TERMINATED, now)


def superseded(state: OperationState, head: str, now: datetime) -> OperationState:
    """Not tried again, for there is something newer to try."""
    failed_by = state.message.partition(". Retrying attempt")[0]
    said = "; ".join(one for one in (failed_by, f"superseded by {head}") if one)
    return _ended(state, "Failed", said, now)


def waits_for_retry(state: OperationState) -> bool:
    return state.phase == "Running" and state.finished_at is not None


def retry_at(state: OperationState) -> datetime:
    """When a failed operation is tried again."""
    assert state.finished_at, "only what has ended is tried again"
    backoff = (state.operation.retry or Retry()).backoff
    first = duration(backoff.duration, f"{BACKOFF}.duration")
    longest = duration(backoff.max_duration, f"{BACKOFF}.maxDuration")
    seconds = first.total_seconds() * float(backoff.factor) ** min(state.retry_count, 30)
    return state.finished_at + timedelta(seconds=min(seconds, longest.total_seconds()))


def again(state: OperationState) -> OperationState:
    """The next try, which knows nothing of the one before."""
    return replace(state, message="", sync_result=None, finished_at=None, retry_count=state.retry_count + 1)


def _ended(state: OperationState, phase: str, message: str, now: datetime) -> OperationState:
    tried = f" (retried {state.retry_count} times)." if state.retry_count else ""
    return replace(state, phase=phase, message=f"{message}{tried}", finished_at=_second(now))


def _second(moment: datetime) -> datetime:
    """As the API server keeps times."""
    return moment.replace(microsecond=0)


def _clock(at: datetime) -> str:
    """As Go's time.Kitchen: `3:04PM`."""
    local = at.astimezone(UTC)
    return f"{(local.hour + 11) % 12 + 1}:{local:%M}{'AM' if local.hour < 12 else 'PM'}"
