"""`lint`: what is wrong with manifests, without asking a cluster."""

from __future__ import annotations

import sys
from argparse import Namespace
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from crds.paths import get
from tidegate.cli.failure import Failure

Raw = dict[str, Any]


def lint(asked: Namespace) -> None:
    """Print every problem of every file; Failure where there is one."""
    failed = sum(_linted(file) for file in asked.files)
    if failed:
        raise Failure(f"{failed} problem{'s' * (failed > 1)} to mend before this is applied")


def _linted(file: str) -> int:
    """How many problems it has."""
    from tidegate.views.lint import findings

    found, kinds = 0, Counter[str]()
    for manifest in manifests(file):
        said = findings(manifest)
        if said is None:
            continue
        kinds[str(get(manifest, "kind"))] += 1
        for one in said:
            found += not one.passes
            print(f"{file}: {_name(manifest)}: {'(note) ' if one.passes else ''}{one}")
    if not found:
        print(f"{file}: {_praise(kinds)}")
    return found


def _praise(kinds: Counter[str]) -> str:
    listed = ", ".join(f"{count} {kind}{'s' * (count > 1)}" for kind, count in kinds.items())
    return f"no problems in {listed}" if listed else "nothing of argoproj.io to look at"


def _name(manifest: Raw) -> str:
    name = get(manifest, "metadata", "name") or get(manifest, "metadata", "generateName", default="")
    return f"{manifest['kind']} {name}".rstrip()


def manifests(file: str) -> Iterator[Raw]:
    """The objects of a file, those of Lists too. Failure where it cannot be read."""
    from yaml import YAMLError

    from tidegate.manifests import documents

    try:
        text = sys.stdin.read() if file == "-" else Path(file).read_text("utf-8")
        for document in documents(text):
            yield from _flat(document)
    except (OSError, UnicodeDecodeError) as problem:
        raise Failure(f"{file} cannot be read: {getattr(problem, 'strerror', '') or problem}") from None
    except YAMLError as problem:
        raise Failure(f"{file} is no YAML: {problem}") from None


def _flat(document: Any) -> Iterator[Raw]:
    if get(document, "kind") == "List":
        items = get(document, "items")
        yield from (one for one in (items if isinstance(items, list) else ()) if isinstance(one, dict))
    elif isinstance(document, dict):
        yield document
