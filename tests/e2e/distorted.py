"""A Prometheus on a bad day: asked under a name of its own, it asks the real one and tells something else.

`http://…/NAME` is an address for the metrics catalogue. What it does to the answers is `bad[NAME]`; nothing
where there is none.
"""

from __future__ import annotations

import json
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from contextlib import suppress
from email.utils import formatdate
from functools import partial
from http.server import BaseHTTPRequestHandler
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

import msgspec

from tidegate.demo.loopback import Loopback

Raw = dict[str, Any]

PATIENCE = 10.0
"""Seconds that a hung answer takes: longer than anyone waits for it."""
LIFE = 7.0
"""Seconds after which a counter begins anew."""


class Told(msgspec.Struct, frozen=True):
    """An answer; `ahead` is by how many seconds its teller's clock is ahead."""

    body: Raw
    status: int = 200
    ahead: float = 0.0

    @property
    def series(self) -> list[Raw]:
        found: list[Raw] = self.body["data"]["result"]
        return found

    def with_series(self, series: list[Raw]) -> Told:
        return Told({**self.body, "data": {**self.body["data"], "result": series}}, self.status, self.ahead)


Query = dict[str, str]
Ask = Callable[[Query], Told]
Distortion = Callable[[Ask, Query], Told]


def as_it_is(ask: Ask, query: Query) -> Told:
    return ask(query)


def hanging(ask: Ask, query: Query) -> Told:
    threading.Event().wait(PATIENCE)
    return ask(query)


def refusing(_ask: Ask, _query: Query) -> Told:
    why = "query processing would load too many samples into memory in query execution"
    return Told({"status": "error", "errorType": "execution", "error": why}, 422)


def empty(ask: Ask, query: Query) -> Told:
    return ask(query).with_series([])


def not_a_number(ask: Ask, query: Query) -> Told:
    told = ask(query)
    return told.with_series(
        [{**one, "values": [[at, "NaN"] for at, _ in one["values"]]} for one in told.series]
    )


def twice(ask: Ask, query: Query) -> Told:
    """Every series of two targets."""
    told = ask(query)
    both = [{**one, "metric": {**one["metric"], "instance": name}} for name in "ab" for one in told.series]
    return told.with_series(both)


def one_of_two(ask: Ask, query: Query) -> Told:
    """Of the two targets, one is missing."""
    return ask(query).with_series(
        [one for one in twice(ask, query).series if one["metric"]["instance"] == "a"]
    )


def restarting(ask: Ask, query: Query) -> Told:
    """Every counter begins at nought again and again."""
    told = ask(query)
    return told.with_series([{**one, "values": _of_lives(one["values"])} for one in told.series])


def off_by(seconds: float) -> Distortion:
    """Its clock, and so the time of every sample, is so far ahead."""

    def off(ask: Ask, query: Query) -> Told:
        told = ask({**query, "time": str(float(query["time"]) - seconds)})
        shifted = [
            {**one, "values": [[at + seconds, value] for at, value in one["values"]]} for one in told.series
        ]
        return Told(told.with_series(shifted).body, ahead=seconds)

    return off


def _of_lives(values: list[tuple[float, str]]) -> list[list[Any]]:
    began: dict[float, float] = {}
    for at, value in values:
        began.setdefault(at // LIFE, float(value))
    return [[at, str(float(value) - began[at // LIFE])] for at, value in values]


class Distorted(Loopback):
    """In front of the Prometheus at `address`; use as a context manager."""

    def __init__(self, address: str) -> None:
        super().__init__(partial(_Telling, self))
        self._address = address
        self.bad: dict[str, Distortion] = {}

    def address(self, name: str) -> str:
        return f"{self.url}/{name}"

    def told(self, name: str, query: Query) -> Told:
        return self.bad.get(name, as_it_is)(self._ask, query)

    def _ask(self, query: Query) -> Told:
        url = f"{self._address}/api/v1/query?{urlencode(query)}"
        try:
            with urllib.request.urlopen(url, timeout=PATIENCE) as answer:
                return Told(json.loads(answer.read()))
        except urllib.error.HTTPError as refused:
            return Told(json.loads(refused.read()), refused.code)


class _Telling(BaseHTTPRequestHandler):
    def __init__(self, distorted: Distorted, *about: Any) -> None:
        self._distorted = distorted
        super().__init__(*about)

    def do_GET(self) -> None:
        url = urlsplit(self.path)
        told = self._distorted.told(url.path.split("/")[1], dict(parse_qsl(url.query)))
        body = json.dumps(told.body).encode()
        self.send_response_only(told.status)
        self.send_header("Date", formatdate(time.time() + told.ahead, usegmt=True))
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        with suppress(OSError):
            self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        pass
