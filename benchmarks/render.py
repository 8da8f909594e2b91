"""What a commit costs that touches one application of a hundred, and what it costs when nothing moves.

A hundred applications in one repository, half of them kustomizations over a base of their own, behind a Git
server with a password: real git, real kubectl, real worker processes.

Run: .venv/bin/python -m benchmarks.render
"""

from __future__ import annotations

import asyncio
import resource
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.tidegate.git.origin import Origin, Server, config_map, deployment
from tidegate.git.access import Access
from tidegate.git.address import Address
from tidegate.git.mirror import Head
from tidegate.git.render import Asked, asked
from tidegate.git.repositories import Repositories
from tidegate.git.workers import Workers

APPS = 100
OBJECTS = 20
LOOKS = 20


def main() -> int:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        origin = Origin(folder / "origin")
        origin.commit({path: text for app in range(APPS) for path, text in files(app)})
        with Server(folder, "ada", "secret") as server:
            rendered = asyncio.run(measured(folder, origin, f"{server.url}/origin/.git"))
    return 0 if rendered == 1 else 1


def files(app: int) -> Iterator[tuple[str, str]]:
    root = f"services/{app}"
    yield f"{root}/README.md", f"number {app}"
    plain = app % 2
    at = root if plain else f"bases/{app}"
    yield f"{at}/api.yaml", deployment("api", f"registry/api-{app}:v1")
    for i in range(OBJECTS - 1):
        yield f"{at}/c{i}.yaml", config_map(f"c{i}", app=str(app))
    if not plain:
        listed = "".join(f"- c{i}.yaml\n" for i in range(OBJECTS - 1))
        yield f"{at}/kustomization.yaml", f"resources:\n- api.yaml\n{listed}"
        yield f"{root}/kustomization.yaml", f"resources: [../../bases/{app}]\nnamespace: app-{app}\n"


async def measured(folder: Path, origin: Origin, url: str) -> int:
    """How many applications were rendered for the commit that touched one."""

    async def access(_: Address) -> Access:
        return Access(username="ada", password="secret")

    workers = Workers(2)
    repositories = Repositories(folder / "cache", workers, access)
    wanted = [asked({"path": f"services/{app}"}) for app in range(APPS)]
    try:
        with timed("first look, all rendered", workers):
            await everything(repositories, url, wanted)
        with timed(f"{LOOKS} looks at an unmoved head, each", workers, LOOKS):
            for _ in range(LOOKS):
                await everything(repositories, url, wanted)
        origin.commit({"services/1/api.yaml": deployment("api", "registry/api-1:v2")})
        with timed("a commit that touches one app", workers) as spent:
            await everything(repositories, url, wanted)
        origin.git("revert", "--no-edit", "HEAD")
        with timed("its revert", workers):
            await everything(repositories, url, wanted)
        return spent[0]
    finally:
        await repositories.close()


async def everything(repositories: Repositories, url: str, wanted: list[Asked]) -> None:
    head = (await repositories.heads(url, ["main"]))["main"]
    assert isinstance(head, Head), head
    found = await asyncio.gather(*(repositories.rendered(url, head.commit, one) for one in wanted))
    assert {len(one.objects) for one in found} == {OBJECTS}


@contextmanager
def timed(what: str, workers: Workers, rounds: int = 1) -> Iterator[list[int]]:
    """Yields a list that holds, afterwards, how many sources were rendered."""
    spent: list[int] = []
    before, wall, cpu = workers.finished, time.monotonic(), used()
    yield spent
    spent.append(workers.finished - before)
    wall, cpu = (time.monotonic() - wall) / rounds, (used() - cpu) / rounds
    print(f"{what}: {wall * 1000:.0f} ms, {cpu * 1000:.0f} ms of CPU in git and here, {spent[0]} rendered")


def used() -> float:
    """Seconds of CPU of this process and of the git commands it waited for; workers are not among them."""
    both = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(one.ru_utime + one.ru_stime for one in both)


if __name__ == "__main__":
    sys.exit(main())
