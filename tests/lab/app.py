"""The lab's app: one small HTTP service in a process of its own, on its pod's address.

A dozen of these share two cores with the whole lab, so it imports next to nothing (started with -I -S it
takes about 10 ms and 10 MB) and answers from one epoll loop. Its environment says what it does:

  VERSION      what it says it is; the image's tag unless set
  ERROR_RATE   share of requests answered ERROR_STATUS, 0 to 1 (0)
  ERROR_STATUS the status of those (500: Envoy retries a 503 of its own accord)
  LATENCY      seconds before an answer (0)
  CRASH        anything but empty or 0: exit 1, CRASH_AFTER seconds (0) after the start
  DRAIN        seconds without a request after SIGTERM before it goes (2)

`/health` is always 200, `/status/NNN` always NNN, anything else 200 or, at the error rate, ERROR_STATUS.
Each answer carries x-version, x-pod and x-app: a 5xx without x-app was made by a proxy.
"""

from __future__ import annotations

import os
import select
import signal
import socket
import sys
import time
from _random import Random
from collections import deque

TICK = 0.25
OUR_PORTS = "LAB_PORTS"


class Settings:
    """Read once at the start; a wrong number ends the process, as it would any service."""

    def __init__(self, environment: dict[str, str]) -> None:
        self.version = environment.get("VERSION") or environment.get("LAB_VERSION", "unknown")
        self.error_rate = float(environment.get("ERROR_RATE") or 0)
        self.error_status = int(environment.get("ERROR_STATUS") or 500)
        self.latency = float(environment.get("LATENCY") or 0)
        self.crash = environment.get("CRASH", "0") not in ("", "0")
        self.crash_after = float(environment.get("CRASH_AFTER") or 0)
        self.drain = float(environment.get("DRAIN") or 2)
        self.pod = environment.get("LAB_POD", "")
        self.address = environment.get("LAB_IP", "127.0.0.1")
        self.ports = [int(port) for port in environment.get(OUR_PORTS, "3000").split(",")]


class App:
    """One epoll loop. Answers that wait for LATENCY stand in a queue, which is in order: all wait alike."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.random = Random()
        self.random.seed(int.from_bytes(os.urandom(8), "big"))
        self.epoll = select.epoll()
        self.listeners: dict[int, socket.socket] = {}
        self.guests: dict[int, socket.socket] = {}
        self.unread: dict[int, bytes] = {}
        self.waiting: deque[tuple[float, socket.socket, bytes]] = deque()
        self.told_to_go: float | None = None
        self.last_request = time.monotonic()
        self.heads: dict[int, bytes] = {}

    def serve(self) -> int:
        """Until told to go and then idle; the exit code."""
        began = time.monotonic()
        for port in self.settings.ports:
            self._listen(port)
        while not self._gone(now := time.monotonic()):
            if self.settings.crash and now >= began + self.settings.crash_after:
                print("crashing, as CRASH says", flush=True)
                return 1
            for descriptor, _ in self.epoll.poll(self._patience(now)):
                self._event(descriptor)
            self._answer_due()
        return 0

    def leave(self, *_: object) -> None:
        self.told_to_go = time.monotonic()

    def _gone(self, now: float) -> bool:
        if self.told_to_go is None or self.waiting:
            return False
        return now >= max(self.told_to_go, self.last_request) + self.settings.drain

    def _patience(self, now: float) -> float:
        if self.settings.crash:
            return 0.01
        return max(0.0, min(TICK, self.waiting[0][0] - now)) if self.waiting else TICK

    def _listen(self, port: int) -> None:
        listener = socket.socket()
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((self.settings.address, port))
        listener.listen(1024)
        listener.setblocking(False)
        self.listeners[listener.fileno()] = listener
        self.epoll.register(listener.fileno(), select.EPOLLIN)

    def _event(self, descriptor: int) -> None:
        if descriptor in self.listeners:
            self._welcome(self.listeners[descriptor])
        elif descriptor in self.guests:
            self._read(self.guests[descriptor])

    def _welcome(self, listener: socket.socket) -> None:
        try:
            guest, _ = listener.accept()
        except OSError:
            return
        guest.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        guest.settimeout(5)
        self.guests[guest.fileno()] = guest
        self.unread[guest.fileno()] = b""
        self.epoll.register(guest.fileno(), select.EPOLLIN)

    def _read(self, guest: socket.socket) -> None:
        try:
            got = guest.recv(65536)
        except OSError:
            got = b""
        if not got:
            return self._farewell(guest)
        rest = self.unread[guest.fileno()] + got
        while (request := whole_request(rest)) is not None:
            head, rest = request
            self._respond(guest, head)
        if guest.fileno() in self.unread:
            self.unread[guest.fileno()] = rest
        return None

    def _farewell(self, guest: socket.socket) -> None:
        descriptor = guest.fileno()
        if self.guests.pop(descriptor, None):
            del self.unread[descriptor]
            self.epoll.unregister(descriptor)
            guest.close()

    def _respond(self, guest: socket.socket, head: bytes) -> None:
        path = head.split(b" ", 2)[1]
        if path.startswith(b"/health"):
            return self._send(guest, self._answer(200))
        now = time.monotonic()
        if b"kube-probe" not in head:
            self.last_request = now
        answer = self._answer(self._status(path))
        if self.settings.latency:
            self.waiting.append((now + self.settings.latency, guest, answer))
            return None
        return self._send(guest, answer)

    def _status(self, path: bytes) -> int:
        if path.startswith(b"/status/"):
            return int(path[8:11])
        failed = self.settings.error_rate and self.random.random() < self.settings.error_rate
        return self.settings.error_status if failed else 200

    def _answer(self, status: int) -> bytes:
        if status not in self.heads:
            body = f"{self.settings.version}\n"
            self.heads[status] = (
                f"HTTP/1.1 {status} lab\r\ncontent-length: {len(body)}\r\ncontent-type: text/plain\r\n"
                "x-app: 1\r\n"
                f"x-version: {self.settings.version}\r\nx-pod: {self.settings.pod}\r\n\r\n{body}"
            ).encode()
        return self.heads[status]

    def _send(self, guest: socket.socket, answer: bytes) -> None:
        try:
            guest.sendall(answer)
        except OSError:
            self._farewell(guest)

    def _answer_due(self) -> None:
        now = time.monotonic()
        while self.waiting and self.waiting[0][0] <= now:
            _, guest, answer = self.waiting.popleft()
            if guest.fileno() >= 0:
                self._send(guest, answer)


def whole_request(got: bytes) -> tuple[bytes, bytes] | None:
    """The first request's head and what follows the request, or None while it is incomplete."""
    head, end, rest = got.partition(b"\r\n\r\n")
    if not end:
        return None
    length = body_length(head)
    return (head, rest[length:]) if len(rest) >= length else None


def body_length(head: bytes) -> int:
    _, _, after = head.lower().partition(b"\r\ncontent-length:")
    return int(after.split(b"\r\n", 1)[0]) if after else 0


def main() -> int:
    app = App(Settings(dict(os.environ)))
    signal.signal(signal.SIGTERM, app.leave)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    return app.serve()


if __name__ == "__main__":
    sys.exit(main())
