"""The controller's sender: one shared aiohttp session for every request and watch."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator, Callable
from typing import Any

import aiohttp
import msgspec

from tidegate.kube.config import ConfigError, Connection, Proof
from tidegate.kube.errors import Broken, Unreachable, error, happened, recognised
from tidegate.kube.http import Request, Response

CONNECT_SECONDS = 10.0

Seen = Callable[[Request, int], None]


def unseen(_request: Request, _status: int) -> None:
    pass


class AioSender:
    """Implements `Sender`. `seen` is told every request with its answer's status, 0 where none came."""

    def __init__(self, connection: Connection, agent: str, seen: Seen = unseen) -> None:
        self._connection = connection
        self._agent = agent
        self._seen = seen
        self._session: aiohttp.ClientSession | None = None

    async def send(self, request: Request) -> Response:
        """The answer, whatever its status. A token the server no longer takes is renewed once."""
        response = await self._send(request)
        if response.status == 401:
            self._connection.credentials.forget()
            response = await self._send(request)
        return response

    async def watch(self, request: Request) -> AsyncIterator[dict[str, Any]]:
        """The events of a watch until the server ends it; raises ApiError where it is refused."""
        lost: type[Unreachable] = Unreachable
        try:
            async with self._ask(request, await self._headers(request)) as answer:
                self._seen(request, answer.status)
                if answer.status == 401:
                    self._connection.credentials.forget()
                if answer.status >= 400:
                    raise error(await _response(answer))
                lost = Broken
                async for line in _lines(answer):
                    yield happened(msgspec.json.decode(line), self._connection.server)
        except (aiohttp.ClientError, OSError, msgspec.DecodeError) as problem:
            raise lost(self._said(problem)) from problem

    async def close(self) -> None:
        if self._session:
            await self._session.close()

    async def _send(self, request: Request) -> Response:
        headers = await self._headers(request)
        try:
            async with self._ask(request, headers) as answer:
                response = await _response(answer)
        except (aiohttp.ClientError, OSError) as problem:  # asyncio's TimeoutError is an OSError
            self._seen(request, 0)
            raise Unreachable(self._said(problem)) from problem
        self._seen(request, response.status)
        return recognised(response, self._connection.server)

    def _ask(self, request: Request, headers: list[tuple[str, str]]) -> Any:
        return self._shared().request(
            request.method,
            self._connection.server + request.path,
            params=dict(request.query),
            data=None if request.body is None else msgspec.json.encode(request.body),
            headers=headers,
            timeout=aiohttp.ClientTimeout(total=request.timeout, sock_connect=CONNECT_SECONDS),
            server_hostname=self._connection.tls_name or None,
        )

    async def _headers(self, request: Request) -> list[tuple[str, str]]:
        proof = self._connection.credentials.current() or await self._renewed()
        body = [("Content-Type", request.content_type)] if request.body is not None else []
        return [*body, *self._connection.acting, *([("Authorization", proof.header)] if proof.header else [])]

    async def _renewed(self) -> Proof:
        """May run a plugin for seconds: never on the loop. One that fails may do better in a moment."""
        try:
            return await asyncio.to_thread(self._connection.credentials.renew)
        except ConfigError as problem:
            raise Unreachable(str(problem)) from problem

    def _shared(self) -> aiohttp.ClientSession:
        if self._session is None:
            tls: ssl.SSLContext | bool = self._connection.tls() or True
            self._session = aiohttp.ClientSession(
                connector=aiohttp.TCPConnector(limit=32, keepalive_timeout=60, ssl=tls),
                headers={"User-Agent": self._agent, "Accept": "application/json"},
            )
        return self._session

    def _said(self, problem: Exception) -> str:
        return f"{self._connection.server}: {problem or type(problem).__name__}"


async def _response(answer: aiohttp.ClientResponse) -> Response:
    text = await answer.read()
    try:
        body = msgspec.json.decode(text)
    except msgspec.DecodeError:
        body = {"message": text.decode(errors="replace").strip()}
    return Response(answer.status, body if isinstance(body, dict) else {"message": str(body)}, answer.headers)


async def _lines(answer: aiohttp.ClientResponse) -> AsyncIterator[bytes]:
    """Lines of any length: aiohttp's own line reader refuses objects above 128 KB."""
    rest: list[bytes] = []
    async for chunk in answer.content.iter_any():
        *whole, last = chunk.split(b"\n")
        for line in whole:
            yield b"".join((*rest, line))
            rest = []
        rest.append(last)
    if left := b"".join(rest):
        yield left
