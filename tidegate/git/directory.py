"""A source that is plain manifests in a folder: YAML and JSON, read straight from Git's objects."""

from __future__ import annotations

import json
import posixpath
import re
from collections.abc import Iterator
from typing import Any

import msgspec
import yaml

from crds.globs import glob
from crds.paths import Path, get, show
from tidegate.git.errors import Unrenderable
from tidegate.git.source import Directory
from tidegate.git.tree import Entry, Tree
from tidegate.manifests import line_of, located

Raw = dict[str, Any]

ENDINGS = (".yaml", ".yml", ".json")
JSONNET = ".jsonnet"
MOST_FILE_BYTES = 4 * 2**20
MOST_BYTES = 16 * 2**20
MOST_FILES = 10_000
SUBMODULE = "a submodule, and these are not read"
SKIPPED = "# +argocd:skip-file-rendering"
MAPPINGS: tuple[Path, ...] = (("metadata", "annotations"), ("metadata", "labels"))
SECRETS: tuple[Path, ...] = (("data",), ("stringData",))
CHILDREN = {"Application", "AppProject", "ApplicationSet"}
"""What the folders below an app of apps hold, and nothing else, for it to be read whole unasked."""


class Object(msgspec.Struct, frozen=True):
    """A manifest and where it stands."""

    raw: Raw
    file: str = ""
    line: int = 0


def files(tree: Tree, path: str, directory: Directory) -> list[Entry]:
    """The manifests of the folder, by path. Raises Unrenderable."""
    prefix = f"{path}/" if path else ""
    every = tree.below(path, bool(directory.recurse))
    wanted = [entry for entry in every if _wanted(entry.path.removeprefix(prefix), directory)]
    for entry in wanted:
        if directory.recurse and entry.is_submodule:
            raise Unrenderable(f"{SUBMODULE}; give it an Application of its own, or exclude it", entry.path)
        if entry.path.endswith(JSONNET):
            raise Unrenderable("is not rendered yet; commit what it makes, and exclude it", entry.path)
    return [entry for entry in wanted if entry.path.endswith(ENDINGS)]


def objects(tree: Tree, entries: list[Entry]) -> list[Object]:
    """What the files say. Raises Unrenderable with file and line, and Missing."""
    if len(entries) > MOST_FILES:
        raise Unrenderable(f"{len(entries):,} manifest files, more than {MOST_FILES:,}; split the source")
    followed = {entry.path: tree.followed(entry) for entry in entries}
    for path, target in followed.items():
        _is_file(path, target)
    _small(followed, tree)
    contents = tree.contents(followed.values())
    return [one for path, target in followed.items() for one in parsed(contents[target.id], path)]


def parsed(content: bytes, file: str) -> Iterator[Object]:
    """The objects of a file, those of Lists each for itself. Raises Unrenderable."""
    text = _text(content, file)
    if SKIPPED in text:
        return
    found = [(0, _json(text, file))] if file.endswith(".json") else _yaml(text, file)
    for line, value in found:
        for raw in value if isinstance(value, list) else [value]:
            yield from (Object(one, file, line) for one in _flat(raw, file, line))


def is_app_of_apps(tree: Tree, path: str, directory: Directory) -> bool:
    """Whether the folders below hold Applications and AppProjects alone, which then are what is meant."""
    prefix = f"{path}/" if path else ""
    try:
        every = files(tree, path, msgspec.structs.replace(directory, recurse=True))
        deeper = [entry for entry in every if "/" in entry.path.removeprefix(prefix)]
        return bool(deeper) and all(one.raw["kind"] in CHILDREN for one in objects(tree, deeper))
    except Unrenderable:
        return False


def _is_file(path: str, entry: Entry) -> None:
    if entry.is_submodule:
        raise Unrenderable(f"leads to {SUBMODULE}", path)
    if entry.is_folder:
        raise Unrenderable("a link to a folder is not followed; write the source's path to it", path)


def _small(followed: dict[str, Entry], tree: Tree) -> None:
    sizes = tree.sizes(followed.values())
    for path, entry in followed.items():
        if sizes[entry.id] > MOST_FILE_BYTES:
            raise Unrenderable(
                f"has {sizes[entry.id] / 2**20:.1f} MiB, more than {MOST_FILE_BYTES >> 20} MiB; split it",
                path,
                1,
            )
    whole = sum(sizes[entry.id] for entry in followed.values())
    if whole > MOST_BYTES:
        raise Unrenderable(
            f"its manifests are {whole >> 20} MiB, more than {MOST_BYTES >> 20} MiB; split the source"
        )


def _text(content: bytes, file: str) -> str:
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as problem:
        line = content[: problem.start].count(b"\n") + 1
        raise Unrenderable("is no UTF-8 text", file, line) from None


def _yaml(text: str, file: str) -> list[tuple[int, Any]]:
    try:
        return [(line, value) for line, value in located(text)]
    except yaml.YAMLError as problem:
        said = getattr(problem, "problem", None) or str(problem)
        raise Unrenderable(f"is no YAML to be read: {said}", file, line_of(problem)) from None
    except (ValueError, RecursionError) as problem:
        raise Unrenderable(f"is no YAML to be read: {problem}", file) from None


def _json(text: str, file: str) -> Any:
    try:
        return json.loads(text, object_pairs_hook=_unique)
    except json.JSONDecodeError as problem:
        raise Unrenderable(f"is no JSON: {problem.msg}", file, problem.lineno) from None
    except (ValueError, RecursionError) as problem:
        # Only YAML's reader knows lines of keys; to it, JSON is YAML once no tab indents it.
        raise Unrenderable(f"is no JSON to be read: {problem}", file, _line(text)) from None


def _line(text: str) -> int | None:
    try:
        list(located(text.replace("\t", " ")))
    except yaml.YAMLError as problem:
        return line_of(problem)
    return None


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        keys = [key for key, _ in pairs]
        twice = next(key for key in keys if keys.count(key) > 1)
        raise ValueError(f"the key {twice!r} stands twice; keep one")
    return found


def _flat(raw: Any, file: str, line: int) -> list[Raw]:
    problem = _wrong(raw)
    if problem:
        raise Unrenderable(problem, file, line or None)
    if raw["kind"].endswith("List") and isinstance(raw.get("items"), list):
        return [one for item in raw["items"] for one in _flat(item, file, line)]
    return [raw]


def _wrong(raw: Any) -> str:
    """Why this is no manifest, "" where it is one."""
    if not isinstance(raw, dict):
        return f"holds {type(raw).__name__} where an object is needed; is it no manifest? exclude it"
    for key in ("apiVersion", "kind"):
        if not isinstance(raw.get(key), str) or not raw[key]:
            return f"has no {key}; is it no manifest? exclude it"
    if raw["kind"].endswith("List") and isinstance(raw.get("items"), list):
        return ""
    metadata = raw.get("metadata")
    name = metadata.get("name") or metadata.get("generateName") if isinstance(metadata, dict) else None
    if not (isinstance(name, str) and name):
        return f"this {raw['kind']} has no metadata.name; write one"
    return _misshapen(raw) or _unquoted(raw)


def _misshapen(raw: Raw) -> str:
    """Which field is no mapping that must be one, without its value: it may be a secret."""
    fields = MAPPINGS + (SECRETS if _is_secret(raw) else ())
    wrong = (path for path in fields if not isinstance(get(raw, *path, default={}), dict))
    return next(
        (f"{show(*path)} of this {raw['kind']} is no mapping; write key: value" for path in wrong), ""
    )


def _unquoted(raw: Raw) -> str:
    """Which value of a Secret is no text: the API server would tell it in its refusal."""
    fields = SECRETS if _is_secret(raw) else ()
    values = ((*path, key, value) for path in fields for key, value in get(raw, *path, default={}).items())
    wrong = (path for *path, value in values if not isinstance(value, str | None))
    return next(
        (f"{show(*map(str, path))} of this Secret is no text; write it in quotes" for path in wrong), ""
    )


def _is_secret(raw: Raw) -> bool:
    return (raw["apiVersion"], raw["kind"]) == ("v1", "Secret")


def _wanted(path: str, directory: Directory) -> bool:
    if posixpath.basename(path).startswith(".argocd-source"):
        return False
    if directory.exclude and _glob(directory.exclude).fullmatch(path):
        return False
    return not directory.include or bool(_glob(directory.include).fullmatch(path))


def _glob(pattern: str) -> re.Pattern[str]:
    try:
        return glob(pattern)
    except re.error:
        raise Unrenderable(
            f"{pattern!r} is no glob; write one like '{{a,b}}/*.yaml'", "source.directory"
        ) from None
