"""The story of one release: what stands before, a person applies the new version, and how it ends."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any, Literal, NamedTuple

from crds.errors import Invalid
from crds.paths import get
from crds.times import duration
from tidegate.sandbox.objects import Raw
from tidegate.sandbox.resources import REPLICA_SETS, ROLLOUTS
from tidegate.simulate.assumed import Stage, destinations
from tidegate.simulate.eyes import Eyes, Sight
from tidegate.simulate.plot import Thing
from tidegate.simulate.world import World
from tidegate.views.seen import Observed, Released, Typed, version_of
from tidegate.views.steering import fully_promoted, observed, patch_for

End = Literal["promoted", "rejected", "hangs"]
TO_STAND = 3600.0
KNOWN = 60.0
"""Seconds of traffic before the release: the stable arm has a history."""
SURE = 60.0
"""Seconds that a Rollout may be Degraded before it is said to stay so."""
IN_DOUBT = 300.0
"""Seconds that it may be paused for a reason that it did not ask for."""
SPARE = timedelta(hours=2)
TIDY = 1200.0
OWN = "CanaryPauseStep"
"""The reason of a pause that the Rollout itself asks for."""


class Ending(NamedTuple):
    """`after` is how long it took, in seconds; requests and errors are the canary's."""

    end: End
    why: str
    after: float = 0.0
    requests: int = 0
    errors: int = 0


class Story:
    """`note` hears of everything from the moment the new version is applied."""

    def __init__(self, world: World, stage: Stage, note: Callable[[Observed], None]) -> None:
        self._world, self._door, self._note = world, stage.doors[0], note
        self._plot = world.plot
        self._paused_since = self._doubted_since = self._degraded_since = 0.0

    def play(self) -> Ending:
        if why := self._stands():
            return Ending("rejected" if self._phase() == "Degraded" else "hangs", f"nothing stands: {why}")
        sight = Sight(self._plot.namespace, self._door, destinations(self._plot)[1], self._plot.image)
        eyes = Eyes(self._world.store, sight, self._world.loop.time, self._note)
        self._note(Released(0.0, version_of(self._plot.image), self._plot.image))
        self._world.patch({"spec": self._plot.rollout["spec"]})
        ending, limit = self._walked(eyes), self._limit().total_seconds()
        while ending is None and eyes.now < limit:
            self._world.run(1)
            ending = self._walked(eyes)
        after, (requests, errors) = eyes.now, self._world.served(self._plot.image)
        end, why = ending or ("hangs", f"it is not over after {timedelta(seconds=limit)}: {self._standing()}")
        if end != "hangs":
            self._tidy_up()
        return Ending(end, why, after, requests, errors)

    def _stands(self) -> str:
        """Why the version before never stood; "" once it does."""
        self._world.create(Thing(ROLLOUTS, self._plot.standing()))
        while not (observed(self._world.rollout()) and self._phase() == "Healthy"):
            self._world.run(1)
            if self._world.loop.time() > TO_STAND or self._is_degraded():
                return self._standing()
        self._world.run(KNOWN)
        return ""

    def _walked(self, eyes: Eyes) -> tuple[End, str] | None:
        """How it ended; None while it is on its way. A person may have something to do."""
        raw = self._world.rollout()
        if not observed(raw):
            return None
        if get(raw, "status", "abort"):
            return "rejected", self._standing()
        if self._phase() == "Healthy" and fully_promoted(raw):
            return "promoted", f"{version_of(self._plot.image)} is stable"
        if self._is_degraded():
            return "hangs", self._standing()
        return self._asked(raw, eyes)

    def _asked(self, raw: Raw, eyes: Eyes) -> tuple[End, str] | None:
        """Only a person ends some pauses: one that is a step after a while, others are for her to find."""
        reasons = [pause["reason"] for pause in get(raw, "status", "pauseConditions", default=[])]
        if get(raw, "spec", "paused"):
            return "hangs", "spec.paused is true; a person must end that"
        if reasons in ([], [OWN]):
            self._doubted_since = eyes.now
        if reasons and eyes.now - self._doubted_since > IN_DOUBT:
            return "hangs", self._standing()
        if reasons != [OWN] or not self._at_pause(raw):
            self._paused_since = eyes.now
            return None
        patience = self._plot.behaviour.patience
        if patience is None:
            index = get(raw, "status", "currentStepIndex", default=0)
            return "hangs", f"it waits for a person at step {index}, a pause without end"
        if eyes.now - self._paused_since >= patience.total_seconds():
            self._promote(raw, eyes.now)
        return None

    def _promote(self, raw: Raw, now: float) -> None:
        command = f"kubectl argo rollouts promote {self._plot.name} -n {self._plot.namespace}"
        self._note(Typed(now, command))
        for patch in patch_for("promote", raw):
            self._world.patch(patch.body, patch.subresource)
        self._paused_since = now

    def _at_pause(self, raw: Raw) -> bool:
        index = get(raw, "status", "currentStepIndex", default=0)
        step = get(self._plot.canary, "steps", index, default={})
        return "pause" in step and get(step, "pause", "duration") is None

    def _is_degraded(self) -> bool:
        """For so long that it will stay so."""
        now = self._world.loop.time()
        if self._phase() != "Degraded":
            self._degraded_since = now
        return now - self._degraded_since > SURE

    def _phase(self) -> str:
        return str(get(self._world.rollout(), "status", "phase", default=""))

    def _standing(self) -> str:
        raw = self._world.rollout()
        message = get(raw, "status", "message", default="") or "it says nothing"
        return f"{self._phase() or 'not looked at'}: {message}"

    def _limit(self) -> timedelta:
        asked = self._plot.behaviour
        held = sum((_held(step) for step in self._plot.canary.get("steps") or ()), timedelta())
        return asked.within or held * 2 + (asked.patience or timedelta()) * 20 + SPARE

    def _tidy_up(self) -> None:
        """Until one version has all the pods, for as long as the delays may ask."""
        end = self._world.loop.time() + TIDY
        while self._world.loop.time() < end and self._versions() > 1:
            self._world.run(1)

    def _versions(self) -> int:
        sets = self._world.store.every(REPLICA_SETS, self._plot.namespace)
        return sum(bool(one["spec"]["replicas"]) for one in sets)


def _held(step: Any) -> timedelta:
    """What a step says it takes, at least."""
    written = get(step, "duration") or get(step, "pause", "duration") or 0
    try:
        return duration(written, "duration")
    except Invalid:
        return timedelta()
