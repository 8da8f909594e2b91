"""A small API server for faults that a good one does not make: lost watches, 410, 500, silence.

It keeps objects by path, knows no schema, and serves loopback on a free port.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

from aiohttp import web

Raw = dict[str, Any]
DISCOVERY: dict[str, Raw] = {
    "/api": {"kind": "APIVersions", "versions": ["v1"]},
    "/apis": {"kind": "APIGroupList", "groups": []},
    "/api/v1": {"kind": "APIResourceList", "groupVersion": "v1", "resources": []},
}


def status(code: int, reason: str, message: str = "", **details: Any) -> Raw:
    return {
        "kind": "Status",
        "code": code,
        "reason": reason,
        "message": message or reason,
        "details": details,
    }


def merged(old: Any, patch: Any) -> Any:
    if not isinstance(patch, dict):
        return patch
    base = old if isinstance(old, dict) else {}
    kept = {k: v for k, v in base.items() if patch.get(k, v) is not None}
    return kept | {k: merged(base.get(k), v) for k, v in patch.items() if v is not None}


def _within(path: str, collection: str) -> bool:
    """Whether the object at `path` is of this collection, of one namespace or of all."""
    root, _, kind = collection.rpartition("/")
    return path.startswith(f"{root}/") and path.rsplit("/", 2)[1] == kind


class FakeApi:
    """`refusals` are answered once each, in order; `missing` are collections that are not served; while it is
    `away`, connections are dropped, and while it is `strange`, a proxy answers in its place."""

    def __init__(self) -> None:
        self.version = 10
        self.objects: dict[str, Raw] = {}
        self.requests: list[tuple[str, str]] = []
        self.refusals: list[Raw] = []
        self.missing: set[str] = set()
        self.watches: list[tuple[str, asyncio.Queue[Raw | None]]] = []
        self.page = 500
        self.away = False
        self.strange = False
        self.strangers = 0
        self.url = ""

    def put(self, path: str, **fields: Any) -> Raw:
        """Store an object, and tell the watches."""
        self.version += 1
        old = self.objects.get(path)
        name = path.rsplit("/", 1)[1]
        space = path.split("/namespaces/")[1].split("/", maxsplit=1)[0] if "/namespaces/" in path else ""
        meta = {"name": name, "namespace": space, "uid": f"uid-{name}"} | fields.pop("metadata", {})
        raw = {**fields, "metadata": {**meta, "resourceVersion": str(self.version)}}
        self.objects[path] = raw
        self.tell({"type": "MODIFIED" if old else "ADDED", "object": raw}, path)
        return raw

    def drop(self, path: str, quietly: bool = False) -> None:
        self.version += 1
        raw = self.objects.pop(path)
        if not quietly:
            gone = {**raw, "metadata": {**raw["metadata"], "resourceVersion": str(self.version)}}
            self.tell({"type": "DELETED", "object": gone}, path)

    def tell(self, event: Raw | None, path: str = "") -> None:
        """Send a line to every watch, or to those of the object at `path`; None ends them."""
        for collection, lines in self.watches:
            if not path or _within(path, collection):
                lines.put_nowait(event)

    def asked(self, method: str, path: str) -> int:
        return self.requests.count((method, path))

    async def handle(self, request: web.Request) -> web.StreamResponse:
        if self.away and request.transport:
            request.transport.abort()
            return web.Response()
        if self.strange:
            self.strangers += 1
            return web.json_response({"login": "required"})
        watch = request.query.get("watch")
        self.requests.append(("WATCH" if watch else request.method, request.path))
        if request.path in DISCOVERY:
            return web.json_response(DISCOVERY[request.path])
        if self.refusals and not watch:
            refusal = self.refusals.pop(0)
            return web.json_response(refusal, status=refusal["code"])
        if request.path in self.missing:
            return web.json_response(status(404, "NotFound"), status=404)
        if watch:
            return await self._watch(request)
        body = json.loads(await request.text() or "null")
        answer = {"kind": "Any", **self._answer(request, body)}
        return web.json_response(
            answer, status=answer.get("code", 200) if answer.get("kind") == "Status" else 200
        )

    def _answer(self, request: web.Request, body: Any) -> Raw:
        path = request.path.removesuffix("/status")
        match request.method:
            case "POST":
                path = f"{path}/{body['metadata']['name']}"
                if path in self.objects:
                    return status(409, "AlreadyExists")
                return self.put(path, **body)
            case "PUT" | "PATCH" if path in self.objects:
                return self._change(
                    path, body if request.method == "PUT" else merged(self.objects[path], body)
                )
            case "DELETE" if path in self.objects:
                self.drop(path)
                return status(200, "Success")
            case "GET" if path in self.objects:
                return self.objects[path]
            case "GET" if path.rsplit("/", 1)[1].islower() and path.endswith("s"):
                return self._list(request)
        return status(404, "NotFound", name=path.rsplit("/", 1)[1])

    def _change(self, path: str, body: Raw) -> Raw:
        asked = body["metadata"].get("resourceVersion")
        if asked and asked != self.objects[path]["metadata"]["resourceVersion"]:
            return status(409, "Conflict", "the object has been modified", name=path)
        return self.put(path, **body)

    def _list(self, request: web.Request) -> Raw:
        found = [raw for path, raw in sorted(self.objects.items()) if _within(path, request.path)]
        start = int(request.query.get("continue", 0))
        end = start + min(self.page, int(request.query["limit"]))
        token = {"continue": str(end)} if end < len(found) else {}
        return {
            "kind": "List",
            "metadata": {"resourceVersion": str(self.version)} | token,
            "items": found[start:end],
        }

    async def _watch(self, request: web.Request) -> web.StreamResponse:
        answer = web.StreamResponse()
        await answer.prepare(request)
        lines: asyncio.Queue[Raw | None] = asyncio.Queue()
        self.watches.append((request.path, lines))
        try:
            while (event := await lines.get()) is not None:
                await answer.write(json.dumps(event).encode() + b"\n")
        finally:
            self.watches.remove((request.path, lines))
        return answer


@asynccontextmanager
async def serving(
    handler: Callable[[web.Request], Awaitable[web.StreamResponse]],
) -> AsyncIterator[str]:
    """The handler behind http on a free loopback port; yields its address."""
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", handler)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    try:
        yield f"http://127.0.0.1:{runner.addresses[0][1]}"
    finally:
        await runner.cleanup()
