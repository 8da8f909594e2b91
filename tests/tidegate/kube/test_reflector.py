from __future__ import annotations

import asyncio
import math
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from itertools import pairwise
from typing import Any

import pytest

from tests.tidegate.kube.fake import FakeApi, serving, status
from tests.tidegate.kube.waiting import until
from tidegate.kube.aio import AioSender
from tidegate.kube.config import Connection
from tidegate.kube.errors import Unreachable
from tidegate.kube.http import Request, Response, Sender
from tidegate.kube.reflector import Pace, Reflector, Watched
from tidegate.kube.store import Store

ROOT = "/apis/argoproj.io/v1alpha1"
COLLECTION = f"{ROOT}/rollouts"
QUICK = Pace(silence=30.0, first_delay=0.01, longest_delay=0.05)


def at(name: str, namespace: str = "shop") -> str:
    return f"{ROOT}/namespaces/{namespace}/rollouts/{name}"


class Watching:
    def __init__(self, api: FakeApi, store: Store, reflector: Reflector) -> None:
        self.api, self.store, self.reflector = api, store, reflector

    def names(self) -> list[str]:
        return [raw["metadata"]["name"] for raw in self.store.listed("rollouts")]


@asynccontextmanager
async def watching(api: FakeApi, pace: Pace = QUICK) -> AsyncIterator[Watching]:
    store = Store()
    async with serving(api.handle) as url:
        sender = AioSender(Connection(url), "tidegate/test")
        reflector = Reflector(sender, store, Watched("rollouts", COLLECTION), pace)
        task = asyncio.create_task(reflector.run())
        try:
            yield Watching(api, store, reflector)
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
            await sender.close()


@asynccontextmanager
async def following(api: FakeApi, pace: Pace = QUICK) -> AsyncIterator[Watching]:
    """As `watching`, with the first list read and its watch open."""
    async with watching(api, pace) as seen:
        await until(lambda: seen.store.synced("rollouts") and api.watches)
        yield seen


@pytest.fixture
def api() -> FakeApi:
    api = FakeApi()
    api.put(at("a"))
    api.put(at("b"))
    return api


async def test_a_collection_is_read_page_by_page(api: FakeApi) -> None:
    api.put(at("c"))
    api.page = 1
    async with following(api) as seen:
        assert seen.names() == ["a", "b", "c"]
    assert api.asked("GET", COLLECTION) == 3


async def test_changes_and_deletions_arrive_over_the_watch(api: FakeApi) -> None:
    async with following(api) as seen:
        api.put(at("c"), spec={"replicas": 3})
        api.drop(at("a"))
        await until(lambda: seen.names() == ["b", "c"])
        assert seen.store.get("rollouts", "shop", "c")["spec"] == {"replicas": 3}  # type: ignore[index]


async def test_an_object_of_a_megabyte_is_one_line(api: FakeApi) -> None:
    async with following(api) as seen:
        api.put(at("c"), spec={"text": "x" * 2**20})
        await until(lambda: seen.names() == ["a", "b", "c"])


async def test_what_was_deleted_behind_a_lost_watch_is_gone_after_410(api: FakeApi) -> None:
    async with following(api) as seen:
        api.drop(at("a"), quietly=True)
        api.tell({"type": "ERROR", "object": status(410, "Expired", "too old resource version")})
        await until(lambda: seen.names() == ["b"])


async def test_an_error_event_of_500_is_survived(api: FakeApi) -> None:
    async with following(api) as seen:
        api.tell({"type": "ERROR", "object": status(500, "InternalError", "etcd is on fire")})
        await until(lambda: api.asked("WATCH", COLLECTION) == 2)
        api.put(at("c"))
        await until(lambda: seen.names() == ["a", "b", "c"])


async def test_a_refused_list_is_asked_for_again(api: FakeApi) -> None:
    api.refusals = [
        status(500, "InternalError"),
        status(503, "ServiceUnavailable"),
        status(429, "TooManyRequests"),
    ]
    async with following(api) as seen:
        assert seen.names() == ["a", "b"]


async def test_a_silent_watch_is_opened_anew(api: FakeApi) -> None:
    async with following(api, Pace(silence=0.05, first_delay=0.01, longest_delay=0.01)):
        await until(lambda: api.asked("WATCH", COLLECTION) >= 3)
    assert api.asked("GET", COLLECTION) == 1


async def test_a_watch_that_ends_is_taken_up_where_it_ended(api: FakeApi) -> None:
    async with following(api) as seen:
        api.put(at("c"))
        await until(lambda: "c" in seen.names())
        api.tell(None)
        await until(lambda: api.asked("WATCH", COLLECTION) == 2)
    assert api.asked("GET", COLLECTION) == 1


async def test_a_watch_that_says_nothing_and_ends_is_not_asked_for_in_a_rush(api: FakeApi) -> None:
    async with following(api) as seen:
        api.tell(None)
        await until(lambda: api.asked("WATCH", COLLECTION) == 2)
        assert seen.reflector._failures == 1


async def test_a_kind_that_is_not_installed_is_said_to_be_refused(api: FakeApi) -> None:
    api.missing.add(COLLECTION)
    async with watching(api) as seen:
        await until(lambda: seen.store.refused("rollouts"))
        assert not seen.store.synced("rollouts")


async def test_a_kind_that_appears_is_read_as_soon_as_somebody_asks(api: FakeApi) -> None:
    api.missing.add(COLLECTION)
    async with watching(api, Pace(first_delay=3600.0, longest_delay=3600.0)) as seen:
        await until(lambda: seen.store.refused("rollouts"))
        api.missing.clear()
        seen.reflector.ask()
        await until(lambda: seen.names() == ["a", "b"])
        assert not seen.store.refused("rollouts")


async def test_bookmarks_move_the_place_to_watch_from(api: FakeApi) -> None:
    async with following(api) as seen:
        api.tell({"type": "BOOKMARK", "object": {"metadata": {"resourceVersion": "99"}}})
        await until(lambda: seen.store._shelves["rollouts"].mark == 99)


async def test_an_outage_is_over_once_the_collection_is_listed_again(api: FakeApi) -> None:
    async with following(api) as seen:
        api.away = True
        api.tell(None)
        await until(lambda: seen.store.reached("rollouts") == math.inf)
        api.away = False
        await until(lambda: seen.store.reached("rollouts") != math.inf)
        assert seen.store.reached("rollouts") == seen.reflector.heard_at
    assert api.asked("GET", COLLECTION) == 2


@pytest.mark.looptime
async def test_an_api_server_that_cannot_be_reached_is_asked_every_few_seconds() -> None:
    asked: list[float] = []

    class Nobody(Sender):
        async def send(self, request: Request) -> Response:
            asked.append(asyncio.get_running_loop().time())
            raise Unreachable("connection refused")

        def watch(self, request: Request) -> AsyncIterator[dict[str, Any]]:
            raise AssertionError("nothing was listed")

    task = asyncio.create_task(Reflector(Nobody(), Store(), Watched("rollouts", COLLECTION)).run())
    await asyncio.sleep(60)
    task.cancel()
    assert max(later - sooner for sooner, later in pairwise(asked)) == pytest.approx(5)


async def test_an_outage_is_said_once(api: FakeApi, caplog: pytest.LogCaptureFixture) -> None:
    async with following(api):
        api.strange = True
        api.tell(None)
        await until(lambda: api.strangers > 3)
        api.strange = False
        await until(lambda: "answered again" in caplog.text)
    assert caplog.text.count("does not answer as an API server does") == 1


async def test_a_proxy_that_answers_for_the_api_server_is_an_outage_too(api: FakeApi) -> None:
    async with following(api) as seen:
        api.refusals = [status(503, "ServiceUnavailable")]
        api.tell({"type": "ERROR", "object": status(410, "Expired")})
        await until(lambda: api.asked("GET", COLLECTION) == 3)
        await until(lambda: seen.store.reached("rollouts") == seen.reflector.heard_at)


async def test_lines_that_break_and_are_taken_up_again_are_no_outage(api: FakeApi) -> None:
    async with following(api) as seen:
        api.tell(None)
        await until(lambda: api.asked("WATCH", COLLECTION) == 2 and api.watches)
        api.tell({"type": "ERROR", "object": status(500, "InternalError")})
        await until(lambda: api.asked("WATCH", COLLECTION) == 3 and api.watches)
        assert seen.store.reached("rollouts") is None


async def test_a_silent_line_is_no_outage(api: FakeApi) -> None:
    async with following(api, Pace(silence=0.05, first_delay=0.01, longest_delay=0.01)) as seen:
        await until(lambda: api.asked("WATCH", COLLECTION) >= 3)
        assert seen.store.reached("rollouts") is None
