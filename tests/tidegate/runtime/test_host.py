from __future__ import annotations

import asyncio

from tests.tidegate.kube.fake import DISCOVERY, FakeApi, serving
from tests.tidegate.kube.waiting import until
from tidegate.kube.aio import AioSender
from tidegate.kube.config import Connection
from tidegate.runtime.host import discovered


async def test_kopf_begins_once_the_api_server_tells_what_it_serves() -> None:
    api = FakeApi()
    api.strange = True
    async with serving(api.handle) as url:
        sender = AioSender(Connection(url), "tidegate/test")
        waiting = asyncio.create_task(discovered(sender))
        await until(lambda: api.strangers > 1)
        assert not waiting.done()
        api.strange = False
        await waiting
        await sender.close()
    assert {path for _, path in api.requests} == {"/api", "/apis"} <= DISCOVERY.keys()
