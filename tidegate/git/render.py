"""What a revision declares: the objects of one source at one commit, and which files that depends on."""

from __future__ import annotations

import posixpath
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import yaml

from crds.application_source import as_json
from crds.errors import Invalid
from tidegate.git import directory, kustomize
from tidegate.git.directory import Object
from tidegate.git.errors import Unrenderable
from tidegate.git.export import NAMES
from tidegate.git.source import Directory, Source, source_of
from tidegate.git.tree import Reads, Tree, inside
from tidegate.manifests import documents, line_of

Raw = dict[str, Any]

OVERRIDES = ".argocd-source"
MOST_BYTES = 32 * 2**20


class Asked(msgspec.Struct, frozen=True):
    """`source` is a `spec.source` as compact JSON with sorted keys, so that the question is hashable.

    `folders` are those a plain directory is read with where its source does not say: none, `children` for an
    app of apps alone, or `all`. Argo CD reads none: what it has synced may have files parked there.
    """

    source: bytes
    application: str = ""
    folders: str = ""


class Rendering(msgspec.Struct, frozen=True):
    """`objects` are JSON, in the order of the files; `files` are what they were made of, and `reads` all that
    was looked into for them, folders as a whole.

    `recursed`: it was read with folders unasked. `unmatched`: image overrides that match no container.
    `unused`: fields of the source that were not acted on.
    """

    kind: str
    objects: tuple[bytes, ...]
    origins: tuple[tuple[str, int], ...]
    reads: Reads
    recursed: bool = False
    unmatched: tuple[str, ...] = ()
    unused: tuple[str, ...] = ()
    files: tuple[str, ...] = ()

    def raws(self) -> tuple[Raw, ...]:
        return tuple(msgspec.json.decode(one) for one in self.objects)


def asked(source: Raw, application: str = "", folders: str = "") -> Asked:
    return Asked(as_json(source), application, folders)


def render(mirror: Path, commit: str, question: Asked) -> Rendering:
    """Raises Unrenderable, Invalid, and Missing where the mirror lacks contents. Runs in a worker process."""
    tree = Tree(mirror, commit)
    source = _source(tree, question)
    if (source.kind or _detected(tree, source.path)) == "Kustomize":
        found = kustomize.objects(tree, source.path, source.kustomize)
        unmatched = kustomize.unmatched(source.kustomize, (one.raw for one in found))
        return _rendering("Kustomize", found, tree, unmatched=unmatched, unused=source.kustomize.unused)
    recursed = _recursed(tree, source, question.folders)
    options = msgspec.structs.replace(source.directory, recurse=True) if recursed else source.directory
    entries = directory.files(tree, source.path, options)
    found = directory.objects(tree, entries)
    tree.use(entry.path for entry in entries)
    return _rendering("Directory", found, tree, recursed=recursed)


def _rendering(kind: str, found: list[Object], tree: Tree, **more: Any) -> Rendering:
    return Rendering(
        kind,
        tuple(_all_encoded(found)),
        tuple((one.file, one.line) for one in found),
        tree.reads,
        files=tree.files,
        **more,
    )


def _all_encoded(found: list[Object]) -> Iterator[bytes]:
    whole = 0
    for one in found:
        encoded = _encoded(one)
        whole += len(encoded)
        if whole > MOST_BYTES:
            problem = f"with it the source renders to more than {MOST_BYTES >> 20} MiB; split the source"
            raise Unrenderable(problem, one.file, one.line or None)
        yield encoded


def _encoded(one: Object) -> bytes:
    try:
        return msgspec.json.encode(one.raw)
    except (TypeError, ValueError, RecursionError, OverflowError) as problem:
        raise Unrenderable(f"holds what JSON cannot: {problem}", one.file, one.line or None) from None


def _recursed(tree: Tree, source: Source, folders: str) -> bool:
    """Whether folders are read that the source does not ask for."""
    if folders == "all":
        return source.directory.recurse is None
    asked = folders == "children" and source.directory == Directory()
    return asked and directory.is_app_of_apps(tree, source.path, source.directory)


def _detected(tree: Tree, path: str) -> str:
    names = {posixpath.basename(entry.path) for entry in tree.below(path, recurse=False)}
    if "Chart.yaml" in names:
        raise Invalid(
            "source.path",
            f"{path or '.'} holds a Helm chart, which is not rendered yet; commit what it renders to",
        )
    return "Kustomize" if names & set(NAMES) else "Directory"


def _source(tree: Tree, question: Asked) -> Source:
    raw = msgspec.json.decode(question.source)
    folder = inside("", str(raw.get("path") or "."))
    if folder is None:
        raise Invalid("source.path", f"{raw['path']!r} leads out of the repository")
    raw["path"] = folder
    return source_of(raw, *_overlays(tree, folder, question.application))


def _overlays(tree: Tree, folder: str, application: str) -> list[Raw]:
    names = [f"{OVERRIDES}.yaml"] + ([f"{OVERRIDES}-{application}.yaml"] if application else [])
    entries = {posixpath.basename(entry.path): entry for entry in tree.below(folder, recurse=False)}
    found = [entries[name] for name in names if name in entries]
    contents = tree.contents(found)
    tree.use(entry.path for entry in found)
    return [_overlay(contents[entry.id], entry.path) for entry in found]


def _overlay(content: bytes, file: str) -> Raw:
    try:
        said = list(documents(content.decode()))
    except yaml.YAMLError as problem:
        raise Unrenderable(f"is no YAML to be read: {problem}", file, line_of(problem)) from None
    except ValueError as problem:
        raise Unrenderable(f"cannot be read: {problem}", file) from None
    if len(said) > 1 or not all(isinstance(one, dict) for one in said):
        raise Unrenderable("must be one object with parts of a source, like kustomize.images", file)
    return said[0] if said else {}
