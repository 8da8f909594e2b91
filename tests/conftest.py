"""What every test stands on."""

import asyncio


def pytest_configure() -> None:
    """looptime asks for an event loop around sync tests too; without one set, none is made and left open."""
    asyncio.set_event_loop(None)
