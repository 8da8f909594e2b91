"""A controller of toy planners on the sandbox, in one loop, with a clock that is moved by hand."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

from prometheus_client import CollectorRegistry

from crds.refs import CONFIG_MAP, REPLICA_SET, ROLLOUT, VIRTUAL_SERVICE, Kind, Ref
from tests.tidegate.kube.waiting import until
from tidegate.kube import requests
from tidegate.kube.errors import accepted
from tidegate.kube.http import Request, Response
from tidegate.kube.reflector import Pace, Reflector
from tidegate.kube.store import Store
from tidegate.planners.needs import Answers, Need
from tidegate.planners.plan import Plan
from tidegate.runtime.executor import Executor
from tidegate.runtime.observe import Fetch, Observer
from tidegate.runtime.queue import Queue
from tidegate.runtime.queue_metrics import QueueFigures
from tidegate.runtime.reconcile import Hands, Planner, Reconciler
from tidegate.runtime.telling import Teller
from tidegate.runtime.watches import watched
from tidegate.sandbox.players import Garbage, Pods, ReplicaSets
from tidegate.sandbox.sender import SandboxSender
from tidegate.sandbox.store import Store as Cluster

Raw = dict[str, Any]
START = datetime(2026, 3, 15, 10, 30, tzinfo=UTC)
KINDS = (ROLLOUT, REPLICA_SET, CONFIG_MAP, VIRTUAL_SERVICE)
QUICK = Pace(first_delay=0.01, longest_delay=0.05)


def path(ref: Ref) -> str:
    return requests.path(ref.kind.group, ref.kind.version, ref.kind.plural, ref.namespace, ref.name)


def rollout(name: str = "api") -> Ref:
    return Ref(ROLLOUT, "shop", name)


def config(name: str = "c") -> Ref:
    return Ref(CONFIG_MAP, "shop", name)


class HandClock:
    """Stands still until advanced."""

    def __init__(self) -> None:
        self.moment = START
        self._alarms: list[_Alarm] = []

    def now(self) -> datetime:
        return self.moment

    def call_at(self, moment: datetime, ring: Callable[[], None]) -> _Alarm:
        alarm = _Alarm(moment, ring)
        self._alarms.append(alarm)
        return alarm

    def advance(self, seconds: float) -> None:
        self.moment += timedelta(seconds=seconds)
        due = [alarm for alarm in self._alarms if alarm.moment <= self.moment]
        self._alarms = [alarm for alarm in self._alarms if alarm.moment > self.moment]
        for alarm in due:
            if not alarm.cancelled:
                alarm.ring()


class _Alarm:
    def __init__(self, moment: datetime, ring: Callable[[], None]) -> None:
        self.moment, self.ring, self.cancelled = moment, ring, False

    def cancel(self) -> None:
        self.cancelled = True


class Toy:
    """A planner out of two functions; remembers what it saw."""

    def __init__(
        self,
        plan: Callable[[Raw, Answers], Plan],
        needs: Callable[[Raw, Answers], tuple[Need, ...]] = lambda _raw, _answers: (),
    ) -> None:
        self._plan, self._needs = plan, needs
        self.rounds: list[Answers] = []

    def needs(self, raw: Raw, answers: Answers, now: datetime) -> tuple[Need, ...]:
        return self._needs(raw, answers)

    def plan(self, raw: Raw, answers: Answers, now: datetime) -> Plan:
        self.rounds.append(answers)
        return self._plan(raw, answers)


class Rounds:
    """What a metric would hear."""

    def __init__(self) -> None:
        self.failed: list[Ref] = []
        self.well: list[Ref] = []
        self.forgotten: list[Ref] = []

    def round(self, key: Ref, seconds: float, failed: bool) -> None:
        (self.failed if failed else self.well).append(key)

    def gone(self, key: Ref) -> None:
        self.forgotten.append(key)


class Faulty:
    """The sandbox's sender with what goes wrong on the way, by method and path; `sent` is every write."""

    def __init__(self, cluster: Cluster) -> None:
        self._inner = SandboxSender(cluster)
        self.before: Callable[[Request], Response | None] = lambda _request: None
        self.hangs: Callable[[Request], bool] = lambda _request: False
        self.sent: list[Request] = []

    async def send(self, request: Request) -> Response:
        if request.method != "GET":
            self.sent.append(request)
        if self.hangs(request):
            await asyncio.Event().wait()
        return self.before(request) or await self._inner.send(request)

    def watch(self, request: Request) -> AsyncIterator[Raw]:
        return self._inner.watch(request)


class World:
    def __init__(self, planners: Mapping[Kind, Planner], fetchers: Mapping[type, Fetch]) -> None:
        self.clock, self.rounds, self.store = HandClock(), Rounds(), Store()
        self.cluster = Cluster(self.clock.now)
        self.sender = Faulty(self.cluster)
        self.queue = Queue(self.clock, QueueFigures(KINDS, CollectorRegistry()), frozenset({CONFIG_MAP}))
        self.observer = Observer(self.store, fetchers, self.queue.add)
        self.teller = Teller(self.sender)
        self.executor = Executor(self.sender, self.store, self.teller.tell)
        self.executor.pruned = self.observer.pruned
        hands = Hands(self.store, self.observer, self.executor, self.teller.tell, self.queue, self.clock)
        self.reconciler = Reconciler(planners, hands, self.rounds)
        kinds = [watched(kind, requests.ALL, "") for kind in KINDS]
        self.reflectors = [Reflector(self.sender, self.store, kind, QUICK) for kind in kinds]

    def create(self, ref: Ref, **fields: Any) -> Raw:
        labels = {"metadata": {"name": ref.name, **fields.pop("metadata", {})}}
        collection = path(ref._replace(name=""))
        return accepted(self.cluster.handle(requests.create(collection, {**fields, **labels})))

    def merge(self, ref: Ref, body: Raw) -> Raw:
        return accepted(self.cluster.handle(requests.merge_patch(path(ref), body)))

    def read(self, ref: Ref) -> Raw:
        return accepted(self.cluster.handle(requests.get(path(ref))))

    def writes(self, suffix: str = "") -> list[Request]:
        return [r for r in self.sender.sent if r.path.endswith(suffix) and not r.path.endswith("/events")]

    def idle(self) -> bool:
        """Whether nobody works, nobody waits, and all is told."""
        return not self.queue._busy and not self.queue._waiting and not self.teller

    async def settled(self) -> None:
        await until(lambda: all(self.store.synced(kind) for kind in KINDS) and self.idle())


@asynccontextmanager
async def world(
    planners: Mapping[Kind, Planner],
    fetchers: Mapping[type, Fetch] | None = None,
    objects: Sequence[Ref] = (),
    workers: int = 2,
) -> AsyncIterator[World]:
    """A running controller; `objects` are there before it looks."""
    made = World(planners, fetchers or {})
    for ref in objects:
        made.create(ref)
    tasks = [asyncio.create_task(reflector.run()) for reflector in made.reflectors]
    await until(lambda: all(made.store.synced(kind) for kind in KINDS))
    tasks += [asyncio.create_task(made.reconciler.work(one % 2 > 0)) for one in range(2 * workers)]
    tasks += [asyncio.create_task(made.teller.work())]
    try:
        yield made
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await made.observer.close()


async def play(cluster: Cluster) -> None:
    """What else lives in a cluster: its ReplicaSets, pods and garbage collector."""
    players = (ReplicaSets(cluster), Pods(cluster), Garbage(cluster))
    while True:
        for player in players:
            player.tick(datetime.now(UTC))
        await asyncio.sleep(0.05)
