"""Who of several controllers may write: election over a coordination/v1 Lease, as client-go holds it.

The lock is Argo Rollouts' own, so that one of its controllers and ours exclude each other. Others' clocks are
never trusted: a Lease is expired once we have seen it unchanged for its whole duration on our own clock.
Who loses it steps down and stands again (docs/decisions).
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any

from crds.paths import get
from crds.times import rfc3339_micro
from tidegate.kube import requests
from tidegate.kube.errors import Conflict, KubeError, NotFound, accepted
from tidegate.kube.http import Request, Sender

log = logging.getLogger("tidegate.lease")

LOCK_NAME = "argo-rollouts-controller-lock"
OURS = "tidegate-"

Raw = dict[str, Any]


class Deposed(Exception):
    """We no longer hold the Lease; whoever does may be writing already."""


@dataclass(frozen=True)
class Pace:
    """Transport seconds: a Lease lasts `lease`; its holder renews it every `retry` and gives up after `renew`
    in vain. Who waits for it looks every `look`.

    After a death the next one leads within `look` + `lease` + `look`, after a farewell within `look`.
    """

    lease: float = 10.0
    renew: float = 6.0
    retry: float = 2.0
    look: float = 1.0


PACE = Pace()


@dataclass(frozen=True)
class Seen:
    """A Lease as we last read it, and the loop's time at which it last changed."""

    raw: Raw = field(default_factory=dict)
    since: float = 0.0

    @property
    def holder(self) -> str:
        return str(get(self.raw, "spec", "holderIdentity", default=""))


class Elector:
    """`leading` is set while we hold the Lease; `identity` begins with `OURS`; `met` hears of others'."""

    def __init__(self, sender: Sender, namespace: str, identity: str, pace: Pace = PACE) -> None:
        self._sender = sender
        self._namespace = namespace
        self._collection = requests.path("coordination.k8s.io", "v1", "leases", namespace)
        self._path = f"{self._collection}/{LOCK_NAME}"
        self._identity = identity
        self._pace = pace
        self._seen = Seen()
        self._said = ""
        self.leading = asyncio.Event()
        self.met: Callable[[Raw], None] = lambda _lease: None

    @property
    def holder(self) -> str:
        """Who held the Lease when we last read it, "" for nobody."""
        return self._seen.holder

    @property
    def conflict(self) -> str:
        """The stranger who holds the lock, and so writes what we would: "" where there is none."""
        return "" if self.holder.startswith(OURS) else self.holder

    async def run(self, work: Callable[[], Awaitable[None]]) -> None:
        """`work` while the Lease is ours; once it is lost the work is cut off, and the Lease awaited again.

        For ever. To end, cancel and `release`.
        """
        while True:
            won = await self._win()
            log.info("%s leads", self._identity)
            try:
                await self._lead(work, won)
            except* Deposed as lost:
                log.warning("%s steps down, and stands again: %s", self._identity, lost.exceptions[0])

    async def _lead(self, work: Callable[[], Awaitable[None]], won: float) -> None:
        self.leading.set()
        try:
            async with asyncio.TaskGroup() as led:
                led.create_task(self._keep(won))
                await work()
        finally:
            self.leading.clear()

    async def release(self) -> None:
        """Let the next one lead at once."""
        if self.holder != self._identity:
            return
        free = {"holderIdentity": "", "leaseDurationSeconds": 1, "renewTime": _now()}
        try:
            await self._put(self._seen.raw["spec"] | free)
        except KubeError as problem:
            log.warning("the Lease was not released: %s", problem)

    async def _win(self) -> float:
        """Try until the Lease is ours; the loop's time at which the try began that made it so."""
        loop = asyncio.get_running_loop()
        asked = loop.time()
        while not await self._try():
            await asyncio.sleep(self._pace.look)
            asked = loop.time()
        return asked

    async def _keep(self, renewed: float) -> None:
        while True:
            try:
                async with asyncio.timeout_at(renewed + self._pace.renew):
                    await asyncio.sleep(self._pace.retry)
                    renewed = await self._win()
            except TimeoutError:
                raise Deposed(f"no renewal of the Lease got through for {self._pace.renew:.0f} s") from None

    async def _try(self) -> bool:
        """Take or renew the Lease; False where another holds it or no answer came, which is said once."""
        try:
            taken, problem = await self._take(), ""
        except KubeError as refused:
            taken, problem = False, str(refused)
        if problem and problem != self._said:
            log.warning("the Lease: %s", problem)
        self._said = problem
        return taken

    async def _take(self) -> bool:
        if self.holder != self._identity and not await self._read():
            return await self._create()
        if self._held_by_another():
            return False
        try:
            await self._put(self._claim())
        except (Conflict, NotFound):
            await self._read()
            self._held_by_another()  # said at once if we led till now
            return False
        return True

    async def _read(self) -> bool:
        """Look at the Lease; False where there is none."""
        try:
            self._note(accepted(await self._sender.send(self._brief(requests.get(self._path)))))
        except NotFound:
            self._seen = Seen()
            return False
        return True

    def _held_by_another(self) -> bool:
        if self.holder in ("", self._identity):
            return False
        if self.leading.is_set():
            raise Deposed(f"{self.holder} took the Lease")
        lasts = float(get(self._seen.raw, "spec", "leaseDurationSeconds", default=self._pace.lease))
        return asyncio.get_running_loop().time() < self._seen.since + lasts

    def _claim(self) -> Raw:
        """The Lease's spec with us as holder."""
        spec = get(self._seen.raw, "spec", default={})
        ours = {
            "holderIdentity": self._identity,
            "leaseDurationSeconds": int(self._pace.lease),
            "renewTime": _now(),
        }
        if self.holder == self._identity:
            return {**spec, **ours}
        turns = get(spec, "leaseTransitions", default=0) + 1
        return {**spec, **ours, "acquireTime": _now(), "leaseTransitions": turns}

    async def _create(self) -> bool:
        body = {
            "apiVersion": "coordination.k8s.io/v1",
            "kind": "Lease",
            "metadata": {"name": LOCK_NAME, "namespace": self._namespace},
            "spec": self._claim() | {"leaseTransitions": 0},
        }
        request = self._brief(requests.create(self._collection, body))
        try:
            self._note(accepted(await self._sender.send(request)))
        except Conflict:
            return False
        return True

    async def _put(self, spec: Raw) -> None:
        request = requests.replace(self._path, {**self._seen.raw, "spec": spec})
        self._note(accepted(await self._sender.send(self._brief(request))))

    def _brief(self, request: Request) -> Request:
        return replace(request, timeout=self._pace.renew / 2)

    def _note(self, raw: Raw) -> None:
        before, unchanged = self.conflict, get(raw, "spec") == get(self._seen.raw, "spec")
        since = self._seen.since if unchanged else asyncio.get_running_loop().time()
        self._seen = Seen(raw, since)
        if self.conflict and self.conflict != before:
            log.error("ControllerConflict: %s holds %s; we write nothing meanwhile", self.holder, self._path)
            self.met(raw)


def _now() -> str:
    return rfc3339_micro(datetime.now(UTC))
