"""Words for a person, in lines that fit: on a terminal in colours, elsewhere plain."""

from __future__ import annotations

import os
import shutil
import sys
from textwrap import wrap
from typing import TextIO


class Paper:
    """Colours only on a terminal that wants them."""

    def __init__(self, out: TextIO | None = None) -> None:
        self._out = out or sys.stdout
        self._colours = self._out.isatty() and "NO_COLOR" not in os.environ
        self._width = min(shutil.get_terminal_size((110, 0)).columns, 140)

    def say(self, words: str, colour: str = "", indent: int = 0) -> None:
        """Words, broken into lines that fit; those after the first are indented."""
        for paragraph in words.split("\n"):
            lines = wrap(paragraph, self._width, subsequent_indent=" " * indent, break_on_hyphens=False)
            print(self._painted("\n".join(lines), colour), file=self._out, flush=True)

    def line(self, words: str) -> None:
        """As it is, to be copied."""
        print(words, file=self._out, flush=True)

    def _painted(self, words: str, colour: str) -> str:
        return f"\x1b[{colour}m{words}\x1b[0m" if colour and words and self._colours else words
