"""The two ports people and probes ask: metrics, and whether we are alive and ready."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Mapping

from aiohttp import web

log = logging.getLogger("tidegate.ports")

Complaint = Callable[[], str]
Handler = Callable[[web.Request], Awaitable[web.Response]]
NO_PAGES: Mapping[str, Handler] = {}
MOST_BYTES = 4 * 2**20
"""Of one post; a push that names more commits is found by the poll."""


async def serve(
    port: int, pages: Mapping[str, Handler], posts: Mapping[str, Handler] = NO_PAGES
) -> web.AppRunner:
    """Serve the pages on all addresses, and take what is posted; a port of 0 is a free one of loopback.

    End with `cleanup()`.
    """
    app = web.Application(client_max_size=MOST_BYTES)
    for path, handler in pages.items():
        app.router.add_get(path, handler)
    for path, handler in posts.items():
        app.router.add_post(path, handler)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.5)
    await runner.setup()
    # Every address family would take a free port of its own.
    await web.TCPSite(runner, None if port else "127.0.0.1", port).start()
    log.info("%s on port %d", ", ".join([*pages, *posts]), runner.addresses[0][1])
    return runner


def probe(complaint: Complaint) -> Handler:
    """200 `ok` while there is nothing to complain of, else 503 and the complaint."""

    async def answer(_request: web.Request) -> web.Response:
        text = complaint()
        return web.Response(text=f"{text or 'ok'}\n", status=503 if text else 200)

    return answer


def text(content: Callable[[], bytes]) -> Handler:
    """Prometheus' text format."""

    async def answer(_request: web.Request) -> web.Response:
        return web.Response(
            body=content(), headers={"Content-Type": "text/plain; version=0.0.4; charset=utf-8"}
        )

    return answer
