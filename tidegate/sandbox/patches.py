"""The two patch formats we send: RFC 7386 (merge) and RFC 6902 (JSON Patch). New trees, nothing in place."""

from __future__ import annotations

from typing import Any

from tidegate.sandbox.objects import Raw
from tidegate.sandbox.refusals import bad_request, patch_failed, unsupported

_MISSING = object()


def merged(target: Any, patch: Any) -> Any:
    """RFC 7386: null deletes, objects merge, everything else replaces."""
    if not isinstance(patch, dict):
        return patch
    result = dict(target) if isinstance(target, dict) else {}
    for key, value in patch.items():
        if value is None:
            result.pop(key, None)
        else:
            result[key] = merged(result.get(key), value)
    return result


def json_patched(target: Any, operations: Any) -> Any:
    """RFC 6902 with test, add, replace and remove; an operation that does not fit refuses the whole patch."""
    if not isinstance(operations, list):
        raise bad_request("error decoding patch: a JSON Patch is a list of operations")
    for operation in operations:
        target = _operated(target, operation)
    return target


def _operated(target: Any, operation: Raw) -> Any:
    path = _pointer(operation["path"])
    match operation["op"]:
        case "test":
            return _tested(target, path, operation.get("value"))
        case "remove":
            return _changed(target, path, "remove", None)
        case "add" | "replace" as verb:
            return _changed(target, path, verb, operation["value"])
        case other:
            raise unsupported(f"the JSON Patch operation {other!r}")


def _pointer(text: str) -> list[str]:
    if text and not text.startswith("/"):
        raise patch_failed()
    return [part.replace("~1", "/").replace("~0", "~") for part in text.split("/")[1:]]


def _tested(target: Any, path: list[str], value: Any) -> Any:
    here = target
    for key in path:
        here = _child(here, key)
    if (None if here is _MISSING else here) != value:
        raise patch_failed()
    return target


def _child(here: Any, key: str) -> Any:
    if isinstance(here, dict):
        return here.get(key, _MISSING)
    if isinstance(here, list) and key.isdigit() and int(key) < len(here):
        return here[int(key)]
    return _MISSING


def _changed(target: Any, path: list[str], verb: str, value: Any) -> Any:
    if not path:
        return value
    key, rest = path[0], path[1:]
    child = _child(target, key)
    if rest:
        if child is _MISSING:
            raise patch_failed()
        return _with(target, key, _changed(child, rest, verb, value))
    # The real server lets `replace` make a key that is not there; a list item must be there.
    if child is _MISSING and (verb == "remove" or (verb == "replace" and not isinstance(target, dict))):
        raise patch_failed()
    if verb == "remove":
        return _without(target, key)
    return _inserted(target, key, value) if verb == "add" else _with(target, key, value)


def _with(target: Any, key: str, value: Any) -> Any:
    if isinstance(target, dict):
        return {**target, key: value}
    return [*target[: int(key)], value, *target[int(key) + 1 :]]


def _without(target: Any, key: str) -> Any:
    if isinstance(target, dict):
        return {k: v for k, v in target.items() if k != key}
    return [*target[: int(key)], *target[int(key) + 1 :]]


def _inserted(target: Any, key: str, value: Any) -> Any:
    if isinstance(target, dict):
        return {**target, key: value}
    if not isinstance(target, list):
        raise patch_failed()
    index = len(target) if key == "-" else int(key) if key.isdigit() else -1
    if not 0 <= index <= len(target):
        raise patch_failed()
    return [*target[:index], value, *target[index:]]
