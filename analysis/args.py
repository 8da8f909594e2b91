"""How the values of arguments get into a metric: `{{args.x}}` in any of its texts.

A secret's value stays out of it: its placeholder is replaced by itself, and filled in where a query is sent.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from crds.errors import Invalid
from crds.paths import Path, show

HIDDEN = "*****"
_PLACEHOLDER = re.compile(r"\{\{\s*([^{}]*?)\s*\}\}")


def filled(tree: Any, values: Mapping[str, str], path: Path) -> Any:
    """`tree`, which stands at `path`, with its placeholders replaced; the same object where it has none.

    Invalid names the text and the placeholder that has no value.
    """
    return _replaced(tree, lambda found, where: _value(found, values, where), path)


def revealed(tree: Any, secrets: Mapping[str, str]) -> Any:
    """`tree` with the secrets' placeholders replaced; any other is text that a value brought along."""
    return _replaced(tree, lambda found, _where: _secret(found, secrets), ())


def _replaced(tree: Any, by: Callable[[re.Match[str], Path], str], path: Path) -> Any:
    match tree:
        case str():
            return _PLACEHOLDER.sub(lambda found: by(found, path), tree)
        case dict():
            whole = {key: _replaced(inner, by, (*path, key)) for key, inner in tree.items()}
            return tree if all(whole[key] is tree[key] for key in tree) else whole
        case list():
            items = [_replaced(inner, by, (*path, at)) for at, inner in enumerate(tree)]
            return tree if all(new is old for new, old in zip(items, tree, strict=True)) else items
        case _:
            return tree


def placeholder(name: str) -> str:
    return f"{{{{args.{name}}}}}"


def asks_for(text: str, name: str) -> bool:
    return any(found[1] == f"args.{name}" for found in _PLACEHOLDER.finditer(text))


def redacted(text: str, secrets: Iterable[str] = ()) -> str:
    """`text` without its placeholders, and without these values."""
    for secret in filter(None, secrets):
        text = text.replace(secret, HIDDEN)
    return _PLACEHOLDER.sub(HIDDEN, text)


def _secret(found: re.Match[str], secrets: Mapping[str, str]) -> str:
    prefix, _, name = found[1].partition(".")
    return secrets.get(name, found[0]) if prefix == "args" else found[0]


def _value(found: re.Match[str], values: Mapping[str, str], path: Path) -> str:
    prefix, dot, name = found[1].partition(".")
    if (prefix, dot) != ("args", ".") or name not in values:
        known = ", ".join(map(placeholder, sorted(values))) or "none"
        raise Invalid(show(*path), f"{found[0]} has no value; give args one of that name. Known: {known}")
    return values[name]
