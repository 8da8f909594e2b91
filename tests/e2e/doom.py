"""Controllers that die at a write: each asks the API server through a front of its own, where writes count.

What counts is what changes something. Events do not: they stop no plan, and nothing is decided on them. Dry
runs write nothing. There is no Lease: whoever waits for a dead holder's begins no differently, only later.
"""

from __future__ import annotations

import http.client
import os
import signal
import socket
import ssl
import threading
from collections.abc import Callable
from contextlib import ExitStack, suppress
from functools import partial
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from tests.e2e.gitops import Gitops
from tests.e2e.repository import WEBHOOK_PORT
from tests.lab.state import State
from tests.lab.waiting import until
from tidegate.demo.loopback import Loopback

PUSH = "push"
LIKE_A_CONTAINER = ("unshare", "--pid", "--fork", "--kill-child")
"""Process 1 of a pid namespace takes along all it started: git's processes too, which have sessions."""
PATIENCE = 600.0
"""Seconds without a word, after which a watch is given up: longer than any story."""
OF_ONE_HOP = {"transfer-encoding", "connection", "content-length"}


class Dead(Exception):
    """Who asked is dead, and neither heard nor answered."""


class Doom:
    """Counts the writes whose description begins with `among`, and calls `kill` at the `last`.

    `landed` says whether that one still happens. It has `come` once the dead is gone.
    """

    def __init__(self, kill: Callable[[], None], last: int, landed: bool, among: str = "") -> None:
        self._kill, self._last, self._landed, self._among = kill, last, landed, among
        self._turn = threading.Lock()
        self.wrote: list[str] = []
        self._is_under_way = self.come = False

    def begins(self, write: str) -> bool:
        """Whether it is the last one, and `strike` is to follow once it is done. Raises Dead."""
        with self._turn:
            if self.come:
                raise Dead
            if not write.startswith(self._among):
                return False
            self.wrote.append(write)
            is_last = len(self.wrote) == self._last
            self._is_under_way |= is_last
            if is_last and not self._landed:
                self._end()
            return is_last

    def lifted(self) -> bool:
        """Nobody dies from here on: whether nobody did. Who is dying is waited for."""
        with self._turn:
            self._last = 0
        until(lambda: self.come or not self._is_under_way, 30, "the dying to be dead")
        return not self.come

    def strike(self) -> None:
        """Raises Dead."""
        with self._turn:
            self._end()

    def _end(self) -> None:
        self._kill()
        self.come = True
        raise Dead


class Front(Loopback):
    """An address before the API server, for one life. What `doom` lets pass is passed on; so are watches."""

    def __init__(self, state: State) -> None:
        super().__init__(partial(_Passing, self))
        url = urlsplit(state.apiserver)
        self._beyond = (url.hostname or "", url.port or 443)
        self._tls = ssl.create_default_context(cafile=state.ca)
        self._open: set[http.client.HTTPSConnection] = set()
        self.doom = Doom(lambda: None, last=0, landed=False)

    def __exit__(self, *about: object) -> None:
        super().__exit__(*about)
        for connection in tuple(self._open):
            with suppress(OSError, AttributeError):  # no socket, where nothing was asked or all was heard
                connection.sock.shutdown(socket.SHUT_RDWR)

    def connect(self) -> http.client.HTTPSConnection:
        made = http.client.HTTPSConnection(*self._beyond, timeout=PATIENCE, context=self._tls)
        self._open.add(made)
        return made

    def leave(self, connection: http.client.HTTPSConnection) -> None:
        connection.close()
        self._open.discard(connection)


class _Passing(BaseHTTPRequestHandler):
    """One connection of the controller's, and the one beyond."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def __init__(self, front: Front, *about: Any) -> None:
        self.front = front
        super().__init__(*about)

    def handle(self) -> None:
        self._beyond = self.front.connect()
        with suppress(OSError):
            super().handle()
        self.front.leave(self._beyond)

    def log_message(self, *_: object) -> None:
        pass

    def do_GET(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        with suppress(Dead, OSError, http.client.HTTPException):
            self._tell(self._written(body) if self._counts() else self._asked(body))
            return
        self.close_connection = True

    do_POST = do_PUT = do_PATCH = do_DELETE = do_GET

    def _counts(self) -> bool:
        path, _, query = self.path.partition("?")
        return self.command != "GET" and not path.endswith("/events") and "dryRun" not in query

    def _written(self, body: bytes) -> http.client.HTTPResponse:
        doom = self.front.doom
        is_last = doom.begins(f"{self.command} {self.path}")
        answer = self._asked(body)
        if is_last:
            doom.strike()
        return answer

    def _asked(self, body: bytes) -> http.client.HTTPResponse:
        self._beyond.request(self.command, self.path, body or None, dict(self.headers))
        return self._beyond.getresponse()

    def _tell(self, answer: http.client.HTTPResponse) -> None:
        self.send_response_only(answer.status)
        for name, value in answer.getheaders():
            if name.lower() not in OF_ONE_HOP:
                self.send_header(name, value)
        if answer.chunked:
            self._stream(answer)
        else:
            self._whole(answer.read())

    def _whole(self, body: bytes) -> None:
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def _stream(self, answer: http.client.HTTPResponse) -> None:
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        while part := answer.read1(1 << 16):
            self.wfile.write(b"%x\r\n%b\r\n" % (len(part), part))
        self.wfile.write(b"0\r\n\r\n")


class Lives:
    """Controllers, one after the other. Use as a context manager."""

    def __init__(self, here: Gitops) -> None:
        self._here = here
        self._living = ExitStack()
        self._push_is_last = False

    def __enter__(self) -> Lives:
        self._here.repository.asks(self._keeps_from_git, self._keeps_from_the_controller)
        return self

    def __exit__(self, *_: object) -> None:
        self._living.close()

    def begin(self) -> None:
        """The next one, once the last one is dead; it listens when this returns."""
        self._living.close()
        self._front = self._living.enter_context(Front(self._here.scene.state))
        self._process = self._here.controller(
            "--no-leader-elect", kubeconfig=self._through(self._front), inside=LIKE_A_CONTAINER
        )
        until(_listens, 60, "the controller to listen")

    def doomed(self, last: int, landed: bool, among: str = "") -> Doom:
        """From here the writes of the one who lives are counted."""
        self._front.doom = Doom(self._kill, last, landed, among)
        return self._front.doom

    def _through(self, front: Front) -> Path:
        config = self._here.scene.as_deployed()
        config.write_text(config.read_text().replace(self._here.scene.state.apiserver, front.url))
        return config

    def _kill(self) -> None:
        """All of it is gone when this returns."""
        outer = self._process.pid
        (inner,) = Path(f"/proc/{outer}/task/{outer}/children").read_text().split()
        os.kill(int(inner), signal.SIGKILL)
        self._process.wait()
        self._here.scene.running.remove(self._process)

    def _keeps_from_git(self, asked: BaseHTTPRequestHandler) -> bool:
        if not _is_push(asked):
            return False
        with suppress(Dead):
            self._push_is_last = self._front.doom.begins(PUSH)
            return False
        return True

    def _keeps_from_the_controller(self, asked: BaseHTTPRequestHandler) -> bool:
        if not (_is_push(asked) and self._push_is_last):
            return False
        self._push_is_last = False
        with suppress(Dead):
            self._front.doom.strike()
        return True


def _is_push(asked: BaseHTTPRequestHandler) -> bool:
    return asked.command == "POST" and asked.path.endswith("/git-receive-pack")


def _listens() -> bool:
    with suppress(OSError):
        socket.create_connection(("127.0.0.1", WEBHOOK_PORT), 1).close()
        return True
    return False
