"""What is written for a Rollout: the brief's, with what stands around it, one fact at a time."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml

from crds.paths import get, put
from crds.refs import ANALYSIS_RUN, DESTINATION_RULE, REPLICA_SET, ROLLOUT, VIRTUAL_SERVICE, Ref
from rollouts.memory import Noted
from rollouts.podhash import pod_template_hash
from tidegate.planners.needs import (
    Absent,
    Answer,
    Answers,
    Defaulted,
    Failed,
    Known,
    Need,
    Noticed,
    Object,
    Owned,
    Pending,
    Reached,
    Refusal,
    Samples,
)
from tidegate.planners.plan import Create, Delete, JsonPatch, MergePatch, Plan, Record
from tidegate.planners.rollout import RolloutPlanner
from tidegate.planners.rollout_note import Note
from tidegate.planners.settings import Settings

Raw = dict[str, Any]

NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
BRIEF = Path(__file__).parents[2] / "examples" / "api" / "rollout.yaml"
PLANNER = RolloutPlanner(Settings())
SERVICE = Object(Ref(VIRTUAL_SERVICE, "production", "api"))
RULE = Object(Ref(DESTINATION_RULE, "production", "api"))
LOOKED = Noticed(Ref(ROLLOUT, "production", "api"))
EMPTY: Answers = {}
LABEL = "rollouts-pod-template-hash"


def brief(image: str = "myregistry/api:v2.1.0", **status: Any) -> Raw:
    raw: Raw = yaml.safe_load(BRIEF.read_text())
    raw["metadata"] |= {"uid": "u1", "resourceVersion": "7", "generation": 1}
    raw["spec"]["template"]["spec"]["containers"][0]["image"] = image
    return {**raw, "status": status} if status else raw


def hash_of(raw: Raw) -> str:
    return pod_template_hash(raw["spec"]["template"])


def replica_set(rollout: Raw, replicas: int, revision: int = 1, owned: bool = True) -> Raw:
    pod_hash = hash_of(rollout)
    owner = [{"uid": "u1", "controller": True, "kind": "Rollout", "name": "api"}] if owned else []
    counts = {"replicas": replicas, "readyReplicas": replicas, "availableReplicas": replicas}
    return {
        "metadata": {
            "name": f"api-{pod_hash}",
            "uid": f"rs-{pod_hash}",
            "resourceVersion": "3",
            "labels": {"app": "api", LABEL: pod_hash},
            "annotations": {"rollout.argoproj.io/revision": str(revision)},
            "ownerReferences": owner,
        },
        "spec": {
            "replicas": replicas,
            "template": put(rollout["spec"]["template"], ("metadata", "labels", LABEL), pod_hash),
        },
        "status": counts,
    }


def mesh(weight: int = 0, stable: str = "", canary: str = "") -> dict[Need, Answer]:
    """What stands, and was so when we looked a minute ago."""
    long_ago = NOW - timedelta(minutes=1)
    route = [
        {"destination": {"host": "api", "subset": "stable"}, "weight": 100 - weight},
        {"destination": {"host": "api", "subset": "canary"}, "weight": weight},
    ]
    subsets = [
        {"name": name, "labels": {LABEL: pod_hash} if pod_hash else {}}
        for name, pod_hash in (("stable", stable), ("canary", canary))
    ]
    return {
        LOOKED: Known(Note(Noted(weight, stable, canary, True, long_ago, long_ago))),
        SERVICE: Known({"metadata": {"resourceVersion": "5"}, "spec": {"http": [{"route": route}]}}),
        RULE: Known({"metadata": {"resourceVersion": "6"}, "spec": {"host": "api", "subsets": subsets}}),
    }


def planned(raw: Raw, *sets: Raw, found: Answers | None = None, orphans: tuple[Raw, ...] = ()) -> Plan:
    answers: dict[Need, Answer] = {
        Owned(REPLICA_SET, "production", "u1"): Known(sets),
        Owned(REPLICA_SET, "production", ""): Known(orphans),
        Owned(ANALYSIS_RUN, "production", "u1"): Known(()),
        **(found if found is not None else mesh()),
    }
    for _ in range(5):
        for need in PLANNER.needs(raw, answers, NOW):
            answers.setdefault(need, Absent() if isinstance(need, Object | Noticed | Reached) else Pending())
    return PLANNER.plan(raw, answers, NOW)


def recorded(plan: Plan) -> Raw:
    return next(write.patch for write in plan.writes if isinstance(write, Record))


def condition(plan: Plan, kind: str) -> str:
    return next(str(c["message"]) for c in recorded(plan)["conditions"] if c["type"] == kind)


def settled(old: Raw, new: Raw, **more: Any) -> Raw:
    """`new` on its way from `old`."""
    seen = {"weight": 0, "stable": hash_of(old), "canary": hash_of(new), "exact": True}
    first = planned(
        new, replica_set(old, 10), replica_set(new, 1, 2), found=mesh(0, hash_of(old), hash_of(new))
    )
    status = {
        **recorded(first),
        "stableRS": hash_of(old),
        "currentPodHash": hash_of(new),
        "tidegate": {"traffic": seen},
        **more,
    }
    return {**new, "status": status}


def test_pods_do_without_a_quantity_that_is_none_and_a_condition_names_it() -> None:
    path = ("spec", "template", "spec", "containers", 0, "resources", "limits", "memory")
    plan = planned(put(put(brief(), path, "128Mx"), (*path[:-1], "cpu"), "1"))
    made = next(write for write in plan.writes if isinstance(write, Create))
    assert get(made.body, *path[:-1]) == {"cpu": "1"}
    record = plan.writes[-1]
    assert isinstance(record, Record)
    said = next(one for one in record.patch["conditions"] if one["type"] == "FieldsIgnored")
    assert "spec.template.spec.containers[0].resources.limits.memory (no quantity)" in said["message"]


def test_the_first_replica_set_is_argos() -> None:
    raw = brief()
    made = next(write for write in planned(raw).writes if isinstance(write, Create))
    pod_hash = hash_of(raw)
    assert made.ref == Ref(REPLICA_SET, "production", f"api-{pod_hash}")
    assert made.body["spec"]["selector"] == {"matchLabels": {"app": "api", LABEL: pod_hash}}
    assert get(made.body, "spec", "template", "metadata", "labels", LABEL) == pod_hash
    assert get(made.body, "metadata", "annotations", "rollout.argoproj.io/revision") == "1"


def test_a_status_is_written_on_the_version_that_was_planned_on() -> None:
    record = planned(brief()).writes[-1]
    assert isinstance(record, Record)
    assert (record.version, record.patch["observedGeneration"]) == ("7", "1")


def test_nothing_is_written_before_the_replica_sets_were_seen() -> None:
    raw = brief()
    answers: dict[Need, Answer] = {need: Pending() for need in PLANNER.needs(raw, {}, NOW)}
    assert PLANNER.plan(raw, answers, NOW).writes == ()


@pytest.mark.parametrize("unseen", [SERVICE, RULE], ids=["VirtualService", "DestinationRule"])
def test_nothing_is_written_before_the_routes_were_seen(unseen: Need) -> None:
    old, new = brief("myregistry/api:v1"), brief("myregistry/api:v2")
    found = {**mesh(0, hash_of(old), hash_of(new)), unseen: Pending()}
    plan = planned(settled(old, new), replica_set(old, 10), replica_set(new, 1, 2), found=found)
    assert plan.writes == ()


def test_a_release_is_not_late_for_what_the_one_before_it_waited() -> None:
    old, new, next_one = (brief(f"myregistry/api:v{number}") for number in (1, 2, 3))
    waited = settled(old, new)
    progressing = next(one for one in waited["status"]["conditions"] if one["type"] == "Progressing")
    progressing["lastUpdateTime"] = "2026-03-01T09:00:00Z"
    next_one = put({**next_one, "status": waited["status"]}, ("spec", "progressDeadlineAbort"), True)
    sets = (replica_set(old, 10), replica_set(new, 1, 2))
    plan = planned(next_one, *sets, found=mesh(0, hash_of(old), hash_of(new)))
    assert "abort" not in recorded(plan)


def test_a_mistake_in_the_spec_is_a_condition_that_names_the_field_and_nothing_else_is_written() -> None:
    raw = put(brief(), ("spec", "strategy", "canary", "steps", 0, "setWeight"), 250)
    plan = planned(raw, replica_set(brief(), 10))
    assert condition(plan, "InvalidSpec") == (
        'The Rollout "api" is invalid: spec.strategy.canary.steps[0].setWeight: '
        "Invalid value: 250 is no share; write 0 to 100"
    )
    assert len(plan.writes) == 1


def test_a_field_that_would_move_traffic_and_is_not_acted_on_holds_the_rollout() -> None:
    raw = put(brief(), ("spec", "strategy", "canary", "pingPong"), {"pingService": "a", "pongService": "b"})
    plan = planned(raw)
    assert "spec.strategy.canary.pingPong" in condition(plan, "Unsupported")
    assert len(plan.writes) == 1


def test_a_missing_destination_rule_is_named_with_its_fix() -> None:
    plan = planned(brief(), found={**mesh(), RULE: Absent()})
    said = condition(plan, "TrafficNotReady")
    assert said.startswith("DestinationRule production/api does not exist; create it")


def test_a_write_that_the_api_server_refuses_is_told_before_it_is_tried_again() -> None:
    told = Known("Create of ReplicaSet production/api-x: exceeded quota")
    plan = planned(brief(), found={**mesh(), Refusal(Ref(ROLLOUT, "production", "api")): told})
    assert isinstance(plan.writes[0], Record)
    assert condition(plan, "WriteRefused") == told.value


def test_a_replica_set_that_nobody_owns_is_adopted_first() -> None:
    lost = replica_set(brief(), 10, owned=False)
    (write,) = planned(brief(), orphans=(lost,)).writes
    assert isinstance(write, MergePatch)
    assert get(write.body, "metadata", "ownerReferences", 0, "uid") == "u1"


def test_the_whole_selector_is_in_the_status_and_says_whose_a_replica_set_without_an_owner_is() -> None:
    one = {"key": "track", "operator": "In", "values": ["a"]}
    raw = put(brief(), ("spec", "selector", "matchExpressions"), [one])
    raw = put(raw, ("spec", "template", "metadata", "labels", "track"), "a")
    anothers = put(replica_set(raw, 10, owned=False), ("metadata", "labels", "track"), "b")
    assert recorded(planned(raw, orphans=(anothers,)))["selector"] == "app=api,track in (a)"


def test_a_canary_waits_for_the_stable_arms_series_before_its_first_request() -> None:
    old, new = brief(), brief("myregistry/api:v2.2.0")
    raw = settled(old, new)
    answers = mesh(0, hash_of(old), hash_of(new))
    plan = planned(raw, replica_set(old, 10), replica_set(new, 1, 2), found=answers)
    assert not any(isinstance(write, Create | JsonPatch) for write in plan.writes)


def judged_by(old: Raw, new: Raw, status: Raw, found: Answers = EMPTY) -> Plan:
    """The plan for a canary at weight 0 whose run has this status."""
    meta = {
        "name": "run",
        "labels": {LABEL: hash_of(new)},
        "annotations": {"rollout.argoproj.io/revision": "2"},
    }
    runs = Known(({"metadata": meta, "status": status},))
    seen = {**mesh(0, hash_of(old), hash_of(new)), **found, Owned(ANALYSIS_RUN, "production", "u1"): runs}
    return planned(settled(old, new), replica_set(old, 10), replica_set(new, 1, 2), found=seen)


def test_a_run_that_a_person_ended_well_holds_no_traffic_up() -> None:
    old, new = brief("myregistry/api:v1"), brief("myregistry/api:v2")
    got = judged_by(old, new, {"phase": "Successful"})
    assert [write.ref for write in got.writes if isinstance(write, JsonPatch)] == [SERVICE.ref]


def test_a_successor_lets_the_router_settle_though_its_predecessor_saw_it_long_ago() -> None:
    old, new = brief("myregistry/api:v1"), brief("myregistry/api:v2")
    got = judged_by(old, new, {"phase": "Successful"}, {LOOKED: Absent()})
    assert (got.why, got.wake_at) == ("settling before the weight moves", NOW + timedelta(seconds=2))
    assert not any(isinstance(write, JsonPatch) for write in got.writes)


def test_the_kind_that_came_back_last_says_how_long_the_router_is_waited_for() -> None:
    old, new = brief("myregistry/api:v1"), brief("myregistry/api:v2")
    back: Answers = {
        Reached(VIRTUAL_SERVICE): Known(timedelta(seconds=50)),
        Reached(DESTINATION_RULE): Known(timedelta(seconds=20)),
    }
    got = judged_by(old, new, {"phase": "Successful"}, back)
    assert (got.why, got.wake_at) == ("settling before the weight moves", NOW + timedelta(seconds=40))


def test_a_run_that_gets_no_answers_is_told_with_where_it_asks_and_the_fix() -> None:
    old, new = brief("myregistry/api:v1"), brief("myregistry/api:v2")
    said = "http://prometheus:9090 gives no answer since 12:00: refused"
    metric = {"name": "error-rate", "phase": "Running", "consecutiveError": 2, "message": said}
    got = judged_by(old, new, {"phase": "Running", "metricResults": [metric]})
    fix = "let it answer, or correct its address or selectors in the metrics catalogue"
    assert condition(got, "MetricsNotReady") == f"error-rate: {said}; {fix}"


def test_pods_that_make_no_progress_are_looked_at_once_patience_ends() -> None:
    old, new = brief(), brief("myregistry/api:v2.2.0")
    crashing = put(replica_set(new, 1, 2), ("status", "availableReplicas"), 0)
    since = {"type": "Progressing", "status": "True", "reason": "ReplicaSetUpdated"}
    raw = settled(old, new, conditions=[{**since, "lastUpdateTime": "2026-03-01T11:59:57Z"}])
    plan = planned(raw, replica_set(old, 10), crashing, found=mesh(0, hash_of(old), hash_of(new)))
    assert plan.wake_at == NOW + timedelta(seconds=7)


def test_with_its_series_there_the_run_is_created_under_argos_name() -> None:
    old, new = brief(), brief("myregistry/api:v2.2.0")
    raw = settled(old, new)
    found = mesh(0, hash_of(old), hash_of(new))
    sets = (replica_set(old, 10), replica_set(new, 1, 2))
    asked = _asked(raw, sets, found)
    plan = planned(raw, *sets, found={**found, **{need: Known(("a series",)) for need in asked}})
    run = next(write for write in plan.writes if isinstance(write, Create))
    assert run.ref == Ref(ANALYSIS_RUN, "production", f"api-{hash_of(new)}-2")
    assert get(run.body, "spec", "metrics", 0, "thresholdRange") == {"max": 0.05}


def test_ended_runs_beyond_the_limit_are_deleted_the_oldest_first() -> None:
    raw = put(brief(), ("spec", "analysis"), {"successfulRunHistoryLimit": 1})
    runs = tuple(
        {
            "metadata": {"name": f"run-{n}", "uid": f"u-{n}", "creationTimestamp": f"2026-03-01T0{n}:00:00Z"},
            "status": {"phase": "Successful"},
        }
        for n in (1, 2, 3)
    )
    found = {**mesh(), Owned(ANALYSIS_RUN, "production", "u1"): Known(runs)}
    gone = [
        w.ref.name for w in planned(raw, replica_set(raw, 10), found=found).writes if isinstance(w, Delete)
    ]
    assert gone == ["run-1", "run-2"]


def ended_run(raw: Raw, name: str, **labels: str) -> Raw:
    """An Inconclusive run of this revision, which is the second."""
    notes = {"rollout.argoproj.io/revision": "2"}
    meta = {"name": name, "uid": name, "labels": {LABEL: hash_of(raw), **labels}, "annotations": notes}
    return {"metadata": meta, "status": {"phase": "Inconclusive"}}


def deleted(made: Plan) -> list[str]:
    return [write.ref.name for write in made.writes if isinstance(write, Delete)]


def test_what_the_canary_is_judged_by_is_kept_whatever_the_limit() -> None:
    old, new = brief(), brief("myregistry/api:v2.2.0")
    raw = put(settled(old, new), ("spec", "analysis"), {"unsuccessfulRunHistoryLimit": 0})
    runs = (ended_run(new, "background"), ended_run(new, "of-a-step", **{"step-index": "0"}))
    found = {**mesh(0, hash_of(old), hash_of(new)), Owned(ANALYSIS_RUN, "production", "u1"): Known(runs)}
    assert deleted(planned(raw, replica_set(old, 10), replica_set(new, 1, 2), found=found)) == []


def test_runs_of_a_revision_without_a_replica_set_are_deleted() -> None:
    raw = brief()
    runs = (ended_run(brief("myregistry/api:v1.0.0"), "forgotten"), ended_run(raw, "kept"))
    found = {**mesh(), Owned(ANALYSIS_RUN, "production", "u1"): Known(runs)}
    assert deleted(planned(raw, replica_set(raw, 10), found=found)) == ["forgotten"]


def test_a_rollout_at_rest_is_left_alone() -> None:
    raw = brief()
    pod_hash = hash_of(raw)
    raw["metadata"]["annotations"] = {"rollout.argoproj.io/revision": "1"}
    found = mesh(0, pod_hash, pod_hash)
    first = recorded(
        planned(
            {**raw, "status": {"stableRS": pod_hash, "currentPodHash": pod_hash}},
            replica_set(raw, 10),
            found=found,
        )
    )
    status = {"stableRS": pod_hash, "currentPodHash": pod_hash, **first}
    assert planned({**raw, "status": status}, replica_set(raw, 10), found=found).writes == ()


def _asked(raw: Raw, sets: tuple[Raw, ...], found: Answers) -> list[Samples]:
    answers: dict[Need, Answer] = {
        Owned(REPLICA_SET, "production", "u1"): Known(sets),
        Owned(REPLICA_SET, "production", ""): Known(()),
        Owned(ANALYSIS_RUN, "production", "u1"): Known(()),
        **found,
    }
    return [need for need in PLANNER.needs(raw, answers, NOW) if isinstance(need, Samples)]


def test_only_a_template_with_the_same_images_waits_for_its_defaults() -> None:
    old = brief()
    annotated = put(old, ("spec", "template", "metadata", "annotations"), {"a": "b"})
    assert planned(brief("myregistry/api:v3"), replica_set(old, 10)).writes
    assert not planned(annotated, replica_set(old, 10)).writes


def test_why_no_pods_can_be_made_is_read_off_the_replica_set() -> None:
    old, new = brief(), brief("api:2")
    quota = {"type": "ReplicaFailure", "status": "True", "reason": "FailedCreate", "message": "quota"}
    short = put(replica_set(new, 1, 2), ("status", "conditions"), [quota])
    plan = planned(new, replica_set(old, 10), short, found=mesh(0, hash_of(old), hash_of(new)))
    assert condition(plan, "ReplicaFailure") == "quota"


def test_a_rollback_within_the_window_goes_by_when_the_replica_sets_were_made() -> None:
    old, new = brief("myregistry/api:v1"), brief("myregistry/api:v2")
    made = ("metadata", "creationTimestamp")
    sets = (
        put(replica_set(old, 10, 1), made, "2026-03-01T10:00:00Z"),
        put(replica_set(new, 10, 2), made, "2026-03-01T11:00:00Z"),
    )
    raw = put(old, ("spec", "rollbackWindow"), {"revisions": 1})
    status = {"stableRS": hash_of(new), "currentPodHash": hash_of(new)}
    got = planned({**raw, "status": status}, *sets, found=mesh(0, hash_of(new), hash_of(new)))
    assert recorded(got)["currentStepIndex"] == len(raw["spec"]["strategy"]["canary"]["steps"])


def test_a_rollout_that_is_being_deleted_neither_adopts_what_was_orphaned_nor_makes_it_anew() -> None:
    """`kubectl delete --cascade=orphan`, and `--cascade=foreground`: it is there until they are done."""
    raw = put(brief(), ("metadata", "deletionTimestamp"), "2026-03-01T11:59:58Z")
    orphaned = planned(raw, orphans=(replica_set(raw, 10, owned=False),))
    assert (orphaned.writes, planned(raw).writes) == ((), ())


def test_of_the_runs_that_argo_made_of_one_revision_its_latest_judges() -> None:
    """It failed, a person retried it, and Tidegate takes over while the second run is under way."""
    old, new = brief(), brief("myregistry/api:v2.2.0")
    name = f"api-{hash_of(new)}-2"
    runs = (_argos(new, name, "Failed"), _argos(new, f"{name}.1", "Running"))
    found = {**mesh(0, hash_of(old), hash_of(new)), Owned(ANALYSIS_RUN, "production", "u1"): Known(runs)}
    raw = put(settled(old, new), ("status", "tidegate"), None)
    plan = planned(raw, replica_set(old, 10), replica_set(new, 1, 2), found=found)
    assert not any(isinstance(write, Record) and write.patch.get("abort") for write in plan.writes)
    assert get(recorded(plan), "canary", "currentBackgroundAnalysisRunStatus", "name") == f"{name}.1"


def _argos(rollout: Raw, name: str, phase: str) -> Raw:
    noted = {"rollout.argoproj.io/revision": "2"}
    meta = {"name": name, "uid": name, "labels": {LABEL: hash_of(rollout)}, "annotations": noted}
    return {"metadata": {**meta, "creationTimestamp": "2026-03-01T11:00:00Z"}, "status": {"phase": phase}}


def edited(answer: Answer) -> Plan:
    """An edit that keeps the images, so that its pods may stand already; and what a dry run says of it."""
    old, stable = brief(), hash_of(brief())
    new = put(old, ("spec", "template", "spec", "containers", 0, "env"), [{"name": "A=B"}])
    asked = Defaulted("production", json.dumps(new["spec"]["template"], sort_keys=True))
    raw = {**new, "status": {"stableRS": stable, "currentPodHash": stable}}
    return planned(raw, replica_set(old, 10), found={**mesh(0, stable, stable), asked: answer})


def test_a_template_that_is_not_valid_stands_nowhere_and_is_tried_for_its_own_refusal() -> None:
    assert isinstance(edited(Absent()).writes[0], Create)


def test_an_api_server_that_will_not_tell_of_defaults_is_told_of() -> None:
    """Nothing is done meanwhile: what it runs could be taken for another revision."""
    (record,) = edited(Failed("podtemplates is forbidden")).writes
    assert isinstance(record, Record)
    assert (record.patch["phase"], record.patch["observedGeneration"]) == ("Degraded", "1")
    assert "podtemplates is forbidden; mend it, or let it create podtemplates" in record.patch["message"]


def rescued(stable: str, weight: int = 25) -> list[Ref]:
    """What an abort writes while the second of two VirtualServices is gone."""
    via = ("spec", "strategy", "canary", "trafficRouting", "istio")
    two = {"virtualServices": [{"name": "api"}, {"name": "gone"}], "destinationRule": {"name": "api"}}
    old, new = (put(brief(f"myregistry/api:{tag}"), via, two) for tag in ("v1", "v2"))
    raw = put(settled(old, new), ("status", "abort"), True)
    found = mesh(weight, stable or hash_of(old), hash_of(new))
    plan = planned(raw, replica_set(old, 10), replica_set(new, 3, 2), found=found)
    return [write.ref for write in plan.writes if isinstance(write, JsonPatch)]


def test_an_abort_takes_traffic_from_the_routes_that_are_there_though_another_is_missing() -> None:
    assert rescued("") == [SERVICE.ref]
    assert rescued("", weight=0) == []


def test_an_abort_sends_nothing_to_an_arm_that_does_not_mean_the_stable_pods() -> None:
    assert rescued("another") == []


HELD = [
    ("setWeight", 250),
    ("setHeaderRoute", {"name": "beta", "match": [{"headerName": "x", "headerValue": {"exact": "1"}}]}),
]


def held_and_aborted(key: str, value: Any, abort: bool = True, **canary: Any) -> list[str]:
    """The kinds of what is written while a canary has traffic and its first step was edited."""
    old, new = brief("myregistry/api:v1"), brief("myregistry/api:v2")
    raw = put(settled(old, new), ("status", "abort"), abort)
    raw = put(raw, ("spec", "strategy", "canary", "steps", 0), {key: value})
    for field, written in canary.items():
        raw = put(raw, ("spec", "strategy", "canary", field), written)
    plan = planned(
        raw, replica_set(old, 10), replica_set(new, 3, 2), found=mesh(25, hash_of(old), hash_of(new))
    )
    return [write.ref.kind.kind for write in plan.writes]


@pytest.mark.parametrize(("key", "value"), HELD)
def test_an_abort_takes_traffic_from_the_canary_of_a_rollout_that_is_held(key: str, value: Any) -> None:
    assert held_and_aborted(key, value) == ["VirtualService", "Rollout"]
    assert held_and_aborted(key, value, abort=False) == ["Rollout"]


def test_an_abort_of_one_that_is_held_gives_nothing_to_a_stable_that_may_have_shrunk() -> None:
    assert held_and_aborted("setWeight", 250, dynamicStableScale=True) == ["Rollout"]
