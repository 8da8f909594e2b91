"""The demo's timeline: what is seen of a release, beside it what Git, Envoy and the witnesses say."""

from __future__ import annotations

from tests.e2e.demo.record import Broke, Observed, Pushed, Reading, Reverted
from tidegate.cli.paper import Paper
from tidegate.views import timeline
from tidegate.views.seen import Released
from tidegate.views.timeline import BAD, BLUE, DIM, GOOD, Line

INDENT = 20
"""Where the words of a line begin."""


class Timeline:
    """Called with each observation, in order."""

    def __init__(self, paper: Paper) -> None:
        self._paper = paper
        self._release = timeline.Timeline()

    def __call__(self, observed: Observed) -> None:
        for who, words, colour in self._lines(observed):
            first, *more = words.splitlines() or [""]
            self._paper.say(f"{observed.at:6.1f} s  {who:<9} {first}", colour, INDENT)
            for line in more:
                self._paper.say(f"{'':{INDENT}}{line}", colour, INDENT)

    def _lines(self, observed: Observed) -> list[Line]:
        match observed:
            case Reading(weight=weight):
                told = ("envoy", f"route table: {self._release.shares(weight)}", DIM)
                return self._release.anew("routed", weight, told)
            case Released(version=version):
                self._release.lines(observed)
                return [("you", f"$ git commit -m 'api {version}' && git push", BLUE)]
            case Pushed(commit=commit):
                return [("git", f"main is at {commit[:7]}", DIM)]
            case Reverted(commit=commit, message=message, signed=signed):
                how = "signed" if signed else "not signed"
                return [("git", f"the controller's {commit[:7]}, {how}:\n{message}", GOOD)]
            case Broke(what=what):
                return [("witness", f"lost sight: {what}", BAD)]
            case _:
                return self._release.lines(observed)
