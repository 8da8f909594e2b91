"""`tidegate simulate`: understand, play, and end with an exit code that a pipeline can use."""

from __future__ import annotations

import argparse
import logging
import sys
from collections.abc import Iterator, Sequence
from datetime import timedelta

from msgspec.structs import replace

from crds.errors import Invalid
from crds.times import duration
from tidegate.cli.failure import Failure
from tidegate.cli.lint import manifests
from tidegate.cli.paper import Paper
from tidegate.simulate.answers import said
from tidegate.simulate.assumed import Stage, staged
from tidegate.simulate.plot import Behaviour, Plot, plot
from tidegate.simulate.story import Ending, Story
from tidegate.simulate.world import World
from tidegate.views.lint import findings
from tidegate.views.seen import Observed
from tidegate.views.timeline import BAD, GOOD, Timeline

INDENT = 19
CODES = {"promoted": 0, "rejected": 1, "hangs": 3}
NOT_UNDERSTOOD = 2
ABOUT = """\
exit code: 0 promoted, 1 rejected, 2 not understood, 3 it would hang
examples:
  tidegate simulate rollout.yaml
  tidegate simulate rollout.yaml templates.yaml --canary-error-rate 8%
  tidegate simulate rollout.yaml --crash
  tidegate simulate rollout.yaml --promote-after never"""


def simulate(words: Sequence[str]) -> int:
    """The exit code."""
    asked = _parser().parse_args(words)
    logging.getLogger("tidegate").setLevel(logging.ERROR)
    try:
        every = [one for file in asked.files for one in manifests(file)]
        found = replace(plot(every, asked.rollout, asked.before), behaviour=_behaviour(asked))
        return CODES[_played(found, Paper()).end]
    except Failure as problem:
        sys.stderr.write(f"tidegate simulate: {problem}\n")
        return NOT_UNDERSTOOD


def _played(found: Plot, paper: Paper) -> Ending:
    stage = staged(found)
    opening = list(_opening(found, stage))
    for line in opening:
        paper.say(line, indent=10)
    paper.say("")
    timeline = Timeline()

    def tell(observed: Observed) -> None:
        for who, words, colour in timeline.lines(observed):
            paper.say(f"{clock(observed.at)}  {who:<9} {words}", colour, INDENT)

    with World(found, stage) as world:
        ending = Story(world, stage, tell).play()
    for line in _closing(ending, found):
        paper.say(line, GOOD if ending.end == "promoted" else BAD, 2)
    return ending


def clock(seconds: float) -> str:
    """Minutes and seconds, as wide for a second as for a day."""
    minutes, rest = divmod(round(seconds, 1), 60)
    return f"{minutes:3.0f}:{rest:04.1f}"


def _opening(found: Plot, stage: Stage) -> Iterator[str]:
    asked = found.behaviour
    yield f"simulated: Rollout {found.namespace}/{found.name}, {found.image} over {found.before}"
    errors = f"errors: stable {asked.errors:.2%}, canary {asked.canary_errors:.2%}"
    yield f"users:    {asked.rate:g} requests/s by {', '.join(stage.doors)}; {errors}" + (
        "; the canary crashes as it starts" if asked.crash else ""
    )
    given = ", ".join(map(str, found.things)) or "nothing"
    yield f"given:    {given}"
    yield f"assumed:  {', '.join(map(str, stage.assumed)) or 'nothing'}"
    for sentence in (*_persons(asked), *said(found)):
        yield f"          {sentence}"
    if found.unplayed:
        yield f"ignored:  {', '.join(found.unplayed)}"
    for one in findings({"kind": "Rollout", **found.rollout}) or ():
        yield f"lint:     {one}"


def _persons(asked: Behaviour) -> Iterator[str]:
    if asked.patience is None:
        yield "nobody ends a pause"
    else:
        yield f"a person ends a pause after {asked.patience.total_seconds():g} s"


def _closing(ending: Ending, found: Plot) -> Iterator[str]:
    yield ""
    yield f"{ending.end} after {clock(ending.after).strip()}: {ending.why}"
    if ending.requests:
        yield f"{found.image} answered {ending.requests} requests until then, {ending.errors} with an error"


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        "tidegate simulate",
        description="What a Rollout would do, before it is merged: the real controller, in virtual time.",
        epilog=ABOUT,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    add = parser.add_argument
    add(
        "files", nargs="+", metavar="FILE", help="the Rollout and, if wanted, what stands around it; -: stdin"
    )
    add("--rollout", default="", metavar="NAME", help="which one, where the files hold several")
    add("--before", default="", metavar="IMAGE", help="what stands; default: the same image, tagged before")
    add("--error-rate", type=_share, default=0.0, metavar="SHARE", help="of both versions, like 0.01 or 1%%")
    add("--canary-error-rate", type=_share, metavar="SHARE", help="of the new version; default: the same")
    add("--latency", type=float, metavar="NUMBER", help="what a histogram_quantile() of an analysis answers")
    add(
        "--answer",
        type=_answer,
        action="append",
        default=[],
        metavar="METRIC=NUMBER",
        help="its query's answer",
    )
    add("--crash", action="store_true", help="the new version crashes as it starts")
    add("--rate", type=float, default=100.0, metavar="N", help="requests a second; default: 100")
    add(
        "--promote-after",
        type=_patience,
        default=timedelta(minutes=1),
        metavar="TIME",
        help="how long a person lets a pause last, or never; default: 1m",
    )
    add("--within", type=_time, metavar="TIME", help="how long it may take; default: by its steps")
    add("--seed", type=int, default=1, metavar="N", help="of the users' luck; default: 1")
    return parser


def _behaviour(asked: argparse.Namespace) -> Behaviour:
    canary = asked.error_rate if asked.canary_error_rate is None else asked.canary_error_rate
    return Behaviour(
        rate=asked.rate,
        errors=asked.error_rate,
        canary_errors=canary,
        latency=asked.latency,
        answers=dict(asked.answer),
        crash=asked.crash,
        patience=asked.promote_after,
        within=asked.within,
        seed=asked.seed,
    )


def _share(text: str) -> float:
    try:
        share = float(text.removesuffix("%")) / (100 if text.endswith("%") else 1)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is no share; write like 0.05 or 5%") from None
    if not 0 <= share <= 1:
        raise argparse.ArgumentTypeError(f"{text} is not between 0 and 1; write like 0.05 or 5%")
    return share


def _answer(text: str) -> tuple[str, float]:
    name, equals, number = text.rpartition("=")
    try:
        return (name, float(number)) if equals and name else _no_answer(text)
    except ValueError:
        return _no_answer(text)


def _no_answer(text: str) -> tuple[str, float]:
    raise argparse.ArgumentTypeError(f"{text!r} is no METRIC=NUMBER; write like success-rate=0.93")


def _time(text: str) -> timedelta:
    try:
        return duration(text, "TIME")
    except Invalid as problem:
        raise argparse.ArgumentTypeError(problem.problem) from None


def _patience(text: str) -> timedelta | None:
    return None if text == "never" else _time(text)
