"""One process of ours: what it knows dies with it, and its wire and its clock are its own to fail."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from tests.properties.wire import Wire
from tidegate.planners.settings import Settings as PlannerSettings
from tidegate.runtime.app import App, Parts
from tidegate.runtime.clock import Clock, WallClock
from tidegate.runtime.controllers import controllers
from tidegate.runtime.lease import Elector
from tidegate.runtime.metrics import Requests
from tidegate.runtime.observe import Fetch
from tidegate.runtime.reconcile import Planner
from tidegate.runtime.settings import Settings
from tidegate.runtime.telling import AT_ONCE
from tidegate.sandbox.store import Store

NAMESPACE = "production"
PROMETHEUS = "http://prometheus"
RESTART = 5.0
WORKERS = 2

PLANNERS = controllers(PlannerSettings(namespace=NAMESPACE, prometheus=PROMETHEUS))


class Skewed(WallClock):
    """The machine's clock, which somebody may set; its timers are the loop's."""

    def __init__(self, truth: Clock) -> None:
        self._truth = truth
        self.by = timedelta()

    def now(self) -> datetime:
        return self._truth.now() + self.by


class Controller:
    """Give it an `identity` and it writes only while it holds the Lease."""

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        store: Store,
        truth: Clock,
        plug: tuple[Mapping[Any, Planner], Mapping[type, Fetch]],
        identity: str = "",
    ) -> None:
        self._loop = loop
        self._plug = plug
        self._identity = identity
        self._tasks: list[asyncio.Task[None]] = []
        self.wire = Wire(loop, store, self.crash)
        self.clock = Skewed(truth)
        self.crashes = 0
        self.boot()

    def boot(self) -> None:
        settings = Settings(home=NAMESPACE, elect=bool(self._identity), workers=WORKERS)
        elector = Elector(self.wire, NAMESPACE, self._identity) if self._identity else None
        planners, fetchers = self._plug
        self.app = App(settings, self.wire, elector, Parts(planners, fetchers, self.clock, Requests()))
        works = [reflector.run() for reflector in self.app.reflectors]
        works += [elector.run(self._work) if elector else self._work()]
        works += [self.app.teller.work() for _ in range(AT_ONCE)]
        self._tasks = [self._loop.create_task(work) for work in works]

    def crash(self) -> None:
        """What is dead already dies no more: one process is started in its place, not two."""
        if not self._tasks:
            return
        self.crashes += 1
        for task in self._tasks:
            task.cancel()
        self._tasks = []
        self._loop.create_task(self.app.observer.close())
        self._loop.call_later(RESTART, self.boot)

    async def _work(self) -> None:
        async with asyncio.TaskGroup() as workers:
            for _ in range(WORKERS):
                workers.create_task(self.app.reconciler.work())
