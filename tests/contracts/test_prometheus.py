"""A real Prometheus scraping a real Envoy: what we count is what was sent. Run inside the lab:

`python -m tests.lab run -- pytest -m lab tests/contracts/test_prometheus.py`
"""

from __future__ import annotations

import asyncio
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

import aiohttp
import pytest
from prometheus_api_client import PrometheusConnect
from urllib3 import Retry

from analysis.catalogue import Arm, Counters, read, resolve
from analysis.counters import Series, edge, increase
from analysis.instant import Instant
from analysis.provider import Range, Server
from tests.lab import envoy, load, parts, worlds
from tests.lab.kube import Kube
from tests.lab.state import State, read_state
from tests.lab.waiting import deadline, until
from tidegate.planners.needs import Answer, Failed, Known, Query, Samples
from tidegate.runtime.prometheus import PrometheusFetcher

pytestmark = pytest.mark.lab

RESTART = """
from tests.lab import parts
from tests.lab.state import read_state

parts.start(read_state(), "prometheus")
"""
CANARY = Arm("production", "api", service="api.production.svc.cluster.local", subset="canary")


@pytest.fixture
def lab() -> State:
    return read_state()


@pytest.fixture
def bad_canary(lab: State) -> Iterator[Kube]:
    """A canary that answers a fifth of its requests with 500 gets half of the traffic."""
    with worlds.kube(lab) as api:
        worlds.make(api, worlds.mesh_of())
        api.apply(worlds.destination_rule("api", hashes={"stable": "aaa", "canary": "bbb"}))
        api.apply(worlds.replica_set("aaa", "v1", 1))
        api.apply(worlds.replica_set("bbb", "v2", 1, ERROR_RATE="0.2"))
        for name in ("stable", "canary"):
            _known_to_envoy(lab, envoy.cluster_name(name))
        api.apply(worlds.virtual_service("api", canary=50))
        until(lambda: len(envoy.weights(lab, worlds.HOST)) == 2, 20, "Envoy to route by halves")
        yield api
        for name in ("api-aaa", "api-bbb"):
            api.delete(f"/apis/apps/v1/namespaces/production/replicasets/{name}")


def _known_to_envoy(lab: State, cluster: str) -> None:
    until(lambda: len(envoy.endpoints(lab, cluster)) == 1, 60, f"Envoy to know the pod of {cluster}")


def ask(address: str, selector: str, at: datetime | None = None) -> Answer:
    async def asked() -> Answer:
        async with aiohttp.ClientSession() as session:
            need = Samples(Server(address, deadline(5)), selector, 330.0, at or datetime.now(UTC))
            return await PrometheusFetcher(session, lambda: datetime.now(UTC)).samples(need)

    return asyncio.run(asked())


def series(address: str, selector: str) -> tuple[Series, ...]:
    answer = ask(address, selector)
    assert isinstance(answer, Known), answer
    found: tuple[Series, ...] = answer.value
    return found


class Scraped(NamedTuple):
    total: tuple[Series, ...]
    errors: tuple[Series, ...]
    until: float


def scraped(lab: State, counters: Counters, after: float) -> Scraped:
    """Both counters, once every target was scraped later than `after`."""

    def heard() -> Scraped | None:
        total = series(lab.prometheus, counters.total)
        last = edge(total)
        late = last is not None and last > after
        return Scraped(total, series(lab.prometheus, counters.errors), last or 0.0) if late else None

    return until(heard, 20, "Prometheus to have scraped Envoy")


def quiet(lab: State, counters: Counters) -> float:
    """A watermark after everything sent so far was scraped: what comes later is all that is counted."""
    return scraped(lab, counters, datetime.now(UTC).timestamp() + 1).until


def test_what_we_count_is_exactly_what_was_sent(lab: State, bad_canary: Kube) -> None:
    counters = resolve(read({}, lab.prometheus), "error-rate-envoy", CANARY)
    load.send(lab.gateway, worlds.HOST, 200)
    watermark = quiet(lab, counters)
    got = load.send(lab.gateway, worlds.HOST, 2_000)
    total, errors, last = scraped(lab, counters, datetime.now(UTC).timestamp() + 1)
    assert increase(total, watermark, last).events == got.by_version["v2"]
    assert increase(errors, watermark, last, witnesses=total).events == got.by_status[500]


def test_requests_sent_while_prometheus_was_down_are_counted_when_it_is_back(
    lab: State, bad_canary: Kube
) -> None:
    counters = resolve(read({}, lab.prometheus), "error-rate-envoy", CANARY)
    load.send(lab.gateway, worlds.HOST, 200)
    watermark = quiet(lab, counters)
    parts.stop(lab, "prometheus")
    got = load.send(lab.gateway, worlds.HOST, 1_000)
    refused = ask(lab.prometheus, counters.total)
    subprocess.run([sys.executable, "-c", RESTART], check=True, timeout=deadline(30))
    until(lambda: isinstance(ask(lab.prometheus, "up"), Known), 60, "Prometheus to be back")
    total, errors, last = scraped(lab, counters, datetime.now(UTC).timestamp() + 1)
    assert isinstance(refused, Failed)
    assert increase(total, watermark, last).events == got.by_version["v2"]
    assert increase(errors, watermark, last, witnesses=total).events == got.by_status[500]


def test_samples_have_their_true_times(lab: State) -> None:
    (one, *_) = series(lab.prometheus, "up")
    times = [at for at, _ in one.samples]
    assert times == sorted(set(times))
    assert any(at != round(at) for at in times)


def test_an_answer_of_the_past_stays_the_same(lab: State) -> None:
    at = datetime.now(UTC) - timedelta(seconds=5)
    assert ask(lab.prometheus, "up", at) == ask(lab.prometheus, "up", at)


def test_a_selector_that_matches_nothing_is_answered_with_nothing(lab: State) -> None:
    assert ask(lab.prometheus, 'no_such_metric{a="b"}') == Known(())


def test_a_function_where_a_selector_belongs_is_refused_in_prometheus_words(lab: State) -> None:
    answer = ask(lab.prometheus, "sum(up)")
    assert isinstance(answer, Failed)
    assert "HTTP 400" in answer.why


def classic(address: str, query: str, timeout: float = 5, span: Range | None = None) -> Answer:
    async def asked() -> Answer:
        async with aiohttp.ClientSession() as session:
            need = Query(Server(address, deadline(timeout)), query, datetime.now(UTC), span)
            return await PrometheusFetcher(session, lambda: datetime.now(UTC)).query(need)

    return asyncio.run(asked())


def numbers(address: str, query: str) -> Instant:
    answer = classic(address, query)
    assert isinstance(answer, Known), answer
    found: Instant = answer.value
    return found


def test_a_classic_query_gives_a_list_for_a_vector_and_a_number_for_a_scalar(lab: State) -> None:
    assert numbers(lab.prometheus, "vector(0.25)") == Instant((0.25,))
    assert numbers(lab.prometheus, "scalar(vector(0.25))") == Instant((0.25,), scalar=True)
    until(lambda: set(numbers(lab.prometheus, "up").values) == {1.0}, 20, "all targets to be up")
    assert numbers(lab.prometheus, "no_such_metric") == Instant(())


def test_a_range_gives_the_values_of_every_step_that_has_one(lab: State) -> None:
    span = Range(timedelta(seconds=20), timedelta(seconds=10), timedelta(seconds=5))
    answer = classic(lab.prometheus, "vector(0.25)", span=span)
    assert answer == Known(Instant((0.25, 0.25, 0.25)))


def test_we_read_what_the_users_own_client_reads(lab: State) -> None:
    theirs = PrometheusConnect(lab.prometheus, retry=Retry(0), timeout=10).custom_query("up or vector(0.125)")
    assert sorted(numbers(lab.prometheus, "up or vector(0.125)").values) == sorted(
        float(one["value"][1]) for one in theirs
    )


def test_a_classic_query_gives_nan_and_infinity_as_they_are(lab: State) -> None:
    assert str(numbers(lab.prometheus, "vector(0) / 0")) == "[NaN]"
    assert str(numbers(lab.prometheus, "vector(1) / 0")) == "[+Inf]"
    assert str(numbers(lab.prometheus, "scalar(no_such_metric)")) == "NaN"


def test_a_classic_query_is_answered_as_of_prometheus_own_now(lab: State) -> None:
    (stood,) = numbers(lab.prometheus, "time()").values
    assert abs(stood - datetime.now(UTC).timestamp()) < deadline(5)


@pytest.mark.parametrize(
    ("query", "words"),
    [
        ("sum(", "parse error"),
        ("up[1m]", "a matrix where numbers were asked"),
        ('"text"', "a string where numbers were asked"),
        ("label_replace(up, 'a', '', 'b', '(')", "HTTP 422"),
    ],
)
def test_what_is_no_number_is_refused_in_words(lab: State, query: str, words: str) -> None:
    answer = classic(lab.prometheus, query)
    assert isinstance(answer, Failed), answer
    assert words in answer.why
