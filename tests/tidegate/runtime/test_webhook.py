"""What a Git server tells of a push: the repositories it names are asked at once."""

from __future__ import annotations

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
    ],
    ids=["github", "gitlab", "gitea", "bitbucket"],
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
    finally:
        await port.cleanup()
    assert asked == [OTHER]
