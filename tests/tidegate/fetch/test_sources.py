"""Git behind needs: a repository is asked once for all, again when it is due, and delays no other."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from typing import cast

import pytest

from gitops.sources import Found, Lost, Manifests, Unrenderable
from tests.tidegate.kube.waiting import until
from tidegate.fetch.sources import FORGIVEN, TICK, Heads, Renderings, rest
from tidegate.git import errors
from tidegate.git.mirror import Head as There
from tidegate.git.mirror import Lost as Gone
from tidegate.git.render import Asked, Rendering
from tidegate.git.repositories import Repositories
from tidegate.git.tree import Reads
from tidegate.planners.needs import Answer, Failed, Head, Known, Rendered

REPO = "https://git.example.com/shop"
MAIN, STAGING = Head(REPO, "main", 0.0), Head(REPO, "staging", 0.0)
SOURCE = Rendered(REPO, "c1", b"{}", "api")


class Git:
    """Repositories of a few lines; `problem` is what is wrong with them."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, ...]] = []
        self.problem: Exception | None = None
        self.hangs: set[str] = set()
        self.commits = {"main": "c1", "staging": "c2"}

    async def heads(self, url: str, revisions: Iterable[str]) -> dict[str, There | Gone]:
        if url in self.hangs:
            await asyncio.Event().wait()
        self.asked.append(tuple(sorted(revisions)))
        if self.problem:
            raise self.problem
        return {one: self._head(one) for one in revisions}

    def _head(self, revision: str) -> There | Gone:
        if commit := self.commits.get(revision):
            return There(revision, f"refs/heads/{revision}", commit)
        return Gone(revision, "there is no such branch any more; it was last seen at c0", "c0")

    async def rendered(self, url: str, commit: str, question: Asked, anew: bool) -> Rendering:
        if self.problem:
            raise self.problem
        return Rendering("Directory", (b'{"kind":"ConfigMap"}',), (("a.yaml", 1),), Reads())


class Audience:
    def __init__(self, *needs: Head) -> None:
        self.needs = needs
        self.heard: list[tuple[Head, Answer]] = []

    def heads(self) -> tuple[Head, ...]:
        return self.needs

    def learn(self, need: Head, answer: Answer) -> None:
        self.heard.append((need, answer))


def repositories(git: Git) -> Repositories:
    return cast("Repositories", git)


async def test_all_that_is_needed_of_a_repository_is_one_question() -> None:
    git, audience = Git(), Audience(MAIN, STAGING)
    Heads(repositories(git)).tick(audience)
    await until(lambda: len(audience.heard) == 2)
    assert git.asked == [("main", "staging")]
    assert audience.heard == [(MAIN, Known(Found("c1"))), (STAGING, Known(Found("c2")))]


def test_a_repository_is_asked_every_15_s_or_sooner_where_an_application_says_so() -> None:
    assert rest([180.0, 216.0], 1) == rest([180.0], 15) == 15.0
    assert rest([180.0, 10.0], 1) == rest([10.0], 100) == 10.0


def test_of_many_repositories_one_is_asked_each_second() -> None:
    assert (rest([180.0], 30), rest([180.0], 100)) == (30.0, 100.0)


async def test_the_first_polls_of_many_repositories_are_spread_over_their_time() -> None:
    git, audience = Git(), Audience(*(Head(f"{REPO}/{number}", "main", 180.0) for number in range(15)))
    heads, now = Heads(repositories(git)), asyncio.get_running_loop().time()
    heads.tick(audience)
    due = sorted(at - now for at in heads._due.values())
    assert 0 < due[0] < 5
    assert 10 < due[-1] < 16


async def test_nothing_is_asked_before_it_is_due_but_for_who_hurries() -> None:
    git, audience = Git(), Audience(Head(REPO, "main", 180.0))
    heads = Heads(repositories(git))
    heads.tick(audience)
    assert not heads._asking
    heads.hurry(REPO)
    heads.tick(audience)
    await until(lambda: git.asked)


@pytest.mark.looptime
async def test_who_hurries_waits_for_no_tick() -> None:
    git, audience = Git(), Audience(Head(REPO, "main", 180.0))
    heads, loop = Heads(repositories(git)), asyncio.get_running_loop()
    running = asyncio.create_task(heads.run(audience))
    await asyncio.sleep(0)
    for times in (1, 2):
        began = loop.time()
        heads.hurry(REPO)
        await until(lambda times=times: len(audience.heard) == times)  # type: ignore[misc]
        assert loop.time() - began < TICK / 2
    running.cancel()


@pytest.mark.parametrize("moments", range(4))
async def test_who_is_ended_while_somebody_hurries_ends(moments: int) -> None:
    """`asyncio.wait_for` takes the cancellation for its answer, once that is there."""
    heads = Heads(repositories(Git()))
    running = asyncio.create_task(heads.run(Audience()))
    await asyncio.sleep(0)
    heads.hurry(REPO)
    for _ in range(moments):
        await asyncio.sleep(0)
    running.cancel()
    await until(running.done, TICK / 2)


async def test_a_push_that_is_told_while_git_is_asked_is_asked_for_again() -> None:
    git, audience = Git(), Audience(Head(REPO, "main", 180.0))
    heads = Heads(repositories(git))
    heads.hurry(REPO)
    heads.tick(audience)
    heads.hurry(REPO)
    await until(lambda: git.asked and not heads._asking)
    heads.tick(audience)
    await until(lambda: len(git.asked) == 2)


async def test_a_repository_that_hangs_delays_no_other() -> None:
    git = Git()
    git.hangs = {"https://slow"}
    audience = Audience(Head("https://slow", "main", 0.0), MAIN)
    heads = Heads(repositories(git))
    heads.tick(audience)
    await until(lambda: audience.heard)
    assert audience.heard == [(MAIN, Known(Found("c1")))]
    for task in heads._asking.values():
        task.cancel()


async def test_one_unanswered_question_is_forgiven_and_two_are_told() -> None:
    git, audience = Git(), Audience(MAIN)
    git.problem = errors.Unreachable("no answer")
    heads = Heads(repositories(git))
    heads.tick(audience)
    await until(lambda: git.asked and not heads._asking)
    assert audience.heard == []
    heads.hurry(REPO)
    heads.tick(audience)
    await until(lambda: audience.heard)
    assert audience.heard == [(MAIN, Failed("no answer"))]


async def test_a_poll_that_fails_in_itself_is_told_and_not_begun_again_at_once() -> None:
    """A disk that is full, or no memory for another process."""
    git, audience = Git(), Audience(MAIN)
    git.problem = OSError("no space left on device")
    heads = Heads(repositories(git))
    for _ in range(FORGIVEN + 1):
        heads.hurry(REPO)
        heads.tick(audience)
        await until(lambda: not heads._asking)
    assert audience.heard == [(MAIN, Failed("OSError: no space left on device"))]
    heads.tick(audience)
    assert not heads._asking


async def test_a_branch_that_is_not_there_is_an_answer() -> None:
    answer = await Heads(repositories(Git()))(Head(REPO, "gone", 180.0))
    assert answer == Known(Lost("there is no such branch any more; it was last seen at c0"))


async def test_a_rendering_is_objects_and_what_only_a_commit_mends_is_an_answer() -> None:
    git = Git()
    found = await Renderings(repositories(git))(SOURCE)
    assert found == Known(Manifests("Directory", ({"kind": "ConfigMap"},), ("a.yaml",)))
    git.problem = errors.Unrenderable("is no YAML", "a.yaml", 3)
    assert await Renderings(repositories(git))(SOURCE) == Known(Unrenderable("a.yaml:3: is no YAML"))
    git.problem = errors.Unreachable("no answer")
    assert await Renderings(repositories(git))(SOURCE) == Failed("no answer")


async def test_a_rendering_that_took_too_long_is_tried_again_as_what_costs_much() -> None:
    git = Git()
    git.problem = errors.Slow("not rendered within 90 s")
    assert await Renderings(repositories(git))(SOURCE) == Failed("not rendered within 90 s", costly=True)
