"""Whose fault a rejected release is: how stable was over the same checks, or that nobody can tell."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from analysis.counters import Series
from crds.paths import get, put
from crds.refs import ANALYSIS_RUN
from crds.times import rfc3339
from tests.tidegate.test_rollout_planner import (
    LABEL,
    NOW,
    PLANNER,
    SERVICE,
    brief,
    hash_of,
    mesh,
    planned,
    recorded,
    replica_set,
    settled,
)
from tidegate.planners.freeze import freeze_need
from tidegate.planners.needs import Absent, Failed, Known, Need, Owned, Samples
from tidegate.planners.settings import Settings

Raw = dict[str, Any]
OLD, NEW = brief("myregistry/api:v1"), brief("myregistry/api:v2")
BEGUN = NOW - timedelta(minutes=5)
SELECTOR = 'requests{pod_hash="%s"}'


def counters(of: Raw = NEW) -> Raw:
    return {
        "test": "proportion",
        "errors": SELECTOR.replace("requests", "errors") % hash_of(of),
        "total": SELECTOR % hash_of(of),
    }


def failed(phase: str = "Failed", **statistics: Any) -> Raw:
    """A run that rejected the new revision."""
    metric = {
        "name": "error-rate",
        "interval": "30s",
        "thresholdRange": {"max": 0.05},
        "provider": {"prometheus": {"address": "http://prometheus:9090"}},
        "statistics": {**counters(), **statistics},
    }
    meta = {
        "name": "run",
        "labels": {LABEL: hash_of(NEW)},
        "annotations": {"rollout.argoproj.io/revision": "2"},
    }
    status = {
        "phase": phase,
        "message": "12 % errors",
        "startedAt": rfc3339(BEGUN),
        "completedAt": rfc3339(NOW),
        "metricResults": [{"name": "error-rate", "phase": phase}],
    }
    return {"metadata": meta, "spec": {"metrics": [metric]}, "status": status}


def aborted(**ours: Any) -> Raw:
    seen = {"weight": 0, "stable": hash_of(OLD), "canary": hash_of(NEW), "exact": True}
    ours = {"traffic": seen, "verdict": "Background analysis phase error/failed: 12 % errors", **ours}
    return settled(OLD, NEW, abort=True, abortedAt=rfc3339(NOW), tidegate=ours)


def looked(raw: Raw, *runs: Raw, stable: Raw | None = None, answers: dict[Need, Any] | None = None) -> Raw:
    """What is recorded of whose fault it is; {} for nothing yet."""
    found = {**mesh(0, hash_of(OLD), hash_of(NEW)), Owned(ANALYSIS_RUN, "production", "u1"): Known(runs)}
    sets = (stable or replica_set(OLD, 10), replica_set(NEW, 1, 2))
    plan = planned(raw, *sets, found={**found, **(answers or {})})
    blame: Raw = get(recorded(plan), "tidegate", "blame", default={}) if plan.writes else {}
    return blame


def asked(run: Raw, raw: Raw | None = None) -> list[Samples]:
    found: dict[Need, Any] = {
        **mesh(0, hash_of(OLD), hash_of(NEW)),
        Owned(ANALYSIS_RUN, "production", "u1"): Known((run,)),
    }
    raw = raw or aborted()
    first = PLANNER.needs(raw, {}, NOW)
    found |= {first[0]: Known((replica_set(OLD, 10), replica_set(NEW, 1, 2))), first[1]: Known(())}
    return [need for need in PLANNER.needs(raw, found, NOW) if isinstance(need, Samples)]


def series(growth: float) -> Known:
    start = BEGUN.timestamp()
    samples = tuple((start + 30 * at, growth * at / 10) for at in range(-1, 11))
    return Known((Series((("instance", "a"), ("job", "j")), samples),))


def answered(run: Raw, total: float, errors: float) -> dict[Need, Any]:
    first, second = asked(run)
    return {first: series(total), second: series(errors)}


def test_stable_is_asked_for_over_the_same_checks() -> None:
    total, errors = asked(failed())
    assert (total.selector, errors.selector) == (counters(OLD)["total"], counters(OLD)["errors"])
    assert (total.at, total.window) == (NOW, 600.0)


def test_stable_within_the_limit_leaves_the_release_alone_to_blame() -> None:
    run = failed()
    assert looked(aborted(), run, answers=answered(run, 1000, 10)) == {
        "cause": "analysis",
        "alone": True,
        "stable": "stable had 1.0 % errors (10 of 1000) against a limit of 5 %",
    }


def test_stable_over_the_limit_too_is_no_fault_of_the_release_alone() -> None:
    run = failed()
    blame = looked(aborted(), run, answers=answered(run, 1000, 120))
    assert (blame["alone"], blame["stable"][:23]) == (False, "stable had 12.0 % error")


def test_stable_without_requests_tells_nothing() -> None:
    run = failed()
    blame = looked(aborted(), run, answers=answered(run, 0, 0))
    assert (blame["alone"], blame["stable"]) == (False, "nobody can tell how stable was: it had no requests")


def test_nothing_is_said_while_the_answer_is_on_its_way() -> None:
    assert looked(aborted(), failed()) == {}


@pytest.mark.parametrize(
    "run",
    [failed("Error"), failed(errors="errors{}", total="requests{}")],
    ids=["no answer", "one selector for both"],
)
def test_what_tells_nothing_of_stable_is_said_to(run: Raw) -> None:
    blame = looked(aborted(), run)
    assert (blame["alone"], blame["stable"][:31]) == (False, "nobody can tell how stable was:")


def test_a_router_that_cannot_be_read_tells_nothing_of_stable() -> None:
    blame = looked(aborted(), failed(errors="errors{}", total="requests{}"), answers={SERVICE: Absent()})
    said = "nobody can tell how stable was: VirtualService production/api does not exist"
    assert (blame["alone"], blame["stable"][: len(said)]) == (False, said)


@pytest.mark.parametrize("unread", [SERVICE, freeze_need(Settings())], ids=["router", "catalogue"])
def test_what_may_not_be_read_for_now_is_waited_for(unread: Need) -> None:
    """What is said is said for good."""
    run = failed(errors="errors{}", total="requests{}")
    assert looked(aborted(), run, answers={unread: Failed("403 forbidden")}) == {}


def test_pods_that_never_start_are_to_blame_where_stable_has_all_of_its_own() -> None:
    raw = aborted(verdict="canary pods never started")
    assert looked(raw) == {"cause": "pods", "alone": True, "stable": "stable has 10 of 10 pods available"}
    short = put(replica_set(OLD, 10), ("status", "availableReplicas"), 4)
    assert not looked(raw, stable=short)["alone"]


def test_a_step_that_failed_asks_for_stable_though_the_abort_has_left_it() -> None:
    labels = {LABEL: hash_of(NEW), "rollout-type": "Step", "step-index": "2"}
    run, raw = put(failed(), ("metadata", "labels"), labels), aborted(verdict="Step-based analysis ...")
    assert looked(raw, run) == {}, "the answer is on its way"
    blame = looked(raw, run, answers=answered(run, 1000, 120))
    assert (blame["cause"], blame["alone"]) == ("analysis", False)


def test_a_person_who_aborts_blames_nobody() -> None:
    assert looked(aborted(verdict="")) == {}


def test_it_is_asked_and_said_once() -> None:
    known = {"cause": "analysis", "alone": False, "stable": "as it was"}
    assert asked(failed(), aborted(blame=known)) == []
