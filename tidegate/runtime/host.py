"""kopf hosts the process: signals, start-up and clean-up in order, log-in, admission given a certificate.

It carries no objects (docs/decisions): its watches lose deletions and die of errors. Hence no handlers of
resources, and storages that store nothing.
"""

from __future__ import annotations

import asyncio
import base64
import logging
from datetime import UTC, datetime, timedelta
from typing import Any

import kopf
from kopf._cogs.structs.references import Insights

from tidegate.kube import requests
from tidegate.kube.config import TOKEN_FILE_SECONDS, Connection
from tidegate.kube.errors import KubeError, accepted
from tidegate.kube.http import Sender
from tidegate.runtime.admission import Certificate, register
from tidegate.runtime.app import App

log = logging.getLogger("tidegate.host")

FIRST_DELAY, LONGEST_DELAY = 0.2, 5.0


class NoDiffBase(kopf.DiffBaseStorage):
    """Without it kopf copies every object five times an event."""

    def build(self, **_: Any) -> Any:
        return {}

    def fetch(self, **_: Any) -> Any:
        return {}

    def store(self, **_: Any) -> None:
        pass


class NoProgress(kopf.ProgressStorage):
    """Without it kopf writes annotations."""

    def fetch(self, **_: Any) -> Any:
        return {}

    def store(self, **_: Any) -> None:
        pass

    def purge(self, **_: Any) -> None:
        pass

    def touch(self, **_: Any) -> None:
        pass

    def clear(self, *, essence: Any) -> Any:
        return essence


async def host(app: App, connection: Connection, sender: Sender, certificate: Certificate | None) -> int:
    """Run until told to stop; the process's exit code: 0, or 1 where a part of the app gave up."""
    try:
        await app.listen()
    except OSError as problem:
        log.error("cannot listen: %s; choose another --metrics-port or --healthz-port", problem)
        return 1
    stop, chosen = Stop(), settings()
    handlers = registry(app, connection, stop, sender if certificate else None)
    if certificate:
        register(handlers, chosen, certificate)
    known = incurious()
    await kopf.operator(
        registry=handlers, settings=chosen, insights=known, clusterwide=True, stop_flag=stop.flag
    )
    return stop.code


class Stop:
    """The wish to end, and with which exit code."""

    def __init__(self) -> None:
        self.flag = asyncio.Event()
        self.code = 0

    def give_up(self) -> None:
        self.code = 1
        self.flag.set()


def registry(app: App, connection: Connection, stop: Stop, asked: Sender | None) -> kopf.OperatorRegistry:
    """One per process, so that nothing registers itself by being imported. `asked` leads to the API server
    that kopf is going to ask, if it has admission to host."""
    handlers = kopf.OperatorRegistry()

    @kopf.on.login(registry=handlers)
    async def login(**_: Any) -> kopf.ConnectionInfo:
        if asked:
            await discovered(asked)
        return await asyncio.to_thread(connection_info, connection)

    @kopf.on.startup(registry=handlers, errors=kopf.ErrorsMode.PERMANENT)
    async def startup(**_: Any) -> None:
        app.start(stop.give_up)

    @kopf.on.cleanup(registry=handlers, errors=kopf.ErrorsMode.PERMANENT)
    async def cleanup(**_: Any) -> None:
        await app.stop()
        stop.flag.set()  # after a signal, kopf would wait 5 s for its own watcher of this flag

    return handlers


def incurious() -> Insights:
    """Without this kopf asks which kinds there are, for watches of its own that it has not, and while the API
    server is away that ends the process. Of those that it admits it asks all the same."""
    known = Insights()
    known.backbone.selectors.clear()
    return known


async def discovered(sender: Sender) -> None:
    """Wait until the API server tells what it serves: for an answer that is none, or does not come within a
    minute, kopf would end the process."""
    delay, said = FIRST_DELAY, ""
    while why := await _untold(sender):
        if why != said:
            log.warning("what the API server serves is not told yet: %s", why)
        said = why
        await asyncio.sleep(delay)
        delay = min(2 * delay, LONGEST_DELAY)


async def _untold(sender: Sender) -> str:
    for path in ("/api", "/apis"):
        try:
            accepted(await sender.send(requests.get(path)))
        except KubeError as problem:
            return f"{path}: {problem}"
    return ""


def settings() -> kopf.OperatorSettings:
    """As measured for a controller that keeps all memory in `.status`."""
    chosen = kopf.OperatorSettings()
    chosen.persistence.diffbase_storage = NoDiffBase()
    chosen.persistence.progress_storage = NoProgress()
    chosen.posting.enabled = False
    chosen.peering.standalone = True
    chosen.scanning.disabled = True
    chosen.networking.connect_timeout = 10
    chosen.networking.request_timeout = 30
    chosen.watching.server_timeout = 300
    chosen.watching.client_timeout = 330
    chosen.watching.connect_timeout = 10
    chosen.process.ultimate_exiting_timeout = 20
    return chosen


def connection_info(connection: Connection) -> kopf.ConnectionInfo:
    """Our way to the API server in kopf's words; may read a token file or run a credential plugin."""
    proof = connection.credentials.current() or connection.credentials.renew()
    scheme, _, token = proof.header.partition(" ")
    certificate, key = connection.certificate or proof.certificate, connection.key or proof.key
    return kopf.ConnectionInfo(
        server=connection.server,
        ca_data=_base64(connection.ca),
        insecure=connection.insecure,
        scheme=scheme or None,
        token=token or None,
        certificate_data=_base64(certificate),
        private_key_data=_base64(key),
        expiration=datetime.now(UTC) + timedelta(seconds=TOKEN_FILE_SECONDS),
    )


def _base64(pem: str) -> str | None:
    return base64.b64encode(pem.encode()).decode() if pem else None
