"""Requests through Envoy over kept-alive connections, counted by version, status and who answered.

`send` asks an exact number; `Load` keeps a steady rate going, in a process of its own so that a busy test
does not slow it. A connection carries one request at a time; one that breaks counts as a failure and is
made anew.
"""

from __future__ import annotations

import multiprocessing
import select
import socket
import time
from collections import Counter
from collections.abc import Iterable
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from typing import TypeVar
from urllib.parse import urlsplit

import msgspec

from tests.lab.waiting import Late, deadline

BROKEN = 0
"""The status of a request whose connection ended without an answer."""

K = TypeVar("K")

Seen = tuple[str, int, bool]
"""Version as x-version says it ("" without), status, and whether the service itself answered (x-app)."""


class Tally(msgspec.Struct, frozen=True):
    """What came back."""

    seen: dict[Seen, int] = {}
    seconds: float = 0.0

    @property
    def total(self) -> int:
        return sum(self.seen.values())

    @property
    def by_version(self) -> dict[str, int]:
        return _summed((version, n) for (version, _, _), n in self.seen.items())

    @property
    def by_status(self) -> dict[int, int]:
        return _summed((status, n) for (_, status, _), n in self.seen.items())

    @property
    def not_from_service(self) -> int:
        """5xx and broken connections that no pod of ours sent."""
        return sum(
            n for (_, status, app), n in self.seen.items() if not app and (status >= 500 or status == BROKEN)
        )

    def __sub__(self, earlier: Tally) -> Tally:
        left = Counter(self.seen)
        left.subtract(earlier.seen)
        return Tally({key: n for key, n in left.items() if n}, self.seconds - earlier.seconds)


def _summed(pairs: Iterable[tuple[K, int]]) -> dict[K, int]:
    summed: Counter[K] = Counter()
    for key, n in pairs:
        summed[key] += n
    return dict(summed)


class Client:
    """Some connections to one address, driven by one epoll."""

    def __init__(self, gateway: str, host: str, connections: int = 16, path: str = "/") -> None:
        url = urlsplit(gateway)
        self._address = (url.hostname or "127.0.0.1", url.port or 80)
        self._request = f"GET {path} HTTP/1.1\r\nhost: {host}\r\nuser-agent: lab-load\r\n\r\n".encode()
        self._epoll = select.epoll()
        self._sockets: dict[int, socket.socket] = {}
        self._partial: dict[int, bytes] = {}
        self.free: list[int] = []
        self.seen: Counter[Seen] = Counter()
        for _ in range(connections):
            self._connect()

    @property
    def busy(self) -> int:
        return len(self._sockets) - len(self.free)

    def ask(self) -> None:
        """Send one request on a free connection."""
        descriptor = self.free.pop()
        try:
            self._sockets[descriptor].sendall(self._request)
        except OSError:
            self._broke(descriptor)

    def collect(self, seconds: float) -> None:
        """Count the answers that come within so many seconds."""
        for descriptor, _ in self._epoll.poll(max(0.0, seconds)):
            self._read(descriptor)

    def close(self) -> None:
        for each in self._sockets.values():
            each.close()
        self._epoll.close()

    def _connect(self) -> None:
        made = socket.create_connection(self._address, timeout=deadline(10))
        made.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._sockets[made.fileno()] = made
        self._partial[made.fileno()] = b""
        self._epoll.register(made.fileno(), select.EPOLLIN)
        self.free.append(made.fileno())

    def _read(self, descriptor: int) -> None:
        try:
            got = self._sockets[descriptor].recv(65536)
        except OSError:
            got = b""
        if not got:
            return self._broke(descriptor)
        whole = self._partial[descriptor] + got
        answer = parse(whole)
        self._partial[descriptor] = b"" if answer else whole
        if answer:
            self.seen[answer] += 1
            self.free.append(descriptor)
        return None

    def _broke(self, descriptor: int) -> None:
        """A free connection that Envoy closes is not a failed request."""
        if descriptor in self.free:
            self.free.remove(descriptor)
        else:
            self.seen["", BROKEN, False] += 1
        self._epoll.unregister(descriptor)
        self._sockets.pop(descriptor).close()
        del self._partial[descriptor]
        self._connect()


def parse(got: bytes) -> Seen | None:
    """One whole HTTP/1.1 answer with a content-length, or None while it is incomplete."""
    head, end, body = got.partition(b"\r\n\r\n")
    if not end or len(body) < int(header(head, b"content-length") or b"0"):
        return None
    return header(head, b"x-version").decode(), int(head[9:12]), header(head, b"x-app") == b"1"


def header(head: bytes, name: bytes) -> bytes:
    """A header's value; Envoy writes all names in lower case. Empty when it is not there."""
    _, found, after = head.partition(b"\r\n" + name + b": ")
    return after.partition(b"\r\n")[0] if found else b""


def send(gateway: str, host: str, requests: int, connections: int = 16, path: str = "/") -> Tally:
    """Exactly so many requests, as fast as they are answered. Raises `Late` after a minute and more."""
    client = Client(gateway, host, connections, path)
    began = time.monotonic()
    last = began + deadline(60 + requests / 500)
    left = requests
    while left or client.busy:
        while left and client.free:
            client.ask()
            left -= 1
        client.collect(1)
        if time.monotonic() > last:
            raise Late(f"{left} of {requests} requests not sent and {client.busy} not answered in time")
    client.close()
    return Tally(dict(client.seen), time.monotonic() - began)


class Load:
    """A steady rate until it is stopped. Use as a context manager, or `start` and `stop`.

    `tally()` is everything so far. Requests are due by the clock: after a stall the late ones are sent
    at once, so that the number asked is the rate times the time, as far as the machine can.
    """

    def __init__(self, gateway: str, host: str, rate: float, connections: int = 32, path: str = "/") -> None:
        self._rate, self._where = rate, (gateway, host, connections, path)
        self._pipe: Connection | None = None
        self._process: BaseProcess | None = None

    def start(self) -> Load:
        spawned = multiprocessing.get_context("spawn")
        self._pipe, theirs = spawned.Pipe()
        self._process = spawned.Process(target=_steady, args=(theirs, self._rate, self._where), daemon=True)
        self._process.start()
        theirs.close()
        self.tally()
        return self

    def tally(self) -> Tally:
        """What has come back until now."""
        return self._ask("tally")

    def stop(self) -> Tally:
        """Let what is under way come back, and end."""
        tally = self._ask("stop")
        if self._process and self._pipe:
            self._process.join(deadline(10))
            self._process.close()
            self._pipe.close()
            self._process = None
        return tally

    def _ask(self, word: str) -> Tally:
        assert self._pipe is not None, "start it first"
        self._pipe.send(word)
        if not self._pipe.poll(deadline(30)):
            raise Late(f"the load generator did not answer {word!r}")
        answer: Tally = self._pipe.recv()
        return answer

    def __enter__(self) -> Load:
        return self.start()

    def __exit__(self, *_: object) -> None:
        if self._process:
            self.stop()


def _steady(pipe: Connection, rate: float, where: tuple[str, str, int, str]) -> None:
    """The generator's process: asks when due, answers the pipe, ends when the pipe's other end does."""
    client = Client(*where)
    began = time.monotonic()
    asked, going = 0, True
    while going:
        due = int((time.monotonic() - began) * rate)
        while asked < due and client.free:
            client.ask()
            asked += 1
        client.collect(0.002 if asked < due else min(0.05, (asked + 1) / rate + began - time.monotonic()))
        if pipe.poll():
            going = _told(pipe, client, began)
    client.close()


def _told(pipe: Connection, client: Client, began: float) -> bool:
    """Answer one word; False after the last."""
    try:
        word = pipe.recv()
    except EOFError:
        return False
    last = time.monotonic() + deadline(10)
    while word == "stop" and client.busy and time.monotonic() < last:
        client.collect(0.1)
    pipe.send(Tally(dict(client.seen), time.monotonic() - began))
    return bool(word != "stop")
