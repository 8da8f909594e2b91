from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest

from crds.paths import get
from tests.tidegate.kube.fake import status
from tests.tidegate.runtime.worlds import START, Faulty
from tidegate.kube import requests
from tidegate.kube.errors import Unreachable
from tidegate.kube.http import Request, Response
from tidegate.runtime.lease import LOCK_NAME, Elector
from tidegate.sandbox.store import Store

PATH = requests.path("coordination.k8s.io", "v1", "leases", "tide", LOCK_NAME)
pytestmark = pytest.mark.looptime


class Candidates:
    """Electors over one sandbox, in virtual time."""

    def __init__(self) -> None:
        self.cluster = Store(lambda: START)
        self.sender = Faulty(self.cluster)
        self.tasks: dict[str, asyncio.Task[None]] = {}
        self.at_work: list[str] = []
        self.cut_off = asyncio.Event()

    def run(self, name: str) -> Elector:
        elector = Elector(self.sender, "tide", name)
        self.tasks[name] = asyncio.create_task(elector.run(lambda: self._work(name)))
        return elector

    async def _work(self, name: str) -> None:
        self.at_work.append(name)
        try:
            await asyncio.Event().wait()
        finally:
            self.at_work.remove(name)
            self.cut_off.set()

    def kill(self, name: str) -> None:
        self.tasks[name].cancel()

    def lease(self) -> dict[str, Any]:
        return self.cluster.handle(requests.get(PATH)).body

    def hold(self, holder: str) -> None:
        body = {
            "metadata": {"name": LOCK_NAME},
            "spec": {"holderIdentity": holder, "leaseDurationSeconds": 15},
        }
        self.cluster.handle(requests.create(PATH.rsplit("/", 1)[0], body))


@asynccontextmanager
async def candidates() -> AsyncIterator[Candidates]:
    made = Candidates()
    try:
        yield made
    finally:
        for task in made.tasks.values():
            task.cancel()
        await asyncio.gather(*made.tasks.values(), return_exceptions=True)


async def led_after(elector: Elector) -> float:
    """Virtual seconds until it leads."""
    started = asyncio.get_running_loop().time()
    async with asyncio.timeout(60):
        await elector.leading.wait()
    return asyncio.get_running_loop().time() - started


async def cut_off_after(all_of: Candidates) -> float:
    """Virtual seconds until someone's work is cut off."""
    started = asyncio.get_running_loop().time()
    async with asyncio.timeout(60):
        await all_of.cut_off.wait()
    return asyncio.get_running_loop().time() - started


def broken(path: str) -> Callable[[Request], Response | None]:
    def answer(request: Request) -> Response | None:
        if request.path.startswith(path):
            raise Unreachable("the line is down")
        return None

    return answer


async def test_the_first_leads_at_once_and_the_second_waits() -> None:
    async with candidates() as all_of:
        first = all_of.run("tidegate-1")
        assert await led_after(first) == 0
        second = all_of.run("tidegate-2")
        await asyncio.sleep(60)
        assert (first.leading.is_set(), second.leading.is_set()) == (True, False)


async def test_a_released_lease_passes_within_one_look() -> None:
    async with candidates() as all_of:
        first, second = all_of.run("tidegate-1"), all_of.run("tidegate-2")
        await led_after(first)
        all_of.kill("tidegate-1")
        await first.release()
        assert await led_after(second) <= 1


async def test_a_killed_leader_is_followed_once_its_lease_ran_out() -> None:
    async with candidates() as all_of:
        first, second = all_of.run("tidegate-1"), all_of.run("tidegate-2")
        await led_after(first)
        await asyncio.sleep(20)
        all_of.kill("tidegate-1")
        assert 9 <= await led_after(second) <= 12
        assert get(all_of.lease(), "spec", "leaseTransitions") == 1


async def test_a_leader_that_cannot_renew_stops_working_well_before_its_lease_ends() -> None:
    async with candidates() as all_of:
        first = all_of.run("tidegate-1")
        await led_after(first)
        all_of.sender.before = broken(PATH)
        assert await cut_off_after(all_of) <= 6
        assert all_of.at_work == []


async def test_who_could_not_renew_leads_again_when_the_api_server_is_back() -> None:
    async with candidates() as all_of:
        first = all_of.run("tidegate-1")
        await led_after(first)
        all_of.sender.before = broken("/")
        await asyncio.sleep(60)
        all_of.sender.before = lambda _request: None
        assert await led_after(first) <= 1
        assert all_of.at_work == ["tidegate-1"]


async def test_an_outage_is_said_once(caplog: pytest.LogCaptureFixture) -> None:
    async with candidates() as all_of:
        await led_after(all_of.run("tidegate-1"))
        all_of.sender.before = broken("/")
        await asyncio.sleep(60)
    assert caplog.text.count("the line is down") == 1


async def test_after_an_outage_one_of_two_leads_and_one_alone() -> None:
    async with candidates() as all_of:
        first, second = all_of.run("tidegate-1"), all_of.run("tidegate-2")
        await led_after(first)
        all_of.sender.before = broken("/")
        await asyncio.sleep(20)
        all_of.sender.before = lambda _request: None
        await asyncio.sleep(2)
        assert first.leading.is_set() != second.leading.is_set()
        assert len(all_of.at_work) == 1


async def test_a_leader_whose_lease_was_taken_stops_working_and_waits_for_its_turn() -> None:
    async with candidates() as all_of:
        first = all_of.run("tidegate-1")
        await led_after(first)
        spec = {"spec": {"holderIdentity": "tidegate-2"}}
        all_of.cluster.handle(requests.merge_patch(PATH, spec))
        assert await cut_off_after(all_of) <= 2
        assert (all_of.at_work, first.holder) == ([], "tidegate-2")
        assert 7 <= await led_after(first) <= 11
        assert all_of.at_work == ["tidegate-1"]


async def test_a_deleted_lease_is_made_anew() -> None:
    async with candidates() as all_of:
        first = all_of.run("tidegate-1")
        await led_after(first)
        all_of.cluster.handle(requests.delete(PATH))
        await asyncio.sleep(10)
        assert first.leading.is_set()
        assert get(all_of.lease(), "spec", "holderIdentity") == "tidegate-1"


async def test_an_edited_lease_is_renewed_all_the_same() -> None:
    async with candidates() as all_of:
        first = all_of.run("tidegate-1")
        await led_after(first)
        all_of.cluster.handle(requests.merge_patch(PATH, {"metadata": {"labels": {"seen": "yes"}}}))
        await asyncio.sleep(20)
        assert first.leading.is_set()


async def test_an_argo_controller_that_renews_keeps_us_from_writing_and_is_named() -> None:
    async with candidates() as all_of:
        all_of.hold("argo-rollouts-7d-x_1")
        ours = all_of.run("tidegate-1")
        for beat in range(30):
            await asyncio.sleep(2)
            all_of.cluster.handle(requests.merge_patch(PATH, {"spec": {"renewTime": f"{beat}"}}))
        assert (ours.leading.is_set(), ours.conflict) == (False, "argo-rollouts-7d-x_1")
        assert all_of.sender.sent == []


async def test_another_of_ours_is_no_conflict() -> None:
    async with candidates() as all_of:
        all_of.hold("tidegate-9")
        ours = all_of.run("tidegate-1")
        await asyncio.sleep(5)
        assert (ours.holder, ours.conflict) == ("tidegate-9", "")


async def test_idle_leadership_costs_one_request_a_renewal() -> None:
    async with candidates() as all_of:
        await led_after(all_of.run("tidegate-1"))
        all_of.sender.before = lambda r: Response(500, status(500, "no reads")) if r.method == "GET" else None
        all_of.sender.sent.clear()
        await asyncio.sleep(21)
        assert len(all_of.sender.sent) == 10
