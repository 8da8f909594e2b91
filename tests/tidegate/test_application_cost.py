"""What a look at a large Application costs, counted in calls: no clock, so the same on every machine."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

import msgspec

from crds.paths import get, put
from tests.gitops.examples import NOW, config
from tests.tidegate.test_application_planner import AUTOMATED, Answers, app
from tidegate.planners.application import ApplicationPlanner
from tidegate.planners.needs import Answer, Need, Object, Rendered
from tidegate.planners.plan import Plan
from tidegate.planners.settings import Settings

FEW, TWICE = 150, 300


def calls(work: Callable[[], Any]) -> int:
    """How many functions were called, built in ones too."""
    count = 0

    def counted(_frame: object, event: str, _argument: object) -> None:
        nonlocal count
        count += event in ("call", "c_call")

    sys.setprofile(counted)
    try:
        work()
    finally:
        sys.setprofile(None)
    return count


class Steady:
    """An Application behind answers that stay the very same, as a store's do, until something changes."""

    def __init__(self, world: Answers) -> None:
        self._world = world
        self._planner = ApplicationPlanner(world.site, Settings())
        self._answers: dict[Need, Answer] = {}

    def look(self) -> Plan:
        return self._planner.plan(self._world.app, self.ask(), NOW)

    def changes(self, name: str) -> None:
        """Somebody writes an annotation on it."""
        raw = self._world.objects["ConfigMap", "production", name]
        self._world.has(put(raw, ("metadata", "annotations", "seen"), "1"))
        self._forget(lambda need: isinstance(need, Object) and need.ref.name == name)

    def all_change(self) -> None:
        """Somebody labels whatever is there."""
        for raw in list(self._world.objects.values()):
            seen = put(raw, ("metadata", "annotations", "seen"), "1")
            self._world.has(put(seen, ("metadata", "resourceVersion"), "2"))
        self._forget(lambda need: isinstance(need, Object))

    def ask(self) -> dict[Need, Answer]:
        """What the event loop does itself; the plan is thought in a thread."""
        known: dict[Need, Answer] = {}
        needs = self._planner.needs(self._world.app, known, NOW)
        while new := [need for need in needs if need not in known]:
            known |= {need: self._answer(need) for need in new}
            needs = self._planner.needs(self._world.app, known, NOW)
        return {need: known[need] for need in needs}

    def knows_what_it_will_ask(self) -> None:
        """Somebody else has asked it all: to answer costs nothing any more."""
        other = Steady(self._world)
        other._answers = self._answers
        other.ask()

    def commits(self, name: str) -> None:
        """Somebody else's object is declared otherwise; all files are read anew."""
        edited = (
            put(raw, ("data", "level"), "2") if get(raw, "metadata", "name") == name else raw
            for raw in self._world.git
        )
        self._world.git = tuple(msgspec.json.decode(msgspec.json.encode(raw)) for raw in edited)
        self._forget(lambda need: isinstance(need, Rendered))

    def _answer(self, need: Need) -> Answer:
        if need not in self._answers:
            self._answers[need] = self._world.answer(need)
        return self._answers[need]

    def _forget(self, old: Callable[[Need], bool]) -> None:
        self._answers = {need: answer for need, answer in self._answers.items() if not old(need)}


def holding(objects: int) -> Answers:
    here = app(syncPolicy=AUTOMATED | {"syncOptions": ["CreateNamespace=true"]})
    here.git = tuple(config(f"c{n}", level="1") for n in range(objects))
    here.asked_again = False
    return here


def test_a_look_at_what_was_read_before_costs_little() -> None:
    here = Steady(holding(FEW).play())
    first, again = calls(here.look), calls(here.look)
    assert again < first / 5


def test_one_object_that_changed_is_all_that_is_read_anew() -> None:
    here = Steady(holding(FEW).play())
    here.look()
    at_rest = calls(here.look)
    here.changes("c7")
    assert calls(here.look) < 1.2 * at_rest


def test_what_is_asked_of_objects_that_have_all_changed_takes_the_loop_few_steps_each() -> None:
    here = Steady(holding(FEW).play())
    here.look()
    here.all_change()
    here.knows_what_it_will_ask()
    assert calls(here.ask) / FEW < 110


def test_a_commit_that_changes_one_object_leaves_the_others_as_they_were_read() -> None:
    here = Steady(holding(FEW).play())
    first = calls(here.look)
    here.commits("c7")
    assert calls(here.look) < first / 2


def test_a_sync_of_twice_as_many_objects_costs_twice_as_much() -> None:
    few, twice = (calls(holding(objects).play) for objects in (FEW, TWICE))
    assert twice < 2.2 * few
