"""An analysis step: the run that it starts, what its run is made of, and what holds it up."""

from __future__ import annotations

from typing import Any

import pytest

from crds.paths import get, put
from crds.refs import ANALYSIS_RUN, Ref
from tests.tidegate.test_rollout_planner import NOW, PLANNER, brief, hash_of, mesh, replica_set, settled
from tests.tidegate.test_rollout_templates import ARGS, METRIC, RATE, TEMPLATE, held_by, plan, started
from tidegate.planners.needs import Known, Need, Object, Owned, Samples
from tidegate.planners.plan import Plan

Raw = dict[str, Any]

CANARY = ("spec", "strategy", "canary")
INLINE = {"name": "error-rate", "thresholdRange": {"max": 0.05}}
WHERE = "spec.strategy.canary.steps[0].analysis"
NAME = "api-{}-2-0"


def at_step(analysis: Raw, background: Raw | None = None) -> Raw:
    """On the way to v2.2.0, whose first step is this analysis."""
    old, new = brief(), brief("myregistry/api:v2.2.0")
    rollouts = [
        put(one, (*CANARY, "steps"), [{"analysis": analysis}, {"setWeight": 50}]) for one in (old, new)
    ]
    return settled(*(put(one, (*CANARY, "analysis"), background) for one in rollouts))


def with_template(**changes: Any) -> Raw:
    return at_step({"templates": [{"templateName": "success-rate"}], "args": ARGS, **changes})


ONCE = {**METRIC, "count": 2}
ENDING: Raw = {"spec": {**TEMPLATE["spec"], "metrics": [ONCE]}}


def heard(raw: Raw, answer: tuple[Any, ...] = ("a series",)) -> Plan:
    """The plan once the stable arm's series are answered so, and whatever is wider asked for with nothing."""
    answers: dict[Need, Any] = {}
    for _ in range(4):
        asked = PLANNER.needs(raw, {**standing(raw), **answers}, NOW)
        samples = [need for need in asked if isinstance(need, Samples)]
        answers |= {need: Known(answer if "{" in need.selector else ()) for need in samples}
    return plan(raw, answers)


def standing(raw: Raw) -> dict[Need, Any]:
    ours, orphans, runs = PLANNER.needs(raw, {}, NOW)[:3]
    sets = (replica_set(brief(), 10), replica_set(raw, 1, 2))
    return {ours: Known(sets), orphans: Known(()), runs: Known(()), **mesh(0, hash_of(brief()), hash_of(raw))}


def test_an_analysis_step_has_its_own_run_under_argos_name_with_its_own_metadata() -> None:
    raw = with_template(analysisRunMetadata={"labels": {"team": "shop"}})
    (run,) = started(plan(raw, {RATE: Known(ENDING)}))
    assert run.ref.name == NAME.format(hash_of(raw))
    labels = get(run.body, "metadata", "labels")
    assert (labels["rollout-type"], labels["step-index"], labels["team"]) == ("Step", "0", "shop")


def test_inline_metrics_of_a_step_end_with_their_evidence() -> None:
    raw = at_step({"interval": "1m", "metrics": [INLINE]})
    (run,) = started(heard(raw))
    (metric,) = get(run.body, "spec", "metrics")
    assert (metric["interval"], metric["statistics"]["earlySuccess"]) == ("1m", True)


def test_alpha_is_shared_by_all_inline_analyses_of_a_rollout() -> None:
    raw = at_step({"metrics": [INLINE]}, background={"metrics": [INLINE]})
    (run,) = (one for one in started(heard(raw)) if one.ref.name.endswith("-0"))
    assert get(run.body, "spec", "metrics", 0, "statistics", "alpha") == 0.025


def test_a_step_waits_for_the_stable_arms_series() -> None:
    raw = at_step({"metrics": [INLINE]})
    made = heard(raw, ())
    assert started(made) == []
    assert "has no series for the stable pods" in held_by(raw, made)


@pytest.mark.parametrize(
    ("analysis", "words"),
    [
        ({"metrics": [{**INLINE, "name": "latency"}]}, f"{WHERE}.metrics[0].name: 'latency' is not in the"),
        ({"templates": [{"templateName": "success-rate"}]}, f"{WHERE}.args: 'canary' has no value"),
        (
            {"templates": [{"templateName": "success-rate"}], "args": ARGS},
            "metric 'success-rate' has no count, so the step would never end; write its count",
        ),
    ],
)
def test_what_is_wrong_with_a_step_is_named_in_the_step(analysis: Raw, words: str) -> None:
    raw = at_step(analysis)
    made = plan(raw, {RATE: Known(TEMPLATE)})
    assert started(made) == []
    assert words in held_by(raw, made)


def test_a_run_whose_name_is_anothers_gets_the_next_number() -> None:
    raw = with_template()
    taken = Object(Ref(ANALYSIS_RUN, "production", NAME.format(hash_of(raw))))
    theirs = Known({"metadata": {"name": taken.ref.name, "uid": "theirs"}})
    (run,) = started(plan(raw, {RATE: Known(ENDING), taken: theirs}))
    assert run.ref.name == f"{NAME.format(hash_of(raw))}.1"


def test_steps_that_were_edited_are_judged_anew() -> None:
    """The run that was good answered another question, or at another weight."""
    raw = with_template()
    (before,) = started(plan(raw, {RATE: Known(ENDING)}))
    good = Known(({**before.body, "status": {"phase": "Successful"}},))
    found: dict[Need, Any] = {RATE: Known(ENDING), Owned(ANALYSIS_RUN, "production", "u1"): good}
    assert started(plan(raw, found)) == [], "it has answered for its own steps"
    (again,) = started(plan(put(raw, (*CANARY, "steps", 1), {"setWeight": 60}), found))
    assert again.ref.name == f"{before.ref.name}.1"


COUNTED = {
    "name": "errors",
    "count": 9,
    "thresholdRange": {"max": 0.05},
    "provider": {"prometheus": {"address": "http://prometheus:9090"}},
    "statistics": {"errors": 'e{h="{{args.canary}}"}', "total": 't{h="{{args.canary}}"}'},
}


def test_counters_of_a_template_are_looked_for_with_the_stable_arms_hash() -> None:
    raw = with_template()
    counting: Raw = {"spec": {**TEMPLATE["spec"], "metrics": [COUNTED]}}
    asked = PLANNER.needs(raw, {**standing(raw), RATE: Known(counting)}, NOW)
    (need,) = (one for one in asked if isinstance(one, Samples))
    assert need.selector == f't{{h="{hash_of(brief())}"}}'
    assert started(plan(raw, {RATE: Known(counting)})) == [], "the answer is on its way"
    assert len(started(plan(raw, {RATE: Known(counting), need: Known(("a series",))}))) == 1
    refused = plan(raw, {RATE: Known(counting), need: Known(()), **_nothing_wider(need)})
    assert "let Prometheus scrape what counts the requests" in held_by(raw, refused)


def _nothing_wider(need: Samples) -> dict[Need, Any]:
    return {Samples(need.server, "t", need.window, need.at): Known(())}
