"""What Git answers about an Application: the commit a revision names, and the objects that it declares."""

from __future__ import annotations

import re
from collections.abc import Iterable
from hashlib import sha256
from typing import Any

import msgspec

from crds.paths import get
from gitops.objects import group_version
from gitops.recursion import File

Raw = dict[str, Any]
_COMMIT = re.compile(r"[0-9a-f]{40}|[0-9a-f]{64}")


class Found(msgspec.Struct, frozen=True):
    """The commit; `rewritten` is one that this branch's history no longer contains: someone force-pushed."""

    commit: str
    rewritten: str = ""


class Lost(msgspec.Struct, frozen=True):
    """It names nothing (any more)."""

    why: str


class Manifests(msgspec.Struct, frozen=True):
    """`files` are those the objects stand in, one by one. `recursed`: it was read as an app of apps."""

    kind: str
    objects: tuple[Raw, ...]
    files: tuple[str, ...] = ()
    recursed: bool = False


class Unrenderable(msgspec.Struct, frozen=True):
    """The files at that commit do not say what is wanted; waits for another commit."""

    why: str


def digest(objects: Iterable[Raw]) -> str:
    """The same for all that declare the same, in whatever order and files."""
    encoded = sorted(msgspec.json.encode(raw, order="sorted") for raw in objects)
    return sha256(b"\n".join(encoded)).hexdigest()


def is_commit(revision: str) -> bool:
    """Whether it is a commit's full id, which nobody has to be asked for."""
    return bool(_COMMIT.fullmatch(revision))


def below(found: Manifests, path: str) -> tuple[File, ...]:
    """The files in the subfolders of `path`, with the kinds of what stands in them."""
    top = path.strip("/").removeprefix("./")
    kinds: dict[str, list[tuple[str, str]]] = {}
    for file, raw in zip(found.files, found.objects, strict=False):
        if file.rpartition("/")[0] != ("" if top == "." else top):
            kinds.setdefault(file, []).append((group_version(raw)[0], str(get(raw, "kind", default=""))))
    return tuple(File(file, tuple(said)) for file, said in kinds.items())
