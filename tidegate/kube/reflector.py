"""Keeps the store equal to the API server for one kind: list, watch, and list again when in doubt.

Whoever else follows the kind may be behind after an outage, so the store says since when it is over; a line
that breaks and is taken up again is none (docs/decisions/0020-who-follows-the-router-may-be-behind.md).

Whatever ends a watch (an error event, silence, a broken line) costs a back-off, never the process. A kind
that is not served is said to be refused in the store, and asked for again until it appears.
"""

from __future__ import annotations

import asyncio
import logging
import math
from collections.abc import AsyncGenerator, AsyncIterator, Hashable
from contextlib import aclosing
from dataclasses import dataclass
from typing import Any

from tidegate.kube import requests
from tidegate.kube.errors import (
    Broken,
    Forbidden,
    Gone,
    KubeError,
    NotFound,
    ServerError,
    Stranger,
    Unreachable,
    accepted,
    error,
)
from tidegate.kube.http import Response, Sender
from tidegate.kube.requests import ALL, Selection
from tidegate.kube.store import Store, version_of

log = logging.getLogger("tidegate.reflector")


@dataclass(frozen=True)
class Watched:
    """What to keep: `kind` is the store's key, `path` the collection's."""

    kind: Hashable
    path: str
    selection: Selection = ALL


@dataclass(frozen=True)
class Pace:
    """Transport seconds. The server sends a bookmark about every minute, so more silence is a dead line.

    One who refuses is asked ever later, one whom nothing reaches is not burdened by being asked.
    """

    silence: float = 70.0
    first_delay: float = 0.2
    longest_delay: float = 30.0
    longest_unreached: float = 5.0


PACE = Pace()
OTHERS = "whoever else follows these may be behind for a minute or so"


class Reflector:
    """One watched kind. `heard_at` is the loop's time of the last event or failure."""

    def __init__(self, sender: Sender, store: Store, watched: Watched, pace: Pace = PACE) -> None:
        self._sender = sender
        self._store = store
        self._pace = pace
        self._failures = 0
        self._away_since: float | None = None
        self._said = ""
        self._asked = asyncio.Event()
        self.watched = watched
        self.heard_at = 0.0
        store.expect(watched.kind)

    async def run(self) -> None:
        """For ever; cancel to end."""
        version = ""
        while True:
            try:
                version = version or await self._list()
                version = await self._watch(version)
            except Broken as problem:  # taken up where it broke
                await self._later(problem)
            except KubeError as problem:
                if isinstance(problem, Unreachable | Stranger) or (
                    isinstance(problem, ServerError) and not version
                ):
                    self._miss()
                version = ""
                await self._later(problem)

    def ask(self) -> None:
        """Try again now instead of at the end of the back-off: somebody needs it."""
        self._asked.set()

    async def _list(self) -> str:
        """The collection into the store, page by page; the version to watch from."""
        raws: list[dict[str, Any]] = []
        token = ""
        while True:
            page = accepted(
                await self._sender.send(requests.page(self.watched.path, self.watched.selection, token=token))
            )
            raws += _typed(page)
            token = page["metadata"].get("continue", "")
            if not token:
                break
        version = str(page["metadata"]["resourceVersion"])
        self._store.replace(self.watched.kind, raws, int(version))
        self._meet()
        return version

    async def _watch(self, version: str) -> str:
        """Follow until the server ends the stream; the version seen last."""
        stream = self._sender.watch(requests.watch(self.watched.path, version, self.watched.selection))
        heard = False
        async with aclosing(_unless_silent(stream, self._pace.silence)) as events:
            async for event in events:
                version = self._take(event)
                heard = self._alive()
        if not heard:
            raise Broken("the watch ended before it said anything")
        return version

    def _take(self, event: dict[str, Any]) -> str:
        raw = event["object"]
        match event["type"]:
            case "ADDED" | "MODIFIED":
                self._store.put(self.watched.kind, raw)
            case "DELETED":
                self._store.remove(self.watched.kind, raw)
            case "BOOKMARK":
                pass
            case _:
                raise error(Response(int(raw.get("code") or 500), raw))
        self._store.advance(self.watched.kind, version_of(raw))
        return str(raw["metadata"]["resourceVersion"])

    def _alive(self) -> bool:
        self._failures, self._said = 0, ""
        self.heard_at = asyncio.get_running_loop().time()
        return True

    def _miss(self) -> None:
        """Nobody answers."""
        if self._away_since is None:
            self._away_since = asyncio.get_running_loop().time()
            self._store.reach(self.watched.kind, math.inf)

    def _meet(self) -> None:
        """Somebody does."""
        now = self.heard_at = asyncio.get_running_loop().time()
        self._said = ""
        if self._away_since is not None:
            away, self._away_since = now - self._away_since, None
            log.warning("%s: answered again after %.1f s; %s", self.watched.path, away, OTHERS)
            self._store.reach(self.watched.kind, now)

    def _say(self, problem: KubeError) -> None:
        self.heard_at = asyncio.get_running_loop().time()
        kind, why = self.watched.kind, f"{self.watched.path}: {_in_words(problem)}"
        if isinstance(problem, NotFound | Forbidden):
            self._store.refuse(kind, why)
        if why != self._said:  # it is asked for again all the while
            self._said = why
            log.log(logging.INFO if isinstance(problem, Gone) else logging.WARNING, "%s", why)

    async def _later(self, problem: KubeError) -> None:
        self._say(problem)
        unreached = isinstance(problem, Unreachable) and not isinstance(problem, Broken)
        await self._back_off(self._pace.longest_unreached if unreached else self._pace.longest_delay)

    async def _back_off(self, longest: float) -> None:
        delay = min(self._pace.first_delay * 2**self._failures, longest)
        self._failures += 1
        try:
            async with asyncio.timeout(delay):
                await self._asked.wait()
        except TimeoutError:
            pass
        self._asked.clear()


def _in_words(problem: KubeError) -> str:
    if isinstance(problem, NotFound):
        return "not served by this API server; install the CRD"
    return str(problem)


def _typed(page: dict[str, Any]) -> list[dict[str, Any]]:
    """The items, with the kind that a watch gives them but a list leaves out for built-in kinds."""
    kind, version = str(page.get("kind", "")).removesuffix("List"), page.get("apiVersion", "")
    return [{"kind": kind, "apiVersion": version, **item} for item in page.get("items") or ()]


async def _unless_silent(
    stream: AsyncIterator[dict[str, Any]], seconds: float
) -> AsyncGenerator[dict[str, Any], None]:
    """The stream's events; Unreachable once it has been silent for so long."""
    try:
        while True:
            async with asyncio.timeout(seconds):
                event = await anext(stream, None)
            if event is None:
                return
            yield event
    except TimeoutError:
        raise Broken(f"the watch was silent for {seconds:.0f} s") from None
    finally:
        if isinstance(stream, AsyncGenerator):
            await stream.aclose()
