"""Whether a commit contains another, by the Git that the command line's person can read."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.tidegate.cli.test_diffing import Cluster
from tests.tidegate.git.origin import FILE, Origin
from tidegate.cli import lineage as module
from tidegate.cli.failure import Failure
from tidegate.cli.lineage import Lineage, lineage


@pytest.fixture
def origin(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Origin:
    monkeypatch.setattr(module, "PATIENCE", 0.0)
    return Origin(tmp_path / "origin")


def test_a_commit_contains_itself_and_what_came_before_and_no_other(origin: Origin) -> None:
    first, second = origin.commit(), origin.commit()
    origin.git("checkout", "--quiet", "-b", "aside", first)
    aside = origin.commit(message="another")
    with lineage(Cluster(), "argocd", origin.url, FILE) as found:
        assert found.contains(second, first[:9])
        assert not found.contains(first, second)
        assert not found.contains(second, aside)
        assert not found.contains(second, "0" * 40)


def test_git_that_cannot_be_asked_is_told_once(origin: Origin, capsys: pytest.CaptureFixture[str]) -> None:
    with lineage(Cluster(), "argocd", f"{origin.url}/gone", FILE) as found:
        assert not found.contains("a" * 40, "b" * 40)
        assert not found.contains("c" * 40, "b" * 40)
    assert capsys.readouterr().err.count("cannot tell whether") == 1


def test_who_can_never_ask_git_does_not_wait_for_ever(origin: Origin) -> None:
    with lineage(Cluster(), "argocd", f"{origin.url}/gone", FILE) as found:
        assert not any(found.contains("a" * 40, "b" * 40) for _ in range(2))
        with pytest.raises(Failure, match=r"cannot tell whether aaaaaaaaaa .* it was asked 3 times"):
            found.contains("a" * 40, "b" * 40)


def test_a_commit_that_was_just_pushed_is_waited_for_before_git_is_read(
    origin: Origin, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "PATIENCE", 3600.0)
    second, first = origin.commit(), origin.commit()
    with lineage(Cluster(), "argocd", origin.url, FILE) as found:
        assert isinstance(found, Lineage)
        assert not found.contains(second, first)
