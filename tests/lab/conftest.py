"""Fixtures of the lab's own tests."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.lab.kube import Kube
from tests.lab.state import State, read_state
from tests.lab.worlds import kube


@pytest.fixture(scope="session")
def lab() -> State:
    """The lab we run in: `python -m tests.lab run -- pytest -m lab`."""
    return read_state()


@pytest.fixture(scope="session")
def api(lab: State) -> Iterator[Kube]:
    with kube(lab) as client:
        yield client
