"""What lies between a controller and the API server, and all that may go wrong there.

A fault strikes at the k-th write of a plan. The rest lasts until it is told to end: nobody answers, lists are
slow, watches lag, say things twice, break, or end with an error in place of the news they had.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from typing import Any, Literal, get_args

from tidegate.kube.errors import Broken, Unreachable
from tidegate.kube.http import Request, Response
from tidegate.sandbox.resources import target_of
from tidegate.sandbox.sender import SandboxSender
from tidegate.sandbox.store import Store

LATENCY = 0.002
LATE = 20.0

How = Literal["crash before", "crash after", "refused unheard", "done unheard"]
HOWS: tuple[How, ...] = get_args(How)
Worse = Literal["done late", "raced", "answered 500", "answered 429"]
EVERY_HOW: tuple[How | Worse, ...] = (*HOWS, *get_args(Worse))
Ail = Literal["410", "500", "broken"]
AILS: tuple[Ail, ...] = get_args(Ail)


@dataclass
class Fault:
    """Strikes at the `at`-th write, counted from 1; what can be called is done just before that write."""

    at: int
    how: How | Worse | Callable[[], None]


class Wire:
    """Counts writes and `renewals` of the Lease apart, and fails as told.

    `lag` delays what watches tell, by resource plural, in seconds; `slow` is what each page of a list takes,
    and `held_up` a whole list, by plural. With `echo` each line comes twice. Each of `ails` takes the place
    of the next line of any watch, which is lost.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop, store: Store, crash: Callable[[], None]) -> None:
        self._loop = loop
        self._store = store
        self._inner = SandboxSender(store)
        self._crash = crash
        self.fault: Fault | None = None
        self.writes: list[Request] = []
        self.renewals = 0
        self.lag: dict[str, float] = {}
        self.slow = 0.0
        self.held_up: dict[str, float] = {}
        self._away = 0.0
        self._lines: set[asyncio.Timeout] = set()
        self.echo = False
        self.ails: list[Ail] = []

    def heal(self) -> None:
        self.fault, self.lag, self.slow, self._away, self.echo = None, {}, 0.0, 0.0, False
        self.held_up.clear()
        self.ails.clear()

    def goes_away(self, until: float) -> None:
        """Until then, by the loop's time, nobody answers, and all watches break."""
        self._away = until
        self._loop.call_soon(self._break)

    async def send(self, request: Request) -> Response:
        await asyncio.sleep(LATENCY)
        self._answer()
        if "limit" in request.query:
            request = await self._listed(request)
        if not self._is_counted(request):
            return await self._inner.send(request)
        self.writes.append(request)
        if self.fault is None or self.fault.at != len(self.writes):
            return await self._inner.send(request)
        return await self._fail(request, self.fault.how)

    async def _listed(self, request: Request) -> Request:
        if "continue" not in request.query:
            await asyncio.sleep(self.held_up.get(_plural(request), 0.0))
        if not self.slow:
            return request
        await asyncio.sleep(self.slow)
        return replace(request, query={**request.query, "limit": "2"})

    async def watch(self, request: Request) -> AsyncIterator[dict[str, Any]]:
        self._answer()
        lag = self.lag.get(_plural(request), 0.0)
        async with self._line():
            async for line in self._inner.watch(request):
                if lag:
                    await asyncio.sleep(lag)
                if self.ails:
                    yield _ailing(self.ails.pop())
                    return
                yield line
                if self.echo:
                    yield line

    @asynccontextmanager
    async def _line(self) -> AsyncIterator[None]:
        """It breaks when the API server goes away."""
        try:
            async with asyncio.timeout(None) as line:
                self._lines.add(line)
                yield
        except TimeoutError:
            raise Broken("the API server went away") from None
        finally:
            self._lines.discard(line)

    def _break(self) -> None:
        while self._lines:
            self._lines.pop().reschedule(0.0)

    def _answer(self) -> None:
        if asyncio.get_running_loop().time() < self._away:
            raise Unreachable("nobody answers")

    def _is_counted(self, request: Request) -> bool:
        """Writes of plans: no reads, no dry runs, no Events, no Leases."""
        if request.path.rpartition("/leases")[1]:
            self.renewals += 1
            return False
        beside = "dryRun" in request.query or request.path.endswith("/events")
        return request.method != "GET" and not beside

    async def _fail(self, request: Request, how: How | Worse | Callable[[], None]) -> Response:
        if not isinstance(how, str):
            how()
            return await self._inner.send(request)
        match how:
            case "answered 500":
                return _status(500, "InternalError")
            case "answered 429":
                return _status(429, "TooManyRequests")
            case "raced":
                return await self._raced(request)
            case "done late":
                asyncio.get_running_loop().call_later(LATE, self._store.handle, request)
            case "crash after" | "done unheard":
                await self._inner.send(request)
        if how.startswith("crash"):
            self._crash()
            return await asyncio.Future()
        raise Unreachable("the answer was lost")

    async def _raced(self, request: Request) -> Response:
        """Somebody was there a moment before: with the very same, or with a word of his own."""
        if request.method == "POST":
            await self._inner.send(request)
            return await self._inner.send(request)
        target = target_of(request.path)
        if raw := self._store.find(target.resource, target.namespace, target.name):
            notes = {
                **raw["metadata"].get("annotations", {}),
                "somebody": f"was here at {self._store.version}",
            }
            self._store.put(target.resource, {**raw, "metadata": {**raw["metadata"], "annotations": notes}})
        return await self._inner.send(request)


def _plural(request: Request) -> str:
    """Of a collection."""
    return request.path.rpartition("/")[2]


def _status(code: int, reason: str) -> Response:
    return Response(code, {"kind": "Status", "code": code, "reason": reason, "message": f"struck: {reason}"})


def _ailing(ail: Ail) -> dict[str, Any]:
    if ail == "broken":
        raise Broken("the connection broke")
    reason = "Expired" if ail == "410" else "InternalError"
    return {"type": "ERROR", "object": _status(int(ail), reason).body}
