"""What an observer keeps, and whom it wakes: outlines, heads and dry runs."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from crds.refs import CONFIG_MAP, Kind, Ref
from tests.tidegate.kube.waiting import until
from tidegate.kube.store import Store
from tidegate.planners.needs import (
    Absent,
    Answer,
    Arrival,
    DryRun,
    Failed,
    Head,
    Known,
    Need,
    Object,
    Outline,
    Pending,
    Served,
)
from tidegate.runtime.observe import Fetch, Observer

Raw = dict[str, Any]
KEY = Ref(CONFIG_MAP, "shop", "one")
LEVEL = Outline(CONFIG_MAP, "shop", (("metadata", "name"), ("data", "level")))
HEAD = Head("https://git.example.com/shop", "main", 180.0)
TRY = DryRun(KEY, b"{}", "")


def config(version: int, namespace: str = "shop", **data: str) -> Raw:
    meta = {"name": "one", "namespace": namespace, "resourceVersion": str(version)}
    return {"kind": "ConfigMap", "metadata": meta, "data": data}


class Seen:
    """An observer whose answers are given by hand; `woken` are the keys it woke."""

    def __init__(self, **answers: Answer) -> None:
        self.store = Store()
        self.store.expect(CONFIG_MAP)
        self.store.replace(CONFIG_MAP, [config(2, level="1")], 2)
        self.woken: list[Ref] = []
        self.asked: list[Need] = []
        self.answers = answers
        fetchers: dict[type, Fetch] = {kind: self._fetch for kind in (Head, DryRun, Served)}
        self.observer = Observer(self.store, fetchers, self.woken.append)

    async def _fetch(self, need: Need) -> Answer:
        self.asked.append(need)
        return self.answers.get(type(need).__name__, Known("an answer"))

    def look(self, *needs: Need) -> dict[Need, Answer]:
        return dict(self.observer.observe(KEY, lambda _known: needs))


def test_an_outline_shows_its_paths_and_nothing_else_wakes_anybody() -> None:
    seen = Seen()
    assert seen.look(LEVEL) == {LEVEL: Known(({"metadata": {"name": "one"}, "data": {"level": "1"}},))}
    seen.store.put(CONFIG_MAP, config(3, level="1", colour="blue"))
    seen.store.put(CONFIG_MAP, config(4, "elsewhere", level="9"))
    assert seen.woken == []
    seen.store.put(CONFIG_MAP, config(5, level="2"))
    assert seen.woken == [KEY]


def test_an_object_that_comes_or_goes_changes_an_outline() -> None:
    seen = Seen()
    seen.look(LEVEL)
    seen.store.remove(CONFIG_MAP, config(9))
    assert seen.woken == [KEY]


SHELF = Served("shop.io", "v1", "Shelf")


@pytest.mark.looptime
@pytest.mark.parametrize(
    ("need", "answer", "rests"),
    [
        (HEAD, Failed("no answer"), [1, 2, 4, 8, 16, 30, 30]),
        (HEAD, Failed("took too long", costly=True), [30, 60, 120, 240, 480, 900, 900]),
        (SHELF, Absent(), [1, 2, 3, 3, 3, 3, 3]),
    ],
    ids=["an error", "what costs much", "a kind that a sync has just defined, perhaps"],
)
async def test_what_failed_is_asked_again_ever_later(need: Need, answer: Answer, rests: list[int]) -> None:
    seen = Seen(**{type(need).__name__: answer})
    seen.look(need)
    for number, seconds in enumerate(rests, 1):
        await asyncio.sleep(0.1 if number == 1 else 0)
        assert len(seen.asked) == number
        await asyncio.sleep(seconds - 0.2)
        assert len(seen.asked) == number
        await asyncio.sleep(0.2)
    assert seen.look(need) == {need: answer}
    await seen.observer.close()


async def test_a_newer_head_wakes_who_needs_it_and_nobody_else_hears() -> None:
    seen = Seen()
    seen.look(HEAD)
    await until(lambda: seen.woken)
    assert seen.observer.heads() == (HEAD,)
    seen.observer.learn(HEAD, Known("another"))
    assert seen.woken == [KEY, KEY]
    assert seen.look(HEAD) == {HEAD: Known("another")}
    seen.look()
    seen.observer.learn(HEAD, Known("a third"))
    assert seen.woken == [KEY, KEY]


def test_what_became_of_a_push_is_kept_for_as_long_as_somebody_asks() -> None:
    seen, push = Seen(), Arrival("https://git.example.com/shop", "refs/heads/main", "c1")
    seen.look(push)
    seen.observer.arrived(push, "landed")
    assert (seen.woken, seen.look(push)) == ([KEY], {push: Known("landed")})
    seen.look()
    assert seen.look(push) == {push: Absent()}
    seen.look()
    seen.observer.arrived(push, "landed late")
    assert seen.look(push) == {push: Absent()}


async def test_a_dry_run_is_not_asked_again_after_a_wait_for_something_else() -> None:
    seen = Seen()
    seen.look(TRY)
    await until(lambda: seen.look(TRY) == {TRY: Known("an answer")})
    assert seen.look(HEAD) == {HEAD: Pending()}
    assert seen.look(HEAD, TRY) == {HEAD: Pending(), TRY: Known("an answer")}
    assert seen.asked.count(TRY) == 1


async def test_a_kind_that_is_not_served_is_asked_for_again() -> None:
    shelf = Served("shop.io", "v1", "Shelf")
    seen = Seen(Served=Absent())
    seen.look(shelf)
    await until(lambda: seen.look(shelf) == {shelf: Absent()})
    seen.answers["Served"] = Known("shelves")
    await until(lambda: seen.look(shelf) == {shelf: Known("shelves")})


def test_a_kind_that_nobody_watches_is_missed_and_then_waited_for() -> None:
    seen, missed = Seen(), list[Kind]()
    other = Kind("shop.io", "v1", "Shelf", "shelves")
    need = Object(Ref(other, "shop", "a"))
    assert isinstance(seen.look(need)[need], Failed)

    def watch(kind: Kind) -> None:
        missed.append(kind)
        seen.store.expect(kind)

    seen.observer.missed = watch
    assert seen.look(need) == {need: Pending()}
    assert missed == [other]
