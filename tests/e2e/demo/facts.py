"""What must have been observed, each a named fact with its evidence. Pure: from the record alone."""

from __future__ import annotations

from math import sqrt

import msgspec

from tests.e2e.demo.record import Broke, Past, Reading
from tidegate.views.seen import Ended, Judged, Leaving, Stood, Told, Typed

QUIET = 3.0
"""Seconds for which nothing may have reached pods before the first of them is told to go."""

SIGMAS = 6.0
WALK = [10, 50, 100, 0]
CRASH_LOOP = "CrashLoopBackOff"


class Fact(msgspec.Struct, frozen=True):
    name: str
    holds: bool
    evidence: str


class Share(msgspec.Struct, frozen=True):
    """Of `n` answers, `canary` came from the canary while Envoy's route table said `weight` percent."""

    weight: int
    n: int
    canary: int

    @property
    def measured(self) -> float:
        return self.canary / self.n if self.n else 0.0

    @property
    def error(self) -> float:
        """The binomial standard error of the share asked."""
        asked = self.weight / 100
        return sqrt(asked * (1 - asked) / self.n) if self.n else 0.0

    @property
    def holds(self) -> bool:
        return self.n > 0 and abs(self.measured - self.weight / 100) <= SIGMAS * self.error

    def __str__(self) -> str:
        if not self.n:
            return f"{self.weight} % asked: nothing measured"
        off = (self.measured - self.weight / 100) / self.error if self.error else 0.0
        within = f"± {100 * self.error:.2f} %, off by {off:+.1f} standard errors" if self.error else "exactly"
        return f"{self.weight} % asked: {100 * self.measured:.2f} % of {self.n} answers ({within})"


def facts(past: Past, controller: str) -> list[Fact]:
    """`controller` is why the one controller did not live through it all; "" where it did."""
    return [
        *_of_the_good(past.chapter("v2"), past.hashes),
        *_of_the_bad(past.chapter("v3"), past.hashes),
        *_of_the_dead(past.chapter("v4"), past.hashes),
        *_of_all(past, controller),
    ]


def shares(past: Past) -> list[Share]:
    """What users were answered by while v2 walked."""
    return [_share(past.chapter("v2"), weight) for weight in WALK if weight]


EDGE = 5
"""Readings left out at each end of a weight: one takes a moment, in which the weight may move."""


def _share(chapter: Past, weight: int) -> Share:
    during = chapter.routed_at(weight)
    if not during:
        return Share(weight, 0, 0)
    if len(during) > 4 * EDGE:
        during = during[EDGE:-EDGE]
    by_version = (during[-1].answers - during[0].answers).by_version
    return Share(weight, sum(by_version.values()), by_version.get("v2", 0))


# -- v2


def _of_the_good(chapter: Past, hashes: dict[str, str]) -> list[Fact]:
    last = chapter.of(Stood)[-1:]
    stands = [each.phase == "Healthy" and each.stable == hashes.get("v2") for each in last]
    walked = [_share(chapter, weight) for weight in WALK if weight]
    return [
        _walked("v2 walked 10, 50, 100 and back to 0 in the VirtualService", chapter.asked, WALK),
        _walked("Envoy's route table followed: 10, 50, 100, 0", chapter.routed, WALK),
        _promoted_by_a_person(chapter),
        Fact(
            "weights asked are shares measured",
            all(share.holds for share in walked),
            "; ".join(map(str, walked)),
        ),
        _judged(
            "v2's analysis ended Successful", chapter, hashes.get("v2"), "Successful", "within its limit"
        ),
        _users_gone("v1's pods were told to go only after nobody had asked them", chapter, "v1", hashes),
        Fact("v2 is stable and Healthy at the end of its walk", stands == [True], _said(last)),
    ]


def _walked(name: str, seen: list[int], wanted: list[int]) -> Fact:
    walk = seen[1:] if seen[:1] == [0] else seen
    return Fact(name, walk == wanted, " → ".join(map(str, [0, *walk])))


def _promoted_by_a_person(chapter: Past) -> Fact:
    """Nothing passed the pause before the command was sent, and it was passed after."""
    name = "the pause ended by the command line, and by nothing else"
    typed = next(iter(chapter.of(Typed)), None)
    ended = next(iter(chapter.of(Ended)), None)
    passed = next((each for each in chapter.of(Stood) if each.step >= 2 and each.current), None)
    held = next((each for each in chapter.of(Stood) if each.step == 1 and each.pauses and each.current), None)
    if typed is None or ended is None or passed is None or held is None:
        return Fact(name, False, "no pause, no command, or nothing after it")
    evidence = (
        f"paused at {held.at:.1f} s, `{typed.command}` at {typed.at:.1f} s (exit {ended.code}), "
        f"step 2 at {passed.at:.1f} s"
    )
    return Fact(name, ended.code == 0 and held.at < typed.at < passed.at, evidence)


# -- v3


def _of_the_bad(chapter: Past, hashes: dict[str, str]) -> list[Fact]:
    return [
        _walked("v3 got 10 % and no more, then nothing, and never rose again", chapter.asked, [10, 0]),
        _walked("Envoy's route table followed: 10, 0", chapter.routed, [10, 0]),
        _judged("v3's analysis Failed, and says why", chapter, hashes.get("v3"), "Failed", "against a limit"),
        _degraded("v3", "is Degraded, and the Rollout names the errors", chapter, hashes, "against a limit"),
        _aborted(chapter),
        _drained(chapter, hashes),
    ]


def _judged(name: str, chapter: Past, pod_hash: str | None, phase: str, words: str) -> Fact:
    last = [each for each in chapter.of(Judged) if each.hash == pod_hash][-1:]
    right = [each.phase == phase and words in each.message for each in last]
    return Fact(name, right == [True], "".join(f"{e.run} {e.phase}: {e.message}" for e in last) or "no run")


def _degraded(version: str, name: str, chapter: Past, hashes: dict[str, str], words: str) -> Fact:
    """The last that was told of it, before it was taken back."""
    last = [each for each in chapter.of(Stood) if each.version == version and each.current][-1:]
    right = [e.phase == "Degraded" and words in e.message and e.stable == hashes.get("v2") for e in last]
    return Fact(f"{version} {name}", right == [True], _said(last))


def _aborted(chapter: Past) -> Fact:
    events = [each for each in chapter.of(Told) if each.reason == "RolloutAborted"]
    evidence = f"{len(events)} RolloutAborted" + "".join(f" at {each.at:.1f} s" for each in events)
    return Fact("one Event told of the abort", len(events) == 1, evidence)


def _drained(chapter: Past, hashes: dict[str, str]) -> Fact:
    name = f"Envoy sent nothing to v3 for {QUIET:.0f} s before its first pod was told to go"
    leaving = _first_leaving(chapter, hashes.get("v3"))
    if leaving is None:
        return Fact(name, False, "no pod of v3 was seen going")
    readings = [each for each in chapter.of(Reading) if each.at <= leaving.at]
    quiet = leaving.at - quiet_since(readings, leaving.at)
    evidence = f"upstream_rq_total {readings[-1].total if readings else '?'} unchanged and "
    evidence += f"upstream_rq_active 0 for {quiet:.1f} s before {leaving.pod}"
    return Fact(name, quiet >= QUIET, evidence)


def quiet_since(readings: list[Reading], now: float) -> float:
    """Since when the canary cluster's total has been what it is at the end, with nothing active."""
    since = now
    for each in reversed(readings):
        if each.active or each.total != readings[-1].total:
            break
        since = each.at
    return since


def _users_gone(name: str, chapter: Past, version: str, hashes: dict[str, str]) -> Fact:
    leaving = _first_leaving(chapter, hashes.get(version))
    if leaving is None:
        return Fact(name, False, f"no pod of {version} was seen going")
    counts = [(e.at, e.answers.by_version.get(version)) for e in chapter.of(Reading) if e.at <= leaving.at]
    since = min((at for at, n in counts if n == counts[-1][1]), default=leaving.at)
    quiet = leaving.at - since
    return Fact(name, quiet >= QUIET, f"its last answer came {quiet:.1f} s before {leaving.pod} was told")


def _first_leaving(chapter: Past, pod_hash: str | None) -> Leaving | None:
    return next((each for each in chapter.of(Leaving) if each.hash == pod_hash), None)


# -- v4


def _of_the_dead(chapter: Past, hashes: dict[str, str]) -> list[Fact]:
    weights = {*chapter.asked, *chapter.routed}
    totals = sorted({each.total for each in chapter.of(Reading)})
    untouched = len(totals) == 1 and not any(each.active for each in chapter.of(Reading))
    return [
        Fact(
            "v4's weight stayed 0, in Envoy's route table too",
            weights == {0},
            f"weights seen: {sorted(weights)} in {len(chapter.of(Reading))} readings",
        ),
        Fact(
            "v4 got no request",
            untouched,
            f"canary cluster's upstream_rq_total {' → '.join(map(str, totals))}, active 0",
        ),
        _degraded("v4", "is Degraded, and the Rollout names the crash loop", chapter, hashes, CRASH_LOOP),
    ]


# -- all


def _of_all(past: Past, controller: str) -> list[Fact]:
    answers = past.of(Reading)[-1].answers if past.of(Reading) else None
    broke = [each.what for each in past.of(Broke)]
    lost = answers.not_from_service if answers else -1
    wrong = {key: n for key, n in answers.seen.items() if key[1] != 200} if answers else {}
    strangers = {key: n for key, n in wrong.items() if key[0] != "v3"}
    return [
        Fact(
            "no request failed that the service did not fail itself",
            lost == 0 and not strangers,
            f"{lost} of {answers.total if answers else 0} answered 5xx or not at all by any but the service",
        ),
        Fact(
            "one controller lived through it all",
            not controller,
            controller or "one process, never restarted",
        ),
        Fact("the witnesses never lost sight", not broke, "; ".join(broke) or "all watches whole"),
    ]


def _said(last: list[Stood]) -> str:
    return (
        "".join(f"{each.version} {each.phase} {each.message}".strip() for each in last) or "nothing was seen"
    )
