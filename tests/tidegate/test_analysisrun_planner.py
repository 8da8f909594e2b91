"""The AnalysisRun's planner: what it asks, what it writes, and that it then falls silent."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from analysis.counters import Series
from analysis.instant import Instant
from analysis.provider import Header, OAuth2, Range, Server
from crds.patches import merge_diff
from crds.paths import get
from crds.refs import ANALYSIS_RUN, ref_of
from tidegate.planners.analysisrun import needs, plan
from tidegate.planners.needs import Absent, Answer, Failed, Known, Need, Pending, Query, Samples, SecretKey
from tidegate.planners.plan import Delete, Plan, Record
from tidegate.sandbox.patches import merged

START = datetime(2026, 3, 15, 10, 30, tzinfo=UTC)
DUE = START + timedelta(seconds=30)
SERVER = Server("http://prometheus:9090")
Raw = dict[str, Any]


def raw_run(**spec: Any) -> Raw:
    metric = {
        "name": "error-rate",
        "interval": "30s",
        "thresholdRange": {"max": 0.05},
        "provider": {"prometheus": {"address": "http://prometheus:9090"}},
        "statistics": {"errors": 'e{arm="canary"}', "total": 't{arm="canary"}'},
    }
    owner = {"kind": "Rollout", "name": "api", "uid": "r", "controller": True}
    named = {"name": "api-6b8f9-2", "namespace": "production", "resourceVersion": "7", "uid": "u"}
    meta = {**named, "ownerReferences": [owner]}
    return {
        "apiVersion": "argoproj.io/v1alpha1",
        "kind": "AnalysisRun",
        "metadata": meta,
        "spec": {"metrics": [metric], **spec},
    }


def recorded(raw: Raw, made: Plan) -> Raw:
    """The object as the API server would have it after the plan."""
    for write in made.writes:
        assert isinstance(write, Record)
        assert write.version == get(raw, "metadata", "resourceVersion")
        raw = merged(raw, {"status": write.patch})
    return raw


def begun() -> Raw:
    raw = raw_run()
    return recorded(raw, plan(raw, {}, START))


def answered(raw: Raw, errors: float, requests: float) -> dict[Need, Answer]:
    def scraped(last: float, code: str) -> tuple[Series, ...]:
        labels = (("code", code), ("instance", "a"), ("job", "envoy"))
        return (Series(labels, ((START.timestamp() - 1, 0.0), (DUE.timestamp(), last))),)

    total, errors_need = both(raw, DUE)
    return {total: Known(scraped(requests, "200")), errors_need: Known(scraped(errors, "503"))}


def both(raw: Raw, now: datetime) -> tuple[Need, Need]:
    """Both questions of a due check, the second asked when the first is answered."""
    (total,) = needs(raw, {}, now)
    _, errors = needs(raw, {total: Known(())}, now)
    return total, errors


def test_a_new_run_is_begun_without_asking_anything() -> None:
    raw = raw_run()
    assert needs(raw, {}, START) == ()
    made = plan(raw, {}, START)
    after = recorded(raw, made)
    assert (get(after, "status", "phase"), get(after, "status", "startedAt")) == (
        "Running",
        "2026-03-15T10:30:00Z",
    )
    assert made.wake_at == DUE


def test_nothing_is_written_before_the_next_check() -> None:
    raw = begun()
    early = START + timedelta(seconds=10)
    assert needs(raw, {}, early) == ()
    assert plan(raw, {}, early) == Plan(wake_at=DUE)


def test_a_due_check_asks_for_raw_samples_at_its_own_time_however_late_it_is_planned() -> None:
    raw = begun()
    asked = needs(raw, {}, DUE)
    assert asked == (Samples(SERVER, 't{arm="canary"}', 330.0, DUE),)
    assert needs(raw, {}, DUE + timedelta(seconds=25)) == asked


def test_errors_are_asked_when_the_total_is_known_so_that_they_are_never_the_older_ones() -> None:
    raw = begun()
    (total,) = needs(raw, {}, DUE)
    errors = Samples(SERVER, 'e{arm="canary"}', 330.0, DUE)
    assert needs(raw, {total: Pending()}, DUE) == (total,)
    assert needs(raw, {total: Failed("timeout")}, DUE) == (total,)
    assert needs(raw, {total: Known(())}, DUE) == (total, errors)


def test_while_an_answer_is_on_its_way_there_is_nothing_to_plan() -> None:
    raw = begun()
    total, errors = both(raw, DUE)
    waiting = Plan(why="waiting for Prometheus to answer for error-rate")
    assert plan(raw, {}, DUE) == waiting
    assert plan(raw, {total: Known(()), errors: Pending()}, DUE) == waiting


def test_an_answer_is_recorded_with_its_reason_and_the_run_looks_again() -> None:
    raw = begun()
    made = plan(raw, answered(raw, 3, 140), DUE)
    assert made.wake_at == DUE + timedelta(seconds=30)
    assert made.why.startswith("Running: error-rate: undecided: canary 2.1 % errors (3 of 140)")
    assert made.events == ()


def test_after_recording_the_same_answers_give_an_empty_plan() -> None:
    raw = begun()
    answers = answered(raw, 3, 140)
    after = recorded(raw, plan(raw, answers, DUE))
    assert plan(after, answers, DUE) == Plan(wake_at=DUE + timedelta(seconds=30))


def test_a_rejection_is_recorded_told_and_final() -> None:
    raw = begun()
    made = plan(raw, answered(raw, 36, 300), DUE)
    after = recorded(raw, made)
    assert get(after, "status", "phase") == "Failed"
    assert get(after, "status", "completedAt") == "2026-03-15T10:30:30Z"
    assert get(after, "status", "runSummary") == {"count": 1, "failed": 1}
    assert [(event.reason, event.warning) for event in made.events] == [
        ("MetricFailed", True),
        ("AnalysisRunFailed", True),
    ]
    assert made.wake_at is None
    assert plan(after, {}, DUE + timedelta(hours=1)) == Plan()
    assert needs(after, {}, DUE + timedelta(hours=1)) == ()


def test_a_refusal_is_recorded_with_the_time_of_the_next_try() -> None:
    raw = begun()
    (total,) = needs(raw, {}, DUE)
    late = DUE + timedelta(seconds=5)
    made = plan(raw, {total: Failed("connection refused")}, late)
    after = recorded(raw, made)
    assert get(after, "status", "phase") == "Running"
    assert "connection refused" in get(after, "status", "message")
    assert made.wake_at == late + timedelta(seconds=10)


def test_a_field_that_is_cleared_is_cleared_in_status_too() -> None:
    raw = begun()
    total, errors = both(raw, DUE)
    refused = recorded(raw, plan(raw, {total: Known(()), errors: Failed("timeout")}, DUE))
    assert get(refused, "status", "tidegate", "metrics", "error-rate", "unansweredSince")
    again = DUE + timedelta(seconds=10)
    retried = both(refused, again)
    mended = recorded(refused, plan(refused, dict.fromkeys(retried, Known(())), again))
    assert "unansweredSince" not in get(mended, "status", "tidegate", "metrics", "error-rate")


def test_a_run_that_is_told_to_end_asks_nothing_more_and_ends() -> None:
    raw = begun()
    raw["spec"]["terminate"] = True
    assert needs(raw, {}, DUE) == ()
    after = recorded(raw, plan(raw, {}, DUE))
    assert get(after, "status", "phase") == "Inconclusive"


def test_words_that_others_wrote_into_status_stay() -> None:
    raw = begun()
    raw["status"]["note"] = "watching this one"
    after = recorded(raw, plan(raw, answered(raw, 3, 140), DUE))
    assert get(after, "status", "note") == "watching this one"


def test_a_spec_of_the_wrong_type_ends_as_error_once() -> None:
    raw = raw_run(terminate="please")
    assert needs(raw, {}, START) == ()
    made = plan(raw, {}, START)
    after = recorded(raw, made)
    assert get(after, "status", "phase") == "Error"
    assert "spec.terminate" in get(after, "status", "message")
    assert [event.reason for event in made.events] == ["AnalysisRunError"]
    assert plan(after, {}, START) == Plan()


def classic_run(**spec: Any) -> Raw:
    metric = {
        "name": "success-rate",
        "interval": "1m",
        "successCondition": "result[0] >= 0.95",
        "provider": {"prometheus": {"address": "http://prometheus:9090", "query": "rate({{args.pod}})"}},
    }
    return raw_run(**{"metrics": [metric], "args": [{"name": "pod", "value": "api"}], **spec})


ASKED = Query(SERVER, "rate(api)", START)


def test_a_classic_metric_asks_its_query_at_once_with_its_arguments_filled_in() -> None:
    raw = recorded(classic_run(), plan(classic_run(), {}, START))
    assert needs(raw, {}, START) == (ASKED,)
    assert get(raw, "status", "metricResults", 0, "metadata") == {"ResolvedPrometheusQuery": "rate(api)"}
    assert plan(raw, {}, START) == Plan(why="waiting for Prometheus to answer for success-rate")


def test_a_classic_measurement_is_recorded_as_argo_records_it() -> None:
    raw = recorded(classic_run(), plan(classic_run(), {}, START))
    made = plan(raw, {ASKED: Known(Instant((0.99,)))}, START)
    result = get(recorded(raw, made), "status", "metricResults", 0)
    assert result == {
        "name": "success-rate",
        "phase": "Running",
        "count": 1,
        "successful": 1,
        "consecutiveSuccess": 1,
        "metadata": {"ResolvedPrometheusQuery": "rate(api)"},
        "measurements": [
            {
                "phase": "Successful",
                "value": "[0.99]",
                "startedAt": "2026-03-15T10:30:00Z",
                "finishedAt": "2026-03-15T10:30:00Z",
            }
        ],
    }
    assert (made.wake_at, made.events) == (START + timedelta(minutes=1), ())
    assert get(raw, "status", "tidegate") is None, "its result is all it must remember"


def test_a_classic_failure_is_told_in_argos_words() -> None:
    raw = recorded(classic_run(), plan(classic_run(), {}, START))
    made = plan(raw, {ASKED: Known(Instant((0.5,)))}, START)
    words = "assessed Failed due to failed (1) > failureLimit (0)"
    assert get(recorded(raw, made), "status", "message") == f'Metric "success-rate" {words}'
    assert [(event.reason, event.message) for event in made.events] == [
        ("MetricFailed", f"Metric 'success-rate' Completed. Result: Failed: Metric {words}"),
        ("AnalysisRunFailed", f'Analysis Completed. Result: Failed: Metric "success-rate" {words}'),
    ]


def test_a_success_without_data_is_argos_verdict_and_our_warning() -> None:
    raw = classic_run(terminate=True)
    made = plan(raw, {}, START)
    assert get(recorded(raw, made), "status", "phase") == "Successful"
    assert [(event.reason, event.warning) for event in made.events] == [
        ("MetricWarning", True),
        ("MetricSuccessful", False),
        ("AnalysisRunSuccessful", False),
    ]
    assert "though nothing was seen" in made.events[0].message


def test_an_argument_without_a_value_ends_the_run_and_names_the_text() -> None:
    made = plan(classic_run(args=[]), {}, START)
    assert needs(classic_run(args=[]), {}, START) == ()
    assert made.why == (
        "Error: spec.metrics[0].provider.prometheus.query: {{args.pod}} has no value; "
        "give args one of that name. Known: none"
    )


TOKEN = SecretKey("production", "prometheus", "token")


def secret_run() -> Raw:
    provider = {
        "address": "http://prometheus:9090",
        "query": 'up{key="{{args.token}}"}',
        "headers": [{"key": "Authorization", "value": "Bearer {{args.token}}"}],
    }
    metric = {"name": "success-rate", "interval": "1m", "provider": {"prometheus": provider}}
    secret = {"name": "token", "valueFrom": {"secretKeyRef": {"name": "prometheus", "key": "token"}}}
    raw = raw_run(metrics=[metric], args=[secret])
    return recorded(raw, plan(raw, {}, START))


def test_a_secret_is_read_first_and_goes_into_the_query_alone() -> None:
    raw = secret_run()
    assert needs(raw, {}, START) == (TOKEN,)
    _, query = needs(raw, {TOKEN: Known("s3cret")}, START)
    assert isinstance(query, Query)
    assert query.query == 'up{key="s3cret"}'
    assert query.server.headers == (Header("Authorization", "Bearer s3cret"),)
    answers: dict[Need, Answer] = {TOKEN: Known("s3cret"), query: Failed("bad matcher s3cret")}
    raw = recorded(raw, plan(raw, answers, START))
    result = get(raw, "status", "metricResults", 0)
    assert result["metadata"] == {"ResolvedPrometheusQuery": 'up{key="*****"}'}
    assert result["measurements"][0]["message"] == "bad matcher *****"
    assert "s3cret" not in f"{raw} {query}"


def with_secret(*args: Raw, **metric: Any) -> Raw:
    """A run of one metric whose provider shows the secret token to Prometheus."""
    oauth2 = {"tokenUrl": "https://issuer/token", "clientId": "me", "clientSecret": "{{args.token}}"}
    shown = {"address": "http://prometheus:9090", "authentication": {"oauth2": oauth2}}
    provider = {"prometheus": {**shown, **metric.pop("prometheus", {})}}
    secret = {"name": "token", "valueFrom": {"secretKeyRef": {"name": "prometheus", "key": "token"}}}
    raw = raw_run(
        metrics=[{"name": "m", "interval": "30s", "provider": provider, **metric}], args=[secret, *args]
    )
    return recorded(raw, plan(raw, {}, START))


def test_a_client_secret_goes_into_the_question_alone() -> None:
    raw = with_secret(prometheus={"query": "up"})
    _, query = needs(raw, {TOKEN: Known("s3cret")}, START)
    assert isinstance(query, Query)
    assert query.server.authentication.oauth2 == OAuth2("https://issuer/token", "me", "s3cret")
    assert "s3cret" not in f"{raw} {query} {query.server!r}"


def test_braces_that_a_value_brings_along_are_text() -> None:
    raw = with_secret({"name": "pod", "value": "{{pod}}"}, prometheus={"query": "up{a='{{args.pod}}'}"})
    _, query = needs(raw, {TOKEN: Known("s3cret")}, START)
    assert isinstance(query, Query)
    assert query.query == "up{a='{{pod}}'}"


def test_counters_are_asked_for_with_the_same_credentials() -> None:
    limits = {"thresholdRange": {"max": 0.05}, "statistics": {"errors": "e", "total": "t"}}
    raw = with_secret(**limits)
    assert needs(raw, {}, DUE) == (TOKEN,)
    key, total = needs(raw, {TOKEN: Known("s3cret")}, DUE)
    assert isinstance(total, Samples)
    assert total.server.authentication.oauth2 == OAuth2("https://issuer/token", "me", "s3cret")
    *_, errors = needs(raw, {key: Known("s3cret"), total: Known(())}, DUE)
    made = plan(raw, {key: Known("s3cret"), total: Known(()), errors: Failed("s3cret is wrong")}, DUE)
    assert "***** is wrong" in get(recorded(raw, made), "status", "message")


def test_a_range_is_part_of_the_question() -> None:
    ranged = {"start": "now() - duration('5m')", "end": "now()", "step": "30s"}
    raw = with_secret(prometheus={"query": "up", "rangeQuery": ranged})
    _, query = needs(raw, {TOKEN: Known("s3cret")}, START)
    assert isinstance(query, Query)
    assert query.span == Range(timedelta(minutes=5), timedelta(), timedelta(seconds=30))


def test_a_missing_secret_is_an_error_that_names_it_and_is_tried_again() -> None:
    raw = secret_run()
    made = plan(raw, {TOKEN: Absent()}, START)
    assert get(recorded(raw, made), "status", "metricResults", 0, "message") == (
        "Secret production/prometheus has no key token, the value of {{args.token}}; add it"
    )
    assert made.wake_at == START + timedelta(seconds=10)


def test_a_completed_run_is_deleted_when_its_time_to_live_is_over() -> None:
    ttl = {"secondsAfterCompletion": 600, "secondsAfterSuccess": 60}
    raw = classic_run(terminate=True, ttlStrategy=ttl)
    raw = recorded(raw, plan(raw, {}, START))
    over = START + timedelta(seconds=60)
    assert plan(raw, {}, over - timedelta(seconds=1)) == Plan(wake_at=over)
    made = plan(raw, {}, over)
    assert made.writes == (Delete(ref_of(ANALYSIS_RUN, raw), "u"),)
    raw["metadata"]["deletionTimestamp"] = "2026-03-15T10:31:00Z"
    assert plan(raw, {}, over) == Plan()


def test_the_status_stays_small() -> None:
    """Two hundred checks later it is as big as after ten."""
    raw, size = begun(), {}
    for check in range(1, 201):
        now = START + timedelta(seconds=30 * check)
        after = recorded(raw, plan(raw, dict.fromkeys(both(raw, now), Known(())), now))
        assert merge_diff(raw["status"], after["status"])
        raw = after
        size[check] = len(str(raw["status"]))
    assert size[200] < 1.1 * size[15] < 10_000
