"""The controller, put together: reflectors fill the store, workers plan on it, the Lease lets them write."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from aiohttp import web

from crds.refs import (
    ANALYSIS_RUN,
    ANALYSIS_TEMPLATE,
    CLUSTER_ANALYSIS_TEMPLATE,
    CONFIG_MAP,
    DESTINATION_RULE,
    HASH_LABEL,
    REPLICA_SET,
    ROLLOUT,
    SERVICE,
    VIRTUAL_SERVICE,
    Kind,
)
from tidegate.kube import requests
from tidegate.kube.http import Sender
from tidegate.kube.reflector import Reflector, Watched
from tidegate.kube.requests import Selection
from tidegate.kube.store import Raw, Store
from tidegate.planners.needs import Defaulted, Pods, SecretKey
from tidegate.planners.plan import Event
from tidegate.planners.settings import Settings as Surroundings
from tidegate.runtime.bystander import Bystander
from tidegate.runtime.clock import Clock
from tidegate.runtime.executor import Executor
from tidegate.runtime.fetchers import DefaultsFetcher, PodFetcher, SecretFetcher
from tidegate.runtime.lease import Elector
from tidegate.runtime.metrics import Metrics, Requests
from tidegate.runtime.observe import Fetch, Observer
from tidegate.runtime.ports import probe, serve, text
from tidegate.runtime.queue import Queue
from tidegate.runtime.reconcile import Hands, Planner, Reconciler
from tidegate.runtime.settings import Settings

log = logging.getLogger("tidegate.app")

STUCK_SECONDS = 150.0
SLOW = frozenset({ANALYSIS_RUN})  # the first judgement imports scipy, 0.3 s

WATCHES: dict[Kind, Selection] = {
    ROLLOUT: requests.ALL,
    REPLICA_SET: Selection(labels=HASH_LABEL),
    ANALYSIS_RUN: requests.ALL,
    ANALYSIS_TEMPLATE: requests.ALL,
    CLUSTER_ANALYSIS_TEMPLATE: requests.ALL,
    VIRTUAL_SERVICE: requests.ALL,
    DESTINATION_RULE: requests.ALL,
    SERVICE: requests.ALL,
    CONFIG_MAP: Selection(fields=f"metadata.name={Surroundings().catalogue}"),
}


@dataclass(frozen=True)
class Parts:
    """What is plugged in: the planners by the kind they plan for, and fetchers by the need they answer."""

    planners: Mapping[Kind, Planner]
    fetchers: Mapping[type, Fetch]
    clock: Clock
    requests: Requests


class App:
    """`listen`, `start` and `stop` are the host's to call."""

    def __init__(self, settings: Settings, sender: Sender, elector: Elector | None, parts: Parts) -> None:
        self._settings = settings
        self._elector = elector
        self.store = Store()
        self.metrics = Metrics(self.store, parts.requests, self._conflict, settings.instance)
        self.queue = Queue(parts.clock, self.metrics.queue)
        self.observer = Observer(self.store, _fetchers(sender) | dict(parts.fetchers), self.queue.add)
        executor = self._executor(sender)
        executor.pruned = self.observer.pruned
        self._clock, self._telling = parts.clock, set[asyncio.Task[None]]()
        if elector:
            elector.met = lambda lease: self._tell_conflict(executor, lease)
        hands = Hands(self.store, self.observer, executor, self.queue, parts.clock, SLOW)
        self.reconciler = Reconciler(parts.planners, hands, self.metrics, settings.instance)
        self.reflectors = [
            Reflector(sender, self.store, watched(kind, selection, _where(kind, settings)))
            for kind, selection in WATCHES.items()
        ]
        asks = {reflector.watched.kind: reflector.ask for reflector in self.reflectors}
        self.observer.missed = lambda kind: asks[kind]()
        self._tasks: list[asyncio.Task[None]] = []
        self._ports: list[web.AppRunner] = []

    def _executor(self, sender: Sender) -> Executor:
        if self._settings.observe:
            return Bystander(sender, self.store, self.metrics.would)
        return Executor(sender, self.store, self.metrics.told)

    async def listen(self) -> None:
        """Open the ports; OSError where one is taken."""
        self._ports.append(await serve(self._settings.metrics_port, {"/metrics": text(self.metrics.text)}))
        pages = {"/healthz": probe(self.stuck), "/readyz": probe(self.unready)}
        self._ports.append(await serve(self._settings.health_port, pages))

    def start(self, failed: Callable[[], None]) -> None:
        """Begin to watch and to work; `failed` is called if any part ends by itself."""
        runs = [reflector.run() for reflector in self.reflectors]
        runs += [self._elector.run(self._work) if self._elector else self._work()]
        self._tasks = [asyncio.create_task(run) for run in runs]
        for task in self._tasks:
            task.add_done_callback(lambda ended: self._ended(ended, failed))

    async def stop(self) -> None:
        """Workers first, so that nothing is written once the Lease is released."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        if self._elector:
            await self._elector.release()
        await self.observer.close()
        for port in self._ports:
            await port.cleanup()

    def stuck(self) -> str:
        """Which watch has not stirred, not even to fail; "" if all have."""
        now = asyncio.get_running_loop().time()
        idle = [r.watched.path for r in self.reflectors if r.heard_at and now - r.heard_at > STUCK_SECONDS]
        return f"no sign of life from {', '.join(idle)}" if idle else ""

    def unready(self) -> str:
        """Why we could not do our work, or take it over; "" if we could."""
        if stranger := self._conflict():
            return f"ControllerConflict: {stranger} holds the Lease"
        cold = [r.watched.path for r in self.reflectors if not self._is_known(r.watched.kind)]
        return f"not yet read: {', '.join(cold)}" if cold else ""

    def _is_known(self, kind: object) -> bool:
        return self.store.synced(kind) or bool(self.store.refused(kind))

    def _conflict(self) -> str:
        return self._elector.conflict if self._elector else ""

    def _tell_conflict(self, executor: Executor, lease: Raw) -> None:
        """The one thing we write while a stranger leads."""
        fix = (
            "nothing is written meanwhile; stop one of the two, or give each its --instance-id and namespace"
        )
        event = Event(lease, "ControllerConflict", f"{self._conflict()} holds the Lease: {fix}", warning=True)
        task = asyncio.create_task(executor.tell(event, self._clock.now()))
        self._telling.add(task)
        task.add_done_callback(self._telling.discard)

    def _ended(self, ended: asyncio.Task[None], failed: Callable[[], None]) -> None:
        if ended.cancelled():
            return
        log.error("a part of the controller ended by itself", exc_info=ended.exception())
        for task in self._tasks:
            task.cancel()
        failed()

    async def _work(self) -> None:
        """Look, think and act, for as long as we may; who begins, asks again for what did not answer."""
        for reflector in self.reflectors:
            reflector.ask()
        async with asyncio.TaskGroup() as group:
            for _ in range(self._settings.workers):
                group.create_task(self.reconciler.work())


def watched(kind: Kind, selection: Selection, namespace: str) -> Watched:
    return Watched(kind, requests.path(kind.group, kind.version, kind.plural, namespace), selection)


def _where(kind: Kind, settings: Settings) -> str:
    """The catalogue lies beside the controller, wherever that acts; cluster templates lie in no namespace."""
    elsewhere = {CONFIG_MAP: settings.home, CLUSTER_ANALYSIS_TEMPLATE: ""}
    return elsewhere.get(kind, settings.namespace)


def _fetchers(sender: Sender) -> dict[type, Fetch]:
    return {
        Pods: PodFetcher(sender),
        Defaulted: DefaultsFetcher(sender),
        SecretKey: SecretFetcher(sender),
    }
