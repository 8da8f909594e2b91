"""Who takes a release back: commits that say so, of what the Application is made of, however merged."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import msgspec
import pytest

from tests.gitops.examples import raw_app
from tests.tidegate.git.origin import FILE, Bare, anyone, config_map
from tidegate.fetch.undoings import Undoings
from tidegate.git.repositories import Repositories
from tidegate.git.workers import Workers
from tidegate.planners.needs import Answer, Failed, Known, Sourced, Undone

pytestmark = pytest.mark.git

A, THEIRS, TAGS = "services/api/a.yaml", "services/web/w.yaml", "apps/api.yaml"
SOURCE = msgspec.json.encode({"path": "services/api"})


class Case:
    """Two good releases, the second of which is live."""

    def __init__(self, bare: Bare, repositories: Repositories) -> None:
        self.bare, self._repositories = bare, repositories
        first: dict[str, str | bytes] = {
            A: config_map("a", level="1"),
            TAGS: self.tagged("1"),
            THEIRS: config_map("w", level="1"),
        }
        self.good = bare.commit(first)
        self.old = bare.commit({A: config_map("a", level="2"), TAGS: self.tagged("2")}, "Ship v2")

    def tagged(self, level: str) -> str:
        """The Application, as the parent's file declares it."""
        source = {"repoURL": self.bare.url, "targetRevision": "main", "path": "services/api"}
        raw = raw_app(source=source, info=[{"name": "level", "value": level}])
        return msgspec.json.encode({key: raw[key] for key in raw if key != "status"}).decode()

    def plainly(self, message: str = "Level 1 again") -> str:
        return self.bare.commit({A: config_map("a", level="1")}, message)

    def merge(self, branch: str) -> str:
        self.bare.git("checkout", "-q", "main")
        self.bare.git("merge", "-q", "--no-ff", "-m", f"Merge {branch}", branch)
        self.bare.git("push", "-q", "origin", "main")
        return self.bare.git("rev-parse", "HEAD")

    async def answer(self, new: str, parent: Sourced | None = None) -> Answer:
        await self._repositories.heads(self.bare.url, ["main"])
        asked = Undone(self.bare.url, self.good, self.old, new, "argocd/api-prod", SOURCE, "", parent)
        return await Undoings(self._repositories)(asked)


@pytest.fixture
async def case(tmp_path: Path, bare: Bare) -> AsyncIterator[Case]:
    repositories = Repositories(tmp_path / "cache", Workers(1), anyone, FILE)
    yield Case(bare, repositories)
    await repositories.close()


async def test_the_revert_of_a_release_takes_it_back(case: Case) -> None:
    assert await case.answer(case.bare.revert(case.old)) == Known(True)


async def test_a_plain_commit_takes_nothing_back_whatever_it_declares(case: Case) -> None:
    assert await case.answer(case.plainly()) == Known(False)


async def test_what_others_revert_beside_it_says_nothing_of_this_application(case: Case) -> None:
    theirs = case.bare.commit({THEIRS: config_map("w", level="2")}, "Theirs")
    case.bare.revert(theirs)
    assert await case.answer(case.plainly()) == Known(False)


async def test_what_was_never_released_is_not_what_a_revert_takes_back(case: Case) -> None:
    tried = case.bare.commit({A: config_map("a", level="3")}, "Not yet")
    case.bare.revert(tried)
    assert await case.answer(case.plainly()) == Known(False)


async def test_a_revert_on_a_branch_that_is_merged_takes_back(case: Case) -> None:
    case.bare.git("checkout", "-q", "-b", "revert-2")
    case.bare.revert(case.old)
    case.bare.git("checkout", "-q", "main")
    case.bare.commit({THEIRS: config_map("w", level="3")}, "Meanwhile")
    assert await case.answer(case.merge("revert-2")) == Known(True)


async def test_the_revert_of_a_merge_takes_back(case: Case) -> None:
    case.good = case.old
    case.bare.git("checkout", "-q", "-b", "feature")
    case.bare.write({A: config_map("a", level="3")})
    case.bare.git("commit", "-qam", "Level 3")
    case.old = case.merge("feature")
    assert await case.answer(case.bare.revert("-m", "1", case.old)) == Known(True)


async def test_a_tag_in_the_file_of_the_parent_is_its_own_too(case: Case) -> None:
    case.good = case.old
    case.old = case.bare.commit({TAGS: case.tagged("3")}, "Bump")
    back = case.bare.revert(case.old)
    parent = Sourced("root", case.bare.url, msgspec.json.encode({"path": "apps"}), "")
    assert await case.answer(back, parent) == Known(True)
    assert await case.answer(back) == Known(False)


async def test_a_parent_may_spell_the_repository_otherwise(case: Case) -> None:
    case.good = case.old
    case.old = case.bare.commit({TAGS: case.tagged("3")}, "Bump")
    spelled = f"{case.bare.url.removesuffix('.git')}/"
    parent = Sourced("root", spelled, msgspec.json.encode({"path": "apps"}), "")
    assert await case.answer(case.bare.revert(case.old), parent) == Known(True)


async def test_our_own_revert_takes_back_and_one_of_another_application_does_not(case: Case) -> None:
    words = "Take back\n\nRollback-App: argocd/{}\nRollback-Id: an-id"
    assert await case.answer(case.plainly(words.format("api-prod"))) == Known(True)
    case.bare.git("reset", "-q", "--hard", "HEAD^")
    case.bare.git("push", "-qf", "origin", "main")
    assert await case.answer(case.plainly(words.format("web"))) == Known(False)


async def test_a_commit_that_git_has_not_is_no_answer(case: Case) -> None:
    assert isinstance(await case.answer("0" * 40), Failed)
