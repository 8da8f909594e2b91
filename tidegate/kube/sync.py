"""The command line's sender: http.client on one kept connection, nothing heavy to import."""

from __future__ import annotations

import http.client
import json
from collections.abc import Iterator
from types import TracebackType
from typing import Any
from urllib.parse import urlencode, urlsplit

from tidegate.kube.config import Connection
from tidegate.kube.errors import Broken, Unreachable, accepted, happened, recognised
from tidegate.kube.http import Request, Response


class SyncSender:
    """Sends one request at a time. Raises Unreachable when no answer came."""

    def __init__(self, connection: Connection, agent: str) -> None:
        self._connection = connection
        self._agent = agent
        self._base = urlsplit(connection.server)
        self._tls = connection.tls()
        self._kept: http.client.HTTPConnection | None = None

    def send(self, request: Request) -> Response:
        """The answer, whatever its status. A token the server no longer takes is renewed once."""
        response = self._send(request)
        if response.status == 401:
            self._connection.credentials.forget()
            response = self._send(request)
        return response

    def accepted(self, request: Request) -> dict[str, Any]:
        """The body of the answer; raises ApiError where the server refused."""
        return accepted(self.send(request))

    def watch(self, request: Request) -> Iterator[dict[str, Any]]:
        """The events of a watch until the server ends it; raises ApiError where it is refused."""
        line = self._open(request.timeout)  # a watch keeps its connection to itself
        try:
            answer = self._ask(line, request)
            if answer.status >= 400:
                accepted(_response(answer))
            yield from self._lines(answer)
        finally:
            line.close()

    def close(self) -> None:
        if self._kept:
            self._kept.close()
            self._kept = None

    def __enter__(self) -> SyncSender:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, e: BaseException | None, t: TracebackType | None
    ) -> None:
        self.close()

    def _send(self, request: Request) -> Response:
        timeout = self._connection.timeout or request.timeout
        line, reused = self._kept or self._open(timeout), self._kept is not None
        try:
            answer = _response(self._ask(line, request))
        except Unreachable as problem:
            line.close()
            self._kept = None
            if request.method != "GET":
                raise Unreachable(f"{problem}; what was asked may or may not have happened") from problem
            if reused:  # the server closed a kept connection while it was idle
                return self._send(request)
            raise
        self._kept = line
        return recognised(answer, self._connection.server)

    def _open(self, timeout: float) -> http.client.HTTPConnection:
        host, port = self._connection.tls_name or self._base.hostname or "", self._base.port
        if self._tls is None:
            return http.client.HTTPConnection(host, port, timeout=timeout)
        line = http.client.HTTPSConnection(host, port, timeout=timeout, context=self._tls)
        if self._connection.tls_name:
            line._create_connection = self._dial  # type: ignore[attr-defined]
        return line

    def _dial(self, _address: Any, *args: Any, **kwargs: Any) -> Any:
        """Connect to the server's address while TLS asks for the name the kubeconfig gives."""
        import socket

        return socket.create_connection((self._base.hostname or "", self._base.port or 443), *args, **kwargs)

    def _ask(self, line: http.client.HTTPConnection, request: Request) -> http.client.HTTPResponse:
        query = f"?{urlencode(request.query)}" if request.query else ""
        body = None if request.body is None else json.dumps(request.body).encode()
        try:
            line.putrequest(request.method, self._base.path + request.path + query)
            for name, value in self._headers(request, body):
                line.putheader(name, value)
            line.endheaders(body)
            return line.getresponse()
        except (OSError, http.client.HTTPException) as problem:
            raise Unreachable(f"{self._connection.server}: {problem or type(problem).__name__}") from problem

    def _headers(self, request: Request, body: bytes | None) -> list[tuple[str, str]]:
        """One name may stand several times in them."""
        credentials = self._connection.credentials
        proof = credentials.current() or credentials.renew()
        said = [("User-Agent", self._agent), ("Accept", "application/json"), *self._connection.acting]
        if body is not None:
            said += [("Content-Type", request.content_type), ("Content-Length", str(len(body)))]
        return [*said, *([("Authorization", proof.header)] if proof.header else [])]

    def _lines(self, answer: http.client.HTTPResponse) -> Iterator[dict[str, Any]]:
        try:
            while line := answer.readline():
                yield happened(json.loads(line), self._connection.server)
        except (OSError, ValueError, http.client.HTTPException) as problem:
            raise Broken(f"{self._connection.server}: the watch broke off: {problem}") from problem


def _response(answer: http.client.HTTPResponse) -> Response:
    try:
        text = answer.read()
    except (OSError, http.client.HTTPException) as problem:
        raise Unreachable(f"the answer broke off: {problem}") from problem
    try:
        body = json.loads(text)
    except (ValueError, RecursionError):
        body = {"message": text.decode(errors="replace").strip()}
    return Response(
        answer.status, body if isinstance(body, dict) else {"message": str(body)}, dict(answer.headers)
    )
