"""Every request we send to an API server, built as a value; nothing here does I/O or knows a kind of ours."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from tidegate.kube.http import Request

WATCH_SECONDS = 300
FIELD_MANAGER = "tidegate"


@dataclass(frozen=True)
class Selection:
    """Which objects of a collection are meant, in the API server's own selector syntax; empty means all."""

    labels: str = ""
    fields: str = ""

    def query(self) -> dict[str, str]:
        return {k: v for k, v in (("labelSelector", self.labels), ("fieldSelector", self.fields)) if v}


ALL = Selection()


def path(group: str, version: str, plural: str, namespace: str = "", name: str = "") -> str:
    """Where an object lives, or its collection without `name`; a `group` of "" is the core API."""
    root = f"/apis/{group}/{version}" if group else f"/api/{version}"
    scope = f"/namespaces/{namespace}" if namespace else ""
    return f"{root}{scope}/{plural}" + (f"/{name}" if name else "")


def get(path: str) -> Request:
    return Request("GET", path)


def page(path: str, selection: Selection = ALL, limit: int = 500, token: str = "") -> Request:
    """One page of a collection; `token` is `metadata.continue` of the page before."""
    query = selection.query() | {"limit": str(limit)}
    return Request("GET", path, query | ({"continue": token} if token else {}))


def watch(path: str, version: str, selection: Selection = ALL, seconds: int = WATCH_SECONDS) -> Request:
    """Changes after `version`, with bookmarks; the server ends the stream after `seconds`."""
    asked = {
        "watch": "true",
        "allowWatchBookmarks": "true",
        "resourceVersion": version,
        "timeoutSeconds": str(seconds),
    }
    return Request("GET", path, selection.query() | asked, timeout=seconds + 30.0)


def create(path: str, body: dict[str, Any], dry_run: bool = False) -> Request:
    """`path` is the collection's. A dry run answers what would be stored, defaults filled in."""
    return Request("POST", path, _manager() | ({"dryRun": "All"} if dry_run else {}), body)


def replace(path: str, body: dict[str, Any]) -> Request:
    return Request("PUT", path, _manager(), body)


def merge_patch(path: str, body: dict[str, Any]) -> Request:
    """RFC 7386; a `metadata.resourceVersion` in `body` makes it conditional."""
    return Request("PATCH", path, _manager(), body, "application/merge-patch+json")


def json_patch(path: str, operations: Iterable[dict[str, Any]]) -> Request:
    """RFC 6902; a failed `test` answers 422 without causes."""
    return Request("PATCH", path, _manager(), list(operations), "application/json-patch+json")


def apply(path: str, body: dict[str, Any], force: bool = False, dry_run: bool = False) -> Request:
    """Server-side apply under our field manager. A dry run answers what would be stored."""
    query = _manager() | {"force": "true" if force else "false"} | ({"dryRun": "All"} if dry_run else {})
    return Request("PATCH", path, query, body, "application/apply-patch+yaml")


def delete(path: str, uid: str = "", propagation: str = "Background") -> Request:
    """Delete the object, only if it still has `uid`; its dependents before it, behind it, or not at all."""
    body: dict[str, Any] = {
        "apiVersion": "v1",
        "kind": "DeleteOptions",
        "propagationPolicy": propagation,
    }
    return Request("DELETE", path, body=body | ({"preconditions": {"uid": uid}} if uid else {}))


def evict(path: str, uid: str) -> Request:
    """Ask for the end of the pod at `path`, only if it still has `uid`; a disruption budget answers 429."""
    namespace, name = path.split("/")[-3], path.rsplit("/", maxsplit=1)[-1]
    body: dict[str, Any] = {
        "apiVersion": "policy/v1",
        "kind": "Eviction",
        "metadata": {"name": name, "namespace": namespace},
        "deleteOptions": {"preconditions": {"uid": uid}},
    }
    return Request("POST", f"{path}/eviction", body=body)


def _manager() -> dict[str, str]:
    return {"fieldManager": FIELD_MANAGER}
