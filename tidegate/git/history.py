"""What commits say and what they changed, read from a mirror."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from pathlib import Path

import msgspec

from crds.times import parse
from tidegate.git.command import read

MOST_COMMITS = 1000
_FIELDS = ("H", "T", "P", "an", "ae", "aI", "cn", "ce", "cI", "s", "b", "(trailers:only,unfold)")
_FORMAT = "--format=format:" + "%x00".join(f"%{field}" for field in _FIELDS)
_WIDTH = len(_FIELDS)


class Person(msgspec.Struct, frozen=True):
    name: str
    email: str
    at: datetime


class Commit(msgspec.Struct, frozen=True):
    """`trailers` in their order; a name may stand several times."""

    id: str
    tree: str
    parents: tuple[str, ...]
    author: Person
    committer: Person
    subject: str
    body: str
    trailers: tuple[tuple[str, str], ...] = ()

    def trailer(self, name: str) -> str:
        """The last value under this name, "" where there is none."""
        return next((value for key, value in reversed(self.trailers) if key.lower() == name.lower()), "")


def commit(mirror: Path, revision: str) -> Commit:
    return _commits(mirror, "--max-count=1", revision)[0]


def between(mirror: Path, old: str, new: str, paths: Iterable[str] = ()) -> tuple[Commit, ...]:
    """The commits that led from `old` to `new`, newest first and along first parents, at most a thousand.

    With paths, those that touched one of them. A `new` that does not contain `old` is no error: what it has
    besides their common history is told.
    """
    limits = ("--first-parent", f"--max-count={MOST_COMMITS}")
    return _commits(mirror, *limits, f"{old}..{new}", "--", *paths)


def brought(mirror: Path, old: str, new: str, paths: Iterable[str]) -> tuple[Commit, ...]:
    """The commits that brought `new` what it has besides `old` at these paths: those of branches that were
    merged too, and the merges themselves.
    """
    merged = _commits(mirror, f"--max-count={MOST_COMMITS}", f"{old}..{new}", "--", *(paths := tuple(paths)))
    return tuple({one.id: one for one in (*between(mirror, old, new, paths), *merged)}.values())


def changed(mirror: Path, old: str, new: str) -> tuple[str, ...]:
    """Paths of files that differ between two commits; one that was moved by both its names."""
    answer = read(mirror, "diff-tree", "-r", "-z", "--no-renames", "--name-only", old, new)
    return tuple(path for path in answer.decode(errors="surrogateescape").split("\0") if path)


def _commits(mirror: Path, *selection: str) -> tuple[Commit, ...]:
    answer = read(mirror, "log", "-z", "--no-show-signature", _FORMAT, *selection).decode(errors="replace")
    fields = answer.split("\0") if answer else []
    return tuple(_commit(fields[i : i + _WIDTH]) for i in range(0, len(fields) - _WIDTH + 1, _WIDTH))


def _commit(fields: list[str]) -> Commit:
    id_, tree, parents, *people, subject, body, trailers = fields
    lines = (line.partition(":") for line in trailers.splitlines())
    return Commit(
        id_,
        tree,
        tuple(parents.split()),
        _person(people[:3]),
        _person(people[3:]),
        subject,
        body.strip(),
        tuple((name, value.strip()) for name, colon, value in lines if colon),
    )


def _person(fields: list[str]) -> Person:
    name, email, at = fields
    return Person(name, email, parse(at))
