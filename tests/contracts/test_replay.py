"""The sandbox answers what the real API server answered."""

from datetime import UTC, datetime

import pytest

from tests.contracts.cases import CASES, Case
from tests.contracts.play import RECORDED, play, recorded, written
from tidegate.sandbox.sender import SandboxSender
from tidegate.sandbox.store import Store


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
async def test_the_sandbox_answers_as_recorded(case: Case) -> None:
    sandbox = SandboxSender(Store(lambda: datetime(2026, 3, 15, 10, 30, tzinfo=UTC)))
    assert written(await play(case, sandbox)) == recorded(case).read_text()


def test_nothing_is_recorded_that_is_no_longer_asked() -> None:
    assert {file.stem for file in RECORDED.glob("*.json")} == {case.name for case in CASES}
