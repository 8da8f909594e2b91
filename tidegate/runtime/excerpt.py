"""What somebody said whom we do not understand, short enough for a condition."""

from __future__ import annotations

LONGEST = 80


def excerpt(body: bytes) -> str:
    """The beginning of an answer's body, as one line of text."""
    return " ".join(body[:LONGEST].decode(errors="replace").split())
