"""The real controllers over the sandbox, in virtual time: everything but kopf and ports is ours.

A world is driven from outside: `steer` and `edit` are what people do, `run` lets time pass. Faults strike
at the k-th write. A world can be copied between two runs: what is in the API server is all there is.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from tests.properties.answers import Answering
from tests.properties.controller import NAMESPACE, PLANNERS, Controller
from tests.properties.wire import Wire
from tests.properties.witness import Witness
from tidegate.kube.http import Request, Response
from tidegate.planners.needs import Query, Samples
from tidegate.runtime.observe import Fetch
from tidegate.sandbox.checker import impossible
from tidegate.sandbox.loop import START, LoopClock, VirtualLoop
from tidegate.sandbox.mesh import Mesh
from tidegate.sandbox.objects import Raw
from tidegate.sandbox.prometheus import Prometheus
from tidegate.sandbox.resources import ROLLOUTS, Resource
from tidegate.sandbox.store import Store
from tidegate.sandbox.traffic import Labels, Traffic

NAME = "api"
RATE = 200.0
TICK = 1.0
CALM = 12.0
"""Longer than anything the story waits for without being asked to."""


@dataclass(frozen=True)
class Cast:
    """Who plays: the VirtualServices that get requests, and so many controllers (one needs no Lease)."""

    routes: tuple[str, ...] = (NAME,)
    controllers: int = 1


ALONE = Cast()


class World:
    """`start` is the time it is; give `before` to go on from what another world had become."""

    def __init__(self, errors: Mapping[str, float], before: World | None = None, cast: Cast = ALONE) -> None:
        self.loop = VirtualLoop()
        self.cast: Cast = before.cast if before else cast
        self.clock: LoopClock = LoopClock(self.loop, before.clock.now() if before else START)
        self.store: Store = before.store.copied(self.clock.now) if before else Store(self.clock.now)
        self.errors = errors
        self.mesh = self._mesh(before)
        self.answering = Answering(self.mesh.prometheus)
        self.breaches: list[str] = []
        self.frozen = False
        self.at_each_tick: Callable[[], None] = lambda: None
        self._nature = self.loop.create_task(self._tick())
        self.witnesses = {kind: Witness(planner, self.breaches) for kind, planner in PLANNERS.items()}
        self.controllers = [self._controller(number) for number in range(self.cast.controllers)]

    def __enter__(self) -> World:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def wire(self) -> Wire:
        """The first controller's."""
        return self.controllers[0].wire

    @property
    def crashes(self) -> int:
        return sum(one.crashes for one in self.controllers)

    def copied(self) -> World:
        """Another world that goes on from here, with controllers that were just started."""
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
                status = [raw.get("status") for raw in self.every(ROLLOUTS)]
                raise AssertionError(f"not within {seconds:.0f} s: {what}; {status}")
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

    def rollout(self, name: str = NAME) -> Raw:
        return self.named(ROLLOUTS, name)

    def named(self, resource: Resource, name: str) -> Raw:
        found = self.store.find(resource, NAMESPACE, name)
        assert found is not None, f"there is no {resource.kind} {name}"
        return found

    def every(self, resource: Resource) -> list[Raw]:
        return list(self.store.every(resource, NAMESPACE))

    def apply(self, resource: Resource, name: str, patch: Raw, subresource: str = "") -> None:
        """What a person patches, beside the controller's own wire."""
        answer = self.asked(resource, name, patch, subresource)
        assert answer.status < 400, answer.body

    def asked(self, resource: Resource, name: str, patch: Raw, subresource: str = "") -> Response:
        """The answer to what a person patches."""
        path = _path(resource, name) + (f"/{subresource}" if subresource else "")
        kind = "application/merge-patch+json"
        return self.store.handle(Request("PATCH", path, body=patch, content_type=kind))

    def create(self, resource: Resource, body: Raw) -> None:
        answer = self.store.handle(Request("POST", _path(resource), body=body))
        assert answer.status < 400, answer.body

    def _mesh(self, before: World | None) -> Mesh:
        counted: Counter[tuple[str, Labels]] = Counter()
        every = tuple(
            Traffic(self.store, NAMESPACE, name, RATE, self.errors, counters=counted)
            for name in self.cast.routes
        )
        prometheus = Prometheus(counted)
        if before:
            for now, then in zip(every, before.mesh.every_traffic, strict=True):
                now.goes_on_from(then)
            prometheus.goes_on_from(before.mesh.prometheus)
        return Mesh(self.store, every, prometheus)

    def _controller(self, number: int) -> Controller:
        fetchers: dict[type, Fetch] = {Samples: self.answering.samples, Query: self.answering.query}
        identity = f"tidegate-{number}" if self.cast.controllers > 1 else ""
        return Controller(self.loop, self.store, self.clock, (self.witnesses, fetchers), identity)

    async def _tick(self) -> None:
        while True:
            if not self.frozen:
                self.mesh.tick(self.clock.now())
                self.at_each_tick()
            await asyncio.sleep(TICK)


def _path(resource: Resource, name: str = "") -> str:
    root = f"/apis/{resource.api_version}" if resource.group else "/api/v1"
    return f"{root}/namespaces/{NAMESPACE}/{resource.plural}" + (f"/{name}" if name else "")
