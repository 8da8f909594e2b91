"""What is told goes to stdout, why not to stderr; each may be closed, on a full disk, or read no further."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable

INTERRUPTED = 130
"""The exit code of what somebody ended by Ctrl-C."""


def opened() -> None:
    """Of streams that are closed stdin is empty, and the others swallow what they are told."""
    if sys.stdin is None:
        sys.stdin = os.fdopen(os.open(os.devnull, os.O_RDONLY))
    for name in ("stdout", "stderr"):
        if getattr(sys, name) is None:
            setattr(sys, name, os.fdopen(_nowhere(), "w"))


def written(tell: Callable[[], object]) -> int:
    """The exit code: 0 once all is written or the reader had enough, 1 with the reason where it cannot be."""
    try:
        tell()
        sys.stdout.flush()
    except BrokenPipeError:
        write_no_more()
    except OSError as problem:
        write_no_more()
        return said(f"cannot be written: {problem.strerror or problem}")
    return 0


def said(problem: str) -> int:
    """The exit code 1, and the reason, behind all that was told before."""
    written(lambda: None)
    print(f"Error: {problem}", file=sys.stderr)
    return 1


def write_no_more() -> None:
    """`| head` has seen enough; python would complain again at exit."""
    os.dup2(_nowhere(), sys.stdout.fileno())


def _nowhere() -> int:
    return os.open(os.devnull, os.O_WRONLY)
