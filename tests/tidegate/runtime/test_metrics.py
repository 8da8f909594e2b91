"""The figures under Argo's names: one object in the store, one line at the scrape."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any
from unittest.mock import Mock

import pytest
from prometheus_client import generate_latest

from crds.refs import (
    ANALYSIS_RUN,
    ANALYSIS_TEMPLATE,
    CLUSTER_ANALYSIS_TEMPLATE,
    ROLLOUT,
    SHARD,
    Kind,
    Ref,
)
from tidegate.kube.http import Request
from tidegate.kube.store import Store
from tidegate.planners.plan import Event
from tidegate.runtime.clock import WallClock
from tidegate.runtime.lingering import Lingering
from tidegate.runtime.metrics import Metrics, Requests
from tidegate.runtime.queue import Queue

Raw = dict[str, Any]

DOCS = Path(__file__).parents[3] / "docs" / "metrics.md"
NAMED = 'name="api",namespace="shop"'
STARTED = {"rolloutStartedAt": "2026-03-01T12:00:00Z"}


class Board:
    """A store that is scraped."""

    def __init__(self) -> None:
        self.store = Store()
        for kind in (ROLLOUT, ANALYSIS_RUN, ANALYSIS_TEMPLATE, CLUSTER_ANALYSIS_TEMPLATE):
            self.store.expect(kind)
        self.timers: list[Callable[[], object]] = []
        self.requests = Requests(Lingering(self._later))
        self.metrics = Metrics(self.store, self.requests, lambda: "")
        self._version = 1

    def _later(self, seconds: float, ring: Callable[[], object]) -> asyncio.TimerHandle:
        assert seconds == 65
        self.timers.append(ring)
        return Mock(asyncio.TimerHandle)

    def put(self, kind: Kind, **fields: Any) -> Raw:
        self._version += 1
        meta = {"namespace": "shop", "name": "api", "uid": "u", "resourceVersion": str(self._version)}
        raw = {"kind": kind.kind, "metadata": {**meta, **fields.pop("metadata", {})}, **fields}
        self.store.put(kind, raw)
        return raw

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


def test_replicas_that_nobody_wrote_are_one() -> None:
    board = Board()
    board.put(ROLLOUT, spec={})
    assert board.line("rollout_info_replicas_desired") == "1.0"


def test_a_router_is_told_by_its_name_whatever_stands_beside_it() -> None:
    board, routing = Board(), {"managedRoutes": [], "maxTrafficWeight": 1000, "nginx": {}}
    board.put(ROLLOUT, spec={"strategy": {"canary": {"trafficRouting": routing}}})
    labels = 'name="api",namespace="shop",phase="Progressing",strategy="canary",traffic_router="nginx"'
    assert board.line("rollout_info", labels) == "1.0"


def test_a_runs_metrics_are_told_by_phase_and_by_who_is_asked() -> None:
    board = Board()
    results = [{"name": "errors", "phase": "Failed", "dryRun": True}]
    metrics = [{"name": "errors", "provider": {"prometheus": {}}}]
    board.put(ANALYSIS_RUN, spec={"metrics": metrics}, status={"phase": "Failed", "metricResults": results})
    assert board.line("analysis_run_info", f'{NAMED},phase="Failed"') == "1.0"
    assert board.line("analysis_run_phase", f'{NAMED},phase="Failed"') == "1.0"
    phase = f'dry_run="true",metric="errors",{NAMED},phase="Failed",type="prometheus"'
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


def test_a_cluster_template_is_told_without_a_namespace() -> None:
    board = Board()
    board.put(CLUSTER_ANALYSIS_TEMPLATE, metadata={"namespace": ""}, spec={"metrics": []})
    assert board.line("analysis_template_info", 'name="api",namespace=""') == "1.0"


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


API = Ref(ROLLOUT, "shop", "api")
PATCH = Request("PATCH", "/apis/argoproj.io/v1alpha1/namespaces/shop/rollouts/api/status")


def told_of(board: Board) -> None:
    """Each figure that has an object's name."""
    raw = board.put(ROLLOUT, status={"duration": STARTED})
    board.duration(rolloutStartedAt="2026-03-01T12:05:00Z")
    board.metrics.round(API, 0.1, failed=True)
    board.metrics.told(Event(raw, "RolloutAborted", "no", warning=True))
    board.requests.seen(PATCH, 200)


FIGURES = {
    "rollout_reconcile_count": NAMED,
    "rollout_reconcile_error": NAMED,
    "rollout_duration_seconds_sum": f'{NAMED},status="Superseded"',
    "rollout_events_total": f'{NAMED},reason="RolloutAborted",type="Warning"',
    "controller_clientset_k8s_request_total": f'kind="rollouts",{NAMED},status_code="200",verb="Patch"',
}


@pytest.mark.parametrize("written", ["soon", "2026-03-01T12:00:00", 7, None, {}])
def test_a_time_that_a_person_wrote_wrongly_is_measured_by_nobody(written: Any) -> None:
    """An error here would end the watch of all Rollouts."""
    board = Board()
    board.duration(rolloutStartedAt=written, manualPauseStartedAt=written)
    board.duration(**STARTED)
    board.duration(**STARTED, finishedAt=written, manualPauseStartedAt=written, completionStatus=written)
    board.put(ROLLOUT, status={"duration": written})
    assert b"rollout_duration_seconds_count" not in generate_latest(board.metrics.registry)


def test_an_objects_figures_are_there_for_the_last_scrape_and_go_then() -> None:
    board = Board()
    told_of(board)
    board.store.remove(ROLLOUT, board.put(ROLLOUT))
    assert all(board.line(*figure) for figure in FIGURES.items())
    (forget,) = board.timers
    forget()
    assert not any(board.line(*figure) for figure in FIGURES.items())


def test_an_object_that_comes_back_keeps_its_figures() -> None:
    board = Board()
    told_of(board)
    board.metrics.gone(API)
    alarm = next(iter(board.requests.lingering._leaving.values()))
    board.metrics.round(API, 0.1, failed=False)
    assert isinstance(alarm, Mock)
    alarm.cancel.assert_called_once()
    assert board.line("rollout_reconcile_count") == "2.0"


def test_what_is_not_ours_leaves_no_timer_behind() -> None:
    board = Board()
    board.metrics.gone(API)
    assert board.timers == []


def test_pods_are_counted_without_their_names() -> None:
    board = Board()
    board.requests.seen(Request("POST", "/api/v1/namespaces/shop/pods/api-1/eviction"), 201)
    labels = 'kind="pods",name="",namespace="shop",status_code="201",verb="Create"'
    assert board.line("controller_clientset_k8s_request_total", labels) == "1.0"


def test_events_are_counted_by_object_type_and_reason() -> None:
    board = Board()
    board.metrics.told(Event(board.put(ROLLOUT), "RolloutAborted", "no", warning=True))
    labels = f'{NAMED},reason="RolloutAborted",type="Warning"'
    assert board.line("rollout_events_total", labels) == "1.0"


def test_objects_of_another_instance_are_not_told_of() -> None:
    board = Board()
    board.put(ROLLOUT, metadata={"labels": {SHARD: "blue"}}, spec={"replicas": 5})
    board.put(ANALYSIS_RUN, metadata={"labels": {SHARD: "blue"}}, status={"phase": "Failed"})
    assert board.line("rollout_info_replicas_desired") == ""
    assert board.line("analysis_run_info", f'{NAMED},phase="Failed"') == ""


async def test_the_queue_is_told_by_kind_as_client_go_tells_it() -> None:
    board = Board()
    queue = Queue(WallClock(), board.metrics.queue)
    queue.add(API)
    rollouts = 'name="Rollouts"'
    assert (board.line("workqueue_depth", rollouts), board.line("workqueue_adds_total", rollouts)) == (
        "1.0",
        "1.0",
    )
    key = await queue.take()
    assert board.line("workqueue_depth", rollouts) == "0.0"
    assert float(board.line("workqueue_longest_running_processor_seconds", rollouts)) >= 0
    queue.retry(key)
    queue.done(key)
    queue.forget(key)
    for name in ("queue_duration_seconds_count", "work_duration_seconds_count", "retries_total"):
        assert board.line(f"workqueue_{name}", rollouts) == "1.0"


def test_every_figure_of_the_docs_is_there() -> None:
    board = Board()
    told = set(re.findall(r"# TYPE (\S+)", board.metrics.text().decode()))
    promised = set(re.findall(r"^\| `(\w+)`", DOCS.read_text(), re.M))
    assert promised
    assert promised <= told
