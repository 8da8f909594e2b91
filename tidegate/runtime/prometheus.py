"""Raw samples and classic queries out of Prometheus, over the controller's shared session.

No evidence is Failed, in words. Raw samples come by an instant query for a range-vector selector, with
their true times: rate(), increase() and query_range invent, repeat or drop some.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import datetime
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from typing import Any, NamedTuple, TypeVar

import aiohttp
import msgspec

from analysis import counters, instant
from analysis.counters import Unusable
from analysis.provider import Server
from crds.addresses import hidden
from tidegate.planners.needs import Answer, Failed, Known, Query, Samples
from tidegate.runtime.excerpt import excerpt
from tidegate.runtime.oauth import Tokens

SAMPLES_SECONDS = 5.0
QUERY_SECONDS = 30.0
"""Of transport time, for the whole exchange, where the metric says nothing."""
NO_ADDRESS = "no address; write provider.prometheus.address, or set ARGO_ROLLOUTS_PROMETHEUS_ADDRESS"
MOST_SERIES = 2000
MOST_BYTES = 64 * 2**20
MOST_OFF = 30.0
"""Seconds by which Prometheus' clock may differ from ours: samples are asked for by our time and told by its
own, so evidence comes so much later. Beyond that it would be taken for silence."""
QUICK_BYTES = 2**18
"""An answer up to here is read within a few milliseconds; a longer one leaves the event loop."""

T = TypeVar("T")


class PrometheusFetcher:
    """`now` is domain time, `default` whom a question without an address goes to.

    Failed says what Prometheus or the network said.
    """

    def __init__(
        self, session: aiohttp.ClientSession, now: Callable[[], datetime], default: str = ""
    ) -> None:
        self._session = session
        self._now = now
        self._default = default
        self._tokens = Tokens(session)

    async def samples(self, need: Samples) -> Answer:
        """Known: a tuple of `analysis.counters.Series`."""
        window = f"{need.selector}[{round(need.window * 1000)}ms]"
        written = {"query": window, "time": f"{need.at.timestamp():.3f}"}
        asked = _Asked("query", written, SAMPLES_SECONDS, by_our_clock=True)
        found = await self._answer(need.server, asked, counters.parse)
        return _few(found, found, need.selector) if isinstance(found, tuple) else found

    async def query(self, need: Query) -> Answer:
        """Known: an `analysis.instant.Instant`.

        Without a span no time is sent: Prometheus' own now is right however the clocks differ.
        """
        parse = instant.parse_range if need.span else instant.parse
        found = await self._answer(need.server, self._asked(need), parse)
        return found if isinstance(found, Failed) else _few(found, found.values, need.query)

    def _asked(self, need: Query) -> _Asked:
        if need.span is None:
            return _Asked("query", {"query": need.query}, QUERY_SECONDS)
        now = self._now()
        ends = {"start": now - need.span.start, "end": now - need.span.end}
        times = {name: f"{moment.timestamp():.3f}" for name, moment in ends.items()}
        step = {"step": f"{need.span.step.total_seconds():g}"}
        return _Asked("query_range", {"query": need.query, **times, **step}, QUERY_SECONDS)

    async def _answer(
        self, server: Server, asked: _Asked, parse: Callable[[Any], T | Unusable]
    ) -> T | Failed:
        """What `parse` makes of the answer."""
        address, seconds = server.address or self._default, server.timeout or asked.seconds
        if not address:
            return Failed(NO_ADDRESS)
        try:
            async with asyncio.timeout(seconds):
                credentials = await self._credentials(server)
                if isinstance(credentials, Failed):
                    return credentials
                said = await self._exchange(address, server, asked, credentials)
        except TimeoutError:
            return Failed(f"no answer within {seconds:g} s")
        except aiohttp.InvalidURL as problem:
            return Failed(
                f"{hidden(str(problem.url))!r} is no address; write one like http://prometheus:9090"
            )
        except (aiohttp.ClientError, OSError, ValueError) as problem:
            return Failed(str(problem) or type(problem).__name__)
        off = _clock_off(said.date, self._now()) if asked.by_our_clock else ""
        return Failed(off) if off else await _read_whole(hidden(address), asked, said, parse)

    async def _credentials(self, server: Server) -> dict[str, str] | Failed:
        """The header that says who asks."""
        basic, oauth2 = server.authentication.basic_auth, server.authentication.oauth2
        if basic:
            return {"Authorization": aiohttp.encode_basic_auth(basic.username, basic.password)}
        if oauth2 is None:
            return {}
        token = await self._tokens.token(oauth2)
        return token if isinstance(token, Failed) else {"Authorization": f"Bearer {token}"}

    async def _exchange(
        self, address: str, server: Server, asked: _Asked, credentials: dict[str, str]
    ) -> _Said:
        """The answer, its body cut off just beyond what would be read."""
        url = f"{address.rstrip('/')}/api/v1/{asked.page}"
        headers = credentials | {header.key: header.value for header in server.headers}
        async with self._session.get(
            url, params=asked.parameters, headers=headers, ssl=not server.insecure
        ) as response:
            if response.status == HTTPStatus.UNAUTHORIZED and server.authentication.oauth2:
                self._tokens.forget(server.authentication.oauth2)
            body = bytearray()
            async for chunk in response.content.iter_any():
                body += chunk
                if len(body) > MOST_BYTES:
                    break
            return _Said(response.status, bytes(body), response.headers.get("Date", ""))


class _Asked(NamedTuple):
    page: str
    parameters: dict[str, str]
    seconds: float
    by_our_clock: bool = False


class _Said(NamedTuple):
    status: int
    body: bytes
    date: str


def _clock_off(date: str, now: datetime) -> str:
    """By how much the answerer's clock is off, in words; "" where it is not, or does not say."""
    try:
        off = (parsedate_to_datetime(date) - now).total_seconds()
    except (TypeError, ValueError):
        return ""
    side = "ahead of" if off > 0 else "behind"
    words = f"its clock is {abs(off):.0f} s {side} the controller's; set both by NTP"
    return words if abs(off) > MOST_OFF else ""


def _few(found: Any, series: tuple[Any, ...], asked: str) -> Answer:
    if len(series) > MOST_SERIES:
        return Failed(f"{len(series)} series, more than {MOST_SERIES}; narrow the selector {asked}")
    return Known(found)


async def _read_whole(
    address: str, asked: _Asked, said: _Said, parse: Callable[[Any], T | Unusable]
) -> T | Failed:
    status, body, _ = said
    if len(body) > MOST_BYTES:
        return Failed(f"more than {MOST_BYTES >> 20} MiB; narrow the selector {asked.parameters['query']}")
    quick = len(body) <= QUICK_BYTES
    found = _read(body, parse) if quick else await asyncio.to_thread(lambda: _read(body, parse))
    match found:
        case None:
            return Failed(_stranger(address, status, body))
        case Unusable(why):
            return Failed(why if status < HTTPStatus.BAD_REQUEST else f"{why} (HTTP {status})")
        case _:
            return found


def _read(body: bytes, parse: Callable[[Any], T | Unusable]) -> T | Unusable | None:
    """None where it was not Prometheus who answered."""
    try:
        return parse(msgspec.json.decode(body))
    except (msgspec.DecodeError, TypeError, ValueError, LookupError, AttributeError, RecursionError):
        return None


def _stranger(address: str, status: int, body: bytes) -> str:
    """Prometheus itself says in plain text that it is starting; a proxy or a login page says anything."""
    said = excerpt(body)
    if status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        return f"{address} is not ready (HTTP {status}): {said}"
    return f"{address} does not answer as Prometheus does (HTTP {status}); is it its address? {said}"
