"""`tidegate simulate`: what is told of a release that nobody has made yet, and the exit code."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.test_examples import ROOT
from tidegate.simulate.command import clock, simulate

Printed = pytest.CaptureFixture[str]
API = str(ROOT / "examples" / "api" / "rollout.yaml")
MESH = str(ROOT / "examples" / "api" / "mesh.yaml")
SMALL = str(ROOT / "examples" / "api" / "small.yaml")
STEP = str(ROOT / "examples" / "analysis" / "step.yaml")
BY_PODS = str(ROOT / "examples" / "by-pods" / "rollout.yaml")
TEMPLATES = str(ROOT / "examples" / "analysis" / "templates.yaml")
SLOW = """
apiVersion: argoproj.io/v1alpha1
kind: AnalysisTemplate
metadata: {name: slow}
spec:
  metrics:
  - name: p99
    interval: 10s
    count: 3
    successCondition: result[0] < 0.5
    provider: {prometheus: {query: "histogram_quantile(0.99, sum by (le) (rate(seconds_bucket[1m])))"}}
  - name: own-counters
    interval: 10s
    thresholdRange: {max: 0.05}
    provider: {prometheus: {address: http://prometheus}}
    statistics: {errors: 'failures_total{app="web"}', total: 'answers_total{app="web"}', earlySuccess: true}
---
apiVersion: argoproj.io/v1alpha1
kind: Rollout
metadata: {name: web}
spec:
  replicas: 2
  selector: {matchLabels: {app: web}}
  strategy:
    canary:
      steps: [{setWeight: 50}, {analysis: {templates: [{templateName: slow}]}}]
  template:
    metadata: {labels: {app: web}}
    spec: {containers: [{name: web, image: "registry/web:v2"}]}
"""


def played(printed: Printed, *words: str) -> tuple[int, str]:
    """The exit code, and what was said on one long line each."""
    code = simulate(words)
    return code, " ".join(printed.readouterr().out.split())


@pytest.fixture
def slow(tmp_path: Path) -> str:
    return written(tmp_path, SLOW)


def written(folder: Path, text: str) -> str:
    (folder / "it.yaml").write_text(text)
    return str(folder / "it.yaml")


def edited(folder: Path, old: str, new: str) -> str:
    """The brief's Rollout, edited."""
    text = Path(API).read_text()
    assert old in text
    return written(folder, text.replace(old, new))


def test_the_briefs_rollout_walks_to_its_end_within_its_durations(capsys: Printed) -> None:
    code, told = played(capsys, API)
    assert code == 0
    weights = ("canary v2.1.0 10 %", "$ kubectl argo rollouts promote api", "50 %", "100 %", "all on stable")
    places = [told.index(words) for words in weights]
    assert places == sorted(places)
    assert "promoted after 16:2" in told


def test_what_is_assumed_is_said(capsys: Printed) -> None:
    _, told = played(capsys, SMALL, "--promote-after", "never")
    assert "assumed: Service api, DestinationRule api, VirtualService api nobody ends a pause" in told


def test_what_is_given_is_not_assumed(capsys: Printed) -> None:
    _, told = played(capsys, SMALL, MESH, "--crash")
    assert "given: Service api, DestinationRule api, VirtualService api assumed: nothing" in told


def test_errors_beyond_the_limit_are_caught_at_the_first_weight(capsys: Printed) -> None:
    code, told = played(capsys, API, "--canary-error-rate", "30%")
    assert code == 1
    assert "50 %, stable 50 %" not in told
    assert "errors" in told.partition("rejected after")[2]


def test_errors_within_the_limit_are_let_through(capsys: Printed) -> None:
    assert played(capsys, API, "--error-rate", "0.01")[0] == 0


def test_a_canary_that_crashes_never_gets_a_request(capsys: Printed) -> None:
    code, told = played(capsys, API, "--crash")
    assert (code, "CrashLoopBackOff" in told, "canary v2.1.0 10 %" in told) == (1, True, False)


def test_a_pause_that_nobody_ends_hangs(capsys: Printed) -> None:
    code, told = played(capsys, SMALL, "--promote-after", "never")
    assert code == 3
    assert "hangs after 5:0" in told
    assert "it waits for a person at step 1, a pause without end" in told


def test_more_than_may_be_taken_hangs(capsys: Printed) -> None:
    code, told = played(capsys, API, "--within", "2m")
    assert (code, "it is not over after 0:02:00: Paused: CanaryPauseStep" in told) == (3, True)


def test_requests_that_nobody_counts_hang_it(capsys: Printed) -> None:
    code, told = played(capsys, SMALL, "--rate", "0")
    assert (code, "MetricsNotReady" in told.partition("hangs after")[2]) == (3, True)


def test_a_metric_that_the_catalogue_does_not_know_is_named(capsys: Printed, tmp_path: Path) -> None:
    code, told = played(capsys, edited(tmp_path, "name: error-rate", "name: own-errors"))
    assert (code, "'own-errors' is not in the metrics catalogue" in told) == (3, True)


def test_a_rollout_that_is_refused_says_why(capsys: Printed, tmp_path: Path) -> None:
    code, told = played(capsys, edited(tmp_path, "setWeight: 50", "setWeight: 500"))
    assert code == 1
    assert "rejected after 0:00.0: nothing stands" in told
    assert "500" in told.partition("rejected")[2]


def test_a_misspelled_field_is_named_before_anything_happens(capsys: Printed, tmp_path: Path) -> None:
    _, told = played(capsys, edited(tmp_path, "replicas: 10", "relpicas: 2"), "--crash")
    assert "lint: spec.relpicas: is not known here; did you mean replicas?" in told


def test_pods_are_the_share_without_a_router(capsys: Printed) -> None:
    code, told = played(capsys, BY_PODS)
    assert code == 0
    assert "ready pods: canary v2.1.0 20 %, stable 80 %" in told
    assert "by api;" in told


def test_who_comes_by_the_stable_service_sees_no_canary(capsys: Printed, tmp_path: Path) -> None:
    rollout, _of_both, *arms = Path(BY_PODS).read_text().split("---")
    code, told = played(capsys, written(tmp_path, "---".join([rollout, *arms])))
    assert (code, "by api-stable;" in told) == (0, True)
    assert "ready pods: canary v2.1.0 100 %" in told
    assert "ready pods: canary v2.1.0 20 %" not in told


def test_without_steps_the_new_version_goes_out_at_once(capsys: Printed, tmp_path: Path) -> None:
    text = SLOW.partition("---")[2].replace(
        "steps: [{setWeight: 50}, {analysis: {templates: [{templateName: slow}]}}]", "maxSurge: 1"
    )
    code, told = played(capsys, written(tmp_path, text))
    assert (code, "promoted after 0:" in told) == (0, True)


def test_an_analysis_step_ends_by_its_evidence(capsys: Printed) -> None:
    assert played(capsys, STEP)[0] == 0


def test_templates_are_answered_as_they_like_it_and_that_is_said(capsys: Printed) -> None:
    code, told = played(capsys, TEMPLATES)
    assert code == 0
    assert "metric no-errors is answered as its condition likes it: no PromQL is played" in told


def test_an_answer_that_is_given_is_judged(capsys: Printed) -> None:
    code, told = played(capsys, TEMPLATES, "--answer", "no-errors=3")
    assert (code, 'Metric "no-errors" assessed Failed' in told.partition("rejected")[2]) == (1, True)


@pytest.mark.parametrize(("seconds", "code"), [("0.2", 0), ("0.9", 1)])
def test_a_latency_is_what_a_quantile_answers(seconds: str, code: int, slow: str, capsys: Printed) -> None:
    assert played(capsys, slow, "--latency", seconds)[0] == code


def test_counters_of_any_name_count_the_canarys_errors(slow: str, capsys: Printed) -> None:
    code, told = played(capsys, slow, "--canary-error-rate", "40%")
    assert code == 1
    assert "own-counters: canary" in told.partition("rejected")[2]


def test_a_template_that_is_not_given_is_missed(capsys: Printed, tmp_path: Path) -> None:
    code, told = played(capsys, written(tmp_path, SLOW.partition("---")[2]))
    assert (code, "AnalysisTemplate default/slow does not exist" in told) == (3, True)


@pytest.mark.parametrize(
    ("words", "why"),
    [
        ([MESH], "there is no Rollout in these files"),
        ([API, "--rollout", "web"], "there is no Rollout 'web' in these files; there are: api"),
        ([API, TEMPLATES], "say which Rollout is meant: --rollout NAME, one of: api, checked"),
        ([API, "--latency", "3"], "no metric asks for a latency"),
        ([API, "--answer", "p99=1"], "no metric 'p99' asks a query; those that do: none"),
        ([API, "--before", "myregistry/api:v2.1.0"], "nothing would happen; give another --before"),
        (["/nowhere.yaml"], "/nowhere.yaml cannot be read"),
    ],
)
def test_what_cannot_be_played_is_said(words: list[str], why: str, capsys: Printed) -> None:
    assert simulate(words) == 2
    printed = capsys.readouterr()
    assert why in printed.err
    assert printed.out == ""


@pytest.mark.parametrize(
    "flag", ["--error-rate=2", "--error-rate=x", "--answer=p99", "--answer=p99=x", "--within=soon"]
)
def test_a_flag_that_makes_no_sense_is_refused(flag: str, capsys: Printed) -> None:
    with pytest.raises(SystemExit) as refused:
        simulate([API, flag])
    assert refused.value.code == 2
    assert "write" in capsys.readouterr().err


def test_the_same_seed_tells_the_same_story(capsys: Printed) -> None:
    words = (API, "--canary-error-rate", "6%", "--within", "20m", "--seed", "7")
    assert played(capsys, *words) == played(capsys, *words)


def test_a_day_is_told_in_minutes() -> None:
    assert [clock(0.04), clock(59.97), clock(86400)] == ["  0:00.0", "  1:00.0", "1440:00.0"]
