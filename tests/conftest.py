"""What every test stands on."""

import asyncio
import logging
from collections.abc import Iterator

import pytest
from hypothesis import settings

settings.register_profile("the same each time", derandomize=True, deadline=None, database=None)
settings.load_profile("the same each time")


def pytest_configure() -> None:
    """looptime asks for an event loop around sync tests too; without one set, none is made and left open."""
    asyncio.set_event_loop(None)


@pytest.fixture(autouse=True)
def as_loud_as_before() -> Iterator[None]:
    """Commands that are called in here, like `simulate`, quieten the log of their process."""
    ours = logging.getLogger("tidegate")
    level = ours.level
    yield
    ours.setLevel(level)
