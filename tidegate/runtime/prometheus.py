"""Raw samples out of Prometheus, over the controller's shared session; no evidence is Failed, in words.

An instant query for a range-vector selector returns samples with their true times. rate(), increase() and
query_range invent, repeat or drop some.
"""

from __future__ import annotations

import asyncio
from http import HTTPStatus

import aiohttp
import msgspec

from analysis.counters import Series, Unusable, parse
from tidegate.planners.needs import Answer, Failed, Known, Samples

TIMEOUT = 5.0
MOST_SERIES = 2000
MOST_BYTES = 64 * 2**20
EXCERPT = 80
QUICK_BYTES = 2**18
"""An answer up to here is read within a few milliseconds; a longer one leaves the event loop."""


async def samples(session: aiohttp.ClientSession, need: Samples, timeout: float = TIMEOUT) -> Answer:
    """Known: a tuple of `analysis.counters.Series`. Failed says what Prometheus or the network said.

    `timeout`, in seconds of transport time, bounds the whole exchange.
    """
    try:
        status, body = await _exchange(session, need, timeout)
    except TimeoutError:
        return Failed(f"no answer within {timeout:g} s")
    except aiohttp.InvalidURL:
        return Failed(f"{need.address!r} is no address; write one like http://prometheus:9090")
    except (aiohttp.ClientError, OSError) as problem:
        return Failed(str(problem) or type(problem).__name__)
    if len(body) > MOST_BYTES:
        return Failed(f"more than {MOST_BYTES >> 20} MiB; narrow the selector {need.selector}")
    found = _read(body) if len(body) <= QUICK_BYTES else await asyncio.to_thread(_read, body)
    if found is None:
        return Failed(_stranger(need.address, status, body))
    return _judged(found, need, status)


async def _exchange(session: aiohttp.ClientSession, need: Samples, timeout: float) -> tuple[int, bytes]:
    """The status and the body, cut off just beyond what would be read."""
    query = {
        "query": f"{need.selector}[{round(need.window * 1000)}ms]",
        "time": f"{need.at.timestamp():.3f}",
    }
    limit = aiohttp.ClientTimeout(total=timeout)
    url = f"{need.address.rstrip('/')}/api/v1/query"
    async with session.get(url, params=query, timeout=limit) as response:
        body = bytearray()
        async for chunk in response.content.iter_any():
            body += chunk
            if len(body) > MOST_BYTES:
                break
        return response.status, bytes(body)


def _read(body: bytes) -> tuple[Series, ...] | Unusable | None:
    """None where it was not Prometheus who answered."""
    try:
        return parse(msgspec.json.decode(body))
    except (msgspec.DecodeError, TypeError, ValueError):
        return None


def _stranger(address: str, status: int, body: bytes) -> str:
    """Prometheus itself says in plain text that it is starting; a proxy or a login page says anything."""
    said = " ".join(body[:EXCERPT].decode(errors="replace").split())
    if status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        return f"{address} is not ready (HTTP {status}): {said}"
    return f"{address} does not answer as Prometheus does (HTTP {status}); is it its address? {said}"


def _judged(found: tuple[Series, ...] | Unusable, need: Samples, status: int) -> Answer:
    match found:
        case Unusable(why):
            return Failed(why if status < HTTPStatus.BAD_REQUEST else f"{why} (HTTP {status})")
        case series if len(series) > MOST_SERIES:
            return Failed(
                f"{len(series)} series, more than {MOST_SERIES}; narrow the selector {need.selector}"
            )
        case series:
            return Known(series)
