"""Analyses are read with Argo's defaults, and with the two additions of ours."""

from __future__ import annotations

from typing import Any

import pytest

from crds import analysis
from crds.errors import Invalid


def template(**metric: Any) -> dict[str, Any]:
    return {"spec": {"metrics": [{"name": "errors", **metric}]}}


def test_a_metric_left_bare_has_argos_defaults() -> None:
    (metric,) = analysis.parse_template(template()).spec.metrics
    assert (metric.count, metric.failure_limit, metric.inconclusive_limit) == (None, 0, 0)
    assert (metric.consecutive_error_limit, metric.consecutive_success_limit) == (4, 0)


def test_a_limit_may_be_an_argument() -> None:
    (metric,) = analysis.parse_template(template(count="{{args.count}}", failureLimit=3)).spec.metrics
    assert (metric.count, metric.failure_limit) == ("{{args.count}}", 3)


def test_a_statistics_block_left_bare_is_a_proportion_test_at_five_percent() -> None:
    (metric,) = analysis.parse_template(template(statistics={"errors": "e", "total": "t"})).spec.metrics
    assert metric.statistics is not None
    assert (metric.statistics.test, metric.statistics.alpha) == ("proportion", 0.05)
    assert (metric.statistics.dispersion, metric.statistics.on_horizon) == ("auto", "Inconclusive")
    assert metric.statistics.no_data == analysis.NoData("3m", "Inconclusive")


def test_a_dispersion_may_be_a_number() -> None:
    (metric,) = analysis.parse_template(template(statistics={"dispersion": 2})).spec.metrics
    assert metric.statistics is not None
    assert metric.statistics.dispersion == 2.0


def test_a_test_we_do_not_know_is_named() -> None:
    with pytest.raises(Invalid) as caught:
        analysis.parse_cluster_template(template(statistics={"test": "guess"}))
    assert caught.value.path == "spec.metrics[0].statistics.test"
    assert '"guess"' in caught.value.problem


def test_a_runs_status_is_read_as_far_as_it_can_be() -> None:
    run = analysis.parse_run(
        {
            "spec": {"terminate": True},
            "status": {
                "phase": "Running",
                "metricResults": [{"name": "errors", "count": 2, "measurements": [{"value": "0.01"}]}],
                "runSummary": 7,
                "tidegate": {"errors": 3},
            },
        }
    )
    assert run.spec.terminate
    assert (run.status.phase, run.status.metric_results[0].measurements[0].value) == ("Running", "0.01")
    assert (run.status.run_summary, run.status.tidegate) == (analysis.RunSummary(), {"errors": 3})
