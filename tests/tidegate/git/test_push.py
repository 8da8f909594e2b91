"""A commit into a branch of a real server: it lands once, or it is known why not."""

from __future__ import annotations

from http.server import BaseHTTPRequestHandler
from pathlib import Path

import pytest

from tests.tidegate.git.origin import Bare, Server
from tests.tidegate.git.test_revert import APP, made, release
from tidegate.git import push as pushing
from tidegate.git.access import Access
from tidegate.git.errors import Denied, Unreachable
from tidegate.git.mirror import Mirror
from tidegate.git.push import Outcome, Push, push, refusal
from tidegate.git.revert import Wanted

pytestmark = pytest.mark.git


MAIN = "refs/heads/main"
WRITER = Access(username="writer", password="sesame")


@pytest.fixture
def ready(bare: Bare, here: Mirror) -> Push:
    good, bad = release(bare)
    return Push(made(here, Wanted(good, bad, bad, APP)), MAIN, bad)


def test_it_lands_and_the_server_was_asked_whether_it_did(bare: Bare, here: Mirror, ready: Push) -> None:
    assert push(here, bare.remote, ready) == Outcome(True, ready.commit)
    assert bare.tip == ready.commit
    bare.serve("fsck", "--strict")


def test_a_server_without_filters_takes_it_too(tmp_path: Path) -> None:
    bare = Bare(tmp_path / "plain", filters=False)
    here = Mirror(tmp_path / "cache", bare.remote)
    good, bad = release(bare)
    ready = Push(made(here, Wanted(good, bad, bad, APP)), MAIN, bad)
    assert push(here, bare.remote, ready).landed


def test_once_more_changes_nothing(bare: Bare, here: Mirror, ready: Push) -> None:
    push(here, bare.remote, ready)
    later = bare.commit({"other": "9"})
    assert push(here, bare.remote, ready) == Outcome(True, later)
    assert bare.tip == later


def test_a_head_that_moved_is_never_overwritten(bare: Bare, here: Mirror, ready: Push) -> None:
    later = bare.commit({"other": "9"})
    assert push(here, bare.remote, ready) == Outcome(False, later)
    assert bare.tip == later


def test_commits_that_somebody_took_away_do_not_come_back(bare: Bare, here: Mirror, ready: Push) -> None:
    bare.serve("update-ref", MAIN, f"{ready.base}^")
    assert not push(here, bare.remote, ready).landed
    assert bare.tip == bare.serve("rev-parse", f"{ready.base}^")


@pytest.mark.parametrize(
    "words", ["main takes pull requests only", "Permission denied to update branch main."]
)
def test_a_hook_that_refuses_is_told_in_its_own_words(
    bare: Bare, here: Mirror, ready: Push, words: str
) -> None:
    bare.hook("pre-receive", f"echo '{words}' >&2; exit 1")
    found = push(here, bare.remote, ready)
    assert (found.landed, found.tip) == (False, ready.base)
    assert words in found.declined
    assert "pre-receive hook declined" in found.declined


def test_what_a_protected_branch_does_not_take_a_branch_beside_it_does(
    bare: Bare, here: Mirror, ready: Push
) -> None:
    bare.hook("update", 'test "$1" != refs/heads/main')
    assert push(here, bare.remote, ready).declined
    aside = Push(ready.commit, "refs/heads/rollback/api-1", "")
    assert push(here, bare.remote, aside) == Outcome(True, ready.commit)
    assert push(here, bare.remote, aside) == Outcome(True, ready.commit)
    assert bare.tip == ready.base


def test_a_branch_beside_that_is_another_is_left_alone(bare: Bare, here: Mirror, ready: Push) -> None:
    bare.serve("update-ref", "refs/heads/rollback/api-1", ready.base)
    assert push(here, bare.remote, Push(ready.commit, "refs/heads/rollback/api-1", "")) == Outcome(
        False, ready.base
    )


def test_a_server_that_dies_once_it_has_it_is_found_to_have_it(
    tmp_path: Path, bare: Bare, here: Mirror, ready: Push
) -> None:
    bare.serve("config", "http.receivepack", "true")
    with Server(tmp_path, "writer", "sesame") as server:
        server.lose = _is_push
        assert push(here, server.remote("person.git", WRITER), ready) == Outcome(True, ready.commit)


def test_a_server_that_dies_before_it_has_it_is_tried_again(
    tmp_path: Path, bare: Bare, here: Mirror, ready: Push
) -> None:
    bare.serve("config", "http.receivepack", "true")
    with Server(tmp_path, "writer", "sesame") as server:
        server.refuse = _dies_before
        with pytest.raises(Unreachable):
            push(here, server.remote("person.git", WRITER), ready)
        assert bare.tip == ready.base
        server.refuse = lambda _: False
        assert push(here, server.remote("person.git", WRITER), ready).landed


def test_a_server_that_does_not_answer_is_left_at_the_deadline(
    tmp_path: Path, bare: Bare, here: Mirror, ready: Push, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pushing, "PUSH_SECONDS", 0.5)
    bare.hook("pre-receive", "sleep 30")
    with pytest.raises(Unreachable, match=r"no answer within 0\.5 s"):
        push(here, bare.remote, ready)


def test_who_may_not_write_is_told_which_secret_is_wanted(
    tmp_path: Path, bare: Bare, here: Mirror, ready: Push
) -> None:
    with (
        Server(tmp_path, "writer", "sesame") as server,
        pytest.raises(Denied, match="secret-type: repository-write") as problem,
    ):
        push(here, server.remote("person.git", Access(username="writer", password="wrong")), ready)
    assert "wrong" not in str(problem.value)


def test_who_may_push_is_known_without_a_push(tmp_path: Path, bare: Bare, here: Mirror, ready: Push) -> None:
    bare.serve("config", "http.receivepack", "true")
    with Server(tmp_path, "writer", "sesame") as server:
        assert refusal(here, server.remote("person.git", WRITER)) == ""
        assert [one.partition("?")[0] for one in server.asked] == ["GET /person.git/info/refs"]
    assert bare.serve("for-each-ref", "--format=%(refname)") == MAIN


def test_who_may_not_push_is_known_before(tmp_path: Path, bare: Bare, here: Mirror, ready: Push) -> None:
    with Server(tmp_path, "writer", "sesame") as server:
        reads = refusal(here, server.remote("person.git", WRITER))
        wrong = refusal(here, server.remote("person.git", Access(username="writer", password="wrong")))
    for why in (reads, wrong):
        assert "lets us not write" in why
        assert "secret-type: repository-write" in why


def test_a_server_that_does_not_answer_says_nothing_against_a_push(
    tmp_path: Path, bare: Bare, here: Mirror, ready: Push
) -> None:
    with Server(tmp_path, "writer", "sesame") as server:
        gone = server.remote("person.git", WRITER)
    with pytest.raises(Unreachable):
        refusal(here, gone)


def _is_push(handler: BaseHTTPRequestHandler) -> bool:
    return handler.command == "POST" and handler.path.endswith("git-receive-pack")


def _dies_before(handler: BaseHTTPRequestHandler) -> bool:
    if _is_push(handler):
        handler.close_connection = True
        handler.wfile.write(b"HTTP/1.1 200 OK\r\nContent-Length: 999\r\n\r\n0032unp")
        return True
    return False
