"""The brief's few lines become a run with a stated error rate, or a sentence that says what to edit."""

from __future__ import annotations

from typing import Any

import pytest

from analysis.catalogue import Arm, read
from analysis.inline import Inline, ending, run_for
from crds.analysis import RolloutAnalysis, parse_run
from crds.errors import Invalid
from crds.meta import read as typed

CANARY = Arm(namespace="production", rollout="api", service="api", subset="canary")
METRIC = {"name": "error-rate", "thresholdRange": {"max": 0.05}, "interval": "1m"}
BRIEF = {"interval": "30s", "threshold": 5, "metrics": [METRIC]}


def run(written: dict[str, Any], data: dict[str, Any] | None = None) -> Inline:
    return run_for(typed(written, RolloutAnalysis), read(data or {}), CANARY)


def test_the_briefs_form_is_a_proportion_test_at_five_percent() -> None:
    (metric,) = parse_run({"spec": run(BRIEF).spec}).spec.metrics
    assert (metric.name, metric.interval, metric.count) == ("error-rate", "30s", None)
    assert metric.statistics is not None
    assert metric.threshold_range is not None
    assert (metric.statistics.test, metric.statistics.alpha, metric.threshold_range.max) == (
        "proportion",
        0.05,
        0.05,
    )
    assert "canary" in metric.statistics.errors
    assert metric.provider["prometheus"]["address"].startswith("http://prometheus.")


def test_a_threshold_of_failed_checks_is_superseded_and_it_says_so() -> None:
    (note,) = run(BRIEF).notes
    assert note.startswith("spec.strategy.canary.analysis.threshold: 5 is superseded by a sequential test")
    assert note.endswith("aborted with probability 0.05 at most")


def test_without_a_threshold_there_is_nothing_to_say() -> None:
    assert run({"metrics": [METRIC]}).notes == ()


def test_two_metrics_share_the_error_rate() -> None:
    other = {"name": "error-rate-envoy", "thresholdRange": {"max": 0.01}}
    alphas = [metric["statistics"]["alpha"] for metric in run({"metrics": [METRIC, other]}).spec["metrics"]]
    assert alphas == [0.025, 0.025]


def test_without_an_interval_of_the_analysis_the_metrics_own_is_the_cadence() -> None:
    assert run({"metrics": [METRIC]}).spec["metrics"][0]["interval"] == "1m"
    bare = {"name": "error-rate", "thresholdRange": {"max": 0.05}}
    assert run({"metrics": [bare]}).spec["metrics"][0]["interval"] == "30s"


def test_a_metric_says_from_when_on_and_how_often_it_is_looked_at() -> None:
    (metric,) = run({"metrics": [METRIC | {"initialDelay": "1m", "count": 10}]}).spec["metrics"]
    assert (metric["initialDelay"], metric["count"]) == ("1m", 10)


def test_for_a_step_it_ends_once_the_release_is_shown_to_be_good() -> None:
    (metric,) = parse_run({"spec": ending(run(BRIEF)).spec}).spec.metrics
    assert metric.statistics is not None
    assert metric.statistics.early_success


def test_in_a_step_its_mistakes_are_named_there() -> None:
    step = ("spec", "strategy", "canary", "steps", 1, "analysis")
    asked = typed({"metrics": [METRIC | {"name": "latency"}]}, RolloutAnalysis)
    with pytest.raises(Invalid, match=r"^spec\.strategy\.canary\.steps\[1\]\.analysis\.metrics\[0\]\.name: "):
        run_for(asked, read({}), CANARY, at=step)


AT = "spec.strategy.canary.analysis"


@pytest.mark.parametrize(
    ("written", "words"),
    [
        ({"metrics": [METRIC | {"name": "latency"}]}, f"{AT}.metrics[0].name: 'latency' is not in"),
        ({"metrics": [{"name": "error-rate"}]}, f"{AT}.metrics[0].thresholdRange: has no max"),
        ({"metrics": [METRIC | {"thresholdRange": {"max": 5}}]}, "5 is no share of requests"),
        ({"metrics": [METRIC | {"thresholdRange": {"max": 0.1, "min": 0}}]}, "remove it"),
        ({"metrics": [METRIC, METRIC]}, f"{AT}.metrics[1].name: 'error-rate' is there already"),
        (
            {"metrics": [METRIC | {"successCondition": "result[0] < 1"}]},
            f"{AT}.metrics[0].successCondition: is not acted on in an inline metric; write the metric into",
        ),
        ({"metrics": [METRIC | {"provider": {"web": {}}}]}, f"{AT}.metrics[0].provider: is not acted on"),
        ({"metrics": [METRIC | {"initialDelay": "soon"}]}, f"{AT}.metrics[0].initialDelay: 'soon' is no"),
        ({"interval": "soon", "metrics": [METRIC]}, f"{AT}.interval: 'soon' is no duration"),
    ],
)
def test_a_mistake_is_named_with_its_field_and_the_fix(written: dict[str, Any], words: str) -> None:
    with pytest.raises(Invalid) as mistake:
        run(written)
    assert words in str(mistake.value)
