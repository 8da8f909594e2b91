"""The sandbox over real HTTP, asked by the clients that production has."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime

import aiohttp
import pytest

from tests.tidegate.sandbox.worlds import CONFIG_MAPS, config_map
from tidegate.kube import requests
from tidegate.kube.aio import AioSender
from tidegate.kube.config import Connection
from tidegate.kube.errors import ApiError
from tidegate.kube.http import Request, Response
from tidegate.sandbox.face import face
from tidegate.sandbox.store import Store


@asynccontextmanager
async def served() -> AsyncIterator[tuple[str, AioSender]]:
    """Its address, and a client of ours."""
    store = Store(lambda: datetime.now(UTC))
    runner = await face(
        store, {"/beside": lambda asked: Response(200, {"kind": "Beside", "asked": asked.path})}
    )
    server = f"http://127.0.0.1:{runner.addresses[0][1]}"
    sender = AioSender(Connection(server), "test")
    try:
        yield server, sender
    finally:
        await sender.close()
        await runner.cleanup()


async def test_what_is_written_is_read_and_watched() -> None:
    async with served() as (_, sender):
        created = await sender.send(requests.create(CONFIG_MAPS, config_map("a")))
        version = created.body["metadata"]["resourceVersion"]
        lines = sender.watch(requests.watch(CONFIG_MAPS, version))
        told = asyncio.ensure_future(anext(lines))
        await sender.send(requests.merge_patch(f"{CONFIG_MAPS}/a", {"data": {"key": "new"}}))
        assert (created.status, (await told)["object"]["data"]) == (201, {"key": "new"})


async def test_a_watch_that_is_not_played_is_refused_with_a_status() -> None:
    async with served() as (_, sender):
        watch = sender.watch(Request("GET", CONFIG_MAPS, {"watch": "true", "sendInitialEvents": "true"}))
        with pytest.raises(ApiError, match="does not play"):
            await anext(watch)


async def test_what_stands_beside_the_api_server_is_asked_below_its_prefix() -> None:
    async with served() as (_, sender):
        answer = await sender.send(requests.get("/beside/api/v1/query"))
        assert answer.body["asked"] == "/api/v1/query"


async def test_a_body_that_is_no_json_is_not_played() -> None:
    async with served() as (server, _), aiohttp.ClientSession() as session:
        answer = await session.post(f"{server}{CONFIG_MAPS}", data=b"k8s\x00\xff")
        assert answer.status == 501
