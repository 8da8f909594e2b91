"""What Prometheus says becomes samples, and what it cannot say becomes words; asked over a real socket."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any

import aiohttp
import pytest
from aiohttp import web

from analysis.counters import Series
from analysis.instant import Instant
from analysis.provider import Authentication, BasicAuth, Header, OAuth2, Range, Server
from tidegate.planners.needs import Answer, Failed, Known, Query, Samples
from tidegate.runtime import prometheus
from tidegate.runtime.prometheus import PrometheusFetcher

AT = datetime(2026, 3, 15, 10, 30, 0, 123456, tzinfo=UTC)
PATIENCE = 5.0 * float(os.environ.get("TIDEGATE_DEADLINE_SCALE", "1"))

Reply = Callable[[web.Request], Awaitable[web.StreamResponse]]


@asynccontextmanager
async def serving(reply: Reply) -> AsyncIterator[str]:
    """A server on a port of its own that answers everything with `reply`."""
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", reply)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    try:
        yield f"http://127.0.0.1:{runner.addresses[0][1]}"
    finally:
        await runner.cleanup()


async def ask(address: str, selector: str = "up", timeout: float = PATIENCE) -> Answer:
    async with aiohttp.ClientSession() as session:
        server = Server(address, timeout)
        asked = Samples(server, selector, 330.0, AT)
        return await PrometheusFetcher(session, lambda: datetime.now(UTC)).samples(asked)


def saying(body: Any, status: int = 200) -> Reply:
    async def reply(request: web.Request) -> web.StreamResponse:
        return web.json_response(body, status=status)

    return reply


def matrix(*results: Any, **more: Any) -> Any:
    return {"status": "success", "data": {"resultType": "matrix", "result": list(results)}, **more}


async def answer_to(reply: Reply) -> Answer:
    async with serving(reply) as address:
        return await ask(address)


async def words_of(reply: Reply) -> str:
    answer = await answer_to(reply)
    assert isinstance(answer, Failed)
    return answer.why


async def test_raw_samples_are_asked_for_to_the_millisecond() -> None:
    asked: list[tuple[str, dict[str, str]]] = []

    async def reply(request: web.Request) -> web.StreamResponse:
        asked.append((request.path, dict(request.query)))
        return web.json_response(matrix())

    async with serving(reply) as address:
        await ask(f"{address}/", 't{a="b|c&d"}')
    assert asked == [("/api/v1/query", {"query": 't{a="b|c&d"}[330000ms]', "time": "1773570600.123"})]


async def test_an_answer_becomes_series() -> None:
    answer = await answer_to(saying(matrix({"metric": {"job": "j"}, "values": [[1.5, "2"], [2.5, "3"]]})))
    assert answer == Known((Series((("job", "j"),), ((1.5, 2.0), (2.5, 3.0))),))


async def test_no_series_is_an_answer_too() -> None:
    assert await answer_to(saying(matrix(infos=["a hint"]))) == Known(())


async def test_an_error_of_prometheus_is_told_in_its_words() -> None:
    error = {"status": "error", "errorType": "bad_data", "error": "parse error: unexpected end of input"}
    assert await words_of(saying(error, 400)) == "parse error: unexpected end of input (HTTP 400)"
    assert await words_of(saying(error | {"error": "query timed out"}, 422)) == "query timed out (HTTP 422)"


async def test_another_servers_refusal_keeps_its_code() -> None:
    assert "(HTTP 401)" in await words_of(saying({"message": "Unauthorized"}, 401))


async def test_a_partial_answer_is_no_evidence() -> None:
    assert "store down" in await words_of(saying(matrix(warnings=["store down"])))


async def test_only_nan_is_no_evidence() -> None:
    assert "NaN" in await words_of(saying(matrix({"metric": {}, "values": [[1, "NaN"]]})))


def off_by(seconds: float) -> Reply:
    """A Prometheus whose clock is so many seconds ahead of ours."""

    async def reply(request: web.Request) -> web.StreamResponse:
        theirs = format_datetime(datetime.now(UTC) + timedelta(seconds=seconds), usegmt=True)
        return web.json_response(matrix(), headers={"Date": theirs})

    return reply


@pytest.mark.parametrize(("seconds", "words"), [(90, "90 s ahead of"), (-90, "90 s behind")])
async def test_a_clock_that_is_off_is_no_evidence_and_told(seconds: float, words: str) -> None:
    """Its samples would be taken for those of another time."""
    said = await words_of(off_by(seconds))
    # the header has whole seconds, and the answer takes its time
    near = [words.replace("90", str(n)) for n in (88, 89, 90, 91, 92)]
    assert any(said == f"its clock is {one} the controller's; set both by NTP" for one in near), said


async def test_a_clock_that_is_off_a_little_delays_and_harms_nothing() -> None:
    assert await answer_to(off_by(20)) == Known(())


async def test_a_login_page_is_not_prometheus() -> None:
    async def reply(request: web.Request) -> web.StreamResponse:
        return web.Response(text="<html>please log in</html>", content_type="text/html")

    words = await words_of(reply)
    assert "does not answer as Prometheus does (HTTP 200); is it its address? <html>please log in" in words


async def test_a_prometheus_that_is_starting_is_not_taken_for_a_stranger() -> None:
    async def reply(request: web.Request) -> web.StreamResponse:
        return web.Response(status=503, text="Service Unavailable\n")

    assert (await words_of(reply)).endswith(" is not ready (HTTP 503): Service Unavailable")


@pytest.mark.parametrize("values", [[[1]], [["x", "y"]], [7], 7])
async def test_samples_of_another_shape_are_not_prometheus(values: Any) -> None:
    assert "does not answer as Prometheus does" in await words_of(
        saying(matrix({"metric": {}, "values": values}))
    )


@pytest.mark.parametrize(
    "body", ["[" * 200_000, '{"status":"success","data":{"resultType":"matrix","result":[{"metric":[]}]}}']
)
async def test_json_of_another_shape_is_not_prometheus(body: str) -> None:
    async def reply(request: web.Request) -> web.StreamResponse:
        return web.Response(text=body, content_type="application/json")

    assert "does not answer as Prometheus does" in await words_of(reply)


async def test_a_long_error_is_told_in_short() -> None:
    words = await words_of(saying({"status": "error", "error": "no " * 1_000_000}, 422))
    assert words.startswith("no no ")
    assert len(words) < 600


async def test_a_hung_prometheus_is_given_up_in_time() -> None:
    released = asyncio.Event()

    async def reply(request: web.Request) -> web.StreamResponse:
        await released.wait()
        return web.json_response(matrix())

    async with serving(reply) as address:
        answer = await ask(address, timeout=0.05)
        released.set()
    assert answer == Failed("no answer within 0.05 s")


async def test_a_connection_refused_is_told() -> None:
    async with serving(saying(matrix())) as address:
        pass
    answer = await ask(address)
    assert isinstance(answer, Failed)
    assert "onnect" in answer.why


async def test_a_connection_broken_in_the_middle_is_told() -> None:
    async def reply(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Length": "1000"})
        await response.prepare(request)
        await response.write(b'{"status":')
        assert request.transport is not None
        request.transport.close()
        return response

    assert await words_of(reply)


async def test_something_that_is_no_address_is_told() -> None:
    answer = await ask("prometheus:9090")
    assert isinstance(answer, Failed)
    assert answer.why


async def test_too_many_series_name_the_selector_to_narrow() -> None:
    many = [{"metric": {"pod": str(n)}, "values": [[1, "1"]]} for n in range(2001)]
    assert await words_of(saying(matrix(*many))) == "2001 series, more than 2000; narrow the selector up"


async def test_a_flood_is_cut_off(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(prometheus, "MOST_BYTES", 1000)
    assert "narrow the selector up" in await words_of(
        saying(matrix({"metric": {"a": "x" * 5000}, "values": []}))
    )


async def test_a_long_answer_is_read_beside_the_event_loop() -> None:
    values = [[second, str(second)] for second in range(30_000)]
    answer = await answer_to(saying(matrix({"metric": {}, "values": values})))
    assert isinstance(answer, Known)
    assert len(answer.value[0].samples) == 30_000


async def ask_once(reply: Reply, default: str = "", span: Range | None = None, **more: Any) -> Answer:
    async with serving(reply) as address, aiohttp.ClientSession() as session:
        server = Server(**{"address": address, "timeout": PATIENCE, **more})
        fetcher = PrometheusFetcher(session, lambda: AT, default.format(address))
        return await fetcher.query(Query(server, "vector(1)", AT, span))


def vector(*values: str, **more: Any) -> Any:
    result = [{"metric": {}, "value": [1.5, value]} for value in values]
    return {"status": "success", "data": {"resultType": "vector", "result": result}, **more}


async def test_a_query_is_asked_at_prometheus_own_now_with_its_headers() -> None:
    asked: list[tuple[str, dict[str, str], str]] = []

    async def reply(request: web.Request) -> web.StreamResponse:
        asked.append((request.path, dict(request.query), request.headers["X-Scope-OrgID"]))
        return web.json_response(vector("0.99"))

    answer = await ask_once(reply, headers=(Header("X-Scope-OrgID", "shop"),))
    assert answer == Known(Instant((0.99,)))
    assert asked == [("/api/v1/query", {"query": "vector(1)"}, "shop")]


async def test_a_vector_and_a_scalar_are_told_apart() -> None:
    scalar = {"status": "success", "data": {"resultType": "scalar", "result": [1.5, "0.99"]}}
    assert await ask_once(saying(scalar)) == Known(Instant((0.99,), scalar=True))
    assert await ask_once(saying(vector())) == Known(Instant(()))
    assert await ask_once(saying(vector("1", warnings=["w"]))) == Known(Instant((1.0,), doubts="w"))


async def test_a_query_without_an_address_goes_to_the_controllers_own() -> None:
    assert await ask_once(saying(vector("1")), "{}", address="") == Known(Instant((1.0,)))
    nowhere = await ask_once(saying(vector("1")), address="")
    assert isinstance(nowhere, Failed)
    assert "ARGO_ROLLOUTS_PROMETHEUS_ADDRESS" in nowhere.why


async def test_what_a_query_cannot_say_becomes_words() -> None:
    error = {"status": "error", "errorType": "execution", "error": "query timed out"}
    assert await ask_once(saying(error, 422)) == Failed("query timed out (HTTP 422)")
    assert await ask_once(saying(matrix())) == Failed(
        "a matrix where numbers were asked; write a query of a vector or a scalar"
    )
    broken = {"status": "success", "data": {"resultType": "scalar", "result": []}}
    assert "does not answer as Prometheus does" in str(await ask_once(saying(broken)))


async def test_a_hung_query_is_given_up_after_its_own_timeout() -> None:
    async def reply(request: web.Request) -> web.StreamResponse:
        await asyncio.sleep(60 * PATIENCE)
        return web.Response()

    assert await ask_once(reply, timeout=0.2) == Failed("no answer within 0.2 s")


async def test_a_range_is_asked_up_to_our_now_and_read_as_one_list() -> None:
    asked: list[tuple[str, dict[str, str]]] = []

    async def reply(request: web.Request) -> web.StreamResponse:
        asked.append((request.path, dict(request.query)))
        one = {"metric": {}, "values": [[1, "1"], [2, "2"]]}
        return web.json_response(matrix(one, {"metric": {}, "values": [[1, "3"]]}))

    span = Range(timedelta(minutes=5), timedelta(), timedelta(seconds=30))
    assert await ask_once(reply, span=span) == Known(Instant((1.0, 2.0, 3.0)))
    ends = {"start": "1773570300.123", "end": "1773570600.123", "step": "30"}
    assert asked == [("/api/v1/query_range", {"query": "vector(1)", **ends})]


async def test_a_name_and_a_password_are_sent_as_basic_authentication() -> None:
    told: list[str] = []

    async def reply(request: web.Request) -> web.StreamResponse:
        told.append(request.headers["Authorization"])
        return web.json_response(vector("1"))

    await ask_once(reply, authentication=Authentication(basic_auth=BasicAuth("me", "s3cret")))
    assert told == ["Basic bWU6czNjcmV0"]


class Guarded:
    """A Prometheus behind OAuth 2.0, and the issuer of its tokens. `shown` is what the issuer was shown."""

    def __init__(self, form_only: bool = False, **token: Any) -> None:
        self.shown: list[tuple[str, dict[str, str]]] = []
        self.good = True
        self._form_only = form_only
        self._token = {"access_token": "t0ken", "expires_in": 3600, **token}

    async def reply(self, request: web.Request) -> web.StreamResponse:
        if request.path == "/token":
            return await self._issue(request)
        if self.good and request.headers.get("Authorization") == "Bearer t0ken":
            return web.json_response(vector("1"))
        return web.json_response({"error": "token expired"}, status=401)

    async def _issue(self, request: web.Request) -> web.StreamResponse:
        header, form = request.headers.get("Authorization", ""), await request.post()
        self.shown.append((header, {key: str(value) for key, value in form.items()}))
        if self._form_only and header:
            return web.json_response({"error": "invalid_client"}, status=401)
        return web.json_response(self._token)

    async def asked(self, times: int) -> list[Answer]:
        async with serving(self.reply) as address, aiohttp.ClientSession() as session:
            oauth2 = OAuth2(f"{address}/token", "me", "s3cret", ("metrics", "read"))
            server = Server(address, PATIENCE, authentication=Authentication(oauth2=oauth2))
            fetcher = PrometheusFetcher(session, lambda: AT)
            return [await fetcher.query(Query(server, "vector(1)", AT)) for _ in range(times)]


FORM = {"grant_type": "client_credentials", "scope": "metrics read"}


async def test_a_token_is_asked_for_once_and_sent_with_every_query() -> None:
    guarded = Guarded()
    assert await guarded.asked(2) == [Known(Instant((1.0,)))] * 2
    assert guarded.shown == [("Basic bWU6czNjcmV0", FORM)]


async def test_an_issuer_that_wants_the_client_in_the_form_gets_it_there() -> None:
    guarded = Guarded(form_only=True)
    assert await guarded.asked(1) == [Known(Instant((1.0,)))]
    assert guarded.shown[-1] == ("", FORM | {"client_id": "me", "client_secret": "s3cret"})


async def test_a_token_that_ends_at_once_or_is_refused_is_asked_for_anew() -> None:
    short, revoked = Guarded(expires_in=1), Guarded()
    await short.asked(2)
    revoked.good = False
    (refused, _) = await revoked.asked(2)
    assert (len(short.shown), len(revoked.shown)) == (2, 2)
    assert refused == Failed("token expired (HTTP 401)")


async def test_an_issuer_without_a_token_is_named() -> None:
    (answer,) = await Guarded(access_token="").asked(1)
    assert isinstance(answer, Failed)
    assert "/token (HTTP 200): " in answer.why
