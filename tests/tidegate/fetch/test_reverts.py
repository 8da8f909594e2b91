"""What Git answers about a revert, on a real repository: made and proved, found, or why there is none."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest
from msgspec.structs import replace

from crds.application_policy import GitBack, SecretRef, Signing
from crds.application_rollback import KnownGood, RollbackStatus
from crds.application_source import Source
from crds.errors import Invalid
from crds.refs import APPLICATION, Ref
from gitops.reverts import Adopted, Answer, Failing, Landing, Ready, Superseded, Unable
from gitops.sources import digest
from tests.gitops.examples import NOW, raw_app
from tests.tidegate.git.origin import FILE, Bare, anyone, config_map
from tests.tidegate.kube.waiting import until
from tidegate.fetch.reverts import Reverts
from tidegate.git.errors import Denied
from tidegate.git.push import Outcome, Push
from tidegate.git.render import asked
from tidegate.git.repositories import Repositories
from tidegate.git.workers import Workers
from tidegate.git.writer import Writer
from tidegate.planners import plan
from tidegate.planners.needs import Arrival, Failed, Known, Reverted, Sourced

pytestmark = pytest.mark.git

UNSIGNED = GitBack(signing=Signing(type="none"))
A, ELSEWHERE = "services/api/a.yaml", "services/api/staging/b.yaml"


async def no_key(_namespace: str, _name: str) -> str:
    return ""


@pytest.fixture
async def repositories(tmp_path: Path) -> AsyncIterator[Repositories]:
    made = Repositories(tmp_path / "cache", Workers(1), anyone, FILE)
    yield made
    await made.close()


class Case:
    """A good release and a bad one, and the question for a revert of it."""

    def __init__(self, bare: Bare, repositories: Repositories) -> None:
        self.bare, self.repositories = bare, repositories
        self.hurried: list[str] = []
        self.beside: tuple[Sourced, ...] = ()
        self.before: Callable[[], None] = lambda: None
        self.good = bare.commit({A: config_map("a", level="1"), "other": "1"}, "First")
        self.bad = bare.commit({A: config_map("a", level="2")}, "Ship it")

    async def answer(self, back: GitBack = UNSIGNED, parent: Sourced | None = None) -> Answer:
        found = await self.ask(back, parent)
        assert isinstance(found, Known), found
        answer: Answer = found.value
        return answer

    async def ask(self, back: GitBack, parent: Sourced | None = None, schema: bool = False) -> Known | Failed:
        need = replace(await self.need(back, parent), schema=schema)
        reverts = Reverts(self.repositories, Writer(self.repositories, anyone, FILE), no_key)
        reverts.hurry = self.hurried.append
        self.before()
        found = await reverts(need)
        assert isinstance(found, Known | Failed)
        return found

    async def need(self, back: GitBack, parent: Sourced | None) -> Reverted:
        source = Source(self.bare.url, "services/api", "main")
        question = asked({"path": "services/api"}, "api-prod")
        await self.repositories.heads(self.bare.url, ["main"])
        one, two = [
            digest((await self.repositories.rendered(self.bare.url, commit, question)).raws())
            for commit in (self.good, self.bad)
        ]
        rollback = RollbackStatus(
            id="an-id",
            rollout="Rollout production/api",
            reason="12 % errors",
            from_=self.bad,
            from_source=source,
            rendering=two,
            good=KnownGood(self.good, one, source),
            since=NOW,
        )
        return Reverted(
            self.bare.url,
            "main",
            "argocd/api-prod",
            msgspec.json.encode(rollback),
            back,
            False,
            "",
            parent,
            "",
            0,
            self.beside,
        )


@pytest.fixture
def case(bare: Bare, repositories: Repositories) -> Case:
    return Case(bare, repositories)


async def test_a_commit_upon_the_head_is_made_and_nothing_is_pushed(case: Case) -> None:
    later = case.bare.commit({"other": "2"})
    found = await case.answer()
    assert isinstance(found, Ready)
    assert (found.base, found.branch, case.bare.tip) == (later, "refs/heads/main", later)


async def test_what_lies_in_a_folder_of_its_own_is_another_application_s_and_stays(case: Case) -> None:
    """That one's files came between, in the same commit even."""
    case.good = case.bare.commit({A: config_map("a", level="1"), ELSEWHERE: config_map("b", level="1")})
    case.bare.commit({ELSEWHERE: config_map("b", level="2")}, "Another team's")
    case.bad = case.bare.commit({A: config_map("a", level="2"), ELSEWHERE: config_map("b", level="3")})
    found = await case.answer()
    assert isinstance(found, Ready)
    assert await case.repositories.changed(case.bare.url, case.bad, found.commit) == (A,)


async def test_what_somebody_reverted_already_is_adopted(case: Case) -> None:
    reverted = case.bare.commit({A: config_map("a", level="1")}, "By hand")
    assert await case.answer() == Adopted(reverted)


async def test_a_branch_that_has_moved_on_is_asked_for_at_once(case: Case) -> None:
    """Whoever died in the push did not see it land, and the heads may be of before."""
    await case.answer()
    assert case.hurried == []
    case.bare.commit({A: config_map("a", level="1")}, "Revert\n\nRollback-Id: an-id")
    await case.answer()
    assert case.hurried == [case.bare.url]


async def test_our_own_that_landed_unseen_is_found_by_its_id(case: Case) -> None:
    ours = case.bare.commit({A: config_map("a", level="1")}, "Revert\n\nRollback-Id: an-id")
    case.bare.commit({A: config_map("a", level="3")}, "A fix upon it")
    assert await case.answer() == Adopted(ours)


async def test_a_fix_that_was_pushed_first_supersedes_it(case: Case) -> None:
    fix = case.bare.commit({A: config_map("a", level="3")})
    assert await case.answer() == Superseded(fix)


async def test_a_history_that_was_rewritten_is_said(case: Case) -> None:
    case.bare.git("reset", "-q", "--hard", case.good)
    case.bare.git("commit", "-q", "--allow-empty", "-m", "Another history")
    case.bare.git("push", "-qf", "origin", "main")
    found = await case.answer()
    assert isinstance(found, Unable)
    assert "was rewritten" in found.why


async def test_without_a_key_nothing_is_made_until_somebody_gives_one(case: Case) -> None:
    """Asked again for as long as it takes: what fails here is no fault of the commits."""
    found = await case.ask(GitBack(signing=Signing(secret_ref=SecretRef("missing"))))
    assert isinstance(found, Failed)
    assert "git.signing.secretRef: Secret argocd/missing has no ssh-privatekey" in found.why


class Hanging(Writer):
    """A server that answers a push once it may, and then with a fork that failed here, or with `problem`."""

    def __init__(self, problem: Exception | None = None) -> None:
        self.pushed, self.may = 0, asyncio.Event()
        self._problem = problem or OSError("no memory for another process")

    async def push(self, url: str, what: Push) -> Outcome:
        self.pushed += 1
        await self.may.wait()
        raise self._problem


async def test_a_push_is_begun_once_and_waited_for_by_nobody(repositories: Repositories) -> None:
    hanging, heard = Hanging(), list[tuple[Arrival, Landing]]()
    reverts = Reverts(repositories, hanging, no_key)
    reverts.told = lambda need, landing: heard.append((need, landing))
    write = plan.Push(Ref(APPLICATION, "argocd", "api-prod"), "https://git", "c1", "refs/heads/main", "b0")
    reverts.begin(write)
    reverts.begin(write)
    await until(lambda: hanging.pushed)
    assert (hanging.pushed, heard) == (1, [])
    hanging.may.set()
    await until(lambda: heard)
    ours = Arrival("https://git", "refs/heads/main", "c1")
    assert heard == [(ours, Failing("OSError: no memory for another process", 1))]


async def test_a_rendering_that_takes_too_long_is_tried_again(case: Case) -> None:
    """The machine may be busy: the same was rendered before."""
    case.bare.commit({"services/api/b.yaml": config_map("b")})
    case.before = lambda: setattr(case.repositories._workers, "_seconds", 0.0)
    found = await case.ask(UNSIGNED)
    assert isinstance(found, Failed)
    assert "not rendered within 0 s" in found.why


@pytest.mark.parametrize("problem", [Denied("may its user push?"), Invalid("data", "is no text")])
async def test_credentials_that_let_nobody_in_are_for_a_person_to_mend(
    repositories: Repositories, problem: Exception
) -> None:
    """The branch beside asks for the same ones. The try counts on from what is recorded."""
    hanging, heard = Hanging(problem), list[Landing]()
    reverts = Reverts(repositories, hanging, no_key)
    reverts.told = lambda _need, landing: heard.append(landing)
    hanging.may.set()
    ref = Ref(APPLICATION, "argocd", "api-prod")
    await reverts.push(plan.Push(ref, "https://git", "c1", "refs/heads/main", "b0", time=4))
    assert heard == [Failing(str(problem), 4)]


async def test_of_a_push_that_was_stopped_nothing_is_told(repositories: Repositories) -> None:
    hanging, heard = Hanging(), list[Landing]()
    reverts = Reverts(repositories, hanging, no_key)
    reverts.told = lambda _need, landing: heard.append(landing)
    reverts.begin(plan.Push(Ref(APPLICATION, "argocd", "api-prod"), "https://git", "c1", "main", "b0"))
    await until(lambda: hanging.pushed)
    await reverts.stop()
    assert heard == []


async def test_what_a_hook_migrated_is_not_taken_back_unasked(case: Case) -> None:
    case.good = case.bare.commit({"services/api/job.yaml": migration("v1"), A: config_map("a", level="1")})
    case.bad = case.bare.commit({"services/api/job.yaml": migration("v2"), A: config_map("a", level="2")})
    found = await case.ask(UNSIGNED)
    assert isinstance(found, Failed)
    assert "Job migrate ran with this release" in found.why
    assert "spec.rollback.allowSchemaChange: true" in found.why
    allowed = await case.ask(UNSIGNED, schema=True)
    assert isinstance(allowed, Known)
    assert isinstance(allowed.value, Ready)


async def test_a_hook_that_stays_the_same_stops_no_revert(case: Case) -> None:
    case.good = case.bare.commit({"services/api/job.yaml": migration("v1"), A: config_map("a", level="1")})
    case.bad = case.bare.commit({A: config_map("a", level="2")})
    assert isinstance(await case.answer(), Ready)


def migration(version: str) -> str:
    meta = {"name": "migrate", "annotations": {"argocd.argoproj.io/hook": "PreSync"}}
    job = {"apiVersion": "batch/v1", "kind": "Job", "metadata": meta, "spec": {"version": version}}
    return msgspec.json.encode(job).decode()


async def test_a_revert_that_would_change_a_sibling_is_none(case: Case) -> None:
    """A file of the parent's that defines two: both were changed by the bad commit."""
    case.good = case.bare.commit({"apps/both.yaml": both(case, "1"), A: config_map("a", level="1")})
    case.bad = case.bare.commit({"apps/both.yaml": both(case, "2"), A: config_map("a", level="2")})
    source = msgspec.json.encode({"path": "apps"})
    found = await case.answer(parent=Sourced("root", case.bare.url, source, ""))
    assert isinstance(found, Unable)
    assert "it would also change ConfigMap" in found.why
    assert "which Application root declares" in found.why


def both(case: Case, level: str) -> str:
    source = {"repoURL": case.bare.url, "targetRevision": "main", "path": "services/api"}
    child: dict[str, Any] = {k: v for k, v in raw_app(source=source).items() if k != "status"}
    return f"{msgspec.json.encode(child).decode()}\n---\n{config_map('sibling', level=level)}"


BASE: dict[str, str | bytes] = {
    "services/base/a.yaml": "",
    "services/base/kustomization.yaml": "resources: [a.yaml]\n",
}
OVERLAY = "resources: [../base]\n"
OWN_LEVEL = """patches:
- target: {kind: ConfigMap}
  patch: '[{"op": "replace", "path": "/data/level", "value": "9"}]'
"""


def shared(case: Case, level: str) -> str:
    """A commit of a base that three overlays stand upon, one of which writes the level itself."""
    return case.bare.commit(
        BASE
        | {
            "services/base/a.yaml": config_map("a", level=level),
            "services/api/kustomization.yaml": OVERLAY,
            "services/web/kustomization.yaml": OVERLAY,
            "services/own/kustomization.yaml": OVERLAY + OWN_LEVEL,
        }
    )


async def test_the_other_applications_that_a_revert_changes_are_named_in_it(case: Case) -> None:
    case.bare.git("rm", "-q", A)
    case.good, case.bad = shared(case, "1"), shared(case, "2")
    case.beside = tuple(
        Sourced(name, case.bare.url, msgspec.json.encode({"path": f"services/{name}"}), "")
        for name in ("web", "own", "gone")
    )
    found = await case.answer()
    assert isinstance(found, Ready)
    assert found.also == ("web",)
    said = (await case.repositories.commit(case.bare.url, found.commit)).body
    assert "It also changes Application web, made of the same files." in said
    assert await case.answer() == found
