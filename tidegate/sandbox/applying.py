"""Server-side apply, as far as one applier can tell: what it said before and says no more goes.

Lists are taken whole, as a kind without merge keys has them, and who applies takes over what others manage.
"""

from __future__ import annotations

from typing import Any

from tidegate.sandbox.objects import Raw, at
from tidegate.sandbox.patches import merged

IDENTITY = ("name", "namespace", "uid", "resourceVersion", "managedFields", "creationTimestamp", "generation")


def applied(old: Raw, body: Raw, manager: str) -> Raw:
    """The object after `manager` has applied `body`."""
    entries = at(old, "metadata", "managedFields", default=[])
    before: Raw = next((one["fieldsV1"] for one in entries if _is(one, manager)), {})
    said = _fields({**body, "metadata": _plain(body.get("metadata", {}))})
    entry = {
        "manager": manager,
        "operation": "Apply",
        "apiVersion": body["apiVersion"],
        "fieldsType": "FieldsV1",
        "fieldsV1": said,
    }
    others = [one for one in entries if not _is(one, manager)]
    result = merged(_without(old, before, said), body)
    return {**result, "metadata": {**result["metadata"], "managedFields": [*others, entry]}}


def _is(entry: Raw, manager: str) -> bool:
    return bool(entry["manager"] == manager and entry["operation"] == "Apply")


def _plain(meta: Raw) -> Raw:
    return {key: value for key, value in meta.items() if key not in IDENTITY}


def _fields(tree: Raw) -> Raw:
    said = {key: value for key, value in tree.items() if key not in ("apiVersion", "kind")}
    return {f"f:{key}": _fields(value) if isinstance(value, dict) else {} for key, value in said.items()}


def _without(tree: Any, before: Raw, said: Raw) -> Any:
    """Without the fields that are said no more; a mapping that others filled too keeps theirs."""
    result = dict(tree)
    for field, inner in before.items():
        key = field.removeprefix("f:")
        if inner and isinstance(result.get(key), dict):
            result[key] = _without(result[key], inner, said.get(field, {}))
            if not result[key] and field not in said:
                del result[key]
        elif field not in said:
            result.pop(key, None)
    return result
