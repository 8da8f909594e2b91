"""The end of a pod is asked for, and a disruption budget that says not now stops nothing."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from crds.refs import POD, Ref
from tidegate.kube.http import Request, Response
from tidegate.kube.store import Store
from tidegate.planners.plan import Evict, Plan
from tidegate.runtime.bystander import unheard
from tidegate.runtime.executor import Executor, Refused

NOW = datetime(2026, 3, 15, 10, 30, tzinfo=UTC)
WRITE = Evict(Ref(POD, "shop", "api-1"), "u1")


class Server:
    """Answers every request with one status."""

    def __init__(self, status: int, message: str = "") -> None:
        self.response = Response(status, {"kind": "Status", "message": message})
        self.asked: list[Request] = []

    async def send(self, request: Request) -> Response:
        self.asked.append(request)
        return self.response


async def evicted(server: Server) -> Refused | None:
    return await Executor(server, Store(), unheard).perform(Plan((WRITE,)), NOW)  # type: ignore[arg-type]


async def test_an_eviction_means_exactly_one_pod() -> None:
    server = Server(201)
    assert await evicted(server) is None
    (asked,) = server.asked
    assert (asked.method, asked.path) == ("POST", "/api/v1/namespaces/shop/pods/api-1/eviction")
    assert asked.body["deleteOptions"] == {"preconditions": {"uid": "u1"}}


@pytest.mark.parametrize(
    ("status", "message"),
    [(404, "not found"), (409, "the UID in the precondition (u1) does not match"), (429, "budget")],
)
async def test_a_pod_that_is_gone_or_has_to_stay_is_no_failure(status: int, message: str) -> None:
    assert await evicted(Server(status, message)) is None


async def test_a_missing_permission_is() -> None:
    refused = await evicted(Server(403, "cannot create resource pods/eviction"))
    assert str(refused) == "Evict of Pod shop/api-1: cannot create resource pods/eviction"
