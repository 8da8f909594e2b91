"""An Application comes to what Git says, stays there, and says where it stands; whoever dies meanwhile."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

import pytest

from crds.application_status import OperationState
from crds.appproject import EVERYTHING, AppProject, parse_project
from crds.paths import get
from gitops.objects import Key
from gitops.plan import Rendering, plan, record
from tests.crds.applications import merged
from tests.gitops.clusters import Stopped, well
from tests.gitops.examples import REVISION, app, config, deployment, noted, raw_app, thing
from tests.gitops.universe import Universe

Raw = dict[str, Any]
DEPLOYMENT = Key("apps", "Deployment", "production", "api")
HEALING = {"automated": {"prune": True, "selfHeal": True}, "syncOptions": ["CreateNamespace=true"]}
MANUAL = {"syncOptions": ["CreateNamespace=true"]}
MISSING = "Application referencing project production which does not exist"
ISTIO = "networking.istio.io/v1"
DONE = {"conditions": [{"type": "Complete", "status": "True"}]}


def universe(*rendered: Raw, policy: Any = HEALING, **spec: Any) -> Universe:
    return Universe(raw_app(syncPolicy=policy, **spec), rendered or [deployment(), config(level="high")])


def synced(*rendered: Raw, policy: Any = HEALING, **spec: Any) -> Universe:
    here = universe(*rendered, policy=policy, **spec)
    here.run()
    here.log.clear()
    return here


def standing(here: Universe) -> tuple[str, str]:
    status = here.application.status
    return status.sync.status, status.health.status


def said(here: Universe) -> dict[str, str]:
    return {one.type: one.message for one in here.application.status.conditions}


def test_an_automated_application_comes_up_by_itself() -> None:
    here = universe()
    here.run()
    assert here.log == ["namespace production", "apply ConfigMap/settings", "apply Deployment/api"]
    assert standing(here) == ("Synced", "Healthy")
    assert [one.revision for one in here.application.status.history] == [REVISION]


def test_what_is_as_git_says_is_left_alone_for_ever() -> None:
    here = synced()
    written = here.written
    here.pass_time(86400).run()
    assert (here.written, here.log) == (written, [])


def test_a_manual_application_shows_the_difference_and_waits() -> None:
    here = universe(policy=MANUAL)
    found = here.run()
    assert (here.log, found.why, standing(here)) == ([], "not automated", ("OutOfSync", "Missing"))


def test_a_manual_application_syncs_when_it_is_asked_for() -> None:
    here = universe(policy=MANUAL)
    here.run()
    here.raw["operation"] = {"sync": {}, "initiatedBy": {"username": "eve"}}
    here.run()
    assert standing(here) == ("Synced", "Healthy")
    (entry,) = here.application.status.history
    assert (entry.initiated_by.username, "operation" in here.raw) == ("eve", False)


ELSEWHERE = {"repoURL": "https://github.com/myorg/infrastructure", "targetRevision": "main", "path": "old"}


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("source", ELSEWHERE),
        ("sources", [ELSEWHERE]),
        ("revisions", [REVISION]),
        ("manifests", ["kind: ConfigMap"]),
    ],
    ids=["source", "sources", "revisions", "manifests"],
)
def test_an_operation_that_asks_for_something_else_is_refused_and_writes_nothing(
    field: str, value: Any
) -> None:
    here = universe(policy=MANUAL)
    here.raw["operation"] = {"sync": {field: value}}
    here.run()
    state = here.application.status.operation_state or OperationState()
    assert (here.log, state.phase) == ([], "Error")
    assert f"operation.sync.{field}: is not acted on yet" in state.message


def test_an_operation_may_name_the_source_that_is_declared_anyway() -> None:
    here = universe(policy=MANUAL)
    here.raw["operation"] = {"sync": {"source": here.raw["spec"]["source"]}}
    here.run()
    assert standing(here) == ("Synced", "Healthy")


def test_an_operation_is_begun_in_the_same_write_that_takes_it_away() -> None:
    here = universe(
        policy=MANUAL, status={"operationState": {"phase": "Failed", "retryCount": 2, "message": "old"}}
    )
    here.raw["operation"] = {"sync": {"prune": True}}
    world = here.world()
    body = record(here.raw, world, plan(world))
    assert body["operation"] is None
    state = body["status"]["operationState"]
    assert (state["phase"], state["message"], state["retryCount"]) == ("Running", None, None)
    assert state["operation"] == {"sync": {"revision": REVISION, "prune": True}}


def test_a_running_hook_is_not_cut_short_by_a_newer_commit() -> None:
    migrate = noted(thing("Job", "migrate", api="batch/v1", spec={}), "hook", "PreSync")
    here = universe(migrate, config())
    here.grown = lambda raw: raw
    here.run()
    here.git["newer"], here.head = (config(level="high"),), "newer"
    here.run()
    assert (here.log, here.application.status.sync.revision) == (
        ["namespace production", "apply Job/migrate"],
        REVISION,
    )


def test_a_sync_makes_way_for_another_source_and_none_of_that_is_deployed_as_its_own() -> None:
    late = noted(deployment("late"), "sync-wave", "1")
    here = universe(deployment(), late, policy=MANUAL)
    here.grown = lambda raw: raw
    here.raw["operation"] = {"sync": {"prune": True}}
    assert here.run().why == "waiting for healthy state of apps/Deployment/api"
    here.moved("services/other", config())
    assert here.run().why == "not automated"
    state = here.application.status.operation_state
    assert state
    assert (state.phase, state.message) == (
        "Failed",
        "waiting for healthy state of apps/Deployment/api; superseded by another spec.source",
    )
    assert here.log == ["namespace production", "apply Deployment/api"]


def test_an_automated_application_goes_on_with_its_new_source_at_once() -> None:
    here = universe(deployment(), noted(deployment("late"), "sync-wave", "1"))
    here.grown = lambda raw: raw
    here.run()
    here.moved("services/other", config())
    here.run()
    assert standing(here)[0] == "Synced"
    (deployed,) = here.application.status.history
    assert deployed.source
    assert deployed.source.path == "services/other"


def test_a_running_hook_is_not_cut_short_by_another_source() -> None:
    migrate = noted(thing("Job", "migrate", api="batch/v1", spec={}), "hook", "PreSync")
    here = universe(migrate, config())
    here.grown = lambda raw: raw
    here.run()
    here.moved("services/other", config(level="high"))
    assert here.run().why == "waiting for completion of hook batch/Job/migrate, of another source"
    here.edit(Key("batch", "Job", "production", "migrate"), {"status": DONE})
    here.run()
    assert standing(here)[0] == "Synced"


def test_a_wave_that_does_not_get_well_does_not_hold_its_own_repair() -> None:
    late = noted(deployment("late"), "sync-wave", "1")
    here = universe(deployment(image="api:broken"), late)
    here.grown = lambda raw: raw if "broken" in str(raw) else well(raw)
    assert here.run().why == "waiting for healthy state of apps/Deployment/api"
    here.git["newer"], here.head = (deployment(image="api:v1"), late), "newer"
    here.run()
    assert standing(here) == ("Synced", "Healthy")
    assert [one.revision for one in here.application.status.history] == ["newer"]


def test_a_parent_that_holds_itself_does_not_wait_for_itself() -> None:
    me = raw_app(syncPolicy=HEALING)
    here = universe(me | {"status": {}}, noted(config(), "sync-wave", "1"))
    here.namespaces["argocd"] = {}
    here.run()
    assert standing(here)[0] == "Synced"
    assert "apply ConfigMap/settings" in here.log


def test_a_sync_that_somebody_asked_for_stays_at_the_revision_it_began_with() -> None:
    here = universe(config(level="low"), policy=MANUAL)
    here.raw["operation"] = {"sync": {}}
    here.look()
    here.git["newer"], here.head = (config(level="high"),), "newer"
    here.run()
    assert here.objects[Key("", "ConfigMap", "production", "settings")]["data"] == {"level": "low"}
    assert standing(here)[0] == "OutOfSync"


def test_an_older_revision_may_be_asked_for() -> None:
    here = synced(config(level="low"), policy=MANUAL)
    here.git["newer"], here.head = (config(level="high"),), "newer"
    here.raw["operation"] = {"sync": {"revision": REVISION}}
    here.run()
    assert here.objects[Key("", "ConfigMap", "production", "settings")]["data"] == {"level": "low"}
    assert (standing(here)[0], here.application.status.sync.revision) == ("OutOfSync", "newer")


def test_a_new_commit_is_synced_and_what_it_dropped_is_pruned() -> None:
    here = synced()
    here.git["newer"], here.head = (deployment(image="api:v2"),), "newer"
    here.run()
    assert here.log == ["apply Deployment/api", "remove ConfigMap/settings"]
    assert [one.revision for one in here.application.status.history] == [REVISION, "newer"]


def test_drift_by_hand_is_healed_after_a_moment() -> None:
    here = synced()
    here.edit(DEPLOYMENT, {"spec": {"replicas": 7}})
    assert here.run().why == "healing in 2 s"
    assert standing(here)[0] == "OutOfSync"
    here.pass_time(2).run()
    assert (here.log, standing(here)[0]) == (["apply Deployment/api"], "Synced")
    assert here.objects[DEPLOYMENT]["spec"]["replicas"] == 2
    assert len(here.application.status.history) == 1


def test_what_the_user_ignores_is_no_drift() -> None:
    ignored = [{"group": "apps", "kind": "Deployment", "jsonPointers": ["/spec/replicas"]}]
    here = synced(ignoreDifferences=ignored)
    here.edit(DEPLOYMENT, {"spec": {"replicas": 7}})
    here.pass_time(60).run()
    assert (here.log, standing(here)[0]) == ([], "Synced")


def mesh(stable: int, canary: int) -> Raw:
    arms = (("stable", stable), ("canary", canary))
    route = [{"destination": {"host": "api", "subset": arm}, "weight": weight} for arm, weight in arms]
    return thing("VirtualService", api=ISTIO, spec={"http": [{"name": "primary", "route": route}]})


def rollout() -> Raw:
    istio = {"virtualService": {"name": "api"}, "destinationRule": {"name": "api"}}
    spec = {"strategy": {"canary": {"trafficRouting": {"istio": istio}}}}
    return thing("Rollout", api="argoproj.io/v1alpha1", spec=spec)


def test_weights_in_mid_canary_are_neither_drift_nor_overwritten_sync_after_sync() -> None:
    here = synced(rollout(), mesh(100, 0), config(level="high"))
    virtual_service = Key("networking.istio.io", "VirtualService", "production", "api")
    here.edit(virtual_service, mesh(90, 10))
    for level in ("low", "lower"):
        here.pass_time(60).run()
        assert standing(here)[0] == "Synced"
        here.edit(Key("", "ConfigMap", "production", "settings"), {"data": {"level": level}})
        here.raw["operation"] = {"sync": {}}
        here.run()
        weights = [one["weight"] for one in get(here.objects[virtual_service], "spec", "http", 0, "route")]
        assert weights == [90, 10]
    assert here.log.count("apply VirtualService/api") == 2


def test_a_failed_sync_says_so_and_waits_for_git() -> None:
    here = universe(policy={"automated": {}, "retry": {"limit": 0}})
    here.run()
    assert said(here)["SyncError"].startswith(
        "Failed last sync attempt to [5c2d89b]: one or more objects failed"
    )
    here.pass_time(3600)
    written = here.written
    here.run()
    assert here.written == written


def test_a_failed_sync_does_not_keep_a_newer_commit_waiting() -> None:
    here = universe(policy={"automated": {}})
    here.run()
    assert "Retrying attempt #1" in (here.application.status.operation_state or OperationState()).message
    here.namespaces["production"] = {}
    here.git["newer"], here.head = (deployment(image="api:v2"),), "newer"
    here.run()
    assert here.log == ["apply Deployment/api"]
    assert [one.revision for one in here.application.status.history] == ["newer"]


def test_a_sync_that_never_began_is_tried_when_its_project_comes() -> None:
    here = universe()
    here.project, here.raw["operation"] = None, {"sync": {}}
    here.run()
    state = here.application.status.operation_state or OperationState()
    assert (state.phase, state.message) == ("Error", MISSING)
    here.project = AppProject(EVERYTHING)
    here.run()
    assert standing(here) == ("Synced", "Healthy")


def test_an_empty_rendering_wipes_nothing_out() -> None:
    here = synced()
    here.git["empty"], here.head = (), "empty"
    here.run()
    assert (here.log, "auto-sync will wipe out all resources" in said(here)["SyncError"]) == ([], True)


def test_a_project_that_is_not_there_holds_everything() -> None:
    here = universe()
    here.project = None
    here.run()
    assert (here.log, standing(here)) == ([], ("Unknown", "Unknown"))
    assert said(here)["InvalidSpecError"] == MISSING


def test_an_object_that_the_project_does_not_permit_stops_the_whole_sync() -> None:
    here = universe(thing("ClusterRole", api="rbac.authorization.k8s.io/v1"), config())
    spec = {"sourceRepos": ["*"], "destinations": [{"server": "*", "namespace": "*"}]}
    here.project = parse_project({"spec": spec})
    here.run()
    assert here.log == []
    assert "spec.clusterResourceWhitelist of AppProject production" in said(here)["InvalidSpecError"]


def test_what_belongs_to_another_application_is_named_and_not_written() -> None:
    here = universe(policy={"automated": {}, "retry": {"limit": 0}})
    other = synced()
    other.raw["metadata"]["name"] = "other"
    here.namespaces, here.others = {"production": {}}, (app(name="other"),)
    owned = noted(deployment(), "tracking-id", "other:apps/Deployment:production/api")
    here.objects[DEPLOYMENT] = owned
    here.run()
    assert (here.log, here.objects[DEPLOYMENT]) == ([], owned)
    assert "belongs to Application other" in said(here)["SharedResourceWarning"]


def test_an_override_that_matches_nothing_is_named() -> None:
    source = raw_app()["spec"]["source"] | {"kustomize": {"images": ["shop:v1"]}}
    here = synced(source=source)
    assert "shop is the name of no image rendered; there is api" in said(here)["ImageOverrideMatchesNothing"]


def test_what_is_not_acted_on_is_named_once() -> None:
    here = synced(noted(thing("Job", "bye", api="batch/v1"), "hook", "PostDelete"), config())
    assert said(here)["FieldsIgnored"] == "not acted on yet: Job production/bye (PostDelete)"


def test_an_option_of_an_object_that_changes_nothing_is_named() -> None:
    here = synced(noted(config(), "sync-options", "Replace=true, Prune=false,Forse=true"))
    told = "not acted on yet: ConfigMap production/settings (Replace=true, Forse=true)"
    assert said(here)["FieldsIgnored"] == told


def test_of_many_objects_the_first_are_named() -> None:
    here = synced(*(noted(config(f"c{n:02}"), "sync-options", "Replace=true") for n in range(30)))
    assert said(here)["FieldsIgnored"].endswith("ConfigMap production/c19 (Replace=true) and 10 more")


def test_a_repository_that_is_away_holds_a_sync_and_does_not_end_it() -> None:
    here = universe(deployment(), noted(config(), "sync-wave", "1"))
    here.grown = lambda raw: raw
    here.run()
    here.trouble = Rendering(trouble="connection refused", passing=True)
    here.run()
    state = here.application.status.operation_state
    assert state
    assert (state.phase, said(here)["ComparisonError"]) == ("Running", "connection refused")


def test_the_same_world_gives_the_same_plan() -> None:
    world = universe().world()
    assert plan(world) == plan(world)


@pytest.mark.parametrize("when", ["before", "behind"])
@pytest.mark.parametrize("at", range(1, 16))
def test_whoever_dies_at_any_write_the_next_comes_to_the_same_end(at: int, when: str) -> None:
    """Up, a new commit that drops an object, and drift by hand."""

    def story(here: Universe) -> None:
        here.run()
        here.git["newer"], here.head = (deployment(image="api:v2"), thing("Service")), "newer"
        here.run()

    whole, broken = universe(), universe()
    story(whole)
    broken.dies = (at, when)
    with suppress(Stopped):
        story(broken)
    story(broken)
    assert standing(broken) == standing(whole) == ("Synced", "Healthy")
    assert set(broken.objects) == set(whole.objects)
    assert [one.revision for one in broken.application.status.history][-1] == "newer"
    assert merged({}, broken.raw["status"])["sync"] == whole.raw["status"]["sync"]
