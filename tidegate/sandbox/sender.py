"""The sandbox behind the seam every client of ours speaks through."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from typing import Any

from tidegate.kube.http import Request, Response
from tidegate.sandbox.objects import Raw
from tidegate.sandbox.patches import merged
from tidegate.sandbox.refusals import expired, unsupported
from tidegate.sandbox.resources import Resource, target_of
from tidegate.sandbox.selectors import Matches, matcher
from tidegate.sandbox.store import Change, Store, sent

BOOKMARK_SECONDS = 60.0
WATCHED = {
    "watch",
    "resourceVersion",
    "allowWatchBookmarks",
    "timeoutSeconds",
    "labelSelector",
    "fieldSelector",
}


class SandboxSender:
    """A Sender over a Store, for the same event loop."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def send(self, request: Request) -> Response:
        return self._store.handle(request)

    async def watch(self, request: Request) -> AsyncGenerator[dict[str, Any], None]:
        """The lines of the watch, until `timeoutSeconds` of the loop's time are over; where wanted, with a
        bookmark each minute and at the end. Too old a version is one ERROR line with a 410, as the real
        server's cache says it."""
        watch = Watch(self._store, request)
        loop = asyncio.get_running_loop()
        end = loop.time() + float(request.query.get("timeoutSeconds", "1800"))
        mark = min(end, loop.time() + BOOKMARK_SECONDS)
        news = asyncio.Event()
        told = self._store.listeners[watch.resource]
        told.append(news.set)
        try:
            while not watch.over:
                news.clear()
                for line in watch.lines():
                    yield line
                if watch.over or await _within(news, mark - loop.time()):
                    continue
                for line in watch.bookmark():
                    yield line
                if mark == end:
                    break
                mark = min(end, mark + BOOKMARK_SECONDS)
        finally:
            told.remove(news.set)


async def _within(news: asyncio.Event, seconds: float) -> bool:
    try:
        async with asyncio.timeout(seconds):
            await news.wait()
    except TimeoutError:
        return False
    return True


class Watch:
    """One watch as a cursor over the store's history; `lines` gives what is new."""

    def __init__(self, store: Store, request: Request) -> None:
        unknown = set(request.query) - WATCHED
        target = target_of(request.path)
        if unknown or target.name or "resourceVersion" not in request.query:
            raise unsupported(f"a watch of {request.path} with the query {dict(request.query)}")
        self.over = False
        self._store, self.resource = store, target.resource
        self._matches = matcher(target.namespace, request.query)
        self._version = int(request.query["resourceVersion"])
        self._bookmarks = request.query.get("allowWatchBookmarks") == "true"

    def lines(self) -> list[Raw]:
        if self._version < self._store.oldest:
            self.over = True
            return [{"type": "ERROR", "object": expired(self._version, self._store.oldest).status}]
        new = self._store.since(self._version)
        self._version = max(self._version, self._store.version)
        return [line for change in new for line in _line(change, self.resource, self._matches)]

    def bookmark(self) -> list[Raw]:
        if not self._bookmarks:
            return []
        meta = {"resourceVersion": str(self._version), "creationTimestamp": None}
        resource = self.resource
        mark = {"kind": resource.kind, "apiVersion": resource.api_version, "metadata": meta}
        return [{"type": "BOOKMARK", "object": mark}]


def _line(change: Change, resource: Resource, matches: Matches) -> list[Raw]:
    """The change as this watch sees it: an object that leaves the selection is deleted to it."""
    if change.resource != resource:
        return []
    was = change.before is not None and matches(change.before)
    now = change.after is not None and matches(change.after)
    if not was and not now:
        return []
    kind = "DELETED" if not now else "MODIFIED" if was else "ADDED"
    shown = change.after if now else merged(change.before, _at_version(change.version))
    return [{"type": kind, "object": sent(shown)}]


def _at_version(version: int) -> Raw:
    return {"metadata": {"resourceVersion": str(version)}}
