"""What every test stands on."""

import asyncio

from hypothesis import settings

settings.register_profile("the same each time", derandomize=True, deadline=None, database=None)
settings.load_profile("the same each time")


def pytest_configure() -> None:
    """looptime asks for an event loop around sync tests too; without one set, none is made and left open."""
    asyncio.set_event_loop(None)
