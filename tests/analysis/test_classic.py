"""A metric in Argo's terms: the truth table of its conditions, and the limits that end it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from math import inf, nan
from typing import Any

import msgspec
import pytest

from analysis.check import Unanswered
from analysis.classic import Lookup
from analysis.counters import Unusable
from analysis.instant import Instant, parse
from analysis.run import Reading, next_look, proceed, questions
from analysis.run_spec import read_run
from crds.analysis import AnalysisRun, Measurement, MetricResult
from crds.errors import Invalid

START = datetime(2026, 3, 15, 10, 30, tzinfo=UTC)
GOOD, BAD = Instant((0.99,)), Instant((0.5,))
REFUSED = Unanswered("connection refused")
GOOD_ONLY = {"successCondition": "result[0] >= 0.95"}
BOTH = {"successCondition": "result[0] >= 0.95", "failureCondition": "result[0] < 0.9"}
BETWEEN = Instant((0.92,))


def metric(**changes: Any) -> dict[str, Any]:
    provider = {"prometheus": {"address": "http://prometheus:9090", "query": "q"}}
    return {"name": "m", "interval": "60s", "provider": provider, **GOOD_ONLY, **changes}


def run_of(*metrics: dict[str, Any], **spec: Any) -> AnalysisRun:
    """Begun, and nothing measured yet."""
    run = read_run({"metadata": {"name": "api"}, "spec": {"metrics": list(metrics), **spec}})
    return then(run, {}, START)


def then(run: AnalysisRun, readings: dict[str, Reading], now: datetime) -> AnalysisRun:
    return msgspec.structs.replace(run, status=proceed(run, readings, now))


def after(run: AnalysisRun, *readings: Reading) -> AnalysisRun:
    """One reading after the other for `m`, each when it is due."""
    for reading in readings:
        look = next_look(run)
        assert look is not None, f"nothing more is due: {run.status.message}"
        run = then(run, {"m": reading}, look)
    return run


def result(run: AnalysisRun) -> MetricResult:
    return next(one for one in run.status.metric_results if one.name == "m")


def last(run: AnalysisRun) -> Measurement:
    return result(run).measurements[-1]


def phase_of(conditions: dict[str, str], reading: Reading) -> str:
    plain = metric()
    del plain["successCondition"]
    return last(after(run_of({**plain, **conditions}), reading)).phase


@pytest.mark.parametrize(
    ("conditions", "reading", "phase"),
    [
        ({}, BAD, "Successful"),
        (GOOD_ONLY, GOOD, "Successful"),
        (GOOD_ONLY, BAD, "Failed"),
        ({"failureCondition": "result[0] < 0.9"}, GOOD, "Successful"),
        ({"failureCondition": "result[0] < 0.9"}, BAD, "Failed"),
        (BOTH, GOOD, "Successful"),
        (BOTH, BAD, "Failed"),
        (BOTH, BETWEEN, "Inconclusive"),
        ({"successCondition": "true", "failureCondition": "true"}, GOOD, "Failed"),
        (GOOD_ONLY, Instant((nan,)), "Failed"),
        ({"failureCondition": "result[0] < 0.9"}, Instant((nan,)), "Successful"),
        ({"successCondition": "isInf(result[0])"}, Instant((inf,)), "Successful"),
        (GOOD_ONLY, Instant(()), "Error"),
        (GOOD_ONLY, Instant((0.99,), scalar=True), "Error"),
        ({"successCondition": "result >= 0.95"}, Instant((0.99,), scalar=True), "Successful"),
        (GOOD_ONLY, REFUSED, "Error"),
    ],
)
def test_conditions_give_a_phase(conditions: dict[str, str], reading: Reading, phase: str) -> None:
    assert phase_of(conditions, reading) == phase


def test_an_empty_vector_says_what_was_wrong_with_it() -> None:
    told = last(after(run_of(metric()), Instant(())))
    assert (told.value, told.message) == (
        "[]",
        "result[0] >= 0.95: index out of range: 0 (array length is 0)",
    )


@pytest.mark.parametrize(
    ("reading", "warning"),
    [
        (Instant(()), "no data: the query returned no series; Successful by its conditions alone"),
        (Instant((nan, nan)), "no data: the query returned nothing but NaN; Successful"),
        (Instant((1.0,), doubts="store down"), "partial answer: store down"),
    ],
)
def test_a_success_that_saw_little_keeps_its_phase_and_carries_a_warning(
    reading: Instant, warning: str
) -> None:
    run = after(run_of(metric(successCondition="len(result) == 0 || not (result[0] < 0.95)")), reading)
    assert last(run).phase == "Successful"
    assert last(run).message.startswith(warning)
    assert result(run).metadata["warning"].startswith(warning)
    assert "warning" in result(after(run, GOOD)).metadata


def test_a_range_is_a_point_rule_for_every_value_and_no_data_has_no_verdict() -> None:
    ranged = metric(thresholdRange={"min": 0.9, "max": 1})
    del ranged["successCondition"]
    run = run_of(ranged)
    assert last(after(run, Instant((0.9, 1.0)))).phase == "Successful"
    assert last(after(run, Instant((0.9, 1.1)))).phase == "Failed"
    assert last(after(run, Instant((nan, 1.0)))).phase == "Failed"
    assert (last(after(run, Instant(()))).phase, last(after(run, Instant((nan,)))).phase) == (
        "Error",
        "Error",
    )


def test_the_first_measurement_is_due_at_once_or_after_the_initial_delay() -> None:
    assert next_look(run_of(metric())) == START
    assert next_look(run_of(metric(initialDelay="2m"))) == START + timedelta(minutes=2)


def test_the_next_one_is_due_an_interval_after_the_last_and_ten_seconds_after_an_error() -> None:
    run = after(run_of(metric()), GOOD)
    assert next_look(run) == START + timedelta(seconds=60)
    assert next_look(after(run, REFUSED)) == START + timedelta(seconds=70)


def test_the_same_question_comes_again_until_it_is_answered() -> None:
    run = run_of(metric())
    (asked,) = questions(run, START)
    assert isinstance(asked, Lookup)
    assert (asked.provider.query, asked.at) == ("q", START)
    assert questions(then(run, {}, START + timedelta(seconds=7)), START + timedelta(seconds=9)) == (asked,)


def test_without_interval_and_count_one_measurement_is_all() -> None:
    once = metric()
    del once["interval"]
    run = after(run_of(once), GOOD)
    assert (run.status.phase, result(run).count) == ("Successful", 1)


def test_an_error_of_the_only_measurement_is_retried_and_does_not_count() -> None:
    once = metric()
    del once["interval"]
    run = after(run_of(once), REFUSED, REFUSED)
    assert (run.status.phase, result(run).count, result(run).error) == ("Running", 0, 2)
    assert after(run, GOOD).status.phase == "Successful"


def test_without_count_it_goes_on_until_it_is_ended() -> None:
    run = after(run_of(metric()), *[GOOD] * 30)
    assert run.status.phase == "Running"
    ended = msgspec.structs.replace(run, spec=msgspec.structs.replace(run.spec, terminate=True))
    over = then(ended, {}, START + timedelta(hours=1))
    assert (over.status.phase, over.status.message) == ("Successful", "Run Terminated")


@pytest.mark.parametrize(
    ("limits", "readings", "phase", "reason"),
    [
        ({}, [BAD], "Failed", "failed (1) > failureLimit (0)"),
        ({"failureLimit": 2}, [BAD, GOOD, BAD, GOOD, BAD], "Failed", "failed (3) > failureLimit (2)"),
        ({"failureLimit": "1"}, [BAD, BAD], "Failed", "failed (2) > failureLimit (1)"),
        (BOTH, [BETWEEN], "Inconclusive", "inconclusive (1) > inconclusiveLimit (0)"),
        (
            {**BOTH, "inconclusiveLimit": 1},
            [BETWEEN, GOOD, BETWEEN],
            "Inconclusive",
            "inconclusive (2) > inconclusiveLimit (1)",
        ),
        (
            {},
            [REFUSED] * 5,
            "Error",
            'consecutiveErrors (5) > consecutiveErrorLimit (4): "Error Message: connection refused"',
        ),
        (
            {"consecutiveErrorLimit": 0},
            [REFUSED],
            "Error",
            'consecutiveErrors (1) > consecutiveErrorLimit (0): "Error Message: connection refused"',
        ),
    ],
)
def test_beyond_a_limit_the_metric_is_assessed_and_says_why(
    limits: dict[str, Any], readings: list[Reading], phase: str, reason: str
) -> None:
    run = run_of(metric(**limits))
    assert after(run, *readings[:-1]).status.phase == "Running"
    over = after(run, *readings)
    assert (result(over).phase, over.status.phase) == (phase, phase)
    assert over.status.message == f'Metric "m" assessed {phase} due to {reason}'
    assert next_look(over) is None


@pytest.mark.parametrize(
    ("limits", "readings", "phase"),
    [
        ({"failureLimit": -1}, [BAD] * 20, "Running"),
        ({}, [REFUSED] * 4 + [GOOD] + [REFUSED] * 4, "Running"),
        ({"consecutiveSuccessLimit": 3}, [GOOD, GOOD, GOOD], "Successful"),
        ({"consecutiveSuccessLimit": 2, "failureLimit": 1}, [GOOD, BAD, GOOD], "Running"),
        ({"consecutiveSuccessLimit": 2}, [GOOD, REFUSED, GOOD], "Running"),
        ({"count": 3}, [GOOD, REFUSED, GOOD, GOOD], "Successful"),
        ({"count": 3, "failureLimit": 1}, [GOOD, BAD, GOOD], "Successful"),
        ({"count": "2"}, [GOOD, GOOD], "Successful"),
        ({"count": 3, "failureLimit": 2, "consecutiveSuccessLimit": 3}, [GOOD, BAD, GOOD], "Inconclusive"),
        ({"count": 2, "failureLimit": -1, "consecutiveSuccessLimit": 2}, [BAD, GOOD], "Failed"),
    ],
)
def test_limits_are_counted_as_argo_counts_them(
    limits: dict[str, Any], readings: list[Reading], phase: str
) -> None:
    assert after(run_of(metric(**limits)), *readings).status.phase == phase


def test_a_limit_above_a_count_that_nobody_wrote_is_no_mistake() -> None:
    once = metric(failureLimit=3, inconclusiveLimit=3)
    del once["interval"]
    assert after(run_of(once), BAD).status.phase == "Successful"


def test_of_several_limits_exceeded_at_once_the_last_counts() -> None:
    run = after(run_of(metric(failureLimit=5, consecutiveErrorLimit=0, count=9)), BAD)
    strict = read_run({"spec": {"metrics": [metric(consecutiveErrorLimit=0)]}}).spec
    edited = msgspec.structs.replace(run, spec=strict)
    assert after(edited, REFUSED).status.phase == "Error"


def test_the_first_bad_metric_ends_the_run_and_the_others_with_it() -> None:
    run = run_of(metric(), metric(name="other"), metric(name="unseen", initialDelay="1h"))
    over = then(run, {"m": BAD, "other": GOOD}, START)
    assert [one.phase for one in over.status.metric_results] == ["Failed", "Successful", "Successful"]
    assert over.status.phase == "Failed"
    assert over.status.message == 'Metric "m" assessed Failed due to failed (1) > failureLimit (0)'
    assert over.status.run_summary.count == 3


def test_a_run_ended_without_a_measurement_is_successful_as_in_argo_and_warned_of() -> None:
    over = run_of(metric(initialDelay="1h"), terminate=True)
    assert over.status.phase == "Successful"
    assert over.status.message == (
        "m: ended without a measurement; Successful as in Argo Rollouts, though nothing was seen"
    )
    assert result(over).metadata["warning"]


@pytest.mark.parametrize("rule", ["m", "*", ".*", "^m$"])
def test_a_dry_run_metric_fails_alone(rule: str) -> None:
    run = run_of(metric(), metric(name="other"), dryRun=[{"metricName": rule}])
    over = then(run, {"m": BAD, "other": GOOD}, START)
    assert result(over).dry_run
    assert result(over).message == "Metric assessed Failed due to failed (1) > failureLimit (0)"
    assert over.status.phase == "Running"
    assert over.status.dry_run_summary is not None
    assert over.status.dry_run_summary.failed == 1


@pytest.mark.parametrize("field", ["dryRun", "measurementRetention"])
def test_a_rule_for_no_metric_is_refused(field: str) -> None:
    with pytest.raises(Invalid, match=rf"spec.{field}\[0\].metricName: 'q' matches no metric; known: m"):
        run_of(metric(), **{field: [{"metricName": "q", "limit": 3}]})


@pytest.mark.parametrize("rule", ["(m+)+$", "m*m*m*m*n", "m["])
def test_a_rule_that_is_no_quick_expression_is_refused(rule: str) -> None:
    with pytest.raises(Invalid, match=r"spec.dryRun\[0\].metricName: "):
        run_of(metric(), dryRun=[{"metricName": rule}])


def test_measurements_beyond_the_retention_are_forgotten_but_counted() -> None:
    run = after(run_of(metric(), measurementRetention=[{"metricName": "m", "limit": 3}]), *[GOOD] * 8)
    assert (len(result(run).measurements), result(run).count) == (3, 8)
    assert len(result(after(run_of(metric()), *[GOOD] * 12)).measurements) == 10


def test_a_restarted_controller_goes_on_from_status_alone() -> None:
    run = after(run_of(metric()), GOOD, REFUSED)
    again = msgspec.structs.replace(run, status=msgspec.structs.replace(run.status, tidegate={}))
    assert after(again, GOOD).status.metric_results == after(run, GOOD).status.metric_results


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"provider": {"prometheus": {"address": "x"}}}, "provider.prometheus.query: is missing"),
        ({"successCondition": "reslut > 1"}, "successCondition: column 1: 'reslut': is not known"),
        ({"failureCondition": "1 +"}, "failureCondition: column 4: the end: a value was expected"),
        ({"interval": None, "count": 3}, "interval: is needed for a count of 3"),
        ({"count": 3, "failureLimit": 4}, "failureLimit: 4 is more than count (3)"),
        ({"count": 3, "inconclusiveLimit": 4}, "inconclusiveLimit: 4 is more than count (3)"),
        ({"failureLimit": -2}, "failureLimit: -2 is below -1"),
        ({"inconclusiveLimit": -1}, "inconclusiveLimit: -1 is below 0"),
        ({"consecutiveErrorLimit": "few"}, "consecutiveErrorLimit: 'few' is no count"),
        ({"thresholdRange": {"max": 1}}, "thresholdRange: stands beside conditions"),
    ],
)
def test_what_cannot_be_measured_is_an_error_that_names_the_field(
    changes: dict[str, Any], words: str
) -> None:
    run = run_of(metric(**changes))
    assert run.status.phase == "Error"
    assert f"spec.metrics[0].{words}" in run.status.message


def answer(kind: str, found: Any, **more: Any) -> Any:
    return {"status": "success", "data": {"resultType": kind, "result": found}, **more}


def test_a_scalar_is_a_number_and_a_vector_a_list() -> None:
    assert parse(answer("scalar", [1.5, "0.25"])) == Instant((0.25,), scalar=True)
    vector = [{"metric": {}, "value": [1.5, "1"]}, {"metric": {}, "value": [1.5, "+Inf"]}]
    assert parse(answer("vector", vector)) == Instant((1.0, inf))
    assert parse(answer("vector", [])) == Instant(())


def test_of_more_values_than_a_status_can_hold_the_first_are_kept_and_the_others_counted() -> None:
    written = str(Instant(tuple(1 / (one + 3) for one in range(2000))))
    assert len(written) < 2100
    assert written.startswith("[0.3333333333333333,0.25,")
    kept = written.partition(",...")[0].count(",") + 1
    assert written.endswith(f",... and {2000 - kept} more]")


def test_values_are_written_as_argo_writes_them() -> None:
    assert str(Instant((0.99, 1.0, nan, inf, -inf))) == "[0.99,1,NaN,+Inf,-Inf]"
    assert (str(Instant((1e-7,), scalar=True)), str(Instant((1e21,)))) == (
        "0.0000001",
        "[1000000000000000000000]",
    )


def test_what_is_no_number_is_said_to_be_none() -> None:
    assert isinstance(parse(answer("matrix", [])), Unusable)
    assert isinstance(parse(answer("vector", [{"metric": {}, "histogram": [1, {}]}])), Unusable)
    assert parse({"status": "error", "error": "parse error"}) == Unusable("parse error")
