"""Events are told beside the work, in the order in which they were said of an object."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any

import pytest

from tests.tidegate.kube.waiting import until
from tidegate.kube.errors import Unreachable
from tidegate.kube.http import Request, Response
from tidegate.planners.plan import Event
from tidegate.runtime import telling
from tidegate.runtime.telling import AT_ONCE, Teller

NOW = datetime(2026, 3, 15, 10, 30, tzinfo=UTC)


class Server:
    """Takes Events, of the objects in `deaf` never."""

    def __init__(self) -> None:
        self.took: list[tuple[str, str]] = []
        self.deaf: set[str] = set()
        self.away = False

    async def send(self, request: Request) -> Response:
        about = request.body["involvedObject"]["name"]
        if about in self.deaf:
            await asyncio.Event().wait()
        if self.away:
            raise Unreachable("connection refused")
        await asyncio.sleep(0)
        self.took.append((about, request.body["reason"]))
        return Response(201, request.body)

    def watch(self, request: Request) -> AsyncIterator[Any]:
        raise NotImplementedError


def said(name: str, reason: str) -> Event:
    return Event({"metadata": {"namespace": "shop", "name": name, "uid": name}}, reason, "")


@asynccontextmanager
async def telling_to(server: Server) -> AsyncIterator[Teller]:
    teller = Teller(server)
    works = [asyncio.create_task(teller.work()) for _ in range(AT_ONCE)]
    yield teller
    for work in works:
        work.cancel()
    await asyncio.gather(*works, return_exceptions=True)


async def test_what_is_told_of_an_object_keeps_its_order() -> None:
    server = Server()
    async with telling_to(server) as teller:
        for at in range(20):
            for name in ("api", "web"):
                teller.tell(said(name, f"R{at}"), NOW)
        await until(lambda: not teller)
    for name in ("api", "web"):
        assert [reason for about, reason in server.took if about == name] == [f"R{at}" for at in range(20)]


async def test_an_object_whose_events_hang_keeps_no_other_from_being_told() -> None:
    server = Server()
    server.deaf = {"api"}
    async with telling_to(server) as teller:
        teller.tell(said("api", "RolloutPaused"), NOW)
        teller.tell(said("web", "RolloutPaused"), NOW)
        await until(lambda: server.took == [("web", "RolloutPaused")])


async def test_an_event_that_nobody_answered_stops_not_the_next() -> None:
    server = Server()
    server.away = True
    async with telling_to(server) as teller:
        teller.tell(said("api", "RolloutPaused"), NOW)
        await until(lambda: not teller)
        server.away = False
        teller.tell(said("api", "RolloutResumed"), NOW)
        await until(lambda: server.took == [("api", "RolloutResumed")])


async def test_what_waits_when_we_end_is_told_yet() -> None:
    server = Server()
    server.deaf = {"api"}
    async with telling_to(server) as teller:
        teller.tell(said("api", "RolloutPaused"), NOW)
        teller.tell(said("api", "RolloutResumed"), NOW)
        await asyncio.sleep(0)
    server.deaf = set()
    await teller.finish(60)
    assert server.took == [("api", "RolloutPaused"), ("api", "RolloutResumed")]


async def test_an_end_waits_no_longer_than_it_is_given_for_events_that_hang() -> None:
    server = Server()
    server.deaf = {"api"}
    teller = Teller(server)
    teller.tell(said("api", "RolloutPaused"), NOW)
    await teller.finish(0.01)
    assert len(teller) == 1


async def test_where_no_events_are_taken_some_wait_and_the_rest_is_let_go_with_a_word(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(telling, "MOST", 2)
    teller = Teller(Server())
    with caplog.at_level(logging.WARNING):
        for reason in ("RolloutUpdated", "RolloutPaused", "RolloutResumed"):
            teller.tell(said("api", reason), NOW)
    assert len(teller) == 2
    assert "event RolloutResumed was not told: 2 wait to be told already" in caplog.text
