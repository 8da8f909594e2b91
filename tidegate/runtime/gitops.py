"""What a controller that syncs Applications has beside the others: mirrors, renderers and a poll of heads."""

from __future__ import annotations

import tempfile
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

from tidegate.fetch.credentials import Credentials
from tidegate.fetch.preflight import Preflight
from tidegate.fetch.reverts import Reverts
from tidegate.fetch.sources import Heads, Renderings
from tidegate.fetch.undoings import Undoings
from tidegate.git.repositories import Repositories
from tidegate.git.workers import Workers
from tidegate.git.writer import Writer
from tidegate.kube.http import Sender
from tidegate.planners.needs import Head, Rendered, Reverted, Revertible, Undone
from tidegate.runtime.observe import Fetch
from tidegate.runtime.settings import Settings

CACHE = "tidegate-git"


@dataclass(frozen=True)
class GitParts:
    """Nothing at all where no Applications are synced."""

    fetchers: Mapping[type, Fetch] = field(default_factory=dict)
    heads: Heads | None = None
    reverts: Reverts | None = None


@asynccontextmanager
async def git_parts(settings: Settings, sender: Sender) -> AsyncIterator[GitParts]:
    if not settings.applications:
        yield GitParts()
        return
    folder = Path(settings.git_cache or Path(tempfile.gettempdir()) / CACHE)
    credentials = Credentials(sender, settings.applications)
    repositories = Repositories(folder, Workers(), credentials)
    heads = Heads(repositories)
    writer = Writer(repositories, credentials.to_write)
    reverts = Reverts(repositories, writer, credentials.signing_key)
    fetchers: dict[type, Fetch] = {
        Head: heads,
        Rendered: Renderings(repositories),
        Reverted: reverts,
        Revertible: Preflight(writer, credentials.signing_key),
        Undone: Undoings(repositories),
    }
    try:
        yield GitParts(fetchers, heads, reverts)
    finally:
        await repositories.close()
