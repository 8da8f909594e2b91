"""How waiting for an Application ends, told from its status, and from Git where the branch has moved on.

A release that was rejected is a failure though all is well again: the cluster stands on what was before it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime
from typing import Any

from msgspec.structs import replace

from crds.paths import get
from crds.times import parse
from gitops.rollback import UNMENDED
from tidegate.views.syncing import RUNNING, Outcome, quarantine

Raw = dict[str, Any]
Contains = Callable[[str, str], bool]
EVERYTHING = frozenset({"sync", "health", "operation"})


def settled(
    raw: Raw,
    revision: str = "",
    contains: Contains = lambda _commit, _older: False,
    wanted: frozenset[str] = EVERYTHING,
) -> Outcome:
    """Synced and well (or what of that is `wanted`), at `revision` where one is said, or at a commit that
    `contains` it.

    A sync that failed, objects that are Degraded, and a release that was rejected are failures: nothing makes
    them well by waiting.
    """
    status = get(raw, "status", default={})
    if why := _rejected(status, revision):
        return Outcome(True, why)
    at, later = str(get(status, "sync", "revision", default="")), overtaken(raw, revision)
    if later and not (_deployed(status, revision) or contains(later, revision)):
        return Outcome(False)
    why = quarantine(status)[1] if revision and not later else _taken_back(status, revision, contains)
    found = Outcome(True, why) if why else _standing(raw, status, wanted) if at else Outcome(False)
    said = f"{revision} was overtaken by {later[:10]}: {found.problem}"
    return replace(found, problem=said) if later and found.problem else found


def overtaken(raw: Raw, revision: str) -> str:
    """The commit that it is at instead, "" where it is at the revision."""
    at = str(get(raw, "status", "sync", "revision", default=""))
    return "" if at.startswith(revision) else at


def _standing(raw: Raw, status: Raw, wanted: frozenset[str]) -> Outcome:
    sync, state = get(status, "sync", default={}), get(status, "operationState", default={})
    if get(raw, "operation") or state.get("phase") in RUNNING:
        return Outcome(False)
    if state.get("phase") in ("Failed", "Error"):
        return Outcome(True, f"the last sync {state['phase']}: {get(state, 'message', default='')}")
    health = get(status, "health", "status")
    if health == "Degraded" and "health" in wanted:
        return Outcome(True, f"Degraded: {'; '.join(_degraded(status)) or 'see tidegate app get'}")
    synced, well = get(sync, "status") == "Synced", health == "Healthy"
    return Outcome((synced or "sync" not in wanted) and (well or "health" not in wanted))


def _rejected(status: Raw, revision: str) -> str:
    """Whether this very revision was, by its own name or as what a later commit still declared."""
    if not revision:
        return ""
    for bad in get(status, "quarantinedRevisions", default=[]):
        named = str(get(bad, "revision", default="")), _running_at(status, bad)
        if any(one.startswith(revision) for one in named):
            return f"{revision} was rejected: {get(bad, 'reason', default='')}"
    return ""


def _running_at(status: Raw, bad: Raw) -> str:
    """What was deployed when another commit, that was not, was rejected; "" where it was good by then."""
    when, history = get(bad, "since"), list(_history(status))
    if not when or any(revision == get(bad, "revision") for _, revision in history):
        return ""
    entries = [(at, revision) for at, revision in history if at <= parse(when)]
    if not entries:
        return ""
    deployed, revision = entries[-1]
    goods = (get(one, "time") for one in get(status, "tidegate", "good", default=[]))
    return "" if any(deployed <= parse(one) <= parse(when) for one in goods if one) else revision


def _taken_back(status: Raw, revision: str, contains: Contains) -> str:
    """Of the last release: it is being taken back, or was, and nothing was released since."""
    rollback = get(status, "rollback", default={})
    phase, pushed = get(rollback, "phase"), str(get(rollback, "pushed", default=""))
    if phase not in UNMENDED and (phase != "Recovered" or _since(status, rollback)):
        return ""
    if revision and pushed and (pushed.startswith(revision) or contains(revision, pushed)):
        return ""
    return (
        f"{str(get(rollback, 'from', default=''))[:10]} was rejected: {get(rollback, 'reason', default='')}"
    )


def _since(status: Raw, rollback: Raw) -> list[str]:
    """What was deployed after what was rejected, other than what took it back."""
    bad, since, history = get(rollback, "from"), get(rollback, "since"), list(_history(status))
    own = (get(rollback, "pushed"), str(get(rollback, "message", default="")).removeprefix("at "))
    places = [place for place, (_, revision) in enumerate(history, 1) if revision == bad]
    if places:
        later = history[places[-1] :]
    else:
        later = [(at, revision) for at, revision in history if since and at > parse(since)]
    return [revision for _, revision in later if revision not in own]


def _deployed(status: Raw, revision: str) -> bool:
    return any(one.startswith(revision) for _, one in _history(status))


def _history(status: Raw) -> Iterator[tuple[datetime, str]]:
    for one in get(status, "history", default=[]):
        if at := get(one, "deployedAt"):
            yield parse(at), str(get(one, "revision", default=""))


def _degraded(status: Raw) -> list[str]:
    resources = get(status, "resources", default=[])
    found = [one for one in resources if get(one, "health", "status") == "Degraded"]
    return [f"{one['kind']} {one['name']} {get(one, 'health', 'message', default='')}" for one in found]
