"""How a command says no."""

from __future__ import annotations


class Failure(Exception):
    """The command did what it could, and the answer is no; the text says why."""
