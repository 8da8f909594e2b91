"""The Services of a Rollout without a router: how they are read, written, and what may be wrong with them."""

from __future__ import annotations

from typing import Any

import pytest

from crds.paths import drop, put
from crds.refs import REPLICA_SET, ROLLOUT, SERVICE, Ref
from tests.tidegate.test_rollout_planner import LABEL, Raw, brief, condition, hash_of, planned, replica_set
from tests.traffic.patching import applied
from tidegate.planners.needs import Absent, Answer, Known, Need, Object
from tidegate.planners.plan import JsonPatch, MergePatch, Plan
from traffic.arms import MANAGED_BY

CANARY = ("spec", "strategy", "canary")
STABLE, NEW = (Object(Ref(SERVICE, "production", f"api-{arm}")) for arm in ("stable", "canary"))
OTHER = Object(Ref(ROLLOUT, "production", "other"))


def by_pods(image: str = "myregistry/api:v1", **status: Any) -> Raw:
    """The brief's Rollout without a router and an analysis, between two Services."""
    raw = put(brief(image, **status), (*CANARY, "stableService"), "api-stable")
    raw = put(raw, (*CANARY, "canaryService"), "api-canary")
    for routed in ("trafficRouting", "analysis", "scaleDownDelaySeconds", "abortScaleDownDelaySeconds"):
        raw = drop(raw, (*CANARY, routed))
    return dict(raw)


def service(pod_hash: str, manager: str = "api", **selector: str) -> Known:
    meta = {"resourceVersion": "5", "annotations": {MANAGED_BY: manager} if manager else {}}
    selects = {"app": "api", **({LABEL: pod_hash} if pod_hash else {}), **selector}
    return Known({"metadata": meta, "spec": {"selector": selects}})


def midway(replicas: int = 10, **found: Answer) -> Plan:
    """v2 has its first pod beside nine of v1; `found` by arm."""
    old, new = by_pods(), put(by_pods("myregistry/api:v2"), ("spec", "replicas"), replicas)
    status = {"stableRS": hash_of(old), "currentPodHash": hash_of(new)}
    answers: dict[Need, Answer] = {
        STABLE: found.get("stable", service(hash_of(old))),
        NEW: found.get("canary", service(hash_of(old))),
        OTHER: found.get("other", Absent()),
    }
    return planned({**new, "status": status}, replica_set(old, 9), replica_set(new, 1, 2), found=answers)


def switched(plan: Plan) -> list[Ref]:
    return [write.ref for write in plan.writes if isinstance(write, JsonPatch)]


def test_the_canary_service_gets_the_canarys_hash_and_its_manager() -> None:
    alone = service("", manager="")
    (write,) = (write for write in midway(canary=alone).writes if isinstance(write, JsonPatch))
    after = applied(alone.value, write.operations)
    assert write.ref == NEW.ref
    assert after["spec"]["selector"] == {"app": "api", LABEL: hash_of(by_pods("myregistry/api:v2"))}
    assert after["metadata"]["annotations"] == {MANAGED_BY: "api"}


def test_a_service_that_is_missing_is_an_invalid_spec_that_names_the_field_and_the_fix() -> None:
    assert condition(midway(stable=Absent()), "InvalidSpec") == (
        'The Rollout "api" is invalid: spec.strategy.canary.stableService: Invalid value: "api-stable": '
        'service "api-stable" not found; create it, or correct the name'
    )


def test_a_service_of_another_rollout_is_left_alone_and_said() -> None:
    claims: Known = Known(put({}, (*CANARY, "stableService"), "api-canary"))
    plan = midway(canary=service("theirs", manager="other"), other=claims)
    assert 'managed by another Rollout, "other"' in condition(plan, "InvalidSpec")
    assert switched(plan) == []


@pytest.mark.parametrize("other", [Absent(), Known(put({}, (*CANARY, "stableService"), "elsewhere"))])
def test_a_service_that_another_rollout_left_behind_is_taken_over(other: Answer) -> None:
    assert switched(midway(canary=service("theirs", manager="other"), other=other)) == [NEW.ref]


def test_a_service_that_selects_other_pods_is_an_invalid_spec() -> None:
    plan = midway(stable=service("", tier="web"))
    assert 'service "api-stable" selects tier=web' in condition(plan, "InvalidSpec")


def test_what_is_wrong_with_a_service_is_told_in_an_event() -> None:
    assert "InvalidSpec" in [event.reason for event in midway(stable=Absent()).events]


def test_pods_are_still_sized_while_a_service_is_missing() -> None:
    sized = [write.ref.kind for write in midway(20, stable=Absent()).writes if isinstance(write, MergePatch)]
    assert REPLICA_SET in sized
