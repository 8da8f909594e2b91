"""Whether a revert could be signed and pushed, asked before one is needed."""

from __future__ import annotations

import subprocess
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.gitops.examples import NOW
from tests.tidegate.git.origin import Bare, Server
from tidegate.fetch.credentials import NO_WRITER
from tidegate.fetch.preflight import Preflight
from tidegate.git.access import Access
from tidegate.git.address import Address
from tidegate.git.errors import Denied
from tidegate.git.repositories import Repositories
from tidegate.git.workers import Workers
from tidegate.git.writer import Writer
from tidegate.planners.needs import Answer, Failed, Known, Revertible

pytestmark = pytest.mark.git

ADA = Access(username="ada", password="sesame")


async def ada(_: Address) -> Access:
    return ADA


class Case:
    """A repository that was read, and what is in the Secrets of who writes."""

    def __init__(self, repositories: Repositories, server: Server, bare: Bare) -> None:
        self.server, self.bare = server, bare
        self.url = f"{server.url}/person.git"
        self.access: Access | None = ADA
        self.key = ""
        self._ask = Preflight(Writer(repositories, self._entered), self._key)

    async def answer(self, key: str = "revert-key") -> Answer:
        return await self._ask(Revertible(self.url, "argocd", key, NOW))

    async def said(self, key: str = "revert-key") -> str:
        found = await self.answer(key)
        assert isinstance(found, Known)
        return str(found.value)

    async def _entered(self, address: Address) -> Access:
        if self.access is None:
            raise Denied(f"nobody lets us write into {address.url}: {NO_WRITER}")
        return self.access

    async def _key(self, _namespace: str, name: str) -> str:
        return self.key if name == "revert-key" else ""


def key_with(passphrase: str, folder: Path) -> str:
    file = folder / f"key{len(passphrase)}"
    words = ["ssh-keygen", "-q", "-t", "ed25519", "-N", passphrase, "-f", str(file)]
    subprocess.run(words, check=True, capture_output=True)
    return file.read_text()


@pytest.fixture
async def case(tmp_path: Path, bare: Bare) -> AsyncIterator[Case]:
    bare.commit({"a": "1"})
    bare.serve("config", "http.receivepack", "true")
    repositories = Repositories(tmp_path / "cache", Workers(1), ada)
    with Server(tmp_path, "ada", "sesame") as server:
        made = Case(repositories, server, bare)
        made.key = key_with("", tmp_path)
        await repositories.heads(made.url, ["main"])
        server.asked.clear()
        yield made
    await repositories.close()


async def test_nothing_is_lacking_where_the_key_is_there_and_the_server_would_take_a_push(case: Case) -> None:
    assert await case.said() == ""


async def test_a_server_that_would_is_asked_once_for_the_same_credentials(case: Case) -> None:
    await case.said()
    asked = len(case.server.asked)
    assert await case.said() == ""
    assert len(case.server.asked) == asked
    case.access = Access(username="ada", password="wrong")
    assert "lets us not write" in await case.said()


async def test_a_secret_that_is_named_and_missing_is_told_by_its_name(case: Case) -> None:
    assert await case.said("gone") == (
        "spec.rollback.git.signing.secretRef: Secret argocd/gone has no ssh-privatekey to sign the revert "
        "with; add it"
    )


async def test_a_key_that_needs_a_passphrase_or_is_none_is_told(case: Case, tmp_path: Path) -> None:
    for wrong in (key_with("sesame", tmp_path), "no key"):
        case.key = wrong
        said = await case.said()
        assert "the key in Secret argocd/revert-key signs nothing: git commit-tree: " in said
        assert said == await case.said()


async def test_a_trial_leaves_nothing_in_the_mirror(case: Case, tmp_path: Path) -> None:
    def objects() -> int:
        return sum(1 for one in (tmp_path / "cache").rglob("objects/*/*") if one.is_file())

    before = objects()
    assert await case.said() == ""
    assert objects() == before


async def test_where_nobody_may_write_the_label_of_the_secret_is_told(case: Case) -> None:
    case.access = None
    assert "add a Secret for it with the label" in await case.said()


async def test_a_server_that_refuses_is_asked_again(case: Case) -> None:
    case.bare.serve("config", "http.receivepack", "false")
    assert "lets us not write" in await case.said()
    case.bare.serve("config", "http.receivepack", "true")
    assert await case.said() == ""


async def test_a_server_that_does_not_answer_says_nothing_against_it(case: Case) -> None:
    case.server.refuse = lambda _: True
    assert isinstance(await case.answer(), Failed)
