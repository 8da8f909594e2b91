"""Tokens for those Prometheis that ask for OAuth 2.0 client credentials, each kept while it is good."""

from __future__ import annotations

import asyncio
from http import HTTPStatus
from typing import Any
from urllib.parse import quote_plus

import aiohttp
import msgspec

from analysis.provider import OAuth2
from tidegate.planners.needs import Failed
from tidegate.runtime.excerpt import excerpt

SECONDS = 300.0
"""How long a token is kept that does not say how long it is good."""
EARLY = 10.0


class Tokens:
    """Kept by transport time; what is forgotten is asked for anew."""

    def __init__(self, session: aiohttp.ClientSession) -> None:
        self._session = session
        self._kept: dict[OAuth2, tuple[str, float]] = {}

    async def token(self, asked: OAuth2) -> str | Failed:
        """Raises what aiohttp raises where nobody answers."""
        kept, until = self._kept.get(asked, ("", 0.0))
        now = asyncio.get_running_loop().time()
        if kept and now < until:
            return kept
        status, body = await self._ask(asked)
        token, seconds = _told(body)
        if not token:
            return Failed(_refused(asked, status, body))
        self._kept[asked] = (token, now + max(0.0, seconds - EARLY))
        return token

    def forget(self, asked: OAuth2) -> None:
        self._kept.pop(asked, None)

    async def _ask(self, asked: OAuth2) -> tuple[int, bytes]:
        """The client shows who it is in the header; where that is refused, in the form."""
        form = {"grant_type": "client_credentials", "scope": " ".join(asked.scopes)}
        form = {key: value for key, value in form.items() if value}
        name, secret = quote_plus(asked.client_id), quote_plus(asked.client_secret)
        header = {"Authorization": aiohttp.encode_basic_auth(name, secret)}
        status, body = await self._post(asked.token_url, form, header)
        if status in (HTTPStatus.BAD_REQUEST, HTTPStatus.UNAUTHORIZED):
            shown = {"client_id": asked.client_id, "client_secret": asked.client_secret}
            return await self._post(asked.token_url, form | shown, {})
        return status, body

    async def _post(self, url: str, form: dict[str, str], headers: dict[str, str]) -> tuple[int, bytes]:
        async with self._session.post(url, data=form, headers=headers) as response:
            return response.status, await response.content.read(2**16)


def _told(body: bytes) -> tuple[str, float]:
    """The token and the seconds it is good for; no token where there is none."""
    try:
        told: Any = msgspec.json.decode(body)
        return str(told.get("access_token") or ""), float(told.get("expires_in") or SECONDS)
    except (msgspec.DecodeError, AttributeError, TypeError, ValueError):
        return "", 0.0


def _refused(asked: OAuth2, status: int, body: bytes) -> str:
    return f"no token from {asked.token_url} (HTTP {status}): {excerpt(body)}"
