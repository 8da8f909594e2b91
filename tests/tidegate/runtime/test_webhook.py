"""What a Git server tells of a push: the repositories it names are asked at once."""

from __future__ import annotations

import json
import time
from typing import Any

import aiohttp
import pytest

from tidegate.runtime.ports import serve
from tidegate.runtime.webhook import PATH, knocked, webhook

SHOP, OTHER = "https://git.example.com/shop/infra.git", "https://git.example.com/shop/other"
SSH = "git@git.example.com:shop/infra.git"
REPOS = (SHOP, OTHER, SSH)


@pytest.mark.parametrize(
    "payload",
    [
        {"ref": "refs/heads/main", "repository": {"clone_url": SHOP, "ssh_url": SSH}},
        {"project": {"git_http_url": SHOP, "git_ssh_url": SSH, "web_url": SHOP.removesuffix(".git")}},
        {"repository": {"html_url": SHOP.removesuffix(".git"), "ssh_url": SSH}},
        {"repository": {"links": {"html": {"href": SHOP.removesuffix(".git")}}, "ssh_url": SSH}},
        {"repository": {"links": {"clone": [{"href": SHOP, "name": "http"}, {"href": SSH, "name": "ssh"}]}}},
        {"resource": {"repository": {"remoteUrl": SHOP, "url": SSH}}},
    ],
    ids=["github", "gitlab", "gitea", "bitbucket", "bitbucket-server", "azure-devops"],
)
def test_a_repository_is_known_in_each_servers_words(payload: Any) -> None:
    assert knocked(payload, REPOS) == (SHOP, SSH)


@pytest.mark.parametrize("payload", [None, [], "x", {"repository": SHOP}, {"commits": [{"url": SHOP}]}])
def test_what_names_no_repository_wakes_nobody(payload: Any) -> None:
    assert knocked(payload, REPOS) == ()


async def test_a_push_is_heard_and_its_repository_asked_at_once() -> None:
    asked: list[str] = []
    port = await serve(0, {}, {PATH: webhook(lambda: REPOS, asked.append)})
    host, number = port.addresses[0]
    url = f"http://{host}:{number}{PATH}"
    try:
        async with aiohttp.ClientSession() as session:
            push = {"repository": {"clone_url": OTHER}}
            assert (await session.post(url, json=push)).status == 204
            assert (await session.post(url, data=b"{")).status == 400
            assert (await session.post(url, data={"payload": json.dumps(push)})).status == 204
            assert (await session.post(url, data={"other": "x"})).status == 400
    finally:
        await port.cleanup()
    assert asked == [OTHER, OTHER]


def test_a_payload_of_many_addresses_takes_no_time_for_each_repository() -> None:
    payload = {"repository": {str(at): {"url": f"https://x/{at}"} for at in range(20_000)}}
    began = time.process_time()
    knocked(payload, [f"https://git.example.com/{at}" for at in range(1000)])
    assert time.process_time() - began < 5, "it would be a minute and more if each were compared with each"
