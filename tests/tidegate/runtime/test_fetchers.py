"""What no watch covers, asked of the API server when it is needed."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest

from tidegate.kube.http import Request, Response
from tidegate.planners.needs import Absent, Answer, Defaulted, Failed, Known, SecretKey
from tidegate.runtime.fetchers import DefaultsFetcher, SecretFetcher

Raw = dict[str, Any]
NEED = SecretKey("production", "prometheus", "token")


class Saying:
    """Answers every request alike, and remembers the last."""

    def __init__(self, status: int, body: Raw) -> None:
        self._response = Response(status, body)
        self.asked = ""

    async def send(self, request: Request) -> Response:
        self.asked = f"{request.method} {request.path}"
        return self._response

    def watch(self, request: Request) -> AsyncIterator[Raw]:
        raise NotImplementedError


async def answer(status: int, body: Raw) -> Answer:
    return await SecretFetcher(Saying(status, body))(NEED)


def refusal(code: int, reason: str) -> Raw:
    words = f'secrets "prometheus" is {reason}'
    return {"kind": "Status", "status": "Failure", "code": code, "reason": reason, "message": words}


async def test_a_template_that_is_not_valid_has_no_defaults() -> None:
    need = Defaulted("production", "{}")
    assert await DefaultsFetcher(Saying(422, refusal(422, "Invalid")))(need) == Absent()
    assert isinstance(await DefaultsFetcher(Saying(403, refusal(403, "Forbidden")))(need), Failed)


async def test_one_secret_is_read_by_its_name() -> None:
    api = Saying(200, {"data": {"token": "czNjcmV0"}})
    assert await SecretFetcher(api)(NEED) == Known("s3cret")
    assert api.asked == "GET /api/v1/namespaces/production/secrets/prometheus"


async def test_a_secret_or_a_key_that_is_not_there_is_absent() -> None:
    assert await answer(404, refusal(404, "NotFound")) == Absent()
    assert await answer(200, {"data": {"other": "czNjcmV0"}}) == Absent()
    assert await answer(200, {}) == Absent()


@pytest.mark.parametrize(
    ("status", "body", "words"),
    [
        (403, refusal(403, "Forbidden"), "Forbidden"),
        (200, {"data": {"token": "/w=="}}, "token of Secret production/prometheus is no text"),
    ],
)
async def test_a_secret_that_cannot_be_read_says_why(status: int, body: dict[str, Any], words: str) -> None:
    found = await answer(status, body)
    assert isinstance(found, Failed)
    assert words in found.why
