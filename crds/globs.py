"""Globs as Argo CD reads them: `*` is anything, `?` one character, `[a-z]` one of, `{a,b}` either."""

from __future__ import annotations

import re
from functools import lru_cache

_PARTS = re.compile(r"(\*+|\?|\{|\}|,|\[[^\]]*\])")


@lru_cache(maxsize=1024)
def glob(pattern: str, star: str = ".*") -> re.Pattern[str]:
    """To be matched in full; `star` is what a single `*` goes over. Raises re.error."""
    depth, text = 0, ""
    for part in _PARTS.split(pattern):
        if part == "{":
            depth, text = depth + 1, text + "(?:"
        elif part == "}" and depth:
            depth, text = depth - 1, text + ")"
        elif part == "," and depth:
            text += "|"
        else:
            text += _piece(part, star)
    return re.compile(text, re.DOTALL)


def _piece(part: str, star: str) -> str:
    if part.startswith("*"):
        return star if part == "*" else ".*"
    if part == "?":
        return "."
    if part.startswith("[") and len(part) > 2:
        return "[" + part[1:-1].replace("\\", r"\\").replace("!", "^", 1) + "]"
    return re.escape(part)
