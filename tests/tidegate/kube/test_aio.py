from __future__ import annotations

import pytest

from tests.tidegate.kube.fake import FakeApi, serving, status
from tidegate.kube import requests
from tidegate.kube.aio import AioSender
from tidegate.kube.config import ConfigError, Connection, Credentials, Proof
from tidegate.kube.errors import Forbidden, Stranger, TooMany, Unprocessable, Unreachable, error, look_again
from tidegate.kube.http import Request, Response

POD = requests.path("", "v1", "pods", "shop", "a")


async def test_every_request_is_counted_with_its_answer() -> None:
    api, seen = FakeApi(), []
    async with serving(api.handle) as url:
        sender = AioSender(Connection(url), "tidegate/test", lambda _request, code: seen.append(code))
        await sender.send(requests.get(POD))
        api.put(POD)
        await sender.send(requests.get(POD))
        await sender.close()
    assert seen == [404, 200]


async def test_no_answer_is_unreachable_and_counted_as_zero() -> None:
    seen: list[int] = []
    sender = AioSender(
        Connection("http://127.0.0.1:1"), "tidegate/test", lambda _request, code: seen.append(code)
    )
    with pytest.raises(Unreachable):
        await sender.send(requests.get(POD))
    await sender.close()
    assert seen == [0]


async def test_who_answers_as_no_api_server_does_is_a_stranger() -> None:
    api = FakeApi()
    api.strange = True
    async with serving(api.handle) as url:
        sender = AioSender(Connection(url), "tidegate/test")
        with pytest.raises(Stranger, match=f"{url} does not answer as an API server does"):
            await sender.send(requests.get(POD))
        await sender.close()


async def test_a_watch_that_is_not_answered_as_one_is_a_strangers_too() -> None:
    api = FakeApi()
    api.strange = True
    async with serving(api.handle) as url:
        sender = AioSender(Connection(url), "tidegate/test")
        with pytest.raises(Stranger, match="does not answer a watch as an API server does"):
            await anext(sender.watch(requests.watch("/api/v1/pods", "1")))
        await sender.close()


async def test_a_credential_plugin_that_fails_is_an_answer_that_did_not_come() -> None:
    def fetch() -> Proof:
        raise ConfigError("credential plugin 'cloud' gave no credential")

    sender = AioSender(Connection("http://127.0.0.1:1", Credentials(fetch)), "tidegate/test")
    with pytest.raises(Unreachable, match="'cloud' gave no credential"):
        await sender.send(requests.get(POD))
    await sender.close()


async def test_an_answer_that_is_late_is_unreachable() -> None:
    api = FakeApi()
    async with serving(api.handle) as url:
        sender = AioSender(Connection(url), "tidegate/test")
        with pytest.raises(Unreachable):
            await sender.send(Request("GET", "/api/v1/pods", {"watch": "true"}, timeout=0.05))
        await sender.close()


async def test_a_token_that_is_no_longer_taken_is_renewed_once() -> None:
    api = FakeApi()
    api.put(POD)
    api.refusals = [status(401, "Unauthorized")]
    fetched: list[Proof] = []

    def fetch() -> Proof:
        fetched.append(Proof(f"Bearer {len(fetched)}"))
        return fetched[-1]

    async with serving(api.handle) as url:
        sender = AioSender(Connection(url, Credentials(fetch)), "tidegate/test")
        assert (await sender.send(requests.get(POD))).status == 200
        await sender.close()
    assert len(fetched) == 2


async def test_a_watch_that_is_refused_says_why() -> None:
    api = FakeApi()
    api.missing.add("/api/v1/pods")
    async with serving(api.handle) as url:
        sender = AioSender(Connection(url), "tidegate/test")
        with pytest.raises(Exception, match="NotFound"):
            await anext(sender.watch(requests.watch("/api/v1/pods", "1")))
        await sender.close()


def test_a_422_with_causes_names_the_fields() -> None:
    causes = [{"field": "spec.http", "message": "is required"}]
    problem = error(Response(422, status(422, "Invalid", causes=causes)))
    assert isinstance(problem, Unprocessable)
    assert problem.causes == (("spec.http", "is required"),)
    assert not look_again(problem)


def test_a_422_without_causes_means_look_again() -> None:
    assert look_again(error(Response(422, status(422, "Invalid", "the server rejected our request"))))


def test_a_conflict_means_look_again() -> None:
    assert look_again(error(Response(409, status(409, "Conflict"))))


def test_being_forbidden_does_not() -> None:
    problem = error(Response(403, status(403, "Forbidden")))
    assert isinstance(problem, Forbidden)
    assert not look_again(problem)


def test_too_many_requests_say_when_to_come_back() -> None:
    problem = error(Response(429, status(429, "TooManyRequests"), {"Retry-After": "7"}))
    assert isinstance(problem, TooMany)
    assert problem.retry_after == 7.0
