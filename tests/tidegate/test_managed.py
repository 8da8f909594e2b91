"""What a Rollout managed and means no more is given back to its own selection."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from crds.paths import put
from crds.refs import DESTINATION_RULE, ROLLOUT, SERVICE, Kind, Ref
from tests.tidegate.test_rollout_planner import LABEL, brief
from tests.traffic.patching import applied
from tidegate.planners.managed import ManagedPlanner
from tidegate.planners.needs import Absent, Answer, Known, Object, Pending
from tidegate.planners.plan import JsonPatch
from traffic.arms import MANAGED_BY

Raw = dict[str, Any]
NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
OWNER = Object(Ref(ROLLOUT, "production", "api"))


def meta(**annotations: str) -> Raw:
    return {"name": "api", "namespace": "production", "resourceVersion": "5", "annotations": annotations}


def service(**annotations: str) -> Raw:
    managed = {MANAGED_BY: "api", "kept": "yes", **annotations}
    return {"metadata": meta(**managed), "spec": {"selector": {"app": "api", LABEL: "abc"}}}


def rule() -> Raw:
    subsets = [
        {"name": "stable", "labels": {"app": "api", LABEL: "abc"}},
        {"name": "canary", "labels": {LABEL: "def"}, "trafficPolicy": {}},
    ]
    return {"metadata": meta(**{MANAGED_BY: "api"}), "spec": {"host": "api", "subsets": subsets}}


def left(kind: Kind, raw: Raw, answer: Answer) -> Raw:
    """What becomes of `raw`, its manager being so."""
    plan = ManagedPlanner(kind).plan(raw, {OWNER: answer}, NOW)
    for write in plan.writes:
        assert isinstance(write, JsonPatch)
        raw = applied(raw, write.operations)
    return raw


def naming(**canary: Any) -> Known:
    return Known(put(brief(), ("spec", "strategy"), {"canary": canary}))


def test_a_service_whose_rollout_is_gone_selects_as_before() -> None:
    after = left(SERVICE, service(), Absent())
    assert (after["spec"], after["metadata"]["annotations"]) == (
        {"selector": {"app": "api"}},
        {"kept": "yes"},
    )


def test_a_destination_rule_that_is_not_named_any_more_means_every_pod() -> None:
    after = left(DESTINATION_RULE, rule(), naming(steps=[]))
    assert [one["labels"] for one in after["spec"]["subsets"]] == [{"app": "api"}, {}]
    assert after["spec"]["subsets"][1]["trafficPolicy"] == {}


@pytest.mark.parametrize(
    "strategy",
    [
        {"canary": {"stableService": "api"}},
        {"canary": {"canaryService": "api"}},
        {"canary": {"pingPong": {"pingService": "a", "pongService": "api"}}},
        {"blueGreen": {"activeService": "api"}},
        {"blueGreen": {"activeService": "a", "previewService": "api"}},
    ],
)
def test_a_service_that_a_rollout_names_in_any_way_is_left_alone(strategy: Raw) -> None:
    named = Known(put(brief(), ("spec", "strategy"), strategy))
    assert left(SERVICE, service(), named) == service()


def test_a_destination_rule_that_its_rollout_names_is_left_alone() -> None:
    assert left(DESTINATION_RULE, rule(), Known(brief())) == rule()


def test_nothing_is_let_go_before_its_rollout_was_looked_for() -> None:
    assert left(SERVICE, service(), Pending()) == service()


def test_a_service_that_nobody_manages_is_none_of_our_business() -> None:
    theirs = {"metadata": meta(), "spec": {"selector": {LABEL: "abc"}}}
    assert ManagedPlanner(SERVICE).needs(theirs, {}, NOW) == ()
    assert ManagedPlanner(SERVICE).plan(theirs, {}, NOW).writes == ()
