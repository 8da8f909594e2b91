"""Words for a person, in lines that fit: on a terminal in colours, elsewhere plain."""

from __future__ import annotations

import os
import shutil
import sys
from textwrap import wrap
from typing import TextIO

from tidegate.cli.failure import Failure
from tidegate.cli.streams import write_no_more


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
            self.line(self._painted("\n".join(lines), colour))

    def line(self, words: str) -> None:
        """As it is, to be copied. Who reads no further still wants the exit code."""
        try:
            print(words, file=self._out, flush=True)
        except BrokenPipeError:
            write_no_more()
        except OSError as problem:
            raise Failure(f"cannot be written: {problem.strerror or problem}") from problem

    def _painted(self, words: str, colour: str) -> str:
        return f"\x1b[{colour}m{words}\x1b[0m" if colour and words and self._colours else words
