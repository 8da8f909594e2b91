"""The files of a commit, read from Git's objects without a checkout.

A `Tree` remembers what was read through it, as ids: while another commit has the same ids at the same
paths, whatever was made of them is the same.
"""

from __future__ import annotations

import posixpath
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import NamedTuple

from tidegate.git.command import read
from tidegate.git.errors import Unrenderable

MOST_LINKS = 8
MOST_ASKED = 1000
"""Paths of one run of git."""
_LINK, _SUBMODULE = "120000", "160000"


class Missing(Exception):
    """Contents that the mirror does not hold yet; `Mirror.bring` fetches them."""

    def __init__(self, blobs: tuple[str, ...]) -> None:
        super().__init__(blobs)
        self.blobs = blobs


class Entry(NamedTuple):
    path: str
    mode: str
    id: str

    @property
    def is_folder(self) -> bool:
        return self.mode == "040000"

    @property
    def is_link(self) -> bool:
        return self.mode == _LINK

    @property
    def is_submodule(self) -> bool:
        return self.mode == _SUBMODULE


Reads = tuple[tuple[str, str], ...]
"""Paths and the ids they had; "" where nothing was there."""


def ids(mirror: Path, commit: str, paths: Iterable[str]) -> dict[str, str]:
    """The id of what stands at each path, file or folder, "" where nothing does."""
    wanted = sorted(set(paths))
    found: dict[str, str] = {}
    for start in range(0, len(wanted), MOST_ASKED):
        asked = [path for path in wanted[start : start + MOST_ASKED] if path]
        found |= {entry.path: entry.id for entry in _list(mirror, commit, asked)}
    root = _root(mirror, commit) if "" in wanted else ""
    return {path: found.get(path, "") if path else root for path in wanted}


def inside(folder: str, written: str) -> str | None:
    """The path within the repository that `written` means in `folder`; None where it leads out of it."""
    if written.startswith("/") or "\0" in written or "\\" in written:
        return None
    path = posixpath.normpath(posixpath.join(folder, written))
    return None if path == ".." or path.startswith("../") else "" if path == "." else path


class Tree:
    """One commit of a mirror."""

    def __init__(self, mirror: Path, commit: str) -> None:
        self._mirror = mirror
        self._commit = commit
        self._read: dict[str, str] = {}
        self._used: set[str] = set()
        self._ways: dict[str, set[str]] = {}

    @property
    def reads(self) -> Reads:
        return tuple(sorted(self._read.items()))

    @property
    def files(self) -> tuple[str, ...]:
        """Those that something was made of, and where their links lead."""
        return tuple(sorted(self._used.union(*(self._ways.get(path, ()) for path in self._used))))

    def use(self, paths: Iterable[str]) -> None:
        """Something was made of these files; of others in a folder that was read, nothing was."""
        self._used.update(paths)

    def at(self, path: str) -> Entry | None:
        """What stands at a path, links not followed."""
        if not path:
            return Entry("", "040000", _root(self._mirror, self._commit))
        return next(
            (entry for entry in _list(self._mirror, self._commit, [path]) if entry.path == path), None
        )

    def below(self, folder: str, recurse: bool = True) -> list[Entry]:
        """Every file of a folder, by path; noted as read as a whole. Unrenderable where it is none."""
        entry = self.at(folder)
        self._read[folder] = entry.id if entry else ""
        if entry is None or not entry.is_folder:
            raise Unrenderable(f"{folder or '.'!r} is no folder of this revision; correct the source's path")
        # Of a tree's id no path is asked, so that a folder's name need not be quoted.
        flags = ("-r",) if recurse else ()
        prefix = f"{folder}/" if folder else ""
        return [one._replace(path=prefix + one.path) for one in _entries(self._mirror, *flags, entry.id)]

    def noted(self, entry: Entry) -> Entry:
        """The entry, remembered as read."""
        self._read[entry.path] = entry.id
        return entry

    def followed(self, entry: Entry) -> Entry:
        """Where a link leads to, within the repository. Unrenderable where it leads out, or nowhere."""
        here = entry
        for _ in range(MOST_LINKS):
            if not here.is_link:
                return here
            target = self.contents([here])[here.id].decode(errors="surrogateescape")
            path = inside(posixpath.dirname(here.path), target)
            if path is None:
                raise Unrenderable("a link that leads out of the repository is not followed", entry.path)
            there = self.at(path)
            self._ways.setdefault(entry.path, set()).add(path)
            self._read[path] = there.id if there else ""
            if there is None:
                raise Unrenderable(f"a link to {path}, which is not there", entry.path)
            here = there
        raise Unrenderable(f"more than {MOST_LINKS} links in a row", entry.path)

    def sizes(self, entries: Iterable[Entry]) -> dict[str, int]:
        """Raises Missing."""
        wanted = sorted({entry.id for entry in entries})
        answer = read(self._mirror, "cat-file", "--batch-check", given=_lines(wanted)).decode().splitlines()
        _present(answer)
        return {id_: int(size) for id_, _, size in (line.split() for line in answer)}

    def contents(self, entries: Iterable[Entry]) -> dict[str, bytes]:
        """By id. Raises Missing, naming all that are, so that one fetch brings them."""
        wanted = sorted({entry.id for entry in entries})
        self.sizes(entries)
        answer = read(self._mirror, "cat-file", "--batch", given=_lines(wanted))
        return dict(_batch(answer))


def _lines(ids: Iterable[str]) -> bytes:
    return "".join(f"{id_}\n" for id_ in ids).encode()


def _present(answer: list[str]) -> None:
    missing = tuple(line.split()[0] for line in answer if line.endswith(" missing"))
    if missing:
        raise Missing(missing)


def _batch(answer: bytes) -> Iterable[tuple[str, bytes]]:
    at = 0
    while at < len(answer):
        end = answer.index(b"\n", at)
        id_, _, size = answer[at:end].decode().split()
        start, at = end + 1, end + 1 + int(size) + 1
        yield id_, answer[start : at - 1]


def _root(mirror: Path, commit: str) -> str:
    return read(mirror, "rev-parse", f"{commit}^{{tree}}").decode().strip()


def _list(mirror: Path, commit: str, paths: list[str]) -> list[Entry]:
    # -t: else `a` is not told where `a/b` is asked too.
    return _entries(mirror, "-t", "--full-tree", commit, "--", *paths) if paths else []


def _entries(mirror: Path, *arguments: str) -> list[Entry]:
    answer = read(mirror, "ls-tree", "-z", *arguments).decode(errors="surrogateescape")
    entries = []
    for line in filter(None, answer.split("\0")):
        about, _, path = line.partition("\t")
        mode, _, id_ = about.split()
        entries.append(Entry(path, mode, id_))
    return entries


def unchanged(found: Mapping[str, str], reads: Reads) -> bool:
    """Whether what was read is what `ids` found elsewhere."""
    return all(found.get(path) == id_ for path, id_ in reads)
