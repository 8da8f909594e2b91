"""`tidegate controller`: flags and kubeconfig in, an exit code out."""

from __future__ import annotations

import asyncio
import gc
import os
import platform
from collections.abc import Sequence
from dataclasses import replace

import aiohttp

from tidegate import VERSION
from tidegate.kube.aio import AioSender
from tidegate.kube.config import Connection, load
from tidegate.planners.needs import Query, Samples
from tidegate.planners.settings import Settings as Surroundings
from tidegate.planners.settings import Site
from tidegate.runtime import logs
from tidegate.runtime.app import App, Parts
from tidegate.runtime.clock import WallClock
from tidegate.runtime.controllers import controllers
from tidegate.runtime.gitops import git_parts
from tidegate.runtime.host import host
from tidegate.runtime.lease import OURS, Elector
from tidegate.runtime.metrics import Requests
from tidegate.runtime.observe import Fetch
from tidegate.runtime.prometheus import PrometheusFetcher
from tidegate.runtime.settings import Settings, settings

AGENT = f"tidegate/{VERSION}"


UNLOOKED_AT = 50_000
"""New objects before Python looks for cycles among them. At its usual 700, reading JSON alone has it look all
the time, which takes a twentieth of our CPU."""


def controller(flags: Sequence[str]) -> int:
    """Run until SIGTERM; 0 then, 1 where a part of us ended by itself. Raises ConfigError."""
    chosen = settings(flags)
    logs.begin(chosen.log_format)
    gc.set_threshold(UNLOOKED_AT)
    connection = load()
    connection.credentials.renew()
    connection.tls()  # what is wrong with either ends us here, in a sentence
    home = os.environ.get("POD_NAMESPACE") or connection.namespace
    return asyncio.run(_run(replace(chosen, home=home), connection))


async def _run(settings: Settings, connection: Connection) -> int:
    requests = Requests()
    sender = AioSender(connection, AGENT, requests.seen)
    elector = Elector(sender, settings.home, identity()) if settings.elect else None
    site = Site(settings.applications, settings.default_directory_recurse) if settings.applications else None
    planners = controllers(Surroundings(settings.home, settings.prometheus), site)
    async with (
        aiohttp.ClientSession(headers={"User-Agent": AGENT}) as session,
        git_parts(settings, sender) as git,
    ):
        clock = WallClock()
        prometheus = PrometheusFetcher(session, clock.now, settings.prometheus)
        fetchers: dict[type, Fetch] = {Samples: prometheus.samples, Query: prometheus.query}
        parts = Parts(planners, fetchers | dict(git.fetchers), clock, requests, git.heads, git.reverts)
        app = App(settings, sender, elector, parts)
        try:
            return await host(app, connection, sender, settings.certificate)
        finally:
            await sender.close()


def identity() -> str:
    """This process among all that may compete for the Lease: `tidegate-HOST-hex`."""
    return f"{OURS}{platform.node()}-{os.urandom(4).hex()}"
