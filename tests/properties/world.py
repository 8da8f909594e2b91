"""The real controller over the sandbox, in virtual time: everything but kopf, ports and the Lease is ours.

A world is driven from outside: `steer` and `edit` are what people do, `run` lets time pass. Faults strike
at the k-th write. A world can be copied between two runs: what is in the API server is all there is.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Literal

from analysis.counters import Unusable, parse
from tests.properties.loop import START, LoopClock, VirtualLoop
from tests.properties.witness import Witness
from tidegate.kube.errors import Unreachable
from tidegate.kube.http import Request, Response
from tidegate.planners.needs import Answer, Failed, Known, Samples
from tidegate.planners.settings import Settings as PlannerSettings
from tidegate.runtime.app import App, Parts
from tidegate.runtime.controllers import controllers
from tidegate.runtime.metrics import Requests
from tidegate.runtime.observe import Fetch
from tidegate.runtime.settings import Settings
from tidegate.sandbox.checker import impossible
from tidegate.sandbox.objects import Raw
from tidegate.sandbox.players import Garbage, Pods, ReplicaSets
from tidegate.sandbox.prometheus import Prometheus
from tidegate.sandbox.resources import ROLLOUTS, Resource
from tidegate.sandbox.sender import SandboxSender
from tidegate.sandbox.store import Store
from tidegate.sandbox.traffic import Traffic

NAMESPACE = "production"
NAME = "api"
PROMETHEUS = "http://prometheus"
RATE = 200.0
TICK = 1.0
SCRAPE = 5.0
LATENCY = 0.002
CALM = 12.0
"""Longer than anything the story waits for without being asked to."""

PLANNERS = controllers(PlannerSettings(namespace=NAMESPACE, prometheus=PROMETHEUS))

How = Literal["crash before", "crash after", "refused unheard", "done unheard"]
HOWS: tuple[How, ...] = ("crash before", "crash after", "refused unheard", "done unheard")


@dataclass
class Fault:
    """Strikes at the `at`-th write from now, counted from 1."""

    at: int
    how: How


class Wire:
    """What lies between the controller and the API server: counts writes, and fails as told.

    `lag` delays what watches tell, by resource plural, in seconds.
    """

    def __init__(self, store: Store, crash: Callable[[], None]) -> None:
        self._inner = SandboxSender(store)
        self._crash = crash
        self.fault: Fault | None = None
        self.writes: list[Request] = []
        self.renewals = 0
        self.lag: dict[str, float] = {}

    async def send(self, request: Request) -> Response:
        await asyncio.sleep(LATENCY)
        if not _is_write(request):
            return await self._inner.send(request)
        self.writes.append(request)
        if self.fault is None or self.fault.at != len(self.writes):
            return await self._inner.send(request)
        return await self._fail(request, self.fault.how)

    async def watch(self, request: Request) -> AsyncIterator[dict[str, Any]]:
        lag = self.lag.get(request.path.rpartition("/")[2], 0.0)
        async for line in self._inner.watch(request):
            if lag:
                await asyncio.sleep(lag)
            yield line

    async def _fail(self, request: Request, how: How) -> Response:
        if how in ("crash after", "done unheard"):
            await self._inner.send(request)
        if how in ("refused unheard", "done unheard"):
            raise Unreachable("the answer was lost")
        self._crash()
        return await asyncio.Future()


def _is_write(request: Request) -> bool:
    """Writes of plans: no reads, no dry runs, no Events."""
    return request.method != "GET" and "dryRun" not in request.query and not request.path.endswith("/events")


@dataclass
class Mesh:
    """Pods, traffic and counters around the API server, one tick a second."""

    store: Store
    traffic: Traffic
    prometheus: Prometheus
    players: tuple[Garbage | ReplicaSets | Pods, ...] = field(init=False)

    def __post_init__(self) -> None:
        sets = ReplicaSets(self.store)
        pods = Pods(self.store, timedelta(seconds=2))
        self.players = (Garbage(self.store), sets, pods, sets)

    def tick(self, now: datetime) -> None:
        for player in self.players:
            player.tick(now)
        self.traffic.tick(timedelta(seconds=TICK))
        if now.timestamp() % SCRAPE < TICK:
            self.prometheus.scrape(now)


class World:
    """`start` is the time it is; give `before` to go on from what another world had become."""

    def __init__(self, errors: Mapping[str, float], before: World | None = None) -> None:
        self.loop = VirtualLoop()
        self.clock: LoopClock = LoopClock(self.loop, before.clock.now() if before else START)
        self.store: Store = before.store.copied(self.clock.now) if before else Store(self.clock.now)
        self.wire = Wire(self.store, self._crash)
        self.errors = errors
        self.mesh = self._mesh(before)
        self.crashes = 0
        self.breaches: list[str] = []
        self.frozen = False
        self._controller: list[asyncio.Task[None]] = []
        self._nature = self.loop.create_task(self._tick())
        self._boot()

    def __enter__(self) -> World:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def copied(self) -> World:
        """Another world that goes on from here, with a controller that was just started."""
        return World(self.errors, self)

    def close(self) -> None:
        tasks = asyncio.all_tasks(self.loop)
        for task in tasks:
            task.cancel()
        self.loop.run_until_complete(asyncio.gather(*tasks, return_exceptions=True))
        self.loop.close()

    def run(self, seconds: float) -> None:
        self.loop.run_until_complete(asyncio.sleep(seconds))
        wrong = [*impossible(self.store, self.clock.now()), *self.breaches]
        assert not wrong, "\n".join(wrong)

    def until(self, fact: Callable[[World], bool], seconds: float, what: str) -> None:
        """Lets time pass, a second each, until the fact holds."""
        end = self.loop.time() + seconds
        while not fact(self):
            if self.loop.time() > end:
                raise AssertionError(f"not within {seconds:.0f} s: {what}; {self.rollout()['status']}")
            self.run(1)

    def until_quiet(self, seconds: float = 300.0, calm: float = CALM) -> None:
        """Lets time pass until nothing was written for `calm` seconds."""
        end = self.loop.time() + seconds
        written = -1
        while written != len(self.wire.writes):
            if self.loop.time() > end:
                raise AssertionError(f"still writing after {seconds:.0f} s: {self.wire.writes[-3:]}")
            written = len(self.wire.writes)
            self.run(calm)

    def rollout(self) -> Raw:
        found = self.store.find(ROLLOUTS, NAMESPACE, NAME)
        assert found is not None
        return found

    def every(self, resource: Resource) -> list[Raw]:
        return list(self.store.every(resource, NAMESPACE))

    def apply(self, resource: Resource, name: str, patch: Raw, subresource: str = "") -> None:
        """What a person patches, beside the controller's own wire."""
        path = _path(resource, name) + (f"/{subresource}" if subresource else "")
        kind = "application/merge-patch+json"
        answer = self.store.handle(Request("PATCH", path, body=patch, content_type=kind))
        assert answer.status < 400, answer.body

    def create(self, resource: Resource, body: Raw) -> None:
        answer = self.store.handle(Request("POST", _path(resource), body=body))
        assert answer.status < 400, answer.body

    def _mesh(self, before: World | None) -> Mesh:
        traffic = Traffic(self.store, NAMESPACE, NAME, RATE, self.errors)
        if before:
            traffic.goes_on_from(before.mesh.traffic)
        prometheus = Prometheus(traffic.counters)
        if before:
            prometheus.goes_on_from(before.mesh.prometheus)
        return Mesh(self.store, traffic, prometheus)

    def _boot(self) -> None:
        settings = Settings(home=NAMESPACE, elect=False, workers=2)
        fetchers: dict[type, Fetch] = {Samples: self._samples}
        planners = {kind: Witness(planner, self.breaches) for kind, planner in PLANNERS.items()}
        parts = Parts(planners, fetchers, self.clock, Requests())
        self.app = App(settings, self.wire, None, parts)
        works = [reflector.run() for reflector in self.app.reflectors]
        works += [self.app.reconciler.work() for _ in range(settings.workers)]
        self._controller = [self.loop.create_task(work) for work in works]

    def _crash(self) -> None:
        self.crashes += 1
        for task in self._controller:
            task.cancel()
        self.loop.create_task(self.app.observer.close())
        self.loop.call_later(5.0, self._boot)

    async def _tick(self) -> None:
        while True:
            if not self.frozen:
                self.mesh.tick(self.clock.now())
            await asyncio.sleep(TICK)

    async def _samples(self, need: Samples) -> Answer:
        query = {"query": f"{need.selector}[{need.window:.0f}s]", "time": str(need.at.timestamp())}
        response = self.mesh.prometheus.handle(Request("GET", "/api/v1/query", query))
        series = parse(response.body)
        return Failed(series.why) if isinstance(series, Unusable) else Known(series)


def _path(resource: Resource, name: str = "") -> str:
    root = f"/apis/{resource.api_version}" if resource.group else "/api/v1"
    return f"{root}/namespaces/{NAMESPACE}/{resource.plural}" + (f"/{name}" if name else "")
