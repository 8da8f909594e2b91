"""A commit that takes others back: what it holds, what it says, who signs it, and when there is none."""

from __future__ import annotations

import subprocess
from datetime import UTC, datetime
from pathlib import Path

import pytest

from tests.tidegate.git.origin import Bare, Origin
from tidegate.git import history, revert
from tidegate.git.mirror import Mirror
from tidegate.git.revert import Conflict, Signature, Wanted
from tidegate.git.tree import Missing

pytestmark = pytest.mark.git


AT = datetime(2026, 3, 15, 10, 30, tzinfo=UTC)
BOT = Signature("Tidegate", "tidegate@example.com", AT)
APP = ("services/api", "apps/api.yaml")
TAGS = "first: {}\n# one\n# two\n# three\napi: {}\n"


@pytest.fixture
def key(tmp_path: Path) -> str:
    """A private key; the public one lies beside it as key.pub."""
    words = ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(tmp_path / "key")]
    subprocess.run(words, check=True, capture_output=True)
    return (tmp_path / "key").read_text()


def made(here: Mirror, wanted: Wanted, by: Signature = BOT, message: str = "Revert") -> str:
    """Contents are fetched as they are found missing."""
    here.heads(["main"])
    while True:
        try:
            return revert.made(here.git_dir, wanted, message, by, "test")
        except Missing as lacking:
            here.bring(lacking.blobs)


def show(bare: Bare, here: Mirror, commit: str, path: str) -> str:
    """A file of a commit that is not pushed."""
    words = ["git", "-C", str(bare.folder), "fetch", "-q", str(here.git_dir), commit]
    subprocess.run(words, capture_output=True, check=False)
    return bare.git("show", f"{commit}:{path}")


def release(bare: Bare) -> tuple[str, str]:
    """A good commit and a bad one."""
    good = bare.commit({"services/api/a.yaml": "v1", "apps/api.yaml": TAGS.format("x", "v1"), "other": "1"})
    bad = bare.commit({"services/api/a.yaml": "v2", "apps/api.yaml": TAGS.format("x", "v2")}, "Ship v2")
    return good, bad


def test_what_the_bad_commit_did_is_taken_back_and_nothing_else(bare: Bare, here: Mirror) -> None:
    good, bad = release(bare)
    commit = made(here, Wanted(good, bad, bad, APP))
    assert history.changed(here.git_dir, good, commit) == ()
    assert history.commit(here.git_dir, commit).parents == (bad,)


def test_what_came_after_elsewhere_stays(bare: Bare, here: Mirror) -> None:
    good, bad = release(bare)
    head = bare.commit({"other": "2", "new": "file"})
    commit = made(here, Wanted(good, bad, head, APP))
    assert history.changed(here.git_dir, good, commit) == ("new", "other")


def test_another_line_of_the_same_file_that_was_changed_since_stays(bare: Bare, here: Mirror) -> None:
    good, bad = release(bare)
    head = bare.commit({"apps/api.yaml": TAGS.format("y", "v2")})
    commit = made(here, Wanted(good, bad, head, APP))
    assert show(bare, here, commit, "apps/api.yaml") == TAGS.format("y", "v1").strip()


def test_the_same_lines_changed_since_are_a_conflict_by_name(bare: Bare, here: Mirror) -> None:
    good, bad = release(bare)
    head = bare.commit({"apps/api.yaml": TAGS.format("x", "v3")})
    with pytest.raises(Conflict, match=r"apps/api\.yaml was changed at the same lines since"):
        made(here, Wanted(good, bad, head, APP))


def test_a_file_that_was_removed_since_is_a_conflict_by_name(bare: Bare, here: Mirror) -> None:
    good, bad = release(bare)
    bare.git("rm", "-q", "services/api/a.yaml")
    with pytest.raises(Conflict, match=r"services/api/a\.yaml was made, removed"):
        made(here, Wanted(good, bad, bare.commit(), APP))


def test_files_that_the_bad_commit_made_or_removed_are_gone_or_back(bare: Bare, here: Mirror) -> None:
    good = bare.commit({"services/api/a.yaml": "a", "services/api/b.yaml": "b"})
    bare.git("rm", "-q", "services/api/b.yaml")
    bad = bare.commit({"services/api/c.yaml": "c"})
    commit = made(here, Wanted(good, bad, bad, APP))
    assert history.changed(here.git_dir, good, commit) == ()


def test_of_a_commit_that_did_more_only_the_applications_part_is_taken_back(bare: Bare, here: Mirror) -> None:
    good = bare.commit({"services/api/a.yaml": "v1", "other": "1"})
    bad = bare.commit({"services/api/a.yaml": "v2", "other": "2"})
    here.heads(["main"])
    wanted = Wanted(good, bad, bad, APP)
    assert [whole for _, whole in revert.taken(here.git_dir, wanted)] == [False]
    assert history.changed(here.git_dir, bad, made(here, wanted)) == ("services/api/a.yaml",)


def test_several_commits_are_taken_back_as_one_and_others_between_them_stay(bare: Bare, here: Mirror) -> None:
    good = bare.commit({"services/api/a.yaml": "v1"})
    first = bare.commit({"services/api/a.yaml": "v2"})
    bare.commit({"other": "1"})
    bad = bare.commit({"services/api/b.yaml": "more"})
    here.heads(["main"])
    wanted = Wanted(good, bad, bad, APP)
    assert [(one.id, whole) for one, whole in revert.taken(here.git_dir, wanted)] == [
        (bad, True),
        (first, True),
    ]
    assert history.changed(here.git_dir, good, made(here, wanted)) == ("other",)


def test_a_merge_is_taken_back_against_its_first_parent(bare: Bare, here: Mirror) -> None:
    good = bare.commit({"services/api/a.yaml": "v1"})
    bare.git("checkout", "-q", "-b", "feature")
    bare.write({"services/api/a.yaml": "v2"})
    bare.git("commit", "-qam", "Work")
    bare.git("checkout", "-q", "main")
    bare.git("merge", "-q", "--no-ff", "-m", "Merge feature", "feature")
    bare.git("push", "-q", "origin", "main")
    here.heads(["main"])
    wanted = Wanted(good, bare.tip, bare.tip, APP)
    ((one, whole),) = revert.taken(here.git_dir, wanted)
    assert (one.subject, whole) == ("Merge feature", True)
    assert history.changed(here.git_dir, good, made(here, wanted)) == ()


def test_it_says_who_and_when_and_why(bare: Bare, here: Mirror) -> None:
    good, bad = release(bare)
    said = f'Revert "Ship v2"\n\nThis reverts commit {bad}.\n\nRollback-Id: abc'
    commit = history.commit(here.git_dir, made(here, Wanted(good, bad, bad, APP), message=said))
    assert (commit.subject, commit.trailer("Rollback-Id")) == ('Revert "Ship v2"', "abc")
    assert commit.author == commit.committer == history.Person("Tidegate", "tidegate@example.com", AT)


def test_it_is_signed_so_that_git_believes_it(tmp_path: Path, bare: Bare, here: Mirror, key: str) -> None:
    good, bad = release(bare)
    by = Signature("Tidegate", "tidegate@example.com", AT, key)
    commit = made(here, Wanted(good, bad, bad, APP), by)
    public = (tmp_path / "key.pub").read_text()
    (tmp_path / "allowed").write_text(f'tidegate@example.com namespaces="git" {public}')
    show(bare, here, commit, "other")
    bare.git("config", "gpg.ssh.allowedSignersFile", str(tmp_path / "allowed"))
    bare.git("verify-commit", commit)
    assert by.key not in repr(by)


def test_who_makes_it_again_after_a_crash_makes_the_same(bare: Bare, here: Mirror, key: str) -> None:
    good, bad = release(bare)
    by = Signature("Tidegate", "tidegate@example.com", AT, key)
    wanted = Wanted(good, bad, bad, APP)
    assert made(here, wanted, by) == made(here, wanted, by)


def test_a_key_that_is_none_is_said(bare: Bare, here: Mirror) -> None:
    good, bad = release(bare)
    with pytest.raises(Exception, match="commit-tree"):
        made(here, Wanted(good, bad, bad, APP), Signature("Tidegate", "t@example.com", AT, "no key"))


def test_in_a_repository_of_sha256_a_file_is_taken_away_too(tmp_path: Path) -> None:
    origin = Origin(tmp_path / "long", ids="sha256")
    here = Mirror(tmp_path / "cache", origin.remote)
    good = origin.commit({"services/api/a.yaml": "v1"})
    bad = origin.commit({"services/api/a.yaml": "v2", "services/api/new.yaml": "v2"}, "Ship v2")
    assert len(bad) == 64
    commit = made(here, Wanted(good, bad, bad, APP))
    assert history.changed(here.git_dir, good, commit) == ()
    here.renew()
    here.hold([bad])
    assert here.has(bad)
