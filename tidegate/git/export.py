"""The folders a kustomization reads, copied out of Git's objects into a folder of their own.

kustomize then finds these files and no others: what lies outside of the repository, behind a link that leads
out, or on another server is not there to be read.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

from crds.paths import get
from tidegate.git.errors import Unrenderable
from tidegate.git.tree import Entry, Tree, inside
from tidegate.manifests import documents, line_of

NAMES = ("kustomization.yaml", "kustomization.yml", "Kustomization")
LEADS = (
    "resources",
    "bases",
    "components",
    "generators",
    "transformers",
    "validators",
    "crds",
    "configurations",
)
"""Fields that may name a folder or a file elsewhere; all else is read below the kustomization's own."""
TOOLS = {"generators", "transformers", "validators"}
FILES = {"files", "envs", "env", "path", "paths", "patches", "patchesStrategicMerge"}
"""Fields of a kustomization and of tools that kustomize reads files by."""
_URL = re.compile(r"(^|=)\s*https?://[^\n]*$", re.IGNORECASE)
MOST_FOLDERS = 200
MOST_FILES = 5000
MOST_FILE_BYTES = 4 * 2**20
MOST_BYTES = 64 * 2**20


class Export:
    """Builds the copy in `target`, a folder at a time. `left_out` is why some files are not in it.

    Kustomize reads no file that nothing names, so of a folder only what is named is `used`.
    """

    def __init__(self, tree: Tree, target: Path) -> None:
        self._tree = tree
        self._target = target
        self._done: set[tuple[str, bool]] = set()
        self._files = 0
        self._bytes = 0
        self._written: set[str] = set()
        self._named: set[str] = set()
        self.left_out: list[str] = []

    @property
    def used(self) -> set[str]:
        """The files here that something names."""
        return self._named & self._written

    def named(self, said: Any, folder: str) -> None:
        """Any text may be a file's name, or `key=name`."""
        for text in _texts(said):
            for name in (text, text.partition("=")[2]):
                self._named |= {path} if name and (path := inside(folder, name)) else set()

    def root(self, path: str, more: tuple[str, ...] = ()) -> str:
        """Copy the kustomization at `path`, what it leads to, and `more`. The path of its file."""
        file = self._copy(path)
        if not file:
            raise Unrenderable(
                f"{path or '.'} has no kustomization.yaml; add one that lists the manifests under resources"
            )
        for component in more:
            self._lead(component, path, file)
        return file

    def _copy(self, folder: str, tool: bool = False) -> str:
        """The path of the folder's kustomization, "" where it is only files or was seen before.

        `tool`: what it makes steers kustomize itself.
        """
        if (folder, tool) in self._done:
            return ""
        if len(self._done) == MOST_FOLDERS:
            raise Unrenderable(f"leads to more than {MOST_FOLDERS} folders", folder)
        if not self._covers(folder):
            self._write(self._tree.below(folder))
        self._done.add((folder, tool))
        own = [posixpath.join(folder, name) for name in NAMES]
        found = next((file for file in own if (self._target / file).is_file()), "")
        if found:
            self._leads(found, folder, tool)
        return found

    def _covers(self, path: str) -> bool:
        """Whether it was copied with a folder above it."""
        return any(not done or path == done or path.startswith(f"{done}/") for done, _ in self._done)

    def _leads(self, file: str, folder: str, tool: bool) -> None:
        kustomization = read_kustomization(self._target / file, file)
        self._named.add(file)
        self.named(kustomization, folder)
        _no_urls(kustomization, file)
        if get(kustomization, "helmCharts") or get(kustomization, "helmChartInflationGenerator"):
            raise Unrenderable(
                "inflates Helm charts, which is not done here; commit what they render to", file
            )
        for field in LEADS:
            for written in get(kustomization, field, default=()):
                if isinstance(written, str) and "\n" not in written:
                    self._lead(written, folder, file, tool or field in TOOLS)
                elif isinstance(written, str):
                    # A generator may also be written out in its place.
                    self._configured(written, folder, file)

    def _lead(self, written: str, folder: str, file: str, tool: bool = False) -> None:
        path = inside(folder, written)
        if path is None:
            raise Unrenderable(f"{written!r} leads out of the repository, where nothing is read", file)
        entry = self._tree.at(path)
        if entry is None:
            remote = (
                " (bases of other repositories are not fetched: commit a copy)" if _remote(written) else ""
            )
            raise Unrenderable(f"{written!r} is not in this repository{remote}", file)
        if entry.is_folder:
            self._copy(path, tool)
        elif entry.is_submodule:
            raise Unrenderable(f"{written!r} is a submodule, and these are not read", file)
        elif not self._covers(path):
            self._write([self._tree.noted(entry)])
        if tool and (self._target / path).is_file():
            self._configured((self._target / path).read_text("utf-8", "replace"), folder, path)

    def _configured(self, text: str, folder: str, file: str) -> None:
        """What a tool is told."""
        said = _configuration(text)
        self.named(said, folder)
        _no_urls(said, file)

    def _write(self, entries: list[Entry]) -> None:
        followed = {entry.path: target for entry in entries if (target := self._followed(entry))}
        sizes = self._tree.sizes(followed.values())
        for path, entry in list(followed.items()):
            if sizes[entry.id] > MOST_FILE_BYTES:
                del followed[path]
                self.left_out.append(f"{path} has more than {MOST_FILE_BYTES >> 20} MiB")
        self._within(len(followed), sum(sizes[entry.id] for entry in followed.values()))
        contents = self._tree.contents(followed.values())
        for path, entry in followed.items():
            file = self._target / path
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes(contents[entry.id])
            self._written.add(path)

    def _followed(self, entry: Entry) -> Entry | None:
        """The file an entry stands for; None, and told, where it stands for none."""
        try:
            target = self._tree.followed(entry)
        except Unrenderable as problem:
            self.left_out.append(str(problem))
            return None
        if target.is_folder or target.is_submodule:
            what = "a link to a folder" if target.is_folder else "a submodule"
            self.left_out.append(f"{entry.path} is {what}, which is not followed")
            return None
        return target

    def _within(self, files: int, size: int) -> None:
        self._files, self._bytes = self._files + files, self._bytes + size
        if self._files > MOST_FILES or self._bytes > MOST_BYTES:
            raise Unrenderable(
                f"its folders hold {self._files:,} files of {self._bytes >> 20} MiB, more than "
                f"{MOST_FILES:,} or {MOST_BYTES >> 20} MiB; move the kustomization to a folder of its own"
            )


def read_kustomization(path: Path, file: str) -> dict[str, Any]:
    try:
        found = list(documents(path.read_text("utf-8")))
    except (OSError, UnicodeDecodeError, ValueError) as problem:
        raise Unrenderable(f"cannot be read: {problem}", file) from None
    except yaml.YAMLError as problem:
        said = getattr(problem, "problem", None) or str(problem)
        raise Unrenderable(f"is no YAML to be read: {said}", file, line_of(problem)) from None
    if len(found) != 1 or not isinstance(found[0], dict):
        raise Unrenderable("must be one document that lists the manifests under resources", file)
    return found[0]


def _configuration(text: str) -> list[Any]:
    """What a generator or a transformer may be told; of what is no YAML, kustomize will say so."""
    try:
        return list(documents(text))
    except (ValueError, yaml.YAMLError):
        return []


def _no_urls(raw: Any, file: str, within: bool = False) -> None:
    """kustomize would fetch them, and our own loopback with it, which no setting of a proxy prevents."""
    if isinstance(raw, dict):
        for key, value in raw.items():
            _no_urls(value, file, within=key in FILES)
    elif isinstance(raw, list):
        for value in raw:
            _no_urls(value, file, within)
    elif within and isinstance(raw, str) and _URL.search(raw):
        raise Unrenderable(f"{raw!r} is on a server, and nothing is fetched from there: commit a copy", file)


def _texts(said: Any) -> Iterator[str]:
    if isinstance(said, str):
        yield said
    elif isinstance(said, dict | list | tuple):
        for one in said.values() if isinstance(said, dict) else said:
            yield from _texts(one)


def _remote(written: str) -> bool:
    return ":" in written or "?" in written or "//" in written or "github.com" in written
