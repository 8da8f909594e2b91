"""An AnalysisRun looks, remembers two numbers, and ends with a phase and the reason in words."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import pytest

from analysis.check import Unanswered
from analysis.counters import Series
from analysis.evidence import Answered
from analysis.run import EXPECTS_TRAFFIC, Question, Reading, completed, next_look, proceed, questions
from crds.analysis import AnalysisRun, RunStatus, parse_run

START = datetime(2026, 3, 15, 10, 30, tzinfo=UTC)
NOTHING: dict[str, Reading] = {}


def seconds(count: float) -> datetime:
    return START + timedelta(seconds=count)


def metric(**changes: Any) -> dict[str, Any]:
    block = {"errors": "e", "total": "t", **changes.pop("statistics", {})}
    return {
        "name": "error-rate",
        "interval": "30s",
        "thresholdRange": {"max": 0.05},
        "provider": {"prometheus": {"address": "http://prometheus:9090"}},
        "statistics": block,
        **changes,
    }


def new_run(*metrics: dict[str, Any], expects: bool = True, **spec: Any) -> AnalysisRun:
    annotations = {EXPECTS_TRAFFIC: "2026-03-15T10:30:00Z"} if expects else {}
    owner = {"kind": "Rollout", "name": "api", "uid": "u", "controller": True}
    meta = {"name": "api-6b8f9-2", "annotations": annotations, "ownerReferences": [owner]}
    return parse_run({"metadata": meta, "spec": {"metrics": list(metrics or [metric()]), **spec}})


def scraped(*points: tuple[float, float], code: str = "200") -> tuple[Series, ...]:
    """A counter of one pod: seconds since the start, and what it read."""
    labels = (("code", code), ("instance", "gateway"), ("job", "envoy"))
    return (Series(labels, tuple((seconds(at).timestamp(), value) for at, value in points)),)


def seen(upto: float, errors: float, requests: float) -> dict[str, Reading]:
    """A reading in which everything since the start came in one scrape, `upto` seconds after it."""
    total = scraped((-1, 1000), (upto, 1000 + requests))
    return {"error-rate": Answered(total, scraped((-1, 7), (upto, 7 + errors), code="503"))}


def then(run: AnalysisRun, readings: dict[str, Reading], at: float) -> AnalysisRun:
    return msgspec.structs.replace(run, status=proceed(run, readings, seconds(at)))


def by_hand(*metrics: dict[str, Any]) -> AnalysisRun:
    """A run that a person made: no Rollout controls it, nor says since when there is traffic."""
    run = parse_run({"metadata": {"name": "by-hand"}, "spec": {"metrics": list(metrics or [metric()])}})
    return then(run, NOTHING, 0)


def begun(*metrics: dict[str, Any], **more: Any) -> AnalysisRun:
    return then(new_run(*metrics, **more), NOTHING, 0)


def walk(run: AnalysisRun, readings: Iterator[dict[str, Reading]], every: int = 30) -> AnalysisRun:
    for index, reading in enumerate(readings):
        run = then(run, reading, every * (index + 1))
    return run


def test_a_new_run_takes_its_watermark_and_runs() -> None:
    run = begun()
    assert (run.status.phase, run.status.started_at) == ("Running", START)
    assert next_look(run) == seconds(30)


def test_the_warm_up_is_before_the_watermark() -> None:
    assert next_look(begun(metric(initialDelay="1m"))) == seconds(90)


def test_nothing_is_asked_before_a_check_is_due() -> None:
    assert questions(begun(), seconds(29)) == ()


def test_a_due_check_asks_both_counters_from_before_the_watermark() -> None:
    (question,) = questions(begun(), seconds(31))
    assert isinstance(question, Question)
    assert (question.errors, question.total, question.at) == ("e", "t", seconds(30))
    assert question.window == timedelta(seconds=30 + 300)


def test_the_same_question_comes_again_until_it_is_answered() -> None:
    run = begun()
    assert questions(run, seconds(31)) == questions(then(run, NOTHING, 40), seconds(55))


def test_an_undecided_check_is_a_successful_measurement_that_says_continue() -> None:
    run = then(begun(), seen(30, errors=3, requests=140), 30)
    (result,) = run.status.metric_results
    (told,) = result.measurements
    assert (run.status.phase, told.phase, told.metadata["decision"]) == ("Running", "Successful", "continue")
    assert (told.metadata["errors"], told.metadata["n"]) == ("3", "140")
    assert run.status.message.startswith("error-rate: undecided: canary 2.1 % errors (3 of 140), at most ")


def test_too_many_errors_fail_at_once_and_say_so_in_words() -> None:
    run = then(begun(), seen(30, errors=36, requests=300), 30)
    assert run.status.phase == "Failed"
    assert run.status.completed_at == seconds(30)
    assert run.status.message == (
        "error-rate: canary 12.0 % errors (36 of 300) against a limit of 5 %: "
        "anytime-valid p = 5e-05 < alpha 0.05"
    )


def test_evidence_of_all_checks_adds_up() -> None:
    points = [(-1.0, 0.0)]
    run = begun()
    for check in range(1, 4):
        points.append((30.0 * check, 8.0 * check))
        total = scraped(*((at, 10 * value) for at, value in points))
        run = then(run, {"error-rate": Answered(total, scraped(*points, code="503"))}, 30 * check)
        if completed(run.status):
            break
    assert run.status.phase == "Failed"
    assert "(16 of 160)" in run.status.message or "(24 of 240)" in run.status.message


def test_a_counter_of_errors_not_yet_born_is_no_error() -> None:
    reading: dict[str, Reading] = {"error-rate": Answered(scraped((-1, 0), (30, 100)), ())}
    run = then(begun(), reading, 30)
    assert "0.0 % errors (0 of 100)" in run.status.message


def test_the_first_errors_of_a_release_count_whole() -> None:
    reading: dict[str, Reading] = {
        "error-rate": Answered(
            scraped((-1, 0), (30, 70)) + scraped((30, 30), code="503"), scraped((30, 30), code="503")
        )
    }
    assert "(30 of 100)" in then(begun(), reading, 30).status.message


def test_errors_beyond_the_totals_last_scrape_wait_for_the_next_check() -> None:
    """The errors are asked a moment later; a scrape in between must not make them more than the requests."""
    total, errors = [(-1.0, 0.0), (29.0, 100.0)], [(-1.0, 0.0), (29.0, 2.0), (30.0, 4.0)]
    run = then(begun(), {"error-rate": Answered(scraped(*total), scraped(*errors, code="503"))}, 30)
    assert "(2 of 100)" in run.status.message
    later = Answered(scraped(*total, (30.0, 130.0)), scraped(*errors, code="503"))
    assert "(4 of 130)" in then(run, {"error-rate": later}, 60).status.message


def test_after_a_long_absence_of_ours_the_next_check_is_ahead_again() -> None:
    run = then(begun(), seen(30, 0, 10), 300)
    assert next_look(run) == seconds(330)


def test_prometheus_away_for_half_a_minute_ends_nothing_and_loses_nothing() -> None:
    run = begun(metric(interval="5s"))
    at = 5.0
    while at < 35:
        run = then(run, {"error-rate": Unanswered("connection refused")}, at)
        look = next_look(run)
        assert look is not None
        at = (look - START).total_seconds()
    assert run.status.phase == "Running"
    assert "gives no answer since 2026-03-15T10:30:05Z: connection refused" in run.status.message
    caught_up = then(run, seen(at - 1, errors=2, requests=350), at)
    assert "(2 of 350)" in caught_up.status.message
    assert caught_up.status.metric_results[0].consecutive_error == 0


def test_refusals_are_retried_with_growing_pauses() -> None:
    run, waits = begun(), []
    for _ in range(5):
        due = next_look(run)
        assert due is not None
        run = then(run, {"error-rate": Unanswered("timeout")}, (due - START).total_seconds())
        again = next_look(run)
        assert again is not None
        waits.append((again - due).total_seconds())
    assert waits == [10, 20, 30, 30, 30]


def test_no_answer_for_the_whole_grace_is_inconclusive() -> None:
    run = then(begun(), {"error-rate": Unanswered("timeout")}, 30)
    late = then(run, {"error-rate": Unanswered("timeout")}, 30 + 180)
    assert late.status.phase == "Inconclusive"
    assert "gives no answer since" in late.status.message


def idle(checks: int) -> Iterator[dict[str, Reading]]:
    points = [(-1.0, 50.0)]
    for check in range(1, checks + 1):
        points.append((30.0 * check, 50.0))
        yield {"error-rate": Answered(scraped(*points), ())}


def test_a_canary_that_gets_no_requests_though_it_has_weight_is_inconclusive_after_the_grace() -> None:
    assert walk(begun(), idle(5)).status.phase == "Running"
    run = walk(begun(), idle(6))
    assert run.status.phase == "Inconclusive"
    assert "no traffic reaches the canary: t does not grow" in run.status.message


def test_a_canary_without_weight_may_be_silent_for_ever() -> None:
    assert walk(begun(expects=False), idle(50)).status.phase == "Running"


def test_a_run_that_a_person_made_expects_requests_from_its_start() -> None:
    assert walk(by_hand(), idle(5)).status.phase == "Running"
    assert walk(by_hand(), idle(6)).status.phase == "Inconclusive"


def test_before_the_initial_delay_is_over_nobody_listens_for_silence() -> None:
    for run in (by_hand(metric(initialDelay="10m")), begun(metric(initialDelay="10m"))):
        assert then(run, {"error-rate": Answered((), ())}, 630).status.phase == "Running"
        later = then(then(run, NOTHING, 630), {"error-rate": Answered((), ())}, 630)
        for at in range(660, 660 + 180, 30):
            later = then(later, {"error-rate": Answered((), ())}, at)
        assert later.status.phase == "Inconclusive"


def test_missing_series_are_named_and_never_a_success() -> None:
    nothing: list[dict[str, Reading]] = [{"error-rate": Answered((), ())}] * 6
    run = walk(begun(), iter(nothing))
    assert run.status.phase == "Inconclusive"
    assert "no data: http://prometheus:9090 has no series for t" in run.status.message


def test_a_target_no_longer_scraped_is_told_apart_from_one_without_requests() -> None:
    stale: list[dict[str, Reading]] = [{"error-rate": Answered(scraped((-1, 50)), ())}] * 6
    assert "t is not scraped any more" in walk(begun(), iter(stale)).status.message


def test_silence_begins_anew_after_requests_were_heard() -> None:
    run = then(begun(), seen(30, 0, 10), 30)
    reading: dict[str, Reading] = {"error-rate": Answered(scraped((-1, 1000), (30, 1010), (190, 1010)), ())}
    assert then(run, reading, 190).status.phase == "Running"


def test_a_user_may_say_that_silence_is_a_failure() -> None:
    run = walk(begun(metric(statistics={"noData": {"grace": "1m", "then": "Failed"}})), idle(2))
    assert run.status.phase == "Failed"


def test_a_run_ended_while_undecided_is_successful_and_states_the_bound() -> None:
    over = then(stopped(then(begun(), seen(30, errors=3, requests=140), 30)), NOTHING, 40)
    assert over.status.phase == "Successful"
    assert over.status.message == (
        "error-rate: ended undecided: canary 2.1 % errors (3 of 140), at most 7.5 % (always-valid at 95 %) "
        "against a limit of 5 %"
    )


def stopped(run: AnalysisRun) -> AnalysisRun:
    return msgspec.structs.replace(run, spec=msgspec.structs.replace(run.spec, terminate=True))


def test_a_run_ended_without_any_data_is_inconclusive() -> None:
    over = then(stopped(begun()), NOTHING, 40)
    assert over.status.phase == "Inconclusive"
    assert over.status.message == "error-rate: ended without any data; no data is never success"


def test_a_run_ended_before_it_began_is_inconclusive() -> None:
    assert then(stopped(new_run()), NOTHING, 0).status.phase == "Inconclusive"


def test_what_has_ended_stays_ended() -> None:
    failed = then(begun(), seen(30, errors=36, requests=300), 30)
    assert proceed(failed, seen(60, 0, 1), seconds(60)) == failed.status
    assert questions(failed, seconds(90)) == ()
    assert next_look(failed) is None


def test_the_worst_metric_is_the_runs_phase_and_closes_the_others() -> None:
    run = begun(metric(), metric(name="other"))
    readings = {**seen(30, 36, 300), "other": Answered(scraped((-1, 0), (30, 100)), ())}
    over = then(run, readings, 30)
    assert [result.phase for result in over.status.metric_results] == ["Failed", "Successful"]
    assert over.status.phase == "Failed"
    assert over.status.message.startswith("error-rate: canary 12.0 % errors")
    assert (over.status.run_summary.failed, over.status.run_summary.successful) == (1, 1)


def test_a_dry_run_metric_is_measured_and_judges_nothing() -> None:
    run = begun(metric(), metric(name="other"), dryRun=[{"metricName": "error-*"}])
    over = then(run, seen(30, 36, 300), 30)
    assert [result.phase for result in over.status.metric_results] == ["Failed", "Running"]
    assert over.status.phase == "Running"


def test_early_success_needs_evidence_requests_and_three_checks() -> None:
    eager = metric(statistics={"earlySuccess": True})
    readings = [seen(30 * check, 0, 400 * check) for check in range(1, 4)]
    assert walk(begun(eager), iter(readings[:2])).status.phase == "Running"
    assert walk(begun(eager), iter(readings)).status.phase == "Successful"
    assert walk(begun(), iter(readings)).status.phase == "Running"


def test_at_the_horizon_the_undecided_is_what_the_spec_says() -> None:
    readings = [seen(30, 0, 10), seen(60, 0, 20)]
    assert walk(begun(metric(count=2)), iter(readings)).status.phase == "Inconclusive"
    lenient = metric(count="2", statistics={"onHorizon": "Successful"})
    assert walk(begun(lenient), iter(readings)).status.phase == "Successful"


def test_at_the_horizon_without_data_nothing_is_a_success() -> None:
    lenient = metric(count=2, statistics={"onHorizon": "Successful"})
    assert walk(begun(lenient), idle(2)).status.phase == "Inconclusive"


def test_clumped_errors_count_for_less() -> None:
    tempered = metric(statistics={"dispersion": 4})
    assert then(begun(tempered), seen(30, 36, 300), 30).status.phase == "Running"


def test_ten_measurements_are_kept_unless_told_otherwise() -> None:
    readings = [seen(30 * check, 0, check) for check in range(1, 15)]
    assert len(walk(begun(), iter(readings)).status.metric_results[0].measurements) == 10
    frugal = begun(measurementRetention=[{"metricName": "*", "limit": 3}])
    result = walk(frugal, iter(readings)).status.metric_results[0]
    assert (len(result.measurements), result.count, result.successful) == (3, 14, 14)


def test_more_errors_than_requests_are_cut_and_doubted() -> None:
    run = then(begun(), seen(30, errors=12, requests=10), 30)
    assert "(10 of 10)" in run.status.message
    assert "more errors than requests" in run.status.metric_results[0].measurements[-1].metadata["doubts"]


def test_a_restarted_controller_goes_on_from_status_alone() -> None:
    run = then(begun(), seen(30, 3, 140), 30)
    reread = msgspec.convert(msgspec.to_builtins(run.status), RunStatus)
    again = msgspec.structs.replace(run, status=reread)
    reading = seen(60, 3, 140)
    assert then(again, reading, 60).status == then(run, reading, 60).status


def test_evidence_that_someone_pruned_is_an_error_and_not_a_fresh_start() -> None:
    run = begun()
    pruned = msgspec.structs.replace(run, status=msgspec.structs.replace(run.status, tidegate={}))
    over = then(pruned, NOTHING, 1)
    assert over.status.phase == "Error"
    assert "apply Tidegate's CRDs" in over.status.message


@pytest.mark.parametrize(
    ("written", "words"),
    [
        (
            {"name": "m", "provider": {"prometheus": {}}},
            "spec.metrics[0].provider.prometheus.query: is missing",
        ),
        (metric(statistics={"test": "ratio"}), "spec.metrics[0].statistics.test: ratio is not judged yet"),
        (
            metric(statistics={"baseline": {"errors": "e"}}),
            "spec.metrics[0].statistics.baseline: is not compared",
        ),
        (metric(statistics={"errors": ""}), "spec.metrics[0].statistics.errors: is missing"),
        (metric(statistics={"total": 't{h="{{args.hash}}"}'}), "still has a placeholder"),
        (metric(statistics={"alpha": 5}), "spec.metrics[0].statistics.alpha: 5 is not between 0 and 1"),
        (metric(statistics={"noData": {"then": "Successful"}}), "no data is never success"),
        (metric(statistics={"dispersion": 0.5}), "statistics.dispersion: is 1 at least"),
        (metric(thresholdRange={"min": 0.1}), "spec.metrics[0].thresholdRange: write max alone"),
        (metric(thresholdRange={"max": 5}), "spec.metrics[0].thresholdRange.max: 5 is not between 0 and 1"),
        (metric(interval="0s"), "spec.metrics[0].interval: is no time at all"),
        (metric(count="many"), "spec.metrics[0].count: 'many' is no count"),
        (metric(failureLimit=3), "spec.metrics[0].failureLimit: the evidence is cumulative"),
        (metric(inconclusiveLimit=1), "spec.metrics[0].inconclusiveLimit: an undecided check is not"),
        (metric(consecutiveErrorLimit="9"), "spec.metrics[0].consecutiveErrorLimit: silence is judged by"),
        (metric(consecutiveSuccessLimit=2), "spec.metrics[0].consecutiveSuccessLimit: earlySuccess goes by"),
        (metric(successCondition="result < 1"), "conditions beside statistics are not judged yet"),
    ],
)
def test_what_cannot_be_judged_is_an_error_that_names_the_field(written: dict[str, Any], words: str) -> None:
    run = begun(written)
    assert run.status.phase == "Error"
    assert words in run.status.message


@pytest.mark.parametrize(
    ("written", "words"),
    [
        ({"provider": {"job": {"spec": {}}}}, "provider.job: is not measured yet"),
        (
            {"provider": {"prometheus": {"query": "up"}}, "successCondition": "result | all(# > 1)"},
            "successCondition: | is expr-lang's and not acted on here",
        ),
    ],
)
def test_what_only_argo_measures_is_inconclusive_so_that_a_canary_it_began_is_held(
    written: dict[str, Any], words: str
) -> None:
    run = begun(metric(), {"name": "smoke", **written})
    assert run.status.phase == "Inconclusive"
    assert f"smoke: spec.metrics[1].{words}" in run.status.message


def test_a_run_without_metrics_is_an_error() -> None:
    run = then(parse_run({"spec": {}}), NOTHING, 0)
    assert (run.status.phase, run.status.message[:22]) == ("Error", "spec.metrics: is empty")


def test_a_metric_named_twice_is_an_error() -> None:
    assert "spec.metrics[1].name: 'error-rate' is there already" in begun(metric(), metric()).status.message


def test_a_spec_made_unreadable_on_the_way_ends_as_error_and_asks_nothing() -> None:
    run = begun()
    edited = msgspec.structs.replace(run, spec=new_run(metric(interval="soon")).spec)
    assert questions(edited, seconds(60)) == ()
    assert then(edited, NOTHING, 60).status.phase == "Error"


def test_an_unreadable_annotation_counts_as_weight_since_the_start() -> None:
    run = new_run()
    run = msgspec.structs.replace(
        run, metadata=msgspec.structs.replace(run.metadata, annotations={EXPECTS_TRAFFIC: "yes"})
    )
    assert walk(then(run, NOTHING, 0), idle(6)).status.phase == "Inconclusive"
