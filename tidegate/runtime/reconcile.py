"""How a plan becomes real: take a key, look, think, act, and look again when told or woken.

The one `except` of the controller is in here: Invalid waits for an edit, Retry for the world, an API error
for its back-off, and a bug is logged with its traceback, counted, and backed off from.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Hashable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

from crds.errors import Invalid, Retry
from crds.refs import ANALYSIS_RUN, ROLLOUT, Kind, Ref, ref_of, shard_of
from crds.times import rfc3339_micro
from tidegate.kube.errors import KubeError, NotFound, Stranger, TooMany, Unreachable, for_good, look_again
from tidegate.kube.store import Store
from tidegate.planners.needs import Answers, Need
from tidegate.planners.plan import Event, Plan, Raw
from tidegate.runtime.clock import Clock
from tidegate.runtime.executor import Executor, Refused
from tidegate.runtime.observe import Observer
from tidegate.runtime.queue import LONGEST_DELAY, Queue
from tidegate.runtime.telling import Tell

log = logging.getLogger("tidegate.reconcile")

UNANSWERED = 5.0
"""The longest back-off, in seconds, from an API server that does not answer."""

GREETED = {ROLLOUT: "RolloutAddedToInformer"}
"""What is told of an object, by its kind, when a controller first sees it: Argo's reasons."""

MISSED = {ROLLOUT: "RolloutDeleted"}
"""What is told of one that was greeted, when it is gone."""


SHARDED = (ROLLOUT, ANALYSIS_RUN)
"""Kinds whose objects belong to one of several controllers."""


class Planner(Protocol):
    """A module of `tidegate.planners` is one."""

    def needs(self, raw: Raw, answers: Answers, now: datetime, /) -> tuple[Need, ...]: ...

    def plan(self, raw: Raw, answers: Answers, now: datetime, /) -> Plan: ...


class Watcher(Protocol):
    """Hears of every round: its seconds of transport time and whether it failed; and of objects gone."""

    def round(self, key: Ref, seconds: float, failed: bool) -> None: ...

    def gone(self, key: Ref) -> None: ...


@dataclass(frozen=True)
class Hands:
    """What a round works with; `slow` are kinds whose planning may take longer than the loop can spare."""

    store: Store
    observer: Observer
    executor: Executor
    tell: Tell
    queue: Queue
    clock: Clock
    slow: frozenset[Kind] = frozenset()


class Reconciler:
    """`planners` is the registry of what we control; `instance` the shard of it that is ours."""

    def __init__(
        self, planners: Mapping[Kind, Planner], hands: Hands, watcher: Watcher, instance: str = ""
    ) -> None:
        self._planners = planners
        self._hands = hands
        self._watcher = watcher
        self._instance = instance
        self._doubted: dict[Ref, Ref] = {}
        self._greeted: set[Ref] = set()
        self._gone: dict[Ref, Raw] = {}
        hands.store.changed.append(self._changed)

    async def work(self, apart: bool = False) -> None:
        """One worker, for ever; cancel to end. A key it was at is looked at by whoever works next."""
        queue = self._hands.queue
        while True:
            key = await queue.take(apart)
            try:
                await self.round(key)
            except asyncio.CancelledError:
                self._doubted[key] = key  # its status may just have been written
                queue.add(key)
                raise
            finally:
                queue.done(key)

    async def round(self, key: Ref) -> None:
        """Look, think and act once for `key`, and say when to look again."""
        raw = self._hands.store.get(*key)
        if raw is None or not self._is_ours(key.kind, raw):
            self._hands.observer.forget(key)
            self._hands.queue.forget(key)
            self._doubted.pop(key, None)
            self._miss(key)
            return self._watcher.gone(key)
        self._greet(key, raw)
        started = asyncio.get_running_loop().time()
        failed = not await self._try(key, raw)
        self._watcher.round(key, asyncio.get_running_loop().time() - started, failed)
        return None

    def _greet(self, key: Ref, raw: Raw) -> None:
        """Once in a controller's life, before anything else is told of the object."""
        if key in self._greeted or key.kind not in GREETED:
            return
        self._greeted.add(key)
        now = self._hands.clock.now()
        words = f"{key.kind} resource added to informer: {key.namespace}/{key.name}"
        self._hands.tell(Event(raw, GREETED[key.kind], words, occasion=rfc3339_micro(now)), now)

    def _miss(self, key: Ref) -> None:
        """Once, after everything else that is told of the object."""
        last = self._gone.pop(key, None)
        if last and key in self._greeted:
            words = f"{key.kind} {key.namespace}/{key.name} is deleted."
            self._hands.tell(Event(last, MISSED[key.kind], words), self._hands.clock.now())
        self._greeted.discard(key)

    async def _try(self, key: Ref, raw: Raw) -> bool:
        queue, now = self._hands.queue, self._hands.clock.now()
        try:
            raw = await self._sure(key, raw)
            plan = await self._think(key, raw, now)
            refused = await self._hands.executor.perform(plan, now)
        except Invalid as problem:
            log.warning("%s: %s", key, problem)
            queue.settle(key, None)
        except Retry as problem:
            log.info("%s: %s", key, problem)
            queue.after(key, problem.after.total_seconds())
        except Exception:
            log.exception("%s: a bug; looking again in %.3f s", key, queue.retry(key))
            return False
        else:
            if refused is not None:
                return self._refused(key, raw, refused)
            if plan.writes:
                self._hands.observer.refused(key, "")
            queue.settle(key, plan.wake_at)
        return True

    async def _sure(self, key: Ref, raw: Raw) -> Raw:
        """The object, once what a failed write was to change has been read anew.

        A plan on what was known before could undo what the write did, or what others did meanwhile.
        Raises Retry while there is no answer.
        """
        if key not in self._doubted:
            return raw
        try:
            await self._hands.executor.read_anew(self._doubted[key])
        except KubeError as problem:
            raise Retry(str(problem), timedelta(seconds=self._retry(key, problem))) from None
        del self._doubted[key]
        return self._hands.store.get(*key) or raw

    async def _think(self, key: Ref, raw: Raw, now: datetime) -> Plan:
        planner = self._planners[key.kind]
        answers = self._hands.observer.observe(key, lambda known: planner.needs(raw, known, now))
        if key.kind in self._hands.slow:
            plan = await asyncio.to_thread(planner.plan, raw, answers, now)
        else:
            plan = planner.plan(raw, answers, now)
        self._hands.observer.notice(key, plan.noticed)
        if plan.writes:
            log.info("%s: %s", key, plan.why)
        return plan

    def _refused(self, key: Ref, raw: Raw, refused: Refused) -> bool:
        """Look again later; whether that was to be expected. What is refused for good is told once."""
        queue = self._hands.queue
        delay = self._retry(key, refused.problem)  # what the watch brings in the meantime wakes it earlier
        if isinstance(refused.problem, TooMany):
            queue.after(key, delay := max(delay, refused.problem.retry_after))
        if look_again(refused.problem) or _is_gone(key, refused):
            self._doubted[key] = refused.write.ref
            log.debug("%s: %s", key, refused)
            return True
        log.warning("%s: %s; looking again in %.3f s", key, refused, delay)
        if for_good(refused.problem) and self._hands.observer.refused(key, str(refused)):
            event = Event(raw, "ReconciliationError", str(refused), warning=True)
            self._hands.tell(event, self._hands.clock.now())
        return False

    def _retry(self, key: Ref, problem: KubeError) -> float:
        """Seconds until the key is looked at again; no watch tells when the API server is back."""
        unanswered = isinstance(problem, Unreachable | Stranger)
        return self._hands.queue.retry(key, UNANSWERED if unanswered else LONGEST_DELAY)

    def _is_ours(self, kind: Kind, raw: Raw) -> bool:
        return kind not in SHARDED or shard_of(raw) == self._instance

    def _changed(self, kind: Hashable, before: Raw | None, after: Raw | None) -> None:
        raw = after or before
        if isinstance(kind, Kind) and kind in self._planners and raw:
            if after is None and kind in MISSED:
                self._gone[ref_of(kind, raw)] = raw
            self._hands.queue.add(ref_of(kind, raw))


def _is_gone(key: Ref, refused: Refused) -> bool:
    """What was looked at was deleted meanwhile; the watch has yet to say so."""
    missing = isinstance(refused.problem, NotFound) and not refused.problem.kind_missing
    return missing and refused.write.ref == key
