"""A push that a Git server tells of: the repositories it names are asked at once, and nothing else happens.

Anybody may send one, so nothing in it is believed but that it is worth a look, which the poll takes anyway;
a repository is asked once a second at most.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator
from typing import Any
from urllib.parse import parse_qs

from aiohttp import web

from crds.repositories import bare

PATH = "/api/webhook"
ADDRESSES = (
    *("url", "href", "git_http_url", "git_ssh_url", "clone_url", "ssh_url", "html_url", "web_url"),
    "remoteUrl",
)
LISTED = "clone"
"""Of a Bitbucket Server, which lists its addresses. Other lists are of commits and the like."""
FORM = "application/x-www-form-urlencoded"
DEEPEST = 4


def knocked(payload: Any, repos: Iterable[str]) -> tuple[str, ...]:
    """Which of the repositories the payload names, whatever Git server it is from."""
    written = {bare(one) for one in _addresses(payload, DEEPEST)}
    return tuple(repo for repo in dict.fromkeys(repos) if bare(repo) in written)


def webhook(repos: Callable[[], Iterable[str]], hurry: Callable[[str], None]) -> Callable[..., Any]:
    """The handler: 204, or 400 where it is no JSON."""

    async def answer(request: web.Request) -> web.Response:
        try:
            payload = json.loads(_sent(await request.read(), request.content_type))
        except (ValueError, RecursionError):
            return web.Response(text="no JSON\n", status=400)
        for repo in knocked(payload, repos()):
            hurry(repo)
        return web.Response(status=204)

    return answer


def _sent(body: bytes, kind: str) -> bytes | str:
    """GitHub sends JSON, or a form with it, as its hook was made."""
    return parse_qs(body.decode()).get("payload", [""])[0] if kind == FORM else body


def _addresses(tree: Any, levels: int) -> Iterator[str]:
    if not isinstance(tree, dict) or not levels:
        return
    for key, value in tree.items():
        if isinstance(value, str) and key in ADDRESSES:
            yield value
        for one in value if key == LISTED and isinstance(value, list) else (value,):
            yield from _addresses(one, levels - 1)
