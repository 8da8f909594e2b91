"""The sandbox answers what the real API server answered."""

from datetime import UTC, datetime

import pytest

from tests.contracts.cases import CASES, Case
from tests.contracts.play import RECORDED, play, recorded, written
from tidegate.kube.http import Request, Response
from tidegate.sandbox.players import Garbage
from tidegate.sandbox.sender import SandboxSender
from tidegate.sandbox.store import Store

NOW = datetime(2026, 3, 15, 10, 30, tzinfo=UTC)


class Sandbox(SandboxSender):
    """With the garbage collector, which a real cluster has too."""

    def __init__(self) -> None:
        store = Store(lambda: NOW)
        super().__init__(store)
        self._garbage = Garbage(store)

    async def send(self, request: Request) -> Response:
        answer = await super().send(request)
        self._garbage.tick(NOW)
        return answer


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
async def test_the_sandbox_answers_as_recorded(case: Case) -> None:
    assert written(await play(case, Sandbox())) == recorded(case).read_text()


def test_nothing_is_recorded_that_is_no_longer_asked() -> None:
    assert {file.stem for file in RECORDED.glob("*.json")} == {case.name for case in CASES}
