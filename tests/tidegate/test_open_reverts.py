"""At most one revert is open on a branch: of several Applications one goes on, and the others wait for it."""

from __future__ import annotations

from typing import Any

import pytest

from crds.application import Application
from crds.application_source import Source
from tests.gitops.examples import app
from tidegate.planners.application_parent import on_one_branch
from tidegate.planners.application_release import is_ahead

UNSIGNED = {"signing": {"type": "none"}}


def rolling(name: str, phase: str, digits: str = "1") -> Application:
    rollback = {"phase": phase, "id": digits}
    return app(name=name, rollback={"enabled": True, "git": UNSIGNED}, status={"rollback": rollback})


@pytest.mark.parametrize(
    ("other", "mine", "ahead"),
    [
        (("Committed", "9"), ("Quarantined", "1"), True),
        (("Branched", "9"), ("Quarantined", "1"), True),
        (("Quarantined", "1"), ("Quarantined", "2"), True),
        (("Quarantined", "2"), ("Quarantined", "1"), False),
        (("Quarantined", "1"), ("Committed", "2"), False),
        (("Pushed", "1"), ("Quarantined", "2"), False),
        (("GaveUp", "1"), ("Quarantined", "2"), False),
    ],
)
def test_who_has_a_revert_open_or_comes_first_is_waited_for(
    other: tuple[str, str], mine: tuple[str, str], ahead: bool
) -> None:
    assert is_ahead(rolling("web", *other), rolling("api", *mine)) is ahead


def test_who_waits_for_a_person_holds_nobody_up() -> None:
    rollback = {"phase": "Quarantined", "id": "1", "message": "Secret argocd/key has no ssh-privatekey"}
    on = {"enabled": True, "git": UNSIGNED}
    waits = app(name="web", rollback=on, status={"rollback": rollback})
    assert not is_ahead(waits, rolling("api", "Quarantined", "2"))


def test_of_two_that_have_committed_at_once_one_goes_on() -> None:
    one, other = rolling("api", "Committed", "1"), rolling("web", "Committed", "2")
    assert (is_ahead(one, other), is_ahead(other, one)) == (True, False)


@pytest.mark.parametrize("phase", ["Quarantined", "Committed"])
@pytest.mark.parametrize("git", [UNSIGNED | {"mode": "none"}, {}], ids=["mode none", "no key named"])
def test_who_may_not_write_into_git_is_not_waited_for(phase: str, git: dict[str, Any]) -> None:
    status = {"rollback": {"phase": phase, "id": "1"}}
    off = app(name="web", rollback={"enabled": True, "git": git}, status=status)
    assert not is_ahead(off, rolling("api", "Quarantined", "2"))


@pytest.mark.parametrize(
    ("repo", "revision", "one"),
    [
        ("https://git.example.com/org/shop", "main", True),
        ("https://git.example.com/Org/shop.git", "main", True),
        ("https://git.example.com/org/shop", "refs/heads/main", True),
        ("https://git.example.com/org/shop", "HEAD", True),
        ("https://git.example.com/org/shop", "", True),
        ("https://git.example.com/org/shop", "staging", False),
        ("https://git.example.com/org/other", "main", False),
    ],
)
def test_a_branch_is_one_in_all_its_spellings_and_head_may_be_any(
    repo: str, revision: str, one: bool
) -> None:
    main, other = Source("https://git.example.com/org/shop", "", "main"), Source(repo, "", revision)
    assert (on_one_branch(main, other), on_one_branch(other, main)) == (one, one)
