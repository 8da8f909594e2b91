"""What commits say and what they changed."""

from __future__ import annotations

from tests.tidegate.git.origin import Origin, config_map
from tidegate.git import history, tree
from tidegate.git.mirror import Mirror

MESSAGE = """Revert "Let v2 in"

This reverts commit 0123.
Error rate 7 % against 1 %.

Rollback-App: argocd/api-prod
Rollback-Id: one
Rollback-Id: two
"""


def test_a_commit_is_told_whole(origin: Origin, mirror: Mirror) -> None:
    first = origin.commit()
    commit = origin.commit({"a.yaml": config_map("a")}, MESSAGE)
    mirror.heads(["main"])
    found = history.commit(mirror.git_dir, commit)
    assert (found.id, found.parents, found.subject) == (commit, (first,), 'Revert "Let v2 in"')
    assert found.body.startswith("This reverts commit 0123.\nError rate 7 % against 1 %.")
    assert (found.author.name, found.author.email) == ("Ada", "ada@example.com")
    assert (found.trailer("rollback-id"), found.trailer("Rollback-App")) == ("two", "argocd/api-prod")
    assert found.author.at.tzinfo is not None


def test_a_message_of_one_line_or_in_strange_letters_is_told(origin: Origin, mirror: Mirror) -> None:
    commit = origin.commit(message="ü \x01 only")
    mirror.heads(["main"])
    found = history.commit(mirror.git_dir, commit)
    assert (found.subject, found.body, found.trailers) == ("ü \x01 only", "", ())


def test_changed_paths_are_told_of_both_names_of_a_move(origin: Origin, mirror: Mirror) -> None:
    old = origin.commit({"a/one.yaml": config_map("a"), "b.yaml": "b", "ü x.yaml": "1"})
    origin.git("mv", "a/one.yaml", "a/two.yaml")
    new = origin.commit({"ü x.yaml": "2"})
    mirror.heads(["main"])
    assert history.changed(mirror.git_dir, old, new) == ("a/one.yaml", "a/two.yaml", "ü x.yaml")


def test_the_commits_between_are_told_along_first_parents_and_of_paths(
    origin: Origin, mirror: Mirror
) -> None:
    old = origin.commit({"a/x": "1", "b/x": "1"})
    touched = origin.commit({"a/x": "2"})
    origin.git("checkout", "--quiet", "-b", "side")
    origin.commit({"b/x": "2"})
    origin.git("checkout", "--quiet", "main")
    origin.git("merge", "--quiet", "--no-ff", "-m", "merged", "side")
    new = origin.git("rev-parse", "HEAD")
    mirror.heads(["main"])
    told = [commit.id for commit in history.between(mirror.git_dir, old, new)]
    assert told == [new, touched]
    assert [commit.id for commit in history.between(mirror.git_dir, old, new, ("a",))] == [touched]
    assert history.between(mirror.git_dir, new, new) == ()


def test_ids_are_equal_where_contents_are(origin: Origin, mirror: Mirror) -> None:
    first = origin.commit({"a/b/x": "1", "c/b/x": "1"})
    second = origin.commit({"c/b/x": "2"})
    mirror.heads(["main"])
    paths = ["", "a", "a/b", "a/b/x", "c", "c/b", "none"]
    before, after = (tree.ids(mirror.git_dir, commit, paths) for commit in (first, second))
    assert {path for path in paths if before[path] != after[path]} == {"", "c", "c/b"}
    assert (before["a/b"], before["none"]) == (before["c/b"], "")


def test_ancestors_are_known(origin: Origin, mirror: Mirror) -> None:
    first, second = origin.commit(), origin.commit()
    mirror.heads(["main"])
    asked = [(second, first), (first, second), (first, first), (first, "0" * 40)]
    assert [mirror.contains(*pair) for pair in asked] == [True, False, True, False]
