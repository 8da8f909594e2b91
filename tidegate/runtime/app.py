"""The controller, put together: reflectors fill the store, workers plan on it, the Lease lets them write."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Coroutine, Mapping
from dataclasses import dataclass
from typing import Any

from aiohttp import web

from crds.refs import ANALYSIS_RUN, APPLICATION, Kind
from tidegate.fetch.cluster import Discovery, DryRuns
from tidegate.fetch.reverts import Reverts
from tidegate.fetch.sources import Heads
from tidegate.kube.http import Sender
from tidegate.kube.reflector import Reflector
from tidegate.kube.requests import ALL
from tidegate.kube.store import Raw, Store
from tidegate.planners.needs import Defaulted, DryRun, Pods, SecretKey, Served
from tidegate.planners.plan import Event
from tidegate.planners.rollout_news import is_milestone
from tidegate.runtime.bystander import Bystander, unheard
from tidegate.runtime.clock import Clock
from tidegate.runtime.executor import Executor
from tidegate.runtime.fetchers import DefaultsFetcher, PodFetcher, SecretFetcher
from tidegate.runtime.lease import Elector
from tidegate.runtime.metrics import Metrics, Requests
from tidegate.runtime.observe import Fetch, Observer
from tidegate.runtime.ports import probe, serve, text
from tidegate.runtime.queue import Queue
from tidegate.runtime.reconcile import Hands, Planner, Reconciler
from tidegate.runtime.settings import MILESTONES, Settings
from tidegate.runtime.telling import AT_ONCE, Tell, Teller
from tidegate.runtime.watches import watched, watches
from tidegate.runtime.webhook import PATH, webhook

log = logging.getLogger("tidegate.app")

STUCK_SECONDS = 150.0
LAST_WORDS = 1.0
"""Seconds for Events that wait yet when we end; the next controller is to lead within three."""
SLOW = frozenset(
    {ANALYSIS_RUN, APPLICATION}
)  # the first judgement imports scipy, 0.3 s; objects by the score


@dataclass(frozen=True)
class Parts:
    """What is plugged in: the planners by the kind they plan for, and fetchers by the need they answer.

    `heads` follows Git, and `reverts` writes there, where Applications are synced.
    """

    planners: Mapping[Kind, Planner]
    fetchers: Mapping[type, Fetch]
    clock: Clock
    requests: Requests
    heads: Heads | None = None
    reverts: Reverts | None = None


class App:
    """`listen`, `start` and `stop` are the host's to call."""

    def __init__(self, settings: Settings, sender: Sender, elector: Elector | None, parts: Parts) -> None:
        self._settings = settings
        self._elector = elector
        self.store = Store()
        self.metrics = Metrics(self.store, parts.requests, self._conflict, settings.instance)
        self.queue = Queue(parts.clock, self.metrics.queue, frozenset({APPLICATION}))
        self.observer = Observer(self.store, _fetchers(sender) | dict(parts.fetchers), self.queue.add)
        worth = is_milestone if settings.events == MILESTONES else everything
        self.teller = Teller(sender, self.metrics.told, worth)
        tell = unheard if settings.observe else self.teller.tell
        executor = self._executor(sender, tell)
        executor.pruned = self.observer.pruned
        if parts.reverts and parts.heads:
            executor.push = parts.reverts.begin
            parts.reverts.told, parts.reverts.hurry = self.observer.arrived, parts.heads.hurry
        if elector:
            elector.met = lambda lease: tell(_conflicts(lease, self._conflict()), parts.clock.now())
        hands = Hands(self.store, self.observer, executor, tell, self.queue, parts.clock, SLOW)
        self.reconciler = Reconciler(parts.planners, hands, self.metrics, settings.instance)
        self._sender, self._heads, self._reverts = sender, parts.heads, parts.reverts
        self.reflectors = [Reflector(sender, self.store, one) for one in watches(settings)]
        self._first = {reflector.watched.kind for reflector in self.reflectors}
        self.observer.missed = self._missed
        self._failed: Callable[[], None] = lambda: None
        self._tasks: list[asyncio.Task[None]] = []
        self._ports: list[web.AppRunner] = []

    def _executor(self, sender: Sender, tell: Tell) -> Executor:
        if self._settings.observe:
            return Bystander(sender, self.store, self.metrics.would)
        return Executor(sender, self.store, tell)

    async def listen(self) -> None:
        """Open the ports; OSError where one is taken."""
        self._ports.append(await serve(self._settings.metrics_port, {"/metrics": text(self.metrics.text)}))
        pages = {"/healthz": probe(self.stuck), "/readyz": probe(self.unready)}
        self._ports.append(await serve(self._settings.health_port, pages))
        port = self._settings.git_webhook_port
        if self._heads and port is not None:
            told = webhook(lambda: (need.repo for need in self.observer.heads()), self._heads.hurry)
            self._ports.append(await serve(port, {}, {PATH: told}))

    def start(self, failed: Callable[[], None]) -> None:
        """Begin to watch and to work; `failed` is called if any part ends by itself."""
        self._failed = failed
        runs = [reflector.run() for reflector in self.reflectors]
        runs += [self._elector.run(self._work) if self._elector else self._work()]
        runs += [self._heads.run(self.observer)] if self._heads else []
        runs += [self.teller.work() for _ in range(AT_ONCE)]
        for run in runs:
            self._run(run)

    def _run(self, part: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(part)
        self._tasks.append(task)
        task.add_done_callback(lambda ended: self._ended(ended, self._failed))

    def _missed(self, kind: Kind) -> None:
        """A kind is needed that is not served, or that some Application holds and nobody watches yet."""
        if self.store.watches(kind):
            for reflector in self.reflectors:
                if reflector.watched.kind == kind:
                    reflector.ask()
        elif self._settings.applications:
            self.reflectors.append(Reflector(self._sender, self.store, watched(kind, ALL, "")))
            self._run(self.reflectors[-1].run())

    async def stop(self) -> None:
        """Workers first, so that nothing is written once the Lease is released, and what they did is told."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self.teller.finish(LAST_WORDS)
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
        first = [r.watched for r in self.reflectors if r.watched.kind in self._first]
        cold = [one.path for one in first if not self._is_known(one.kind)]
        return f"not yet read: {', '.join(cold)}" if cold else ""

    def _is_known(self, kind: object) -> bool:
        return self.store.synced(kind) or bool(self.store.refused(kind))

    def _conflict(self) -> str:
        return self._elector.conflict if self._elector else ""

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
        try:
            async with asyncio.TaskGroup() as group:
                for apart in (False, True):
                    for _ in range(self._settings.workers):
                        group.create_task(self.reconciler.work(apart))
        finally:
            if self._reverts:
                await self._reverts.stop()


def everything(_event: Event) -> bool:
    return True


def _conflicts(lease: Raw, who: str) -> Event:
    """The one thing we write while a stranger leads."""
    fix = "nothing is written meanwhile; stop one of the two, or give each its --instance-id and namespace"
    return Event(lease, "ControllerConflict", f"{who} holds the Lease: {fix}", warning=True)


def _fetchers(sender: Sender) -> dict[type, Fetch]:
    return {
        Pods: PodFetcher(sender),
        Defaulted: DefaultsFetcher(sender),
        SecretKey: SecretFetcher(sender),
        Served: Discovery(sender),
        DryRun: DryRuns(sender),
    }
