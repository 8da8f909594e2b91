"""The demo's timeline: what is seen of a release, beside it what Envoy and the witnesses say."""

from __future__ import annotations

from tests.e2e.demo.record import Broke, Observed, Reading
from tidegate.cli.paper import Paper
from tidegate.views import timeline
from tidegate.views.timeline import BAD, DIM, Line

INDENT = 20
"""Where the words of a line begin."""


class Timeline:
    """Called with each observation, in order."""

    def __init__(self, paper: Paper) -> None:
        self._paper = paper
        self._release = timeline.Timeline()

    def __call__(self, observed: Observed) -> None:
        for who, words, colour in self._lines(observed):
            self._paper.say(f"{observed.at:6.1f} s  {who:<9} {words}", colour, INDENT)

    def _lines(self, observed: Observed) -> list[Line]:
        match observed:
            case Reading(weight=weight):
                told = ("envoy", f"route table: {self._release.shares(weight)}", DIM)
                return self._release.anew("routed", weight, told)
            case Broke(what=what):
                return [("witness", f"lost sight: {what}", BAD)]
            case _:
                return self._release.lines(observed)
