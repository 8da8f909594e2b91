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
from tidegate.runtime.lease import LOCK_NAME, Deposed, Elector
from tidegate.sandbox.store import Store

PATH = requests.path("coordination.k8s.io", "v1", "leases", "tide", LOCK_NAME)
pytestmark = pytest.mark.looptime


class Candidates:
    """Electors over one sandbox, in virtual time."""

    def __init__(self) -> None:
        self.cluster = Store(lambda: START)
        self.sender = Faulty(self.cluster)
        self.tasks: dict[str, asyncio.Task[None]] = {}

    def run(self, name: str) -> Elector:
        elector = Elector(self.sender, "tide", name)
        self.tasks[name] = asyncio.create_task(elector.run())
        return elector

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


async def test_a_released_lease_passes_within_one_retry() -> None:
    async with candidates() as all_of:
        first, second = all_of.run("tidegate-1"), all_of.run("tidegate-2")
        await led_after(first)
        all_of.kill("tidegate-1")
        await first.release()
        assert await led_after(second) <= 2


async def test_a_killed_leader_is_followed_once_its_lease_ran_out() -> None:
    async with candidates() as all_of:
        first, second = all_of.run("tidegate-1"), all_of.run("tidegate-2")
        await led_after(first)
        await asyncio.sleep(20)
        all_of.kill("tidegate-1")
        assert 13 <= await led_after(second) <= 19
        assert get(all_of.lease(), "spec", "leaseTransitions") == 1


async def test_a_leader_that_cannot_renew_steps_down_before_its_lease_ends() -> None:
    async with candidates() as all_of:
        first = all_of.run("tidegate-1")
        await led_after(first)
        started = asyncio.get_running_loop().time()
        all_of.sender.before = broken(PATH)
        with pytest.raises(Deposed):
            await all_of.tasks["tidegate-1"]
        assert asyncio.get_running_loop().time() - started <= 10
        assert not first.leading.is_set()


async def test_a_leader_whose_lease_was_taken_steps_down_when_it_reads_it() -> None:
    async with candidates() as all_of:
        await led_after(all_of.run("tidegate-1"))
        spec = {"spec": {"holderIdentity": "tidegate-2"}}
        all_of.cluster.handle(requests.merge_patch(PATH, spec))
        with pytest.raises(Deposed, match="tidegate-2 took the Lease"):
            await all_of.tasks["tidegate-1"]


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
