"""Whether a directory is read with its subfolders, where nobody says.

Argo CD reads the top folder alone. An app-of-apps that keeps its children in subfolders, as the brief's,
would then hold nothing; so those are read, if there is nothing else in them, and only for an Application
first synced by us: where Argo CD left a status, its parked files would be deployed. What the controller was
told about all Applications outranks that, and what a source says outranks both.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal

import msgspec

from crds.application import Application
from gitops.claims import first_synced_here

Folders = Literal["", "children", "all"]
"""Which folders below its own a plain directory is read with: those of an app of apps alone, or all."""
CHILDREN = frozenset({("argoproj.io", "Application"), ("argoproj.io", "AppProject")})


class File(msgspec.Struct, frozen=True):
    """A manifest below the path, with the (group, kind) of each document in it."""

    path: str
    kinds: tuple[tuple[str, str], ...]


class Recursion(msgspec.Struct, frozen=True):
    """`condition` is what to say of it under `AppOfAppsRecursion`, "" for nothing."""

    recurse: bool
    condition: str = ""


def folders(application: Application, by_default: bool | None) -> Folders:
    """What a renderer may read unasked; `by_default` is what the controller was told, None for nothing."""
    source = application.spec.source
    if source is None or source.directory is not None or by_default is False:
        return ""
    if by_default:
        return "all"
    return "children" if first_synced_here(application) else ""


def recursion(
    application: Application, below: Iterable[File], *, plain: bool, by_default: bool | None = None
) -> Recursion:
    """`below` are the files in subfolders; `plain` says that no kustomization or chart is at the path."""
    source = application.spec.source
    if source is None or not plain:
        return Recursion(False)
    if source.directory is not None:
        return Recursion(source.directory.recurse)
    if by_default is not None:
        return Recursion(by_default)
    files = [one for one in below if one.kinds]
    kinds = {kind for one in files for kind in one.kinds}
    if not files or not kinds <= CHILDREN:
        return Recursion(False)
    folders = ", ".join(sorted({one.path.rpartition("/")[0] for one in files}))
    if not first_synced_here(application):
        fix = "write directory: {recurse: true} to read them"
        return Recursion(False, f"{folders} not read, as Argo CD would not; {fix}")
    fix = "write directory: {recurse: true} to say so, or {recurse: false} against it"
    return Recursion(True, f"{folders} read too, for only Applications and AppProjects lie there; {fix}")
