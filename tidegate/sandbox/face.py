"""The store over real HTTP, for clients in other processes: kubectl, and the controller as it is deployed."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Mapping

from aiohttp import web

from tidegate.kube.http import Request, Response
from tidegate.sandbox.refusals import Refused, unsupported
from tidegate.sandbox.sender import SandboxSender, Watch
from tidegate.sandbox.store import Store

MOST_BYTES = 8 * 2**20
Handle = Callable[[Request], Response]


async def face(store: Store, beside: Mapping[str, Handle]) -> web.AppRunner:
    """On a free port of loopback; `beside` answers what is below its prefixes. End with `cleanup()`."""
    app = web.Application(client_max_size=MOST_BYTES)
    app.router.add_route("*", "/{path:.*}", Face(store, beside).answer)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.5)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    return runner


class Face:
    def __init__(self, store: Store, beside: Mapping[str, Handle]) -> None:
        self._store = store
        self._sender = SandboxSender(store)
        self._beside = beside

    async def answer(self, asked: web.Request) -> web.StreamResponse:
        try:
            request = await _read(asked)
            if request.query.get("watch") == "true":
                Watch(self._store, request)  # says no while there is a status to say it with
                return await self._watch(asked, request)
        except Refused as refused:
            return web.json_response(refused.status, status=refused.code)
        answer = self._handled(request)
        return web.json_response(answer.body, status=answer.status)

    def _handled(self, request: Request) -> Response:
        for prefix, handle in self._beside.items():
            if request.path.startswith(prefix):
                inner = request.path.removeprefix(prefix)
                return handle(Request(request.method, inner, request.query, request.body))
        return self._store.handle(request)

    async def _watch(self, asked: web.Request, request: Request) -> web.StreamResponse:
        lines = self._sender.watch(request)
        stream = web.StreamResponse(headers={"Content-Type": "application/json"})
        await stream.prepare(asked)
        try:
            async for line in lines:
                await stream.write(json.dumps(line).encode() + b"\n")
        except (ConnectionError, asyncio.CancelledError):
            pass  # whoever watched is gone
        finally:
            await lines.aclose()
        return stream


async def _read(asked: web.Request) -> Request:
    """Bodies are JSON, an apply's too, as every client of ours and kubectl send them."""
    text = await asked.read()
    try:
        body = json.loads(text) if text else None
    except ValueError:
        raise unsupported("a body that is no JSON") from None
    return Request(asked.method, asked.path, dict(asked.query), body, asked.content_type)
