"""A push that a Git server tells of: the repositories it names are asked at once, and nothing else happens.

Anybody may send one, so nothing in it is believed but that it is worth a look, which the poll takes anyway;
a repository is asked once a second at most.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from aiohttp import web

from crds.repositories import same

PATH = "/api/webhook"
ADDRESSES = ("url", "href", "git_http_url", "git_ssh_url", "clone_url", "ssh_url", "html_url", "web_url")
DEEPEST = 4


def knocked(payload: Any, repos: Iterable[str]) -> tuple[str, ...]:
    """Which of the repositories the payload names, whatever Git server it is from."""
    written = tuple(dict.fromkeys(_addresses(payload, DEEPEST)))
    return tuple(repo for repo in dict.fromkeys(repos) if any(same(repo, one) for one in written))


def webhook(repos: Callable[[], Iterable[str]], hurry: Callable[[str], None]) -> Callable[..., Any]:
    """The handler: 204, or 400 where it is no JSON."""

    async def answer(request: web.Request) -> web.Response:
        try:
            payload = json.loads(await request.read())
        except (ValueError, RecursionError):
            return web.Response(text="no JSON\n", status=400)
        for repo in knocked(payload, repos()):
            hurry(repo)
        return web.Response(status=204)

    return answer


def _addresses(tree: Any, levels: int) -> Iterator[str]:
    if not isinstance(tree, dict) or not levels:
        return
    for key, value in tree.items():
        if isinstance(value, str) and key in ADDRESSES:
            yield value
        yield from _addresses(value, levels - 1)
