"""The operations of a JSON Patch that several routers need."""

from __future__ import annotations

from typing import Any

from crds import paths

Raw = dict[str, Any]


def same_version(raw: Raw) -> Raw:
    """Nothing is changed unless the object is the one that was planned on."""
    return {"op": "test", "path": "/metadata/resourceVersion", "value": raw["metadata"]["resourceVersion"]}


def with_annotation(raw: Raw, key: str, value: str) -> list[Raw]:
    """The operations that give `raw` this annotation; none where it has it."""
    annotations = paths.get(raw, "metadata", "annotations")
    if annotations is None:
        return [{"op": "add", "path": "/metadata/annotations", "value": {key: value}}]
    if annotations.get(key) == value:
        return []
    return [{"op": "add", "path": pointer("metadata", "annotations", key), "value": value}]


def pointer(*path: str | int) -> str:
    """An RFC 6901 pointer."""
    return "".join("/" + str(key).replace("~", "~0").replace("/", "~1") for key in path)
