"""The laws of an AnalysisRun over histories of classic metrics that nobody thought of."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from math import nan
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from analysis.check import OVER
from analysis.instant import Instant
from crds.paths import get
from tests.tidegate.test_analysisrun_planner import recorded
from tidegate.planners.analysisrun import needs, plan
from tidegate.planners.needs import Absent, Answer, Failed, Known, Need, Pending
from tidegate.planners.plan import Delete

START = datetime(2026, 3, 15, 10, 30, tzinfo=UTC)
Raw = dict[str, Any]

limits = st.fixed_dictionaries(
    {},
    optional={
        "failureLimit": st.integers(-1, 2),
        "inconclusiveLimit": st.integers(0, 2),
        "consecutiveErrorLimit": st.integers(0, 3),
        "consecutiveSuccessLimit": st.integers(0, 3),
        "count": st.integers(0, 6),
        "initialDelay": st.sampled_from(["0s", "45s"]),
        "successCondition": st.sampled_from(["result[0] > 0.9", "len(result) == 0 || result[0] > 0.9"]),
        "failureCondition": st.just("result[0] < 0.5"),
    },
)
answers = st.one_of(
    st.sampled_from([(), (0.1,), (0.7,), (0.95,), (nan,)]).map(lambda values: Known(Instant(values))),
    st.sampled_from([Failed("timeout"), Absent(), Pending()]),
)
looks = st.lists(st.tuples(st.integers(0, 90), answers, st.booleans()), max_size=30)


def metric(name: str, changes: Raw) -> Raw:
    provider = {"prometheus": {"address": "http://prometheus:9090", "query": name}}
    return {"name": name, "interval": "30s", "provider": provider, **changes}


def run(metrics: list[Raw], **spec: Any) -> Raw:
    named = [metric(f"m{at}", changes) for at, changes in enumerate(metrics)]
    meta = {"name": "api", "namespace": "production", "resourceVersion": "7", "uid": "u"}
    return {"metadata": meta, "spec": {"metrics": named, **spec}}


def found(raw: Raw, answer: Answer, now: datetime) -> dict[Need, Answer]:
    return dict.fromkeys(needs(raw, {}, now), answer)


@settings(max_examples=300)
@given(metrics=st.lists(limits, min_size=1, max_size=3), history=looks, ended=st.integers(0, 40))
def test_a_run_keeps_its_laws(metrics: list[Raw], history: list[Any], ended: int) -> None:
    raw, now = run(metrics, ttlStrategy={"secondsAfterCompletion": 3600}), START
    for at, (seconds, answer, lost) in enumerate(history):
        now += timedelta(seconds=seconds)
        if at == ended:
            raw["spec"]["terminate"] = True
        asked = found(raw, answer, now)
        made = plan(raw, asked, now)
        assert plan(raw, asked, now) == made, "the same world gives the same plan"
        if lost:
            continue
        if get(raw, "status", "phase") in OVER:
            assert all(isinstance(write, Delete) for write in made.writes), "what has ended stays ended"
            break
        raw = recorded(raw, made)
        assert plan(raw, found(raw, Pending(), now), now).writes == (), "nothing is written twice"
        keeps_count(raw)


def keeps_count(raw: Raw) -> None:
    for result in get(raw, "status", "metricResults", default=[]):
        judged = sum(get(result, key, default=0) for key in ("successful", "failed", "inconclusive"))
        assert get(result, "count", default=0) == judged
        assert len(get(result, "measurements", default=[])) <= 10
    over = get(raw, "status", "phase") in OVER
    assert (get(raw, "status", "completedAt") is not None) == over
    phases = {result["phase"] for result in get(raw, "status", "metricResults", default=[])}
    assert not over or phases <= set(OVER), "no metric outlives its run"
