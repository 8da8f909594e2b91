"""`app diff`: the comparison that the controller makes, made here, with the rights of who asks.

Git is read, objects are read and dry-run; nothing is written. The lines shown are the bytes that decide.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from crds.application import parse
from crds.refs import Kind
from gitops.compare import Comparison
from gitops.plan import compared, obstacle
from tidegate.cli.api import Line, Raw
from tidegate.cli.failure import Failure
from tidegate.fetch.cluster import Discovery, DryRuns
from tidegate.fetch.credentials import Credentials
from tidegate.fetch.pages import listed
from tidegate.fetch.sources import Heads, Renderings
from tidegate.fetch.undoings import Undoings
from tidegate.git import address
from tidegate.git.repositories import Repositories
from tidegate.git.workers import Workers
from tidegate.kube import requests
from tidegate.kube.errors import KubeError, NotFound, accepted
from tidegate.kube.http import Request, Response
from tidegate.kube.requests import ALL
from tidegate.planners.application_needs import own_needs
from tidegate.planners.application_reading import Reading
from tidegate.planners.application_sight import Sight
from tidegate.planners.application_world import world
from tidegate.planners.needs import (
    Absent,
    Answer,
    DryRun,
    Failed,
    Head,
    Known,
    Need,
    Object,
    Outline,
    Rendered,
    Served,
    Undone,
)
from tidegate.planners.settings import Site

ROUNDS = 10


class OneByOne:
    """The command line's sender, as fetchers know one."""

    def __init__(self, line: Line) -> None:
        self._line = line

    async def send(self, request: Request) -> Response:
        return self._line.send(request)

    def watch(self, request: Request) -> AsyncIterator[Raw]:
        raise NotImplementedError("nothing is watched for a diff")


def comparison(
    line: Line, raw: Raw, site: Site, protocols: tuple[str, ...] = address.PROTOCOLS
) -> Comparison:
    """The Application against Git, now. Failure where it cannot be compared."""
    with TemporaryDirectory(prefix="tidegate-diff-") as folder:
        return asyncio.run(_compared(OneByOne(line), raw, site, (Path(folder), protocols)))


async def _compared(
    sender: OneByOne, raw: Raw, site: Site, mirror: tuple[Path, tuple[str, ...]]
) -> Comparison:
    repositories = Repositories(mirror[0], Workers(1), Credentials(sender, site.home), mirror[1])
    now = datetime.now(UTC)
    try:
        sight = await _sight(raw, site, now, Asking(sender, repositories))
    finally:
        await repositories.close()
    seen = world(sight, now)
    if why := obstacle(seen):
        raise Failure(f"cannot be compared: {why}")
    return compared(seen)


class Asking:
    """Answers one need after the other; what only the controller knows is absent."""

    def __init__(self, sender: OneByOne, repositories: Repositories) -> None:
        self._sender = sender
        self._fetchers: dict[type, Any] = {
            Head: Heads(repositories),
            Rendered: Renderings(repositories),
            Undone: Undoings(repositories),
            Served: Discovery(sender),
            DryRun: DryRuns(sender),
        }

    async def answer(self, need: Need) -> Answer:
        try:
            return await self._answer(need)
        except NotFound:
            return Absent()
        except KubeError as problem:
            return Failed(str(problem))

    async def _answer(self, need: Need) -> Answer:
        match need:
            case Object(ref):
                asked = requests.get(_path(ref.kind, ref.namespace, ref.name))
                return Known(accepted(await self._sender.send(asked)))
            case Outline(kind, namespace):
                return Known(tuple(await listed(self._sender, _path(kind, namespace), ALL)))
            case Head() | Rendered() | Served() | DryRun() | Undone():
                answer: Answer = await self._fetchers[type(need)](need)
                return answer
        return Absent()


async def _sight(raw: Raw, site: Site, now: datetime, asking: Asking) -> Sight:
    application = parse(raw)
    known: dict[Need, Answer] = {}
    reading = Reading()
    for _ in range(ROUNDS):
        sight = Sight(raw, application, known, (site, reading))
        new = [need for need in dict.fromkeys(own_needs(sight, now)) if need not in known]
        if not new:
            return sight
        known = known | {need: await asking.answer(need) for need in new}
    raise Failure("what must be seen does not come to an end; this is a bug of Tidegate")


def _path(kind: Kind, namespace: str, name: str = "") -> str:
    return requests.path(kind.group, kind.version, kind.plural, namespace, name)
