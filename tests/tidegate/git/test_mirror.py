"""A mirror over file://: what names mean, what is fetched for it, and what survives bad days."""

from __future__ import annotations

import contextlib
import fcntl
import shutil
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from tests.tidegate.git.origin import Origin, config_map
from tidegate.git import tree
from tidegate.git.errors import GitError, Unreachable
from tidegate.git.mirror import Head, Lost, Mirror

pytestmark = pytest.mark.git


def head(mirror: Mirror, revision: str = "main") -> Head:
    found = mirror.heads([revision])[revision]
    assert isinstance(found, Head), found
    return found


def lost(mirror: Mirror, revision: str) -> Lost:
    found = mirror.heads([revision])[revision]
    assert isinstance(found, Lost), found
    return found


def test_branch_tag_head_commit_and_range_are_told_by_one_look(origin: Origin, mirror: Mirror) -> None:
    first = origin.commit()
    origin.git("tag", "-a", "v1.0.0", "-m", "annotated")
    origin.git("tag", "v1.1.0-rc1")
    second = origin.commit()
    asked = ["main", "refs/heads/main", "HEAD", "", "v1.0.0", "^1.0", ">=1.1.0-0", second, first[:8]]
    found = mirror.heads(asked)
    assert {name: getattr(one, "commit", one) for name, one in found.items()} == {
        "main": second,
        "refs/heads/main": second,
        "HEAD": second,
        "": second,
        "v1.0.0": first,
        "^1.0": first,
        ">=1.1.0-0": first,
        second: second,
        first[:8]: first,
    }


def test_head_tells_its_branch(origin: Origin, mirror: Mirror) -> None:
    origin.commit()
    assert head(mirror, "HEAD").ref == "refs/heads/main"


def test_a_branch_comes_before_a_tag_of_its_name(origin: Origin, mirror: Mirror) -> None:
    origin.commit()
    origin.git("tag", "main")
    assert head(mirror).ref == "refs/heads/main"


def test_a_commit_that_no_branch_holds_is_found(origin: Origin, mirror: Mirror) -> None:
    origin.commit()
    dropped = origin.commit()
    origin.git("reset", "--quiet", "--hard", "HEAD~1")
    assert head(mirror, dropped).commit == dropped


def test_a_head_that_did_not_move_is_not_fetched(origin: Origin, mirror: Mirror) -> None:
    origin.commit()
    head(mirror)
    packs = sorted(mirror.git_dir.glob("objects/**/*"))
    head(mirror)
    assert sorted(mirror.git_dir.glob("objects/**/*")) == packs


@pytest.mark.parametrize("revision", ["-upload-pack=x", "a b", "a..b", "main~1", "x@{1}", "../x", "a\x00b"])
def test_what_names_no_ref_never_reaches_git_and_hurts_no_other(
    origin: Origin, mirror: Mirror, revision: str
) -> None:
    commit = origin.commit()
    found = mirror.heads([revision, "main"])
    told = f"targetRevision: {revision!r} is no branch, tag, commit or version range"
    assert (found[revision], found["main"]) == (Lost(revision, told), Head("main", "refs/heads/main", commit))


def test_a_name_that_is_not_there_is_told_with_the_fix(origin: Origin, mirror: Mirror) -> None:
    origin.commit()
    assert lost(mirror, "mian").why == (
        f"{origin.url} has no branch, tag or commit 'mian'; correct targetRevision"
    )


def test_a_branch_that_vanished_is_told_with_its_last_commit(origin: Origin, mirror: Mirror) -> None:
    commit = origin.commit()
    head(mirror)
    origin.git("branch", "-m", "trunk")
    found = lost(mirror, "main")
    assert (found.last, "it was last seen at" in found.why) == (commit, True)


def test_a_branch_may_become_a_folder_of_branches(origin: Origin, mirror: Mirror) -> None:
    origin.commit()
    origin.git("branch", "fix")
    head(mirror, "fix")
    origin.git("branch", "-D", "fix")
    origin.git("branch", "fix/one")
    assert head(mirror, "fix/one").ref == "refs/heads/fix/one"


def test_a_forced_push_is_told_until_the_branch_has_the_lost_commit_again(
    origin: Origin, mirror: Mirror
) -> None:
    origin.commit()
    old = origin.commit()
    head(mirror)
    origin.git("reset", "--quiet", "--hard", "HEAD~1")
    new = origin.commit(message="another")
    assert head(mirror) == Head("main", "refs/heads/main", new, rewritten=old)
    again = Mirror(mirror.git_dir.parent, origin.remote)
    assert head(again).rewritten == old
    origin.git("merge", "--quiet", "-m", "both", old)
    assert head(mirror).rewritten == ""


def test_an_ordinary_push_is_no_rewriting(origin: Origin, mirror: Mirror) -> None:
    origin.commit()
    head(mirror)
    origin.commit()
    assert head(mirror).rewritten == ""


@pytest.mark.parametrize("filters", [True, False])
def test_contents_come_when_they_are_read(tmp_path: Path, filters: bool) -> None:
    origin = Origin(tmp_path / "one", filters)
    commit = origin.commit({"a.yaml": config_map("a")})
    mirror = Mirror(tmp_path / "cache", origin.remote)
    head(mirror)
    there = tree.Tree(mirror.git_dir, commit)
    entries = there.below("")
    if filters:
        with pytest.raises(tree.Missing) as lacking:
            there.contents(entries)
        mirror.bring(lacking.value.blobs)
    assert [text.decode() for text in there.contents(entries).values()] == [config_map("a")]


def test_reading_asks_no_server(origin: Origin, mirror: Mirror) -> None:
    commit = origin.commit({"a.yaml": config_map("a")})
    head(mirror)
    shutil.rmtree(origin.folder)
    with pytest.raises(tree.Missing):
        tree.Tree(mirror.git_dir, commit).contents(tree.Tree(mirror.git_dir, commit).below(""))


def test_many_packs_become_one_and_nothing_is_lost(
    origin: Origin, mirror: Mirror, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tidegate.git.mirror.MOST_PACKS", 5)
    commits = []
    for i in range(8):
        # More than a fetch unpacks into loose objects.
        commits.append(origin.commit({f"{i}/{j}.yaml": config_map(f"{i}-{j}") for j in range(120)}))
        head(mirror)
        there = tree.Tree(mirror.git_dir, commits[-1])
        with pytest.raises(tree.Missing) as lacking:
            there.contents(there.below(f"{i}"))
        mirror.bring(lacking.value.blobs)
    assert len(list(mirror.git_dir.glob("objects/pack/*.pack"))) <= 7
    for i, commit in enumerate(commits):
        there = tree.Tree(mirror.git_dir, commit)
        assert len(there.contents(there.below(f"{i}"))) == 120


def test_a_repository_that_is_not_there_is_told(origin: Origin, mirror: Mirror) -> None:
    shutil.rmtree(origin.folder)
    with pytest.raises(Exception, match=r"is not there, or not for us.*check repoURL and its Secret"):
        mirror.heads(["main"])


def test_what_a_dead_process_left_locked_is_cleared(origin: Origin, mirror: Mirror) -> None:
    origin.commit()
    head(mirror)
    for left in ("packed-refs.lock", "config.lock", "refs/tidegate/seen/refs%2Fheads%2Fmain.lock"):
        (mirror.git_dir / left).touch()
    (mirror.git_dir / "objects/pack/tmp_pack_dead").write_bytes(b"half")
    commit = origin.commit()
    assert head(mirror).commit == commit


def test_a_mirror_half_made_is_made_anew(origin: Origin, mirror: Mirror) -> None:
    commit = origin.commit()
    mirror.git_dir.mkdir(parents=True)
    (mirror.git_dir / "HEAD").write_text("ref: refs/heads/none\n")
    assert head(mirror).commit == commit


@pytest.mark.parametrize("broken", ["HEAD", "config"])
def test_a_damaged_mirror_is_made_anew(origin: Origin, mirror: Mirror, broken: str) -> None:
    origin.commit()
    head(mirror)
    (mirror.git_dir / broken).write_bytes(b"\x00nonsense")
    commit = origin.commit()
    assert head(mirror).commit == commit


def test_damaged_objects_are_fetched_anew(origin: Origin, mirror: Mirror) -> None:
    origin.commit()
    head(mirror)
    for pack in mirror.git_dir.glob("objects/pack/*.pack"):
        pack.chmod(0o600)
        pack.write_bytes(b"nonsense")
    for loose in mirror.git_dir.glob("objects/??/*"):
        loose.chmod(0o600)
        loose.write_bytes(b"nonsense")
    commit = origin.commit()
    assert head(mirror).commit == commit


def test_a_cache_that_cannot_be_written_is_named_with_its_flag(tmp_path: Path, origin: Origin) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(GitError, match=r"no mirror can be kept in .*/file/cache: Not a dir.* --git-cache"):
        Mirror(tmp_path / "file" / "cache", origin.remote).heads({"main"})


def test_who_waits_too_long_for_another_process_says_so(tmp_path: Path, origin: Origin) -> None:
    origin.commit()
    mirror = Mirror(tmp_path / "cache", origin.remote, seconds=0.05)
    mirror.git_dir.parent.mkdir()
    with mirror.git_dir.with_suffix(".lock").open("w") as other:
        fcntl.flock(other, fcntl.LOCK_EX)
        with pytest.raises(Unreachable, match="another process has been fetching"):
            mirror.heads(["main"])


def test_two_processes_share_a_mirror(tmp_path: Path, origin: Origin) -> None:
    commits = [origin.commit({f"{i}.yaml": config_map(str(i))}) for i in range(5)]
    script = (
        "import sys; from pathlib import Path; from tidegate.git.mirror import Mirror; "
        "from tests.tidegate.git.origin import FILE; from tidegate.git.address import read; "
        "from tidegate.git.command import Remote\n"
        "mirror = Mirror(Path(sys.argv[1]), Remote(read(sys.argv[2], FILE), protocols=FILE))\n"
        "print(mirror.heads(['main', *sys.argv[3:]])['main'].commit)"
    )
    words = [sys.executable, "-c", script, str(tmp_path / "cache"), origin.url, *commits]
    racing = [subprocess.Popen(words, stdout=subprocess.PIPE, text=True) for _ in range(3)]
    assert [process.communicate()[0].strip() for process in racing] == [commits[-1]] * 3


def test_the_lock_outlives_us_as_long_as_our_git_runs(tmp_path: Path, origin: Origin) -> None:
    """Who is killed in mid-fetch leaves a git that still writes; nobody may write beside it."""
    origin.commit()
    mirror = Mirror(tmp_path / "cache", origin.remote, seconds=0.05)
    with mirror._writing() as lock:
        left = subprocess.Popen(["sleep", "60"], pass_fds=(lock,))
    try:
        with pytest.raises(Unreachable, match="another process"), mirror._writing():
            pass
    finally:
        left.kill()
        left.wait()


def test_a_fetch_that_is_killed_leaves_a_usable_mirror(tmp_path: Path, origin: Origin) -> None:
    origin.commit({f"{i}/{i}.yaml": config_map(str(i)) * 20 for i in range(300)})
    for seconds in (0.005, 0.02, 0.04):
        mirror = Mirror(tmp_path / "cache", origin.remote, seconds=seconds)
        with contextlib.suppress(Unreachable):
            mirror.heads(["main"])
    assert head(Mirror(tmp_path / "cache", origin.remote)).commit == origin.git("rev-parse", "HEAD")


def test_hooks_and_settings_of_the_host_are_not_used(
    origin: Origin, mirror: Mirror, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    hook = tmp_path / "hooks" / "reference-transaction"
    hook.parent.mkdir()
    hook.write_text(f"#!/bin/sh\ntouch {tmp_path / 'ran'}\n")
    hook.chmod(0o700)
    commit = origin.commit()
    (tmp_path / ".gitconfig").write_text(f"[core]\n  hooksPath = {hook.parent}\n[not even a config\n")
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("GIT_TEMPLATE_DIR", str(hook.parent))
    monkeypatch.setenv("GIT_CONFIG_COUNT", "nonsense")
    assert head(mirror).commit == commit
    assert not (tmp_path / "ran").exists()


def test_threads_may_look_at_once(origin: Origin, mirror: Mirror) -> None:
    commit = origin.commit()
    found: list[str] = []
    looking = [threading.Thread(target=lambda: found.append(head(mirror).commit)) for _ in range(4)]
    for thread in looking:
        thread.start()
    for thread in looking:
        thread.join()
    assert found == [commit] * 4
