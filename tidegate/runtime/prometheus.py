"""Raw samples and classic queries out of Prometheus, over the controller's shared session.

No evidence is Failed, in words. Raw samples come by an instant query for a range-vector selector, with
their true times: rate(), increase() and query_range invent, repeat or drop some.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from http import HTTPStatus
from typing import Any, NamedTuple, TypeVar

import aiohttp
import msgspec

from analysis import counters, instant
from analysis.counters import Unusable
from tidegate.planners.needs import Answer, Failed, Known, Query, Samples

TIMEOUT = 5.0
MOST_SERIES = 2000
MOST_BYTES = 64 * 2**20
EXCERPT = 80
QUICK_BYTES = 2**18
"""An answer up to here is read within a few milliseconds; a longer one leaves the event loop."""

T = TypeVar("T")


async def samples(session: aiohttp.ClientSession, need: Samples, timeout: float = TIMEOUT) -> Answer:
    """Known: a tuple of `analysis.counters.Series`. Failed says what Prometheus or the network said.

    `timeout`, in seconds of transport time, bounds the whole exchange.
    """
    window = f"{need.selector}[{round(need.window * 1000)}ms]"
    asked = _Asked(need.address, {"query": window, "time": f"{need.at.timestamp():.3f}"}, timeout)
    found = await _answer(session, asked, counters.parse)
    return _few(found, found, need.selector) if isinstance(found, tuple) else found


async def query(session: aiohttp.ClientSession, need: Query, default: str = "") -> Answer:
    """Known: an `analysis.instant.Instant`. `default` is asked where the need names no address.

    No time is sent: Prometheus' own now is right however the clocks differ.
    """
    address = need.address or default
    if not address:
        return Failed(
            "no address; write provider.prometheus.address, or set ARGO_ROLLOUTS_PROMETHEUS_ADDRESS"
        )
    asked = _Asked(address, {"query": need.query}, need.timeout, dict(need.headers), need.insecure)
    found = await _answer(session, asked, instant.parse)
    return found if isinstance(found, Failed) else _few(found, found.values, need.query)


def _few(found: Any, series: tuple[Any, ...], asked: str) -> Answer:
    if len(series) > MOST_SERIES:
        return Failed(f"{len(series)} series, more than {MOST_SERIES}; narrow the selector {asked}")
    return Known(found)


class _Asked(NamedTuple):
    address: str
    query: dict[str, str]
    timeout: float
    headers: dict[str, str] = {}  # noqa: RUF012
    insecure: bool = False


async def _answer(
    session: aiohttp.ClientSession, asked: _Asked, parse: Callable[[Any], T | Unusable]
) -> T | Failed:
    """What `parse` makes of the answer."""
    try:
        status, body = await _exchange(session, asked)
    except TimeoutError:
        return Failed(f"no answer within {asked.timeout:g} s")
    except aiohttp.InvalidURL:
        return Failed(f"{asked.address!r} is no address; write one like http://prometheus:9090")
    except (aiohttp.ClientError, OSError, ValueError) as problem:
        return Failed(str(problem) or type(problem).__name__)
    if len(body) > MOST_BYTES:
        return Failed(f"more than {MOST_BYTES >> 20} MiB; narrow the selector {asked.query['query']}")
    quick = len(body) <= QUICK_BYTES
    found = _read(body, parse) if quick else await asyncio.to_thread(lambda: _read(body, parse))
    match found:
        case None:
            return Failed(_stranger(asked.address, status, body))
        case Unusable(why):
            return Failed(why if status < HTTPStatus.BAD_REQUEST else f"{why} (HTTP {status})")
        case _:
            return found


async def _exchange(session: aiohttp.ClientSession, asked: _Asked) -> tuple[int, bytes]:
    """The status and the body, cut off just beyond what would be read."""
    limit = aiohttp.ClientTimeout(total=asked.timeout)
    url = f"{asked.address.rstrip('/')}/api/v1/query"
    async with session.get(
        url, params=asked.query, timeout=limit, headers=asked.headers, ssl=not asked.insecure
    ) as response:
        body = bytearray()
        async for chunk in response.content.iter_any():
            body += chunk
            if len(body) > MOST_BYTES:
                break
        return response.status, bytes(body)


def _read(body: bytes, parse: Callable[[Any], T | Unusable]) -> T | Unusable | None:
    """None where it was not Prometheus who answered."""
    try:
        return parse(msgspec.json.decode(body))
    except (msgspec.DecodeError, TypeError, ValueError, LookupError):
        return None


def _stranger(address: str, status: int, body: bytes) -> str:
    """Prometheus itself says in plain text that it is starting; a proxy or a login page says anything."""
    said = " ".join(body[:EXCERPT].decode(errors="replace").split())
    if status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        return f"{address} is not ready (HTTP {status}): {said}"
    return f"{address} does not answer as Prometheus does (HTTP {status}); is it its address? {said}"
