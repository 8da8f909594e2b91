"""Tells what is observed as it is observed, a line each; what only repeats is left out."""

from __future__ import annotations

import os
import shutil
import sys
from collections import Counter
from textwrap import wrap
from typing import TextIO

from tests.e2e.demo.record import (
    Asked,
    Broke,
    Ended,
    Gone,
    Judged,
    Leaving,
    Observed,
    Reading,
    Released,
    Stood,
    Told,
    Typed,
)

INDENT = 20
"""Where the words of a line begin."""

GOOD, BAD, DIM, BOLD, BLUE = "32", "31", "2", "1", "36"
Line = tuple[str, str, str]
"""Who, what, colour."""

TELLING = (
    "RolloutUpdated",
    "RolloutStepCompleted",
    "RolloutCompleted",
    "RolloutAborted",
    "ScalingReplicaSet",
)


class Screen:
    """Colours only on a terminal that wants them."""

    def __init__(self, out: TextIO = sys.stdout) -> None:
        self._out = out
        self._colours = out.isatty() and "NO_COLOR" not in os.environ
        self._width = min(shutil.get_terminal_size((110, 0)).columns, 140)

    def say(self, words: str, colour: str = "", indent: int = 0) -> None:
        """Words, broken into lines that fit; those after the first are indented."""
        for paragraph in words.split("\n"):
            lines = wrap(paragraph, self._width, subsequent_indent=" " * indent, break_on_hyphens=False)
            print(self._painted("\n".join(lines), colour), file=self._out, flush=True)

    def _painted(self, words: str, colour: str) -> str:
        return f"\x1b[{colour}m{words}\x1b[0m" if colour and words and self._colours else words


class Timeline:
    """Called with each observation, in order."""

    def __init__(self, screen: Screen) -> None:
        self._screen = screen
        self._versions: dict[str, str] = {}
        self._newest = ""
        self._last: dict[str, object] = {}
        self._leaving: Counter[str] = Counter()

    def __call__(self, observed: Observed) -> None:
        """Learn, then tell."""
        if isinstance(observed, Stood) and observed.current:
            self._versions[observed.hash] = observed.version
        for who, words, colour in self._lines(observed):
            self._screen.say(f"{observed.at:6.1f} s  {who:<9} {words}", colour, INDENT)

    def _lines(self, observed: Observed) -> list[Line]:
        match observed:
            case Released() | Typed() | Ended():
                return self._acted(observed)
            case Asked(weight=weight):
                return self._anew(
                    "asked", weight, ("traffic", f"VirtualService: {self._shares(weight)}", BOLD)
                )
            case Reading(weight=weight):
                return self._anew("routed", weight, ("envoy", f"route table: {self._shares(weight)}", DIM))
            case Stood():
                return self._stood(observed) if observed.current else []
            case Judged():
                return self._judged(observed)
            case Told() | Broke():
                return _reported(observed)
            case Leaving() | Gone():
                return self._pods(observed, self._versions.get(observed.hash, observed.hash))

    def _acted(self, acted: Released | Typed | Ended) -> list[Line]:
        match acted:
            case Released(version=version):
                self._newest = version
                return [("you", f"apply myregistry/api:{version}", BLUE)]
            case Typed(command=command):
                return [("you", f"$ {command}", BLUE)]
            case Ended(output=output):
                return [("", output, BLUE)]

    def _anew(self, key: str, value: object, line: Line) -> list[Line]:
        """The line, unless it was the last of its kind."""
        known, self._last[key] = self._last.get(key), value
        return [] if known == value else [line]

    def _shares(self, weight: int) -> str:
        return f"canary {self._newest} {weight} %, stable {100 - weight} %" if weight else "all on stable"

    def _stood(self, stood: Stood) -> list[Line]:
        where = f"{stood.version} {stood.phase}"
        if stood.phase in ("Progressing", "Paused"):
            where += f", step {stood.step}/{stood.steps}"
        why = stood.message if stood.phase in ("Paused", "Degraded") else ""
        colour = {"Healthy": GOOD, "Degraded": BAD}.get(stood.phase, "")
        return self._anew("stood", (where, why), ("rollout", f"{where}: {why}" if why else where, colour))

    def _judged(self, judged: Judged) -> list[Line]:
        """While it runs, only when its words change, not its numbers."""
        words = judged.message.partition("canary")[0]
        colour = {"Successful": GOOD, "Failed": BAD}.get(judged.phase, DIM)
        line = f"{judged.phase}: {judged.message}" if judged.message else f"{judged.run} begins"
        return self._anew("judged", (judged.run, judged.phase, words), ("analysis", line, colour))

    def _pods(self, seen: Leaving | Gone, version: str) -> list[Line]:
        """The first pod of a version that is told to go, and the last to be gone."""
        self._leaving[version] += 1 if isinstance(seen, Leaving) else -1
        if isinstance(seen, Gone) and self._leaving[version] == 0:
            return [("pods", f"of {version}: all gone", DIM)]
        return self._anew("pods", version, ("pods", f"of {version}: told to go, {seen.pod} first", DIM))


def _reported(seen: Told | Broke) -> list[Line]:
    """Of an Event, what the Rollout's own line does not say anyway."""
    if isinstance(seen, Broke):
        return [("witness", f"lost sight: {seen.what}", BAD)]
    return (
        [("event", f"{seen.reason}: {seen.message.partition(': ')[0]}", DIM)]
        if seen.reason in TELLING
        else []
    )
