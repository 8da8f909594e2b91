"""Evidence as people read it, and the names under which they ask for it."""

from __future__ import annotations

from tests.tidegate.views.worlds import NOW, Raw, ago, analysis_run, measurement
from tidegate.views.analysis import During, Evidence, analysis_screen, evidence, rollout_of

BACKGROUND = {"rollout-type": "Background"}
STEP_2 = {"rollout-type": "Step", "step-index": "2"}
TOLD = {
    "n": "512",
    "errors": "61",
    "estimate": "0.119141",
    "lower": "0.0907",
    "upper": "0.152",
    "pValue": "0.0004",
    "decision": "fail",
}

FAILED = """\
Name:            api-new-2
Namespace:       production
Status:          ✖ Failed
Rollout:         api, revision 2
Started:         90s ago

Metric:          error-rate
  Status:        ✖ Failed
  Limit:         at most 5.0 % errors, alpha 0.05
  Errors:        61 of 512 requests
  Estimate:      11.9 % (always-valid bounds 9.1 % to 15.2 %)
  P-value:       0.0004 (anytime-valid: however often we look)
  Decision:      fail
  Measured:      ✔ 1,✖ 1

AGE  STATUS        VALUE     MESSAGE
10s  ✖ Failed      0.119141
40s  ✔ Successful  0.01
"""


def found(*runs: Raw) -> str:
    answer = evidence("api-step-2-analysis", runs)
    assert answer is not None
    return str(answer.run["metadata"]["name"])


def test_a_failed_run_shows_its_evidence() -> None:
    run = analysis_run(
        "api-new-2",
        measurement(seconds=40, estimate="0.01"),
        measurement("Failed", seconds=10, **TOLD),
        phase="Failed",
    )
    assert analysis_screen(Evidence(run), NOW) == FAILED


def test_a_running_check_says_when_it_looks_again() -> None:
    run = analysis_run("api-new-2", measurement())
    run["status"]["tidegate"] = {"metrics": {"error-rate": {"nextCheck": ago(seconds=-12)}}}
    assert "  Next check:    in 12s\n" in analysis_screen(Evidence(run), NOW)


def test_a_classic_metric_shows_its_condition() -> None:
    run = analysis_run("api-new-2", measurement())
    run["spec"]["metrics"] = [{"name": "error-rate", "successCondition": "result[0] <= 0.05"}]
    run["status"]["metricResults"][0]["metadata"] = {}
    assert "  Limit:         result[0] <= 0.05\n" in analysis_screen(Evidence(run), NOW)


def test_a_run_that_has_measured_nothing_is_shown() -> None:
    bare = {"metadata": {"name": "api-new-2", "namespace": "production"}}
    assert analysis_screen(Evidence(bare), NOW) == (
        "Name:            api-new-2\nNamespace:       production\nStatus:          ◷ Pending\n"
    )


def test_a_runs_own_name_wins() -> None:
    named = analysis_run("api-step-2-analysis", revision=1)
    assert found(analysis_run("api-new-2-2", labels=STEP_2), named) == "api-step-2-analysis"


def test_a_steps_name_finds_the_run_of_that_step() -> None:
    assert (
        found(analysis_run("api-new-2", labels=BACKGROUND), analysis_run("api-new-2-2", labels=STEP_2))
        == "api-new-2-2"
    )


def test_a_steps_name_means_the_newest_revision() -> None:
    old = analysis_run("api-old-1-2", revision=1, labels=STEP_2)
    assert found(analysis_run("api-new-2", labels=BACKGROUND), old) == "api-new-2"


def test_a_steps_name_means_the_newest_attempt() -> None:
    first, again = (analysis_run(name, labels=STEP_2) for name in ("api-new-2-2", "api-new-2-2.1"))
    first["metadata"]["creationTimestamp"] = ago(seconds=500)
    assert found(again, first) == "api-new-2-2.1"


def test_a_steps_name_of_another_rollout_finds_nothing() -> None:
    assert evidence("web-step-2-analysis", [analysis_run("api-new-2-2", labels=STEP_2)]) is None


WALKED = [
    {"began": ago(seconds=90), "evidence": "canary 0.0 % errors (0 of 66)"},
    {"began": ago(seconds=60), "evidence": "canary 0.4 % errors (1 of 251)"},
    {"began": ago(seconds=50)},
]
ROLLOUT = {"metadata": {"name": "api"}, "status": {"tidegate": {"steps": WALKED}}}


def test_a_background_run_answers_with_what_it_saw_during_that_step() -> None:
    early, late = measurement(seconds=80, estimate="0.099"), measurement(seconds=40, estimate="0.015")
    run = analysis_run("api-new-2", early, late, labels=BACKGROUND)
    answer = evidence("api-step-2-analysis", [run], ROLLOUT)
    assert answer == Evidence(run, During(2, began=ago(seconds=50)))
    text = analysis_screen(answer, NOW)
    assert "Rollout:         api, revision 2, step 2 of a run in the background\n" in text
    assert "Step:            2, began 50s ago, going on\n" in text
    assert "1.5 %" in text
    assert "9.9 %" not in text


def test_a_step_that_is_over_shows_what_was_known_at_its_end() -> None:
    run = analysis_run("api-new-2", measurement(), labels=BACKGROUND)
    answer = evidence("api-step-1-analysis", [run], ROLLOUT)
    assert answer is not None
    assert "Known then:      canary 0.4 % errors (1 of 251)\n" in analysis_screen(answer, NOW)


def test_a_step_that_has_not_begun_says_so() -> None:
    run = analysis_run("api-new-2", measurement(), labels=BACKGROUND)
    answer = evidence("api-step-3-analysis", [run], ROLLOUT)
    assert answer is not None
    assert "a run in the background of every step, step 3 not begun" in analysis_screen(answer, NOW)


def test_only_names_of_steps_are_looked_up_as_such() -> None:
    assert rollout_of("api-step-2-analysis") == "api"
    assert rollout_of("api-new-2") == ""


def test_a_classic_metric_shows_its_query_and_what_its_verdict_hides() -> None:
    run = analysis_run("api-new-2", measurement())
    told = {"ResolvedPrometheusQuery": "up", "warning": "no data: the query returned no series"}
    run["status"]["metricResults"][0]["metadata"] = told
    screen = analysis_screen(Evidence(run), NOW)
    assert "  Query:         up\n" in screen
    assert "  Warning:       no data: the query returned no series\n" in screen
