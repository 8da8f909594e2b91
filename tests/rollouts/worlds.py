"""Worlds for sentences: a canary of ten pods, and a small stage on which decisions become true at once."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from msgspec.structs import replace

from crds.steps import Pause, SetWeight, Step
from rollouts.actions import (
    CreateReplicaSet,
    Decision,
    Evict,
    ExpectTraffic,
    Forget,
    LeaveAt,
    OnAnalysis,
    Point,
    Renumber,
    Route,
    Scale,
    StartAnalysis,
    StopAnalysis,
)
from rollouts.memory import Memory, Noted
from rollouts.plan import plan
from rollouts.world import Ask, Pods, Run, Service, Services, Traffic, World

START = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
MINUTES = timedelta(minutes=1)
BRIEF: tuple[Step, ...] = (
    SetWeight(10, 5 * MINUTES),
    Pause(),
    SetWeight(50, 10 * MINUTES),
    SetWeight(100),
)


def ask(**changes: Any) -> Ask:
    return replace(Ask(name="api", replicas=10, steps=BRIEF, pod_hash="new", step_hash="steps"), **changes)


def pods(pod_hash: str, desired: int, available: int | None = None, revision: int = 1, **more: Any) -> Pods:
    ready = desired if available is None else available
    return Pods(
        f"api-{pod_hash}",
        pod_hash,
        revision,
        desired=desired,
        replicas=desired,
        ready=ready,
        available=ready,
        **more,
    )


def noted(weight: int = 0, stable: str = "old", canary: str = "new", ago: float = 60) -> Noted:
    since = START - timedelta(seconds=ago)
    return Noted(weight, stable, canary, exact=True, weight_since=since, arms_since=since)


def world(canary: int = 1, available: int | None = None, weight: int = 0, **changes: Any) -> World:
    """Ten stable pods of `old`, `canary` pods of `new`; the router was seen at `weight` a minute ago."""
    known = {"pod_hash": "new", "step_hash": "steps", "stable": "old", "traffic": noted(weight)}
    memory = Memory(**{**known, **changes.pop("memory", {})})
    standing = (pods("old", 10), pods("new", canary, available, revision=2))
    made = World(ask=ask(), memory=memory, pods=standing, traffic=Traffic(weight, "old", "new"), now=START)
    return replace(made, **changes)


class Stage:
    """Decisions become true as soon as they are made; pods are available `start` seconds after scaling up."""

    def __init__(self, seen: World, broken: frozenset[str] = frozenset()) -> None:
        self.world = seen
        self.broken = broken
        self.log: list[str] = []
        self.weights: list[int] = [seen.traffic.weight] if isinstance(seen.traffic, Traffic) else []

    def settle(self, rounds: int = 40) -> Decision:
        """Decide and act until nothing is decided any more at this moment."""
        for _ in range(rounds):
            decision = plan(self.world)
            quiet = not decision.actions and decision.memory == self.world.memory
            self.perform(decision)
            if quiet:
                return decision
        raise AssertionError(f"not quiet after {rounds} rounds: {decision}")

    def run(self, until: timedelta) -> Decision:
        """Settle, and go on to each moment a decision asks for, until the time is over."""
        end = self.world.now + until
        while True:
            decision = self.settle()
            again = decision.look_again
            if again is None or again > end:
                self.world = replace(self.world, now=end)
                return self.settle()
            self.world = replace(self.world, now=again)

    def perform(self, decision: Decision) -> None:
        self.world = replace(self.world, memory=decision.memory)
        for action in decision.actions:
            self.log.append(repr(action))
            self._do(action)

    def person(self, **memory: Any) -> None:
        """A person patches the status."""
        self.world = replace(self.world, memory=replace(self.world.memory, **memory))

    def release(self, pod_hash: str) -> None:
        """A new pod template is applied."""
        self.world = replace(self.world, ask=replace(self.world.ask, pod_hash=pod_hash), run=None)

    def size(self, pod_hash: str) -> int:
        found = self.world.revision_of(pod_hash)
        return found.desired if found else 0

    def _do(self, action: Any) -> None:
        seen = self.world.seen
        match action:
            case Point() if isinstance(self.world.services, Services):
                self._switch(self.world.services, action)
            case Route(weight=weight) if seen:
                self.weights.append(weight)
                self.world = replace(self.world, traffic=replace(seen, weight=weight, exact=True))
            case Point(stable=stable, canary=canary) if seen:
                seen = replace(seen, stable=stable or seen.stable, canary=canary or seen.canary)
                self.world = replace(self.world, traffic=seen)
            case _ if isinstance(action, OnAnalysis):
                self._analyse(action)
            case _:
                self._on_pods(action)

    def _switch(self, services: Services, to: Point) -> None:
        stable = Service(to.stable) if to.stable else services.stable
        canary = Service(to.canary) if to.canary else services.canary
        self.world = replace(self.world, services=Services(stable, canary))

    def _on_pods(self, action: Any) -> None:
        match action:
            case CreateReplicaSet(hash=pod_hash, revision=revision):
                made = pods(pod_hash, 0, revision=revision)
                self.world = replace(self.world, pods=(*self.world.pods, made))
            case Scale(name=name, replicas=replicas):
                self._change(
                    name, lambda p: replace(self._sized(p, replicas), sized_for=self.world.ask.replicas)
                )
            case LeaveAt(name=name, at=at):
                self._change(name, lambda p: replace(p, leave_at=at))
            case Renumber(name=name, revision=revision):
                self._change(name, lambda p: replace(p, revision=revision))
            case Evict(name=name):
                left = tuple(pod for pod in self.world.aged or () if pod.name != name)
                self.world = replace(self.world, aged=left)
            case Forget(name=name):
                self.world = replace(self.world, pods=tuple(p for p in self.world.pods if p.name != name))

    def _sized(self, was: Pods, replicas: int) -> Pods:
        up = 0 if was.hash in self.broken else replicas
        return replace(was, desired=replicas, replicas=replicas, ready=up, available=up)

    def _analyse(self, action: OnAnalysis) -> None:
        match action:
            case StartAnalysis(hash=pod_hash, revision=revision, attempt=attempt):
                run = Run(f"api-{pod_hash}-{revision}", "Running", revision, attempt, measures=True)
                self.world = replace(self.world, run=run, runs=(*self.world.runs, run))
            case ExpectTraffic() if self.world.run:
                self.world = replace(self.world, run=replace(self.world.run, informed=True))
            case StopAnalysis(run=name):
                left = tuple(r for r in self.world.runs if r.name != name)
                self.world = replace(self.world, runs=left)

    def _change(self, name: str, change: Any) -> None:
        changed = tuple(change(p) if p.name == name else p for p in self.world.pods)
        self.world = replace(self.world, pods=changed)
