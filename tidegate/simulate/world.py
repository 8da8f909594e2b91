"""A cluster for one Rollout, in virtual time: the sandbox, the real controller, and users who come."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from typing import Any

from crds.paths import get
from tidegate.cli.failure import Failure
from tidegate.kube import requests
from tidegate.kube.http import Request, Response
from tidegate.planners.needs import Query, Samples, SecretKey
from tidegate.planners.settings import Settings as Surroundings
from tidegate.runtime.app import App, Parts
from tidegate.runtime.controllers import controllers
from tidegate.runtime.metrics import Requests
from tidegate.runtime.observe import Fetch
from tidegate.runtime.settings import Settings
from tidegate.sandbox.loop import START, LoopClock, VirtualLoop
from tidegate.sandbox.mesh import Mesh
from tidegate.sandbox.objects import Raw
from tidegate.sandbox.prometheus import Prometheus
from tidegate.sandbox.resources import CONFIG_MAPS, ROLLOUTS, Resource
from tidegate.sandbox.sender import SandboxSender
from tidegate.sandbox.store import Store
from tidegate.sandbox.traffic import Labels, Traffic
from tidegate.simulate.answers import Answers
from tidegate.simulate.assumed import Stage
from tidegate.simulate.plot import Plot, Thing

HOME = "tidegate"
LATENCY = 0.002
TICK = 1.0
WORKERS = 2


class Near:
    """A sender to an API server in the next room: an answer takes its time, or nothing would ever pass."""

    def __init__(self, store: Store) -> None:
        self._inner = SandboxSender(store)

    async def send(self, request: Request) -> Response:
        await asyncio.sleep(LATENCY)
        return await self._inner.send(request)

    def watch(self, request: Request) -> AsyncIterator[dict[str, Any]]:
        return self._inner.watch(request)


class World:
    """Time passes in it by `run` alone."""

    def __init__(self, plot: Plot, stage: Stage) -> None:
        self.plot = plot
        self.loop = VirtualLoop()
        self.clock = LoopClock(self.loop, START)
        self.store = Store(self.clock.now)
        self.mesh = _mesh(plot, stage, self.store)
        self._answers = Answers(plot, self.store, self.mesh.prometheus)
        self._app = self._controller()
        self._broken = False
        self.loop.call_soon(self._app.start, self._breaks)
        self._nature = self.loop.create_task(self._tick())
        for thing in stage.things:
            self.create(thing)

    def __enter__(self) -> World:
        return self

    def __exit__(self, *_: object) -> None:
        tasks = asyncio.all_tasks(self.loop)
        for task in tasks:
            task.cancel()
        self.loop.run_until_complete(asyncio.gather(*tasks, return_exceptions=True))
        self.loop.close()

    def run(self, seconds: float) -> None:
        self.loop.run_until_complete(asyncio.sleep(seconds))
        if self._broken:
            raise Failure("a part of the controller ended by itself; see above")

    def create(self, thing: Thing) -> None:
        """As a person does."""
        answer = self.store.handle(requests.create(_path(thing.resource, thing.raw["metadata"]), thing.raw))
        if answer.status >= 400:
            raise Failure(f"{thing} is refused: {answer.body.get('message')}")

    def patch(self, body: Raw, subresource: str = "") -> None:
        """The Rollout, as a person does."""
        path = "/".join((_path(ROLLOUTS, self.plot.rollout["metadata"]), self.plot.name, subresource))
        answer = self.store.handle(requests.merge_patch(path.rstrip("/"), body))
        if answer.status >= 400:
            raise Failure(f"the Rollout is refused: {answer.body.get('message')}")

    def rollout(self) -> Raw:
        found = self.store.find(ROLLOUTS, self.plot.namespace, self.plot.name)
        assert found is not None, "nobody deletes it"
        return found

    def served(self, image: str) -> tuple[int, int]:
        """Requests that an image answered, and how many of them with an error."""
        every = [traffic.served for traffic in self.mesh.every_traffic]
        return sum(one[image, "request"] for one in every), sum(one[image, "error"] for one in every)

    def _controller(self) -> App:
        given = [thing for thing in self.plot.of(CONFIG_MAPS) if thing.name == Surroundings().catalogue]
        home = get(given[0].raw, "metadata", "namespace", default=HOME) if given else HOME
        settings = Settings(home=home, elect=False, workers=WORKERS)
        planners = controllers(Surroundings(home, "http://prometheus"))
        fetchers: dict[type, Fetch] = {
            Samples: self._answers.samples,
            Query: self._answers.query,
            SecretKey: self._answers.secret,
        }
        return App(settings, Near(self.store), None, Parts(planners, fetchers, self.clock, Requests()))

    def _breaks(self) -> None:
        self._broken = True

    async def _tick(self) -> None:
        while True:
            self.mesh.tick(self.clock.now())
            await asyncio.sleep(TICK)


def _mesh(plot: Plot, stage: Stage, store: Store) -> Mesh:
    behaviour, counted = plot.behaviour, Counter[tuple[str, Labels]]()
    errors = {plot.before: behaviour.errors, plot.image: behaviour.canary_errors}
    rate = behaviour.rate / len(stage.doors)
    every = [
        Traffic(store, plot.namespace, door, rate, errors, seed=behaviour.seed + at, counters=counted)
        for at, door in enumerate(stage.doors)
    ]
    return Mesh(store, every, Prometheus(counted), crashing={plot.image} if behaviour.crash else ())


def _path(resource: Resource, meta: Raw) -> str:
    """Of the collection."""
    place = meta["namespace"] if resource.namespaced else ""
    return requests.path(resource.group, resource.version, resource.plural, place)
