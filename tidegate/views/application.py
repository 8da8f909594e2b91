"""Applications as people know them from `argocd app list` and `app get`, and the brief's short block."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from typing import Any

from crds.paths import get
from crds.times import parse
from gitops.rollback import UNMENDED
from tidegate.views.screen import table

Raw = dict[str, Any]
SHORT = 7
_PLACE = ("REPO", "PATH", "TARGET")
_LISTED = ("NAME", "CLUSTER", "NAMESPACE", "PROJECT", "STATUS", "HEALTH", "SYNCPOLICY", "CONDITIONS", *_PLACE)
_HISTORY = ("ID", "DATE", "REVISION", "BY")
_OBJECTS = ("GROUP", "KIND", "NAMESPACE", "NAME", "STATUS", "HEALTH", "HOOK", "MESSAGE")


def applications(raws: Iterable[Raw]) -> str:
    """All of them, one a line."""
    return table((_LISTED, *(_line(raw) for raw in raws))) + "\n"


def full_names(raws: Iterable[Raw]) -> str:
    return "".join(f"{_name(raw)}\n" for raw in raws)


def details(raw: Raw) -> str:
    """Everything about one: what it is, what is wrong, and its objects."""
    blocks = ["\n".join(_header(raw)), _conditions(raw), _objects(raw)]
    return "\n\n".join(block for block in blocks if block) + "\n"


def operation(raw: Raw) -> str:
    """The last sync."""
    state = get(raw, "status", "operationState", default={})
    said = (
        ("Operation:", "Sync"),
        ("Sync Revision:", get(state, "syncResult", "revision", default="")),
        ("Phase:", get(state, "phase", default="")),
        ("Start:", get(state, "startedAt", default="")),
        ("Finished:", get(state, "finishedAt", default="")),
        ("Duration:", _lasted(state)),
        ("Message:", get(state, "message", default="")),
    )
    return "".join(f"{name:<20}{value}\n" for name, value in said if value)


def _lasted(state: Raw) -> str:
    """Of what has ended, as Go writes it."""
    start, end = (get(state, name) for name in ("startedAt", "finishedAt"))
    if not (start and end):
        return ""
    minutes, seconds = divmod(int((parse(end) - parse(start)).total_seconds()), 60)
    return f"{minutes}m{seconds}s" if minutes else f"{seconds}s"


def history(raw: Raw) -> str:
    """What was deployed, oldest first; what was in the repository it says on top."""
    rows = [_deployed(one) for one in get(raw, "status", "history", default=[])]
    repo = get(raw, "spec", "source", "repoURL", default="")
    return f"SOURCE  {repo}\n{table((_HISTORY, *rows))}\n"


def history_ids(raw: Raw) -> str:
    return "".join(f"{get(one, 'id', default=0)}\n" for one in get(raw, "status", "history", default=[]))


def summary(raw: Raw) -> str:
    """The brief's block: where it stands, and the deployed revision against Git's."""
    source, to, status = (
        get(raw, *path, default={}) for path in (("spec", "source"), ("spec", "destination"), ("status",))
    )
    deployed = _runs(status)[:SHORT] or "nothing"
    wanted = str(get(status, "sync", "revision", default=""))[:SHORT] or "unknown"
    sync, last = _sync(raw), get(status, "operationState", "finishedAt", default="never")
    terms = ", ".join(dict.fromkeys(str(get(one, "type")) for one in get(status, "conditions", default=[])))
    return f"""\
Name: {get(raw, "metadata", "name")}
Namespace: {get(raw, "metadata", "namespace", default="")}
Project: {get(raw, "spec", "project", default="")}
Status: {sync}
OperationState: {get(status, "operationState", "phase", default="none")}
SyncPolicy: {_policy(raw)}
Sync: LastSync: {last}, Terms: [{terms}]

REPO REVISION
{get(source, "repoURL", default="")} {get(source, "targetRevision", default="HEAD")}

DESTINATION
SERVER NAMESPACE
{_server(to)} {get(to, "namespace", default="")}

SYNCROOT
{deployed} (old) vs {wanted} (Git) → {sync}
"""


def _runs(status: Raw) -> str:
    """The commit that was deployed last, or the good one that came back in its place."""
    last = str(get(status, "history", -1, "revision", default=""))
    rollback = get(status, "rollback", default={})
    back = get(rollback, "phase") in UNMENDED and get(rollback, "restoredAt")
    instead = back and get(rollback, "from") == last
    return str(get(rollback, "good", "revision", default="")) if instead else last


def _deployed(one: Raw) -> tuple[str, ...]:
    target = get(one, "source", "targetRevision", default="HEAD")
    commit = str(get(one, "revision", default=""))[:SHORT]
    by = get(one, "initiatedBy", "username") or "by itself"
    return str(get(one, "id", default=0)), str(get(one, "deployedAt", default="")), f"{target} ({commit})", by


def _line(raw: Raw) -> tuple[str, ...]:
    source, to = get(raw, "spec", "source", default={}), get(raw, "spec", "destination", default={})
    return (
        _name(raw),
        _server(to),
        str(get(to, "namespace", default="")),
        str(get(raw, "spec", "project", default="")),
        _sync(raw),
        _health(raw),
        {"Manual": "Manual", "Automated": "Auto"}.get(_policy(raw), "Auto-Prune"),
        _counted(raw),
        str(get(source, "repoURL", default="")),
        str(get(source, "path", default="")),
        str(get(source, "targetRevision", default="")),
    )


def _header(raw: Raw) -> Iterator[str]:
    source, to = get(raw, "spec", "source", default={}), get(raw, "spec", "destination", default={})
    target, at = get(source, "targetRevision", default=""), get(raw, "status", "sync", "revision", default="")
    word = "to" if _sync(raw) == "Synced" else "from"
    message = get(raw, "status", "health", "message", default="")
    yield _field("Name:", _name(raw))
    yield _field("Project:", get(raw, "spec", "project", default=""))
    yield _field("Server:", _server(to))
    yield _field("Namespace:", get(to, "namespace", default=""))
    yield "Source:"
    yield _field("- Repo:", get(source, "repoURL", default=""))
    yield _field("  Target:", target)
    yield _field("  Path:", get(source, "path", default=""))
    yield _field("Sync Policy:", _policy(raw))
    yield _field("Sync Status:", f"{_sync(raw)} {word} {target} ({at[:SHORT]})" if at else _sync(raw))
    yield _field("Health Status:", f"{_health(raw)} ({message})" if message else _health(raw))


def _conditions(raw: Raw) -> str:
    told = get(raw, "status", "conditions", default=[])
    rows = [tuple(str(get(one, key, default="")) for key in _CONDITION) for one in told]
    return table((("CONDITION", "MESSAGE", "LAST TRANSITION"), *rows)) if rows else ""


_CONDITION = ("type", "message", "lastTransitionTime")


def _objects(raw: Raw) -> str:
    """With what the last sync said of each."""
    results = get(raw, "status", "operationState", "syncResult", "resources", default=[])
    said = {_key(one): get(one, "message", default="") for one in results}
    hooks = [_row(one, str(get(one, "hookPhase")), "", said) for one in results if get(one, "hookType")]
    rows = [
        _row(one, get(one, "status", default=""), get(one, "health", "status", default=""), said)
        for one in get(raw, "status", "resources", default=[])
    ]
    return table((_OBJECTS, *hooks, *rows)) if hooks or rows else ""


def _row(one: Raw, status: str, health: str, said: dict[tuple[str, ...], str]) -> tuple[str, ...]:
    return (*_key(one), status, health, str(get(one, "hookType", default="")), said.get(_key(one), ""))


def _key(one: Raw) -> tuple[str, ...]:
    return tuple(str(get(one, key, default="")) for key in ("group", "kind", "namespace", "name"))


def _field(name: str, value: object) -> str:
    return f"{name:<20}{value}".rstrip()


def _name(raw: Raw) -> str:
    return f"{get(raw, 'metadata', 'namespace', default='')}/{get(raw, 'metadata', 'name')}"


def _server(to: Raw) -> str:
    return str(get(to, "server") or get(to, "name", default=""))


def _sync(raw: Raw) -> str:
    return str(get(raw, "status", "sync", "status", default="Unknown"))


def _health(raw: Raw) -> str:
    return str(get(raw, "status", "health", "status", default="Unknown"))


def _policy(raw: Raw) -> str:
    automated = get(raw, "spec", "syncPolicy", "automated")
    if automated is None or get(automated, "enabled") is False:
        return "Manual"
    return "Automated (Prune)" if get(automated, "prune") else "Automated"


def _counted(raw: Raw) -> str:
    counts = Counter(str(get(one, "type")) for one in get(raw, "status", "conditions", default=[]))
    return ",".join(f"{kind}({count})" for kind, count in sorted(counts.items())) or "<none>"
