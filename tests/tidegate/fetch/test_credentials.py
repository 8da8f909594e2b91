"""Credentials are found beside the Applications, and read no more often than it takes."""

from __future__ import annotations

import asyncio
import base64
from datetime import UTC, datetime

import pytest

from crds.refs import SECRET, Ref
from tests.tidegate.runtime.worlds import path
from tidegate.fetch.credentials import KEPT_SECONDS, Credentials
from tidegate.git import address
from tidegate.git.access import TYPE
from tidegate.kube import requests
from tidegate.kube.errors import accepted
from tidegate.kube.http import Request, Response
from tidegate.sandbox.sender import SandboxSender
from tidegate.sandbox.store import Store

URL = "https://git.example.com/shop.git"


class Counting(SandboxSender):
    def __init__(self, store: Store) -> None:
        super().__init__(store)
        self.asked = 0

    async def send(self, request: Request) -> Response:
        self.asked += 1
        return await super().send(request)


@pytest.fixture
def store() -> Store:
    made = Store(lambda: datetime.now(UTC))
    accepted(made.handle(requests.create("/api/v1/namespaces", {"metadata": {"name": "argocd"}})))
    return made


def give(store: Store, name: str, purpose: str, password: str) -> None:
    said = {"url": URL, "username": "git", "password": password}
    data = {key: base64.b64encode(value.encode()).decode() for key, value in said.items()}
    meta = {"name": name, "labels": {TYPE: purpose}}
    accepted(store.handle(requests.create(path(Ref(SECRET, "argocd", "")), {"metadata": meta, "data": data})))


@pytest.mark.looptime
async def test_what_was_found_serves_who_reads_for_a_minute(store: Store) -> None:
    give(store, "mine", "repository", "one")
    sender = Counting(store)
    credentials, where = Credentials(sender, "argocd"), address.read(URL)
    found = await asyncio.gather(*(credentials(where) for _ in range(100)))
    assert ({one.password for one in found}, sender.asked) == ({"one"}, 3)
    accepted(store.handle(requests.delete(path(Ref(SECRET, "argocd", "mine")))))
    give(store, "another", "repository", "two")
    await asyncio.sleep(KEPT_SECONDS)
    assert (await credentials(where)).password == "two"


async def test_who_writes_is_shown_what_is_there_now(store: Store) -> None:
    give(store, "reads", "repository", "one")
    credentials, where = Credentials(SandboxSender(store), "argocd"), address.read(URL)
    await credentials(where)
    give(store, "writes", "repository-write", "two")
    assert (await credentials.to_write(where)).password == "two"
