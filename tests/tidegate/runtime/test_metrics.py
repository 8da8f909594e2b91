"""The figures under Argo's names: one object in the store, one line at the scrape."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from crds.refs import ANALYSIS_RUN, ANALYSIS_TEMPLATE, ROLLOUT, Kind, Ref
from tidegate.kube.store import Store
from tidegate.planners.plan import Event
from tidegate.runtime.metrics import Metrics, Requests

DOCS = Path(__file__).parents[3] / "docs" / "metrics.md"
NAMED = 'name="api",namespace="shop"'
STARTED = {"rolloutStartedAt": "2026-03-01T12:00:00Z"}


class Board:
    """A store that is scraped."""

    def __init__(self) -> None:
        self.store = Store()
        for kind in (ROLLOUT, ANALYSIS_RUN, ANALYSIS_TEMPLATE):
            self.store.expect(kind)
        self.metrics = Metrics(self.store, Requests(), lambda: "")
        self._version = 1

    def put(self, kind: Kind, **fields: Any) -> None:
        self._version += 1
        meta = {"namespace": "shop", "name": "api", "uid": "u", "resourceVersion": str(self._version)}
        self.store.put(kind, {"metadata": meta, **fields})

    def duration(self, **fields: Any) -> None:
        self.put(ROLLOUT, status={"duration": fields})

    def line(self, name: str, labels: str = NAMED) -> str:
        """The value of the one series with this name and these labels, "" without."""
        found = re.search(rf"^{name}\{{{re.escape(labels)}\}} (\S+)$", self.metrics.text().decode(), re.M)
        return found[1] if found else ""


@pytest.mark.parametrize(
    ("name", "value"), [("desired", "5.0"), ("available", "2.0"), ("unavailable", "1.0"), ("updated", "1.0")]
)
def test_pods_are_counted_by_what_they_are(name: str, value: str) -> None:
    board = Board()
    status = {"replicas": 3, "availableReplicas": 2, "updatedReplicas": 1}
    board.put(ROLLOUT, spec={"replicas": 5}, status=status)
    assert board.line(f"rollout_info_replicas_{name}") == value


def test_a_runs_metrics_are_told_by_phase_and_by_who_is_asked() -> None:
    board = Board()
    results = [{"name": "errors", "phase": "Failed", "dryRun": True}]
    metrics = [{"name": "errors", "provider": {"prometheus": {}}}]
    board.put(ANALYSIS_RUN, spec={"metrics": metrics}, status={"phase": "Failed", "metricResults": results})
    assert board.line("analysis_run_info", f'{NAMED},phase="Failed"') == "1.0"
    assert board.line("analysis_run_phase", f'{NAMED},phase="Failed"') == "1.0"
    phase = f'dry_run="true",metric="errors",{NAMED},phase="Failed"'
    assert board.line("analysis_run_metric_phase", phase) == "1.0"
    assert board.line("analysis_run_metric_type", f'metric="errors",{NAMED},type="prometheus"') == "1.0"


def test_a_template_and_its_metrics_are_told() -> None:
    board = Board()
    board.put(ANALYSIS_TEMPLATE, spec={"metrics": [{"name": "errors", "provider": {"prometheus": {}}}]})
    asked = f'metric="errors",{NAMED},type="prometheus"'
    assert (board.line("analysis_template_info"), board.line("analysis_template_metric_info", asked)) == (
        "1.0",
        "1.0",
    )


def test_a_release_that_ends_is_timed_with_and_without_the_people() -> None:
    board = Board()
    board.duration(**STARTED)
    ended = {"finishedAt": "2026-03-01T12:10:00Z", "completionStatus": "Promoted"}
    board.duration(**STARTED, **ended, totalManualPauseDurationSeconds=60)
    by = f'{NAMED},status="Promoted"'
    assert [
        board.line(f"rollout_{which}duration_seconds_sum", by)
        for which in ("", "progression_", "manual_pause_")
    ] == ["600.0", "540.0", "60.0"]


def test_a_release_that_is_overtaken_is_superseded() -> None:
    board = Board()
    board.duration(**STARTED)
    board.duration(rolloutStartedAt="2026-03-01T12:05:00Z")
    assert board.line("rollout_duration_seconds_sum", f'{NAMED},status="Superseded"') == "300.0"


def test_an_end_that_another_controller_saw_is_not_timed_again() -> None:
    board = Board()
    board.duration(**STARTED, finishedAt="2026-03-01T12:10:00Z", completionStatus="Promoted")
    board.duration(**STARTED, finishedAt="2026-03-01T12:10:00Z", completionStatus="Promoted", more=1)
    assert board.line("rollout_duration_seconds_sum", f'{NAMED},status="Promoted"') == ""


def test_a_deleted_rollouts_times_go_with_it() -> None:
    board = Board()
    board.duration(**STARTED)
    board.duration(rolloutStartedAt="2026-03-01T12:05:00Z")
    board.metrics.gone(Ref(ROLLOUT, "shop", "api"))
    assert board.line("rollout_duration_seconds_sum", f'{NAMED},status="Superseded"') == ""


def test_events_are_counted_by_type_and_reason() -> None:
    board = Board()
    board.metrics.told(Event({}, "RolloutAborted", "no", warning=True))
    assert board.line("rollout_events_total", 'reason="RolloutAborted",type="Warning"') == "1.0"


def test_every_figure_of_the_docs_is_there() -> None:
    board = Board()
    told = set(re.findall(r"# TYPE (\S+)", board.metrics.text().decode()))
    promised = set(re.findall(r"^\| `(\w+)`", DOCS.read_text(), re.M))
    assert promised
    assert promised <= told
