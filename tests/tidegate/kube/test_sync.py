from __future__ import annotations

import asyncio
import subprocess
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from itertools import islice
from typing import TypeVar

import pytest

from tests.tidegate.kube.fake import FakeApi, serving, status
from tests.tidegate.kube.waiting import until
from tidegate.kube import requests
from tidegate.kube.config import Connection, Credentials, Proof
from tidegate.kube.errors import AlreadyExists, NotFound, Stranger, Unreachable
from tidegate.kube.sync import SyncSender

COLLECTION = requests.path("argoproj.io", "v1alpha1", "rollouts", "shop")
T = TypeVar("T")


@asynccontextmanager
async def sending(api: FakeApi) -> AsyncIterator[SyncSender]:
    async with serving(api.handle) as url:
        with SyncSender(Connection(url), "tidegate/test") as sender:
            yield sender


async def beside(work: Callable[[], T]) -> T:
    """The fake lives on this loop, so the synchronous sender works in a thread."""
    return await asyncio.to_thread(work)


async def test_a_conflict_of_names_is_its_own_error() -> None:
    api = FakeApi()
    api.put(f"{COLLECTION}/a")
    async with sending(api) as sender:
        with pytest.raises(AlreadyExists):
            await beside(lambda: sender.accepted(requests.create(COLLECTION, {"metadata": {"name": "a"}})))


async def test_what_is_not_there_is_told_from_a_kind_that_is_not_served() -> None:
    api = FakeApi()
    async with sending(api) as sender:
        with pytest.raises(NotFound) as object_missing:
            await beside(lambda: sender.accepted(requests.get(f"{COLLECTION}/a")))
        api.missing.add(COLLECTION)
        with pytest.raises(NotFound) as kind_missing:
            await beside(lambda: sender.accepted(requests.page(COLLECTION)))
    assert (object_missing.value.kind_missing, kind_missing.value.kind_missing) == (False, True)


async def test_a_patch_is_sent_and_its_answer_read() -> None:
    api = FakeApi()
    api.put(f"{COLLECTION}/a", spec={"paused": True, "replicas": 2})
    async with sending(api) as sender:
        patch = requests.merge_patch(f"{COLLECTION}/a", {"spec": {"paused": None}})
        got = await beside(lambda: sender.accepted(patch))
    assert got["spec"] == {"replicas": 2}


async def test_a_watch_is_a_generator_of_events() -> None:
    api = FakeApi()
    async with sending(api) as sender:
        seen = asyncio.create_task(
            beside(lambda: list(islice(sender.watch(requests.watch(COLLECTION, "1")), 2)))
        )
        await until(lambda: api.watches)
        api.put(f"{COLLECTION}/a")
        api.put(f"{COLLECTION}/b")
        assert [event["type"] for event in await seen] == ["ADDED", "ADDED"]


async def test_a_token_that_is_no_longer_taken_is_renewed_once() -> None:
    api = FakeApi()
    api.put(f"{COLLECTION}/a")
    api.refusals = [status(401, "Unauthorized")]
    fetched: list[Proof] = []

    def fetch() -> Proof:
        fetched.append(Proof(f"Bearer {len(fetched)}"))
        return fetched[-1]

    async with serving(api.handle) as url:
        sender = SyncSender(Connection(url, Credentials(fetch)), "tidegate/test")
        await beside(lambda: sender.accepted(requests.get(f"{COLLECTION}/a")))
        sender.close()
    assert len(fetched) == 2


async def test_who_answers_as_no_api_server_does_is_a_stranger() -> None:
    api = FakeApi()
    api.strange = True
    async with sending(api) as sender:
        with pytest.raises(Stranger, match=r"does not answer as an API server does \(HTTP 200\)$"):
            await beside(lambda: sender.accepted(requests.page(COLLECTION)))
        with pytest.raises(Stranger, match="does not answer a watch as an API server does"):
            await beside(lambda: list(sender.watch(requests.watch(COLLECTION, "1"))))


def test_nobody_there_is_unreachable() -> None:
    with pytest.raises(Unreachable, match=r"127\.0\.0\.1:1: .* refused$"):
        SyncSender(Connection("http://127.0.0.1:1"), "tidegate/test").send(requests.get("/api"))


def test_a_write_that_is_not_answered_is_in_doubt() -> None:
    with pytest.raises(Unreachable, match="may or may not have happened"):
        SyncSender(Connection("http://127.0.0.1:1"), "tidegate/test").send(requests.merge_patch("/api", {}))


def test_the_command_lines_imports_stay_light() -> None:
    heavy = "aiohttp", "asyncio", "kopf", "numpy", "kubernetes", "yaml", "msgspec"
    loaded = f"print([m for m in {heavy} if m in sys.modules])"
    program = f"import sys, tidegate.kube.sync, tidegate.kube.config; {loaded}"
    ran = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert ran.stdout.strip() == "[]"
