"""Whatever stands in any field, the planners plan or name it, and lint does not stumble over it."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
import yaml

from analysis.counters import Series
from analysis.instant import Instant
from analysis.run import EXPECTS_TRAFFIC
from crds.paths import Path, put, show
from tests.properties.faults import THOROUGH
from tests.test_examples import ROOT, documents
from tests.tidegate.test_analysisrun_planner import START
from tests.tidegate.test_rollout_planner import NOW, PLANNER
from tests.tidegate.test_rollout_steps import COUNTED, at_step, standing
from tests.tidegate.test_rollout_templates import ARGS, METRIC, RATE
from tidegate.planners.analysisrun import needs as run_needs
from tidegate.planners.analysisrun import plan as run_plan
from tidegate.planners.needs import Absent, Answer, Known, Need, Query, Samples, SecretKey
from tidegate.views.lint import findings

Raw = dict[str, Any]

ALL: tuple[Any, ...] = (None, "", 0, -1, 1.5, True, [], {}, "x", [None], {"a": 1}, "{{args.zz}}", 10**30)
ANYTHING = ALL if THOROUGH else ALL[::3]

ANOTHER_SHAPE: tuple[Any, ...] = ("x", 5, [None])

RUN: Raw = yaml.safe_load("""
apiVersion: argoproj.io/v1alpha1
kind: AnalysisRun
metadata: {name: r, namespace: production, uid: u, resourceVersion: "1"}
spec:
  args: [{name: a, value: x}, {name: s, valueFrom: {secretKeyRef: {name: p, key: k}}}]
  dryRun: [{metricName: m}]
  measurementRetention: [{metricName: m, limit: 2}]
  ttlStrategy: {secondsAfterCompletion: 3}
  terminate: false
  metrics:
  - name: m
    interval: 1m
    count: 3
    initialDelay: 5s
    successCondition: result[0] > 1
    failureLimit: 1
    inconclusiveLimit: 1
    consecutiveErrorLimit: 2
    consecutiveSuccessLimit: 2
    provider:
      prometheus:
        address: http://x
        query: up{{args.a}}
        timeout: 3
        headers: [{key: a, value: "{{args.s}}"}]
        rangeQuery: {start: now() - duration('5m'), end: now(), step: 1m}
        authentication: {oauth2: {tokenUrl: u, clientId: i, clientSecret: s, scopes: [x]}}
  - name: counted
    thresholdRange: {max: 0.1}
    provider: {prometheus: {address: http://x}}
    statistics: {errors: e, total: t, noData: {grace: 1m}}
status:
  phase: Running
  startedAt: "2026-03-15T10:30:00Z"
  metricResults:
  - {name: m, phase: Running, measurements: [{phase: Successful, finishedAt: "2026-03-15T10:30:00Z"}]}
  tidegate:
    metrics: {counted: {watermark: "2026-03-15T10:30:00Z", nextCheck: "2026-03-15T10:30:30Z"}}
""")
TEMPLATE: Raw = {
    "spec": {
        "args": [
            {"name": "canary"},
            {"name": "b", "value": "1"},
            {"name": "c", "valueFrom": {"fieldRef": {"fieldPath": "metadata.name"}}},
        ],
        "dryRun": [{"metricName": "errors"}],
        "measurementRetention": [{"metricName": "errors", "limit": 3}],
        "templates": [{"templateName": "success-rate"}],
        "metrics": [COUNTED, {**METRIC, "count": 2}],
    }
}


def paths(tree: Any, at: Path = ()) -> Iterator[Path]:
    """Every field below `spec` and `status`, each item of a list included."""
    inner = tree.items() if isinstance(tree, dict) else enumerate(tree) if isinstance(tree, list) else ()
    for key, value in inner:
        yield (*at, key)
        yield from paths(value, (*at, key))


def changed(raw: Raw) -> list[Any]:
    where = [path for path in paths(raw) if path[0] in ("spec", "status")]
    return [pytest.param(raw, path, id=show(*path)) for path in where]


def answer(need: Need) -> Answer:
    match need:
        case SecretKey():
            return Known("s3cret")
        case Query():
            return Known(Instant((1.0,)))
        case Samples():
            return Known(())
        case _:
            return Absent()


@pytest.mark.parametrize(("raw", "path"), changed(RUN))
def test_a_run_is_planned_whatever_a_field_holds(raw: Raw, path: Path) -> None:
    now = START + timedelta(minutes=10)
    for value in ANYTHING:
        run = put(raw, path, value)
        answers: dict[Need, Answer] = {}
        for _ in range(4):
            answers |= {need: answer(need) for need in run_needs(run, answers, now)}
        run_plan(run, answers, now)


@pytest.mark.parametrize(
    ("field", "written"),
    [
        (("status", "startedAt"), "2026-03-15T10:30:00"),
        (("status", "metricResults", 0, "measurements", 0, "finishedAt"), "2026-03-15T10:30:00"),
        (("status", "metricResults", 0, "measurements", 0, "finishedAt"), "9999-12-31T23:59:59Z"),
        (("status", "tidegate", "metrics", "counted", "watermark"), "2026-03-15T10:30:00"),
        (("status", "tidegate", "metrics", "counted", "heardAt"), "2026-03-15T10:30:00"),
        (("status", "tidegate", "metrics", "counted", "errors"), 1e308),
        (("status", "tidegate", "metrics", "counted", "errors"), 5),
        (("metadata", "annotations"), {EXPECTS_TRAFFIC: "9999-12-31T23:59:59-14:00"}),
        (("spec", "dryRun", 0, "metricName"), "(" * 2000),
        (("spec", "dryRun", 0, "metricName"), "a{99999999999}"),
    ],
    ids=lambda one: str(one)[:40],
)
def test_a_run_is_planned_with_a_value_at_the_edge(field: Path, written: Any) -> None:
    run, now, answers = put(RUN, field, written), START + timedelta(minutes=10), dict[Need, Answer]()
    for _ in range(4):
        answers |= {need: scraped(need) for need in run_needs(run, answers, now)}
    made = run_plan(run, answers, now)
    assert made.writes, "it is judged, or says why it cannot be"


def scraped(need: Need) -> Answer:
    """As `answer`, with ten requests a half minute, and no errors."""
    if not isinstance(need, Samples):
        return answer(need)
    at, grows = need.at.timestamp(), 10.0 if need.selector == "t" else 0.0
    samples = tuple((at - 30 * (9 - tick), grows * tick) for tick in range(10))
    return Known((Series((("job", "api"),), samples),))


@pytest.mark.parametrize(("raw", "path"), changed(TEMPLATE))
def test_a_step_is_planned_whatever_its_template_holds(raw: Raw, path: Path) -> None:
    rollout = at_step({"templates": [{"templateName": "success-rate"}], "args": ARGS})
    for value in ANYTHING:
        answers: dict[Need, Answer] = {**standing(rollout), RATE: Known(put(raw, path, value))}
        for _ in range(4):
            for need in PLANNER.needs(rollout, answers, NOW):
                answers.setdefault(need, answer(need))
        PLANNER.plan(rollout, answers, NOW)


LINTED = [RUN, *documents(ROOT / "examples" / "analysis" / "templates.yaml")]


@pytest.mark.parametrize("raw", LINTED, ids=lambda raw: f"{raw['kind']}-{raw['metadata']['name']}")
def test_lint_does_not_stumble_over_any_value(raw: Raw) -> None:
    for path in paths(raw):
        for value in ANOTHER_SHAPE:
            findings(put(raw, path, value))
