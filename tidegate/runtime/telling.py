"""Tells Events beside the work: nobody who moves traffic waits until the API server has taken one.

What is told of one object keeps its order. Where the API server takes no Events, some wait and the rest is
let go: they stop nothing, whatever becomes of them.
"""

from __future__ import annotations

import asyncio
import hashlib
import logging
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from datetime import datetime
from typing import NamedTuple

from crds.refs import EVENT
from crds.times import rfc3339
from tidegate.kube import requests
from tidegate.kube.errors import KubeError
from tidegate.kube.http import Request, Sender
from tidegate.kube.store import Raw
from tidegate.planners.plan import Event

log = logging.getLogger("tidegate.telling")

SOURCE = "rollouts-controller"
SECONDS = 5.0
AT_ONCE = 4
"""Objects that are told of at the same time; few, so that writes go first where the API server is busy."""
MOST = 20_000
"""Events that may wait; each takes about 2 kB."""
CONFLICT = 409

Told = Callable[[Event], None]
Tell = Callable[[Event, datetime], None]


class Letter(NamedTuple):
    event: Event
    request: Request


class Teller:
    """`told` hears of every event that the API server took, and of those that `worth` says no to."""

    def __init__(
        self,
        sender: Sender,
        told: Told = lambda _event: None,
        worth: Callable[[Event], bool] = lambda _event: True,
    ) -> None:
        self._sender = sender
        self._told = told
        self._worth = worth
        self._letters: dict[str, deque[Letter]] = {}
        self._due: asyncio.Queue[str] = asyncio.Queue()
        self._waiting = 0

    def __len__(self) -> int:
        return self._waiting

    def tell(self, event: Event, now: datetime) -> None:
        """Soon, and after what was told of the same object before."""
        if not self._worth(event):
            self._told(event)
        elif self._waiting >= MOST:
            log.warning("event %s was not told: %d wait to be told already", event.reason, self._waiting)
        else:
            self._put(Letter(event, _request(event, now)))

    async def work(self) -> None:
        """Tell what waits, for ever; cancel to end. What was not answered by then waits on."""
        while True:
            about = await self._due.get()
            letters = self._letters[about]
            try:
                await self._send(letters[0])
                letters.popleft()
                self._waiting -= 1
            finally:
                if letters:
                    self._due.put_nowait(about)
                else:
                    del self._letters[about]
                self._due.task_done()

    async def finish(self, seconds: float) -> None:
        """Tell what still waits, for so long at most."""
        works = [asyncio.create_task(self.work()) for _ in range(AT_ONCE)]
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._due.join()
        for work in works:
            work.cancel()
        await asyncio.gather(*works, return_exceptions=True)

    def _put(self, letter: Letter) -> None:
        about = str(letter.event.about["metadata"].get("uid"))
        self._waiting += 1
        if about in self._letters:
            self._letters[about].append(letter)
        else:
            self._letters[about] = deque([letter])
            self._due.put_nowait(about)

    async def _send(self, letter: Letter) -> None:
        event, request = letter
        try:
            response = await self._sender.send(request)
        except KubeError as problem:
            log.warning("event %s was not told: %s", event.reason, problem)
            return
        if response.status < 400:
            self._told(event)
        elif response.status != CONFLICT:  # told before, by us or by the leader before us
            log.warning("event %s was not told: %s", event.reason, response.body.get("message"))


def _request(event: Event, now: datetime) -> Request:
    body = _body(event, now)
    path = requests.path(EVENT.group, EVENT.version, EVENT.plural, body["metadata"]["namespace"])
    return replace(requests.create(path, body), timeout=SECONDS)


def _body(event: Event, now: datetime) -> Raw:
    """A core/v1 Event; its name is derived from what was seen and said, so that repeats are one."""
    about = event.about
    meta = about["metadata"]
    namespace = meta.get("namespace") or "default"
    seen = (str(meta.get("uid")), str(meta.get("resourceVersion")))
    told = "\n".join((*seen, event.reason, event.message, event.occasion))
    involved = {
        "apiVersion": about.get("apiVersion"),
        "kind": about.get("kind"),
        "namespace": namespace,
        "name": meta["name"],
        "uid": meta.get("uid"),
        "resourceVersion": meta.get("resourceVersion"),
    }
    return {
        "apiVersion": "v1",
        "kind": "Event",
        "metadata": {
            "namespace": namespace,
            "name": f"{meta['name'][:200]}.{hashlib.sha256(told.encode()).hexdigest()[:16]}",
        },
        "involvedObject": {k: v for k, v in involved.items() if v},
        "type": "Warning" if event.warning else "Normal",
        "reason": event.reason,
        "message": event.message[:1024],
        "source": {"component": SOURCE},
        "firstTimestamp": rfc3339(now),
        "lastTimestamp": rfc3339(now),
        "count": 1,
    }
