"""A smart HTTP server before real repositories, on loopback; it may ask for a password."""

from __future__ import annotations

import base64
import os
import subprocess
from collections.abc import Callable
from functools import partial
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any

from tidegate.demo.loopback import Loopback
from tidegate.git.access import Access
from tidegate.git.address import read as address
from tidegate.git.command import Remote


class Server(Loopback):
    """`git http-backend` on loopback. `asked` are the requests let in; `refuse` may answer instead, and
    `lose` may keep back the answer to what was done."""

    def __init__(
        self, root: Path, username: str = "", password: str = "", bearer: str = "", *, port: int = 0
    ) -> None:
        self.root = root
        self.expected = _expected(username, password, bearer)
        self.asked: list[str] = []
        self.refuse: Callable[[BaseHTTPRequestHandler], bool] = lambda _: False
        self.lose: Callable[[BaseHTTPRequestHandler], bool] = lambda _: False
        super().__init__(partial(_Handler, self), port)

    def remote(self, name: str, access: Access | None = None) -> Remote:
        return Remote(address(f"{self.url}/{name}"), access or Access())


class _Handler(BaseHTTPRequestHandler):
    def __init__(self, server: Server, *about: Any) -> None:
        self._server = server
        super().__init__(*about)

    def do_GET(self) -> None:
        self._answer(b"")

    def do_POST(self) -> None:
        self._answer(self.rfile.read(int(self.headers.get("Content-Length", 0))))

    def log_message(self, *_: Any) -> None:
        pass

    def _answer(self, body: bytes) -> None:
        if self._server.refuse(self):
            return
        if self._server.expected and self.headers.get("Authorization") != self._server.expected:
            self._say(401, {"WWW-Authenticate": 'Basic realm="git"'}, b"")
            return
        self._server.asked.append(f"{self.command} {self.path}")
        words = ["git", "http-backend"]
        done = subprocess.run(words, input=body, env=self._cgi(body), capture_output=True, check=False)
        if self._server.lose(self):
            self.close_connection = True
            return
        head, _, content = done.stdout.partition(b"\r\n\r\n")
        headers = dict(line.split(": ", 1) for line in head.decode().splitlines())
        self._say(int(headers.pop("Status", "200").split()[0]), headers, content)

    def _cgi(self, body: bytes) -> dict[str, str]:
        path, _, query = self.path.partition("?")
        return {
            "GIT_PROJECT_ROOT": str(self._server.root),
            "GIT_HTTP_EXPORT_ALL": "1",
            "GIT_PROTOCOL": self.headers.get("Git-Protocol", ""),
            "HTTP_CONTENT_ENCODING": self.headers.get("Content-Encoding", ""),
            "CONTENT_TYPE": self.headers.get("Content-Type", ""),
            "CONTENT_LENGTH": str(len(body)),
            "PATH_INFO": path,
            "QUERY_STRING": query,
            "REQUEST_METHOD": self.command,
            "PATH": os.environ["PATH"],
            "GIT_CONFIG_GLOBAL": os.devnull,
        }

    def _say(self, status: int, headers: dict[str, str], content: bytes) -> None:
        self.send_response(status)
        for name, value in (headers | {"Content-Length": str(len(content))}).items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(content)


def _expected(username: str, password: str, bearer: str) -> str:
    if bearer:
        return f"Bearer {bearer}"
    basic = base64.b64encode(f"{username}:{password}".encode()).decode()
    return f"Basic {basic}" if username else ""
