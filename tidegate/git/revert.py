"""A commit that takes others back, made of a mirror's objects without a checkout; nothing is pushed here.

File by file as `git revert` would: what nobody has touched since becomes what it was, what somebody has is
merged, and what cannot be merged is a conflict. The same commit is made twice of the same words and moment
where its key signs alike twice, as Ed25519 does.
"""

from __future__ import annotations

import os
import re
import tempfile
from collections.abc import Collection, Iterable, Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

import msgspec

from tidegate.git import history
from tidegate.git.command import Making, read
from tidegate.git.errors import GitError
from tidegate.git.tree import Entry, Missing, Tree

MADE = "refs/tidegate/made/"
"""What was made here, and may not be forgotten before it is pushed."""
_CHANGE = re.compile(r":(\d{6}) (\d{6}) ([0-9a-f]+) ([0-9a-f]+) [A-Z]\d*")
_NOTHING = "000000"
_FILES = {"100644", "100755"}
_SOME_DAY = datetime(2026, 1, 1, tzinfo=UTC)


class Conflict(GitError):
    """Somebody has changed the same lines since."""


class Blob(NamedTuple):
    """A file's mode and contents; mode 000000 where there is no file."""

    mode: str
    id: str


class Change(NamedTuple):
    path: str
    good: Blob
    bad: Blob


class Wanted(msgspec.Struct, frozen=True):
    """What differs between `good` and `bad` at `paths` ("" is everything) is taken back upon `head`."""

    good: str
    bad: str
    head: str
    paths: tuple[str, ...]


class Signature(msgspec.Struct, frozen=True):
    """Who makes the commit, when, and with which private key of ssh it is signed, if any."""

    name: str
    email: str
    at: datetime
    key: str = ""

    def __repr__(self) -> str:
        return f"Signature({self.name})"


def changes(mirror: Path, wanted: Wanted) -> tuple[Change, ...]:
    """The files that are taken back."""
    flags = ("-r", "-z", "--no-renames", "--no-abbrev")
    answer = read(mirror, "diff-tree", *flags, wanted.good, wanted.bad)
    fields = answer.decode(errors="surrogateescape").split("\0")
    found = zip(fields[::2], fields[1::2], strict=False)
    ours = frozenset(wanted.paths)
    return tuple(_change(about, path) for about, path in found if within(path, ours))


def within(path: str, paths: Collection[str]) -> bool:
    """Whether a file is one of these, or lies in one of them."""
    return any(one in paths for one in ("", path, *_folders(path)))


def _folders(path: str) -> Iterator[str]:
    while "/" in path:
        path = path.rpartition("/")[0]
        yield path


def taken(mirror: Path, wanted: Wanted) -> tuple[tuple[history.Commit, bool], ...]:
    """The commits that brought what is taken back, newest first, and whether nothing of each stays."""
    paths = tuple(one.path for one in changes(mirror, wanted))
    found = history.between(mirror, wanted.good, wanted.bad, paths) if paths else ()
    ours = frozenset(wanted.paths)
    return tuple((one, _wholly(mirror, one, ours)) for one in found)


def made(mirror: Path, wanted: Wanted, message: str, by: Signature, name: str) -> str:
    """The commit, kept under `name`. Raises Conflict, and Missing where the mirror lacks contents."""
    there = {entry.path: Blob(entry.mode, entry.id) for entry in _at(mirror, wanted)}
    back = {
        one.path: _back(mirror, one, there.get(one.path, Blob(_NOTHING, "")))
        for one in changes(mirror, wanted)
    }
    _present(mirror, back.values())
    commit = _signed(mirror, ("-p", wanted.head, _tree(mirror, wanted.head, back)), message, by)
    read(mirror, "update-ref", MADE + name, commit)
    return commit


def _change(about: str, path: str) -> Change:
    found = _CHANGE.fullmatch(about)
    assert found, f"diff-tree says {about!r}"
    return Change(path, Blob(found[1], found[3]), Blob(found[2], found[4]))


def _wholly(mirror: Path, commit: history.Commit, paths: frozenset[str]) -> bool:
    if not commit.parents:
        return False
    return all(within(path, paths) for path in history.changed(mirror, commit.parents[0], commit.id))


def _at(mirror: Path, wanted: Wanted) -> list[Entry]:
    tree = Tree(mirror, wanted.head)
    found = (tree.at(one.path) for one in changes(mirror, wanted))
    return [entry for entry in found if entry]


def _back(mirror: Path, change: Change, ours: Blob) -> Blob:
    """What the file is to be."""
    if _same(ours, change.bad):
        return change.good
    if _same(ours, change.good):
        return ours
    if {ours.mode, change.good.mode, change.bad.mode} <= _FILES:
        return Blob(ours.mode, _merged(mirror, change, ours))
    raise Conflict(f"{change.path} was made, removed or turned into something else since")


def _same(one: Blob, other: Blob) -> bool:
    return one.mode == other.mode and (one.mode == _NOTHING or one.id == other.id)


def _merged(mirror: Path, change: Change, ours: Blob) -> str:
    """The id of `ours` with what `bad` did to `good` taken out of it."""
    sides = (ours.id, change.bad.id, change.good.id)
    contents = Tree(mirror, "").contents([Entry(change.path, ours.mode, one) for one in sides])
    with tempfile.TemporaryDirectory(prefix="tidegate-merge-") as name:
        files = [Path(name) / side for side in ("ours", "bad", "good")]
        for file, one in zip(files, sides, strict=True):
            file.write_bytes(contents[one])
        try:
            merged = read(mirror, "merge-file", "-p", "-q", *map(str, files))
        except GitError:
            raise Conflict(f"{change.path} was changed at the same lines since") from None
    return read(mirror, "hash-object", "-w", "--stdin", given=merged).decode().strip()


def _present(mirror: Path, blobs: Iterable[Blob]) -> None:
    """A push sends them, so they must be here. Raises Missing."""
    wanted = sorted({one.id for one in blobs if one.mode in _FILES or one.mode == "120000"})
    answer = read(mirror, "cat-file", "--batch-check", given="".join(f"{one}\n" for one in wanted).encode())
    lines = answer.decode().splitlines()
    if missing := tuple(line.split()[0] for line in lines if line.endswith(" missing")):
        raise Missing(missing)


def _tree(mirror: Path, head: str, back: Mapping[str, Blob]) -> str:
    """The id of `head`'s tree with these files instead."""
    with tempfile.TemporaryDirectory(prefix="tidegate-index-") as name:
        made = Making(environment={"GIT_INDEX_FILE": str(Path(name) / "index")})
        read(mirror, "read-tree", head, made=made)
        lines = (f"{one.mode} {one.id or '0' * len(head)}\t{path}\0" for path, one in back.items())
        given = "".join(lines).encode(errors="surrogateescape")
        read(mirror, "update-index", "-z", "--index-info", given=given, made=made)
        # Contents that nobody has read are not in the mirror.
        return read(mirror, "write-tree", "--missing-ok", made=made).decode().strip()


def unsignable(mirror: Path, key: str) -> str:
    """Why nothing can be signed with a private key, "" where something can: tried, and thrown away."""
    nothing = read(mirror, "hash-object", "-t", "tree", "--stdin").decode().strip()
    with tempfile.TemporaryDirectory(prefix="tidegate-trial-") as name:
        try:
            _signed(mirror, (nothing,), "A trial", Signature("a", "a@b", _SOME_DAY, key), Path(name))
        except GitError as problem:
            return str(problem)
    return ""


def _signed(mirror: Path, of: tuple[str, ...], message: str, by: Signature, into: Path | None = None) -> str:
    moment = f"{int(by.at.timestamp())} +0000"
    environment = {
        f"GIT_{role}_{field}": value
        for role in ("AUTHOR", "COMMITTER")
        for field, value in (("NAME", by.name), ("EMAIL", by.email), ("DATE", moment))
    }
    environment |= {"GIT_OBJECT_DIRECTORY": str(into)} if into else {}
    given = f"{message}\n".encode()
    if not by.key:
        made = Making(environment=environment)
        return read(mirror, "commit-tree", *of, given=given, made=made).decode().strip()
    with tempfile.TemporaryDirectory(prefix="tidegate-key-") as name:
        file = Path(name) / "key"
        os.close(os.open(file, os.O_WRONLY | os.O_CREAT, 0o600))
        file.write_text(f"{by.key.strip()}\n")
        made = Making({"gpg.format": "ssh", "user.signingKey": str(file)}, environment)
        try:
            return read(mirror, "commit-tree", "-S", *of, given=given, made=made).decode().strip()
        except GitError as problem:  # the same each time, wherever the key lay
            raise GitError(str(problem).replace(str(file), "key")) from None
