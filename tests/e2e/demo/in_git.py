"""What must have been observed of Git: releases come out of it, and each bad one is taken back in it, once.

Pure: from the record alone.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from math import inf

import msgspec

from tests.e2e.demo.facts import CRASH_LOOP, Fact
from tests.e2e.demo.figures import catch
from tests.e2e.demo.record import Past, Pushed, Reverted
from tidegate.views.seen import Judged, Released, Seen, Stood, Told

APPLIED, OFF, BACK, REVERTED = 3.0, 1.0, 5.0, 10.0
"""Seconds, at most: from a commit to the Rollout's spec; from a verdict to no traffic, to the spec of before,
to a revert in Git."""

STABLE = "v2"
BAD = {"v3": "against a limit", "v4": CRASH_LOOP}
"""Versions, and words of why they are rejected."""


class Times(msgspec.Struct, frozen=True):
    """Seconds that things took, infinite where they were not seen: `applied` from before the commit was made,
    `back` and `reverted` from the verdict."""

    applied: float
    back: float
    reverted: float


def times(past: Past, version: str) -> Times:
    chapter = past.chapter(version)
    stood, verdict = chapter.of(Stood), _verdict(chapter, version)
    return Times(
        applied=_first(e for e in stood if e.version == version) - _first(chapter.of(Released)),
        back=_first(e for e in stood if e.version == STABLE and e.at > verdict) - verdict,
        reverted=_first(chapter.of(Reverted)) - verdict,
    )


def seconds(took: float) -> str:
    return f"{took:.1f} s" if took < inf else "never"


def _verdict(chapter: Past, version: str) -> float:
    """The first word of it, by the analysis or of the Rollout."""
    failed = [each for each in chapter.of(Judged) if each.phase == "Failed"]
    fallen = [e for e in chapter.of(Stood) if e.version == version and e.current and e.phase == "Degraded"]
    return _first((*failed, *fallen))


def _first(seen: Iterable[Seen]) -> float:
    return min((each.at for each in seen), default=inf)


def lines_of_git(past: Past) -> list[str]:
    applied = ", ".join(f"{version} {seconds(times(past, version).applied)}" for version in (STABLE, *BAD))
    return [f"commit to applied: {applied}", *(_back(version, times(past, version)) for version in BAD)]


def _back(version: str, took: Times) -> str:
    back, reverted = seconds(took.back), seconds(took.reverted)
    return f"{version}'s verdict to cluster back: {back}, to pushed revert: {reverted}"


def facts_of_git(past: Past, scale: float = 1.0) -> list[Fact]:
    """`scale` stretches the seconds for a slow machine."""
    good = past.chapter(STABLE)
    return [
        _synced(good, f"{STABLE}'s commit", _pushed(good)),
        *(fact for version in BAD for fact in _taken_back(past.chapter(version), version)),
        Fact(
            "Git has one revert for each bad release",
            len(past.of(Reverted)) == len(BAD),
            f"{len(past.of(Reverted))} reverts",
        ),
        *_swift(past, scale),
    ]


def _taken_back(chapter: Past, version: str) -> Iterator[Fact]:
    reverts = chapter.of(Reverted)
    yield Fact(
        f"one commit takes {version} back: signed, all as it was before, and says why",
        [_is_right(each, _pushed(chapter), BAD[version]) for each in reverts] == [True],
        "; ".join(map(_shown, reverts)) or "no revert",
    )
    yield _synced(chapter, f"{version}'s revert", reverts[0].commit if reverts else "")
    yield _stands_again(chapter, version)


def _swift(past: Past, scale: float) -> Iterator[Fact]:
    for version in (STABLE, *BAD):
        took = times(past, version).applied
        yield _within(f"{version} was applied within {{}} of its commit", took, APPLIED * scale)
    yield _within("v3's traffic was off in Envoy within {} of its verdict", _traffic_off(past), OFF * scale)
    for version in BAD:
        told = times(past, version)
        back = f"{STABLE} was back in the cluster within {{}} of {version}'s verdict"
        yield _within(back, told.back, BACK * scale)
        yield _within(f"{version}'s revert was in Git within {{}} of it", told.reverted, REVERTED * scale)


def _within(name: str, took: float, limit: float) -> Fact:
    return Fact(name.format(f"{limit:g} s"), 0 <= took < limit, seconds(took))


def _traffic_off(past: Past) -> float:
    caught = catch(past)
    return max(0.0, caught.route_off - caught.verdict) if caught else inf


def _pushed(chapter: Past) -> str:
    return next((each.commit for each in chapter.of(Pushed)), "")


def _is_right(revert: Reverted, bad: str, why: str) -> bool:
    says = f"This reverts commit {bad}." in revert.message and why in revert.message
    return revert.signed and revert.restored and says


def _shown(revert: Reverted) -> str:
    what = revert.message.partition("\n")[0]
    return f"{revert.commit}, {'signed' if revert.signed else 'not signed'}: {what}"


def _synced(chapter: Past, what: str, commit: str) -> Fact:
    told = ", ".join(f"{e.app} {e.sync} at {e.revision[:7]}, {e.health}" for e in chapter.applications)
    name = f"the Applications are Synced at {what}, and Healthy"
    return Fact(name, chapter.synced(commit), told or "nothing was seen")


def _stands_again(chapter: Past, version: str) -> Fact:
    """Steps that were completed before the verdict are not meant."""
    verdict = _verdict(chapter, version)
    steps = [e for e in chapter.of(Told) if e.reason == "RolloutStepCompleted" and e.at > verdict]
    last = chapter.of(Stood)[-1:]
    stands = [e.version == STABLE and e.current and e.phase == "Healthy" and e.hash == e.stable for e in last]
    told = "".join(f"{e.version} {e.phase}, {len(steps)} steps walked" for e in last)
    name = f"{STABLE} is stable and Healthy after {version}, and walked no steps"
    return Fact(name, stands == [True] and not steps, told or "nothing was seen")
