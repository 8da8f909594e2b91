"""Observe mode: what a plan would write is said and counted, and nothing is written, not even an event."""

from __future__ import annotations

import logging
from collections.abc import Callable
from datetime import datetime

from crds.refs import Ref
from tidegate.kube.http import Sender
from tidegate.kube.store import Store
from tidegate.planners.plan import Event, Plan, Write
from tidegate.runtime.executor import Executor, Refused

log = logging.getLogger("tidegate.bystander")


def unheard(_event: Event, _now: datetime) -> None:
    """Events are writes, too."""


class Bystander(Executor):
    """`would` hears of every write that is held back: once, until another reason is given for it."""

    def __init__(self, sender: Sender, store: Store, would: Callable[[Write], None]) -> None:
        super().__init__(sender, store, unheard)
        self._would = would
        self._said: dict[tuple[str, Ref], str] = {}

    async def perform(self, plan: Plan, _now: datetime) -> Refused | None:
        for write in plan.writes:
            self._say(write, plan.why)
        return None

    def _say(self, write: Write, why: str) -> None:
        verb = type(write).__name__
        if self._said.get((verb, write.ref)) != why:
            self._said[verb, write.ref] = why
            log.info("would do: %s of %s: %s", verb, write.ref, why)
            self._would(write)
