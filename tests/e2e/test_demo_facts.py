"""The demo's facts hold for a story that went well, and each one notices what it is there for."""

from __future__ import annotations

import io
from collections.abc import Callable
from typing import TypeVar

import msgspec
import pytest
import yaml

from tests.e2e.demo.facts import Share, facts, quiet_since
from tests.e2e.demo.figures import catch, lines
from tests.e2e.demo.in_git import facts_of_git, lines_of_git
from tests.e2e.demo.record import Broke, Observed, Past, Pushed, Reading, Record, Reverted
from tests.e2e.demo.story import counted_on, odds, shortened
from tests.e2e.demo.timeline import Timeline
from tests.lab.load import Seen as Answer
from tests.lab.load import Tally
from tidegate.cli.paper import Paper
from tidegate.views.seen import Asked, Compared, Ended, Gone, Judged, Leaving, Released, Stood, Told, Typed
from tidegate.views.timeline import GOOD as GREEN

S = TypeVar("S", bound=Observed)

WHY = "error-rate: canary 30.0 % errors (30 of 100) against a limit of 5 %"
CRASH = "canary pods never started: CrashLoopBackOff after 4 restarts"
GOOD = "error-rate: ended within its limit"
PROMOTE = "kubectl argo rollouts promote api -n production"


def stood(at: float, version: str, phase: str, stable: str, **more: object) -> Stood:
    return msgspec.convert(
        {"at": at, "version": version, "hash": f"h{version}", "stable": f"h{stable}", "phase": phase, **more},
        Stood,
    )


def synced(at: float, commit: str, phase: str = "") -> list[Compared]:
    return [
        Compared(at, "root", "Synced", commit, "Healthy"),
        Compared(at + 0.1, "api-prod", "Synced", commit, "Healthy", phase),
    ]


def reverted(at: float, version: str, why: str, *, signed: bool = True, restored: bool = True) -> Reverted:
    message = f'Revert "api {version}"\n\nThis reverts commit c{version}.\n\n{why}\n'
    return Reverted(at, f"r{version}", message, signed, restored)


def readings(begin: float, end: float, weight: int, total: int, answers: dict[str, int]) -> list[Reading]:
    """Ten a second, all alike."""
    return [_reading(begin + n / 10, weight, total, answers) for n in range(round((end - begin) * 10))]


def _reading(at: float, weight: int, total: int, answers: dict[str, int]) -> Reading:
    seen: dict[Answer, int] = {(version, 200, True): n for version, n in answers.items()}
    return Reading(at, weight, total, 0, Tally(seen))


def walking(begin: float, weight: int, before: dict[str, int], v2: int, v1: int) -> list[Reading]:
    """Three seconds at one weight, in which v2 gave so many answers and v1 so many."""
    after = {"v1": before.get("v1", 0) + v1, "v2": before.get("v2", 0) + v2}
    first = [_reading(begin, weight, 0, before), _reading(begin + 0.1, weight, 0, before)]
    return [*first, _reading(begin + 2.9, weight, v2, after), _reading(begin + 3, weight, v2, after)]


def good() -> list[Observed]:
    """A story as it should go; times in seconds."""
    at_100 = {"v1": 3000, "v2": 1200}
    end = {**at_100, "v3": 100}
    return [
        Released(0, "v1"), Asked(0.1, 0), stood(2, "v1", "Healthy", "v1"), *readings(3, 4, 0, 0, {"v1": 600}),
        Released(10, "v2"), Pushed(10.05, "v2", "cv2"), *readings(10, 11, 0, 0, {"v1": 600}),
        stood(10.1, "v2", "Healthy", "v1", step=4, current=False),
        Asked(11, 10), *walking(11, 10, {"v1": 600}, 100, 900),
        stood(14, "v2", "Paused", "v1", step=1, pauses=["CanaryPauseStep"]),
        Typed(15, PROMOTE), Ended(15.1, 0, "rollout 'api' promoted"),
        stood(15.2, "v2", "Progressing", "v1", step=2),
        Asked(16, 50), *walking(16, 50, {"v1": 1500, "v2": 100}, 500, 500),
        Asked(20, 100), *walking(20, 100, {"v1": 2000, "v2": 600}, 600, 0),
        Judged(23, "api-hv2-2", "hv2", "Successful", GOOD),
        Asked(24, 0), *readings(24, 30, 0, 1200, {"v1": 2000, "v2": 1200}),
        stood(24.1, "v2", "Healthy", "v2"), *synced(24.2, "cv2"),
        Leaving(29.9, "api-hv1-a", "hv1"), Gone(31, "api-hv1-a", "hv1"),
        Released(40, "v3"), Pushed(40.05, "v3", "cv3"),
        stood(40.1, "v3", "Progressing", "v2"), *readings(40, 42, 0, 1200, at_100),
        Asked(42, 10), *readings(42, 44, 10, 1240, at_100), Judged(44, "api-hv3-3", "hv3", "Failed", WHY),
        Asked(44.01, 0), stood(44.02, "v3", "Degraded", "v2", message=f"RolloutAborted: {WHY}"),
        Told(44.03, "RolloutAborted", WHY), *readings(44.1, 50, 0, 1300, end),
        stood(44.5, "v2", "Healthy", "v2"), reverted(45, "v3", WHY), *synced(45.2, "rv3", "Recovered"),
        Leaving(50, "api-hv3-a", "hv3"),
        Released(60, "v4"), Pushed(60.05, "v4", "cv4"),
        stood(60.1, "v4", "Progressing", "v2"), *readings(60, 70, 0, 1300, end),
        stood(70, "v4", "Degraded", "v2", message=f"RolloutAborted: {CRASH}"),
        stood(70.5, "v2", "Healthy", "v2"), reverted(71, "v4", CRASH), *synced(71.2, "rv4", "Recovered"),
        Leaving(75, "api-hv4-a", "hv4"),
    ]  # fmt: skip


def failing(seen: list[Observed], controller: str = "") -> list[str]:
    past = Past(tuple(seen))
    return [fact.name for fact in (*facts(past, controller), *facts_of_git(past)) if not fact.holds]


def taken_back(version: str) -> str:
    return f"one commit takes {version} back: signed, all as it was before, and says why"


def without(kind: type[S], where: Callable[[S], bool]) -> list[Observed]:
    return [each for each in good() if not (isinstance(each, kind) and where(each))]


def with_one(extra: Observed) -> list[Observed]:
    return sorted([*good(), extra], key=lambda each: each.at)


def test_all_facts_hold_for_a_story_that_went_well() -> None:
    assert failing(good()) == []


def test_nothing_holds_of_a_story_that_was_not_played() -> None:
    held = [fact.name for fact in (*facts(Past(()), ""), *facts_of_git(Past(()))) if fact.holds]
    assert held == ["one controller lived through it all", "the witnesses never lost sight"]


@pytest.mark.parametrize(
    ("extra", "name"),
    [
        (Asked(43, 20), "v3 got 10 % and no more, then nothing, and never rose again"),
        (Asked(46, 10), "v3 got 10 % and no more, then nothing, and never rose again"),
        (_reading(46, 10, 1300, {}), "Envoy's route table followed: 10, 0"),
        (_reading(65, 1, 1300, {}), "v4's weight stayed 0, in Envoy's route table too"),
        (_reading(65, 0, 1301, {}), "v4 got no request"),
        (Asked(17, 60), "v2 walked 10, 50, 100 and back to 0 in the VirtualService"),
        (
            stood(14.5, "v2", "Progressing", "v1", step=2),
            "the pause ended by the command line, and by nothing else",
        ),
        (
            Leaving(46.9, "api-hv3-b", "hv3"),
            "Envoy sent nothing to v3 for 3 s before its first pod was told to go",
        ),
        (Leaving(21, "api-hv1-b", "hv1"), "v1's pods were told to go only after nobody had asked them"),
        (Told(45, "RolloutAborted", "again"), "one Event told of the abort"),
        (Broke(30, "watch ended"), "the witnesses never lost sight"),
        (reverted(46, "v3", WHY), taken_back("v3")),
        (reverted(46, "v3", WHY), "Git has one revert for each bad release"),
        (
            Told(46, "RolloutStepCompleted", "step 1/4"),
            "v2 is stable and Healthy after v3, and walked no steps",
        ),
        (
            stood(72, "v2", "Degraded", "v2"),
            "v2 is stable and Healthy after v4, and walked no steps",
        ),
        (
            Compared(46, "root", "OutOfSync", "rv3", "Healthy"),
            "the Applications are Synced at v3's revert, and Healthy",
        ),
        (
            Compared(72, "api-prod", "Synced", "rv4", "Healthy", "Pushed"),
            "the Applications are Synced at v4's revert, and Healthy",
        ),
        (
            Compared(29, "api-prod", "Synced", "cv1", "Healthy"),
            "the Applications are Synced at v2's commit, and Healthy",
        ),
    ],
)  # fmt: skip
def test_a_fact_notices_one_wrong_thing(extra: Observed, name: str) -> None:
    assert name in failing(with_one(extra))


@pytest.mark.parametrize(
    ("wrong", "name"),
    [
        (reverted(45, "v3", WHY, signed=False), taken_back("v3")),
        (reverted(71, "v4", CRASH, restored=False), taken_back("v4")),
        (reverted(45, "v3", "for no reason"), taken_back("v3")),
        (reverted(54.1, "v3", WHY), "v3's revert was in Git within 10 s of it"),
    ],
)
def test_a_revert_that_is_not_right_is_noticed(wrong: Reverted, name: str) -> None:
    told = without(Reverted, lambda each: each.commit == wrong.commit)
    seen = sorted([*told, wrong], key=lambda each: each.at)
    assert failing(seen) == [name]


@pytest.mark.parametrize(
    ("begin", "end", "version", "name"),
    [
        (10, 13.5, "v2", "v2 was applied within 3 s of its commit"),
        (40, 43.5, "v3", "v3 was applied within 3 s of its commit"),
        (44.1, 49.5, "v2", "v2 was back in the cluster within 5 s of v3's verdict"),
        (70.1, 75.5, "v2", "v2 was back in the cluster within 5 s of v4's verdict"),
    ],
)
def test_what_the_rollout_is_told_too_late_is_noticed(
    begin: float, end: float, version: str, name: str
) -> None:
    seen = without(Stood, lambda each: begin <= each.at < end)
    late = stood(end, version, "Healthy", "v2")
    assert name in failing(sorted([*seen, late], key=lambda each: each.at))


def test_traffic_that_is_taken_off_too_late_is_noticed() -> None:
    seen = without(Reading, lambda each: 44 < each.at < 45.2)
    assert failing(seen) == ["v3's traffic was off in Envoy within 1 s of its verdict"]


def test_how_long_it_took_is_told() -> None:
    assert lines_of_git(Past(tuple(good()))) == [
        "commit to applied: v2 0.1 s, v3 0.1 s, v4 0.1 s",
        "v3's verdict to cluster back: 0.5 s, to pushed revert: 1.0 s",
        "v4's verdict to cluster back: 0.5 s, to pushed revert: 1.0 s",
    ]


def test_what_was_never_seen_took_no_time() -> None:
    assert lines_of_git(Past(()))[1] == "v3's verdict to cluster back: never, to pushed revert: never"


def test_a_verdict_without_its_run_is_noticed() -> None:
    assert "v3's analysis Failed, and says why" in failing(without(Judged, lambda run: run.phase == "Failed"))


def test_a_pause_nobody_ended_by_a_command_is_noticed() -> None:
    said = failing(without(Typed, lambda _: True))
    assert said == ["the pause ended by the command line, and by nothing else"]


def test_a_command_that_failed_is_noticed() -> None:
    refused = [Ended(e.at, 1, "refused") if isinstance(e, Ended) else e for e in good()]
    assert failing(refused) == ["the pause ended by the command line, and by nothing else"]


def test_a_controller_that_died_is_noticed() -> None:
    assert failing(good(), "it ended with exit code 1") == ["one controller lived through it all"]


@pytest.mark.parametrize("answer", [("", 503, False), ("", 0, False), ("v2", 500, True)])
def test_a_failure_that_is_not_v3s_is_noticed(answer: Answer) -> None:
    last = Reading(80, 0, 1300, 0, Tally({("v2", 200, True): 9000, answer: 1}))
    assert "no request failed that the service did not fail itself" in failing([*good(), last])


def test_a_share_holds_within_six_standard_errors_and_not_beyond() -> None:
    assert [Share(10, 3600, 360 + off).holds for off in (-109, -108, 108, 109)] == [False, True, True, False]


def test_at_100_percent_every_answer_counts() -> None:
    assert (Share(100, 1000, 1000).holds, Share(100, 1000, 999).holds) == (True, False)


def test_a_share_of_no_answers_is_not_measured() -> None:
    assert not Share(10, 0, 0).holds


def test_quiet_begins_with_the_first_reading_after_the_last_request() -> None:
    seen = [Reading(1, 0, 5, 0), Reading(2, 0, 6, 1), Reading(3, 0, 6, 0), Reading(4, 0, 6, 0)]
    assert quiet_since(seen, 5) == 3


def test_readings_that_stop_before_the_end_prove_no_silence() -> None:
    assert quiet_since([], 5) == 5


def test_time_to_verdict_counts_from_the_first_request() -> None:
    caught = catch(Past(tuple(good())))
    assert caught is not None
    assert (caught.given, caught.verdict, caught.weight_off) == (42, 44, 44.01)


def test_figures_of_an_uncaught_v3_say_so() -> None:
    assert lines(Past(()))[0] == "v3 was not caught"


def test_v3s_odds_are_better_than_one_in_a_million() -> None:
    assert counted_on() >= 118
    assert len(odds()) == 2


def test_what_was_shortened_is_told_from_the_difference() -> None:
    brief = yaml.safe_load("{steps: [{setWeight: 10, duration: 5m}, {pause: {}}]}")
    played = yaml.safe_load("{steps: [{setWeight: 10, duration: 10s}, {pause: {}}], delay: 5}")
    assert shortened(brief, played) == ["steps.0.duration: 5m → 10s", "delay: unset → 5"]


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize(("out", "painted"), [(io.StringIO(), "good"), (Terminal(), "\x1b[32mgood\x1b[0m")])
def test_colours_are_for_terminals(out: io.StringIO, painted: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("NO_COLOR", raising=False)
    Paper(out).say("good", GREEN)
    assert out.getvalue() == f"{painted}\n"


def test_the_timeline_tells_a_weight_once_and_by_its_version() -> None:
    out = io.StringIO()
    tell = Timeline(Paper(out))
    for each in (Released(1, "v2"), Asked(2, 10), Asked(3, 10), Asked(4, 0)):
        tell(each)
    assert out.getvalue().splitlines()[1:] == [
        "   2.0 s  traffic   VirtualService: canary v2 10 %, stable 90 %",
        "   4.0 s  traffic   VirtualService: all on stable",
    ]


def test_the_timeline_shows_a_revert_with_its_words() -> None:
    out = io.StringIO()
    tell = Timeline(Paper(out))
    for each in (Released(1, "v3"), Pushed(1.2, "v3", "cv3"), reverted(2, "v3", "too many errors")):
        tell(each)
    assert out.getvalue().splitlines() == [
        "   1.0 s  you       $ git commit -m 'api v3' && git push",
        "   1.2 s  git       main is at cv3",
        "   2.0 s  git       the controller's rv3, signed:",
        '                    Revert "api v3"',
        "",
        "                    This reverts commit cv3.",
        "",
        "                    too many errors",
    ]


def test_a_record_hands_each_observation_on_in_order() -> None:
    heard: list[Observed] = []
    record = Record(heard.append)
    for version in ("v1", "v2"):
        record.note(lambda at, version=version: Released(at, version))  # type: ignore[misc]
    assert tuple(heard) == record.past.seen
