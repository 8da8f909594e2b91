"""The numbers that matter at the end: how long, how many, how exact. Pure: from the record alone."""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from tests.e2e.demo.facts import shares
from tests.e2e.demo.record import Past, Reading, S
from tests.e2e.demo.story import LOOK
from tidegate.views.seen import Asked, Judged


class Catch(msgspec.Struct, frozen=True):
    """When the bad version was given requests, judged and taken off; seconds since the record began."""

    given: float
    verdict: float
    weight_off: float
    route_off: float
    last_request: float


def catch(past: Past) -> Catch | None:
    """None while v3 was not caught."""
    chapter = past.chapter("v3")
    begin = _first(each for each in chapter.of(Asked) if each.weight > 0)
    routed = _first(each for each in chapter.of(Reading) if each.weight > 0)
    verdict = _first(each for each in chapter.of(Judged) if each.phase == "Failed")
    if not (begin and routed and verdict):
        return None
    off = _first(e for e in chapter.of(Asked) if e.at > begin.at and e.weight == 0)
    route_off = _first(e for e in chapter.of(Reading) if e.at > routed.at and e.weight == 0)
    if not (off and route_off):
        return None
    return Catch(
        _first_request(chapter) or routed.at, verdict.at, off.at, route_off.at, _last_request(chapter)
    )


def _first_request(chapter: Past) -> float:
    readings = chapter.of(Reading)
    return next((each.at for each in readings if each.total > readings[0].total), 0.0)


def _last_request(chapter: Past) -> float:
    readings = chapter.of(Reading)
    return next((each.at for each in readings if each.total == readings[-1].total), 0.0)


def _first(seen: Iterable[S]) -> S | None:
    return next(iter(seen), None)


def lines(past: Past) -> list[str]:
    """As they are shown, a figure a line."""
    caught = catch(past)
    return [*(_of_catch(caught) if caught else ["v3 was not caught"]), *_hurt(past), *map(str, shares(past))]


def _of_catch(caught: Catch) -> list[str]:
    asked = 1000 * max(0.0, caught.weight_off - caught.verdict)
    routed = max(0.0, caught.route_off - caught.verdict)
    return [
        f"time to verdict: {caught.verdict - caught.given:.1f} s after v3's first request "
        f"(a look every {LOOK} s here, every 30 s in the brief)",
        f"verdict to traffic off: {asked:.0f} ms in the VirtualService, {routed:.1f} s in Envoy's routes "
        "(looked at every 0.1 s)",
        f"v3 had traffic for {caught.last_request - caught.given:.1f} s in all",
    ]


def _hurt(past: Past) -> list[str]:
    """Answers users got from v3 that were errors, of all they ever got."""
    if not past.of(Reading):
        return []
    answers = past.of(Reading)[-1].answers
    hurt = sum(n for (version, status, _), n in answers.seen.items() if version == "v3" and status >= 500)
    share, given = 100 * hurt / max(1, answers.total), answers.by_version.get("v3", 0)
    return [f"requests hurt: {hurt} of {answers.total} ({share:.2f} %); v3 answered {given} in all"]
