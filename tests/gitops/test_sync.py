"""A sync goes wave by wave, says what it waits for, and ends in Argo's words."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

import pytest
from msgspec.structs import replace

from crds.application_status import Force, SyncResource, SyncStrategy
from crds.paths import put
from gitops.compare import Awaited, Target
from gitops.objects import Key, key_of
from gitops.sync import step
from tests.gitops.clusters import Cluster, Stopped, retried, well
from tests.gitops.examples import CRD, app, config, deployment, noted, thing

Raw = dict[str, Any]
CREATE = app(syncPolicy={"syncOptions": ["CreateNamespace=true"]})
LAST = noted(deployment("last"), "sync-wave", "1")
ALL_RUN = "successfully synced (all tasks run)"
SHELF = thing("Shelf", api="shop.io/v1")


def job(name: str, hook: str, *, policy: str = "") -> Raw:
    raw = noted(thing("Job", name, api="batch/v1", spec={}), "hook", hook)
    return noted(raw, "hook-delete-policy", policy) if policy else raw


def failing(raw: Raw) -> Raw:
    if raw["kind"] != "Job":
        return well(raw)
    return raw | {"status": {"conditions": [{"type": "Failed", "status": "True", "message": "exit 1"}]}}


def messages(cluster: Cluster) -> dict[str, str]:
    result = cluster.state.sync_result
    return {one.name: one.message for one in result.resources} if result else {}


def test_everything_in_one_wave_is_applied_by_kind_and_nobody_waits() -> None:
    cluster = Cluster(git=[deployment(), config()])
    state = cluster.run()
    assert cluster.log == ["apply ConfigMap/settings", "apply Deployment/api"]
    assert (state.phase, state.message) == ("Succeeded", ALL_RUN)
    assert messages(cluster)["api"] == "deployment.apps/api serverside-applied"


def test_a_person_who_names_what_is_not_there_is_told() -> None:
    named = (SyncResource("Deployment", "api", "apps"), SyncResource("Deployment", "apu", "apps"))
    cluster = Cluster(git=[deployment()], resources=named)
    assert cluster.run().message == (
        "one or more synchronization tasks are not valid, "
        "reason: no object of this Application: apps/Deployment/apu"
    )
    assert cluster.log == []


ASKS = noted(config("old"), "sync-options", "Prune=confirm")


def test_what_asks_for_a_confirmation_is_pruned_once_a_person_has_said_so() -> None:
    cluster = Cluster(git=[deployment()]).has(ASKS, config("other"))
    cluster.run()
    assert cluster.state.message == "waiting for pruning confirmation of /ConfigMap/old"
    assert cluster.log == ["apply Deployment/api"]
    cluster.approved("2026-03-15T10:30:00Z")
    assert cluster.run().phase == "Succeeded"
    assert cluster.log[1:] == ["remove ConfigMap/old Foreground", "remove ConfigMap/other Foreground"]


@pytest.mark.parametrize("said", ["2026-03-15T10:29:59Z", "2026-03-15T10:31:00", "yes"])
def test_a_confirmation_of_before_the_sync_is_none(said: str) -> None:
    cluster = Cluster().has(ASKS).approved(said)
    assert cluster.run().message == "waiting for pruning confirmation of /ConfigMap/old"


def test_nothing_is_pruned_before_others_that_may_want_it_had_a_moment_to_look() -> None:
    cluster = Cluster().has(config("old"))
    cluster.behind = "shop"
    assert cluster.look().why == "before anything is deleted, waiting for a look of Application shop"
    cluster.pass_time(5).run()
    assert cluster.log == ["remove ConfigMap/old Foreground"]


def test_an_application_of_nothing_is_synced_too() -> None:
    state = Cluster().run()
    assert (state.phase, state.message) == ("Succeeded", "successfully synced (no more tasks)")


def test_where_no_namespace_is_named_none_is_created() -> None:
    to = {"server": "https://kubernetes.default.svc"}
    role = thing("ClusterRole", "reader", api="rbac.authorization.k8s.io/v1", namespace="")
    for options in ([], ["CreateNamespace=true"]):
        cluster = Cluster(app(destination=to, syncPolicy={"syncOptions": options}), [role])
        assert cluster.run().message == ALL_RUN
        assert cluster.log == ["apply ClusterRole/reader"]


def test_a_dry_run_creates_no_namespace_either() -> None:
    cluster = Cluster(CREATE, git=[config()], dry_run=True)
    cluster.namespaces.clear()
    state = cluster.run()
    assert (state.phase, state.message, cluster.log) == ("Succeeded", ALL_RUN, [])


def test_the_next_wave_waits_for_the_health_of_this_one() -> None:
    cluster = Cluster(git=[deployment(), LAST])
    state = cluster.run()
    assert cluster.log == ["apply Deployment/api"]
    assert (state.phase, state.message) == ("Running", "waiting for healthy state of apps/Deployment/api")


def test_a_healthy_wave_lets_the_next_one_go() -> None:
    cluster = Cluster(git=[deployment(), LAST])
    cluster.grown = well
    assert cluster.run().message == ALL_RUN
    assert cluster.log == ["apply Deployment/api", "apply Deployment/last"]


def test_several_that_are_waited_for_are_counted() -> None:
    cluster = Cluster(git=[deployment("a"), deployment("b"), deployment("c"), LAST])
    assert cluster.run().message == "waiting for healthy state of apps/Deployment/a and 2 more resources"


def test_a_suspended_object_holds_no_wave() -> None:
    rollout = thing(
        "Rollout", api="argoproj.io/v1alpha1", status={"phase": "Paused", "observedGeneration": ""}
    )
    cluster = Cluster(git=[rollout, LAST])
    cluster.grown = lambda raw: raw if raw["kind"] == "Rollout" else well(raw)
    assert cluster.run().message == ALL_RUN


def test_a_degraded_wave_stops_the_sync() -> None:
    late = {"type": "Progressing", "status": "False", "reason": "ProgressDeadlineExceeded"}
    cluster = Cluster(git=[deployment(), LAST])
    cluster.grown = lambda raw: raw | {"status": {"conditions": [late]}}
    state = cluster.run()
    assert (state.phase, state.message) == (
        "Failed",
        "one or more synchronization tasks completed unsuccessfully",
    )
    assert messages(cluster) == {"api": 'Deployment "api" exceeded its progress deadline'}


def test_the_namespace_comes_first_where_it_is_asked_for() -> None:
    cluster = Cluster(CREATE, [config()])
    cluster.namespaces = {}
    assert cluster.run().phase == "Succeeded"
    assert cluster.log == ["namespace production", "apply ConfigMap/settings"]


def test_a_missing_namespace_that_nobody_makes_is_named() -> None:
    cluster = Cluster(git=[config()])
    cluster.namespaces = {}
    state = cluster.run()
    assert state.message.startswith(
        "one or more objects failed to apply (dry run), reason: ConfigMap settings"
    )
    assert 'namespaces "production" not found' in state.message


def test_a_namespace_in_git_is_applied_like_all_else() -> None:
    cluster = Cluster(CREATE, [config(), thing("Namespace", "production", namespace="")])
    cluster.namespaces = {}
    assert cluster.run().phase == "Succeeded"
    assert cluster.log == ["apply Namespace/production", "apply ConfigMap/settings"]


def test_the_namespace_gets_the_labels_that_are_asked_for() -> None:
    policy = {"syncOptions": ["CreateNamespace=true"], "managedNamespaceMetadata": {"labels": {"a": "b"}}}
    cluster = Cluster(app(syncPolicy=policy), [config()])
    assert cluster.run().phase == "Succeeded"
    assert cluster.namespaces["production"]["metadata"]["labels"] == {"a": "b"}


def test_nothing_is_written_while_a_dry_run_is_out() -> None:
    cluster = Cluster(git=[config()])
    scene = replace(cluster.scene(), targets=(Target(config(), None, Awaited()),))
    found = step(scene)
    assert (found.actions, found.why) == ((), "waiting for the dry run")


def test_what_the_dry_run_refuses_is_named_and_nothing_is_written() -> None:
    cluster = Cluster(git=[config(), deployment()])
    cluster.refuses["dry run of api"] = "spec.selector is immutable"
    state = cluster.run()
    assert (cluster.log, state.phase) == ([], "Failed")
    assert state.message == (
        "one or more objects failed to apply (dry run), reason: Deployment api: spec.selector is immutable"
    )
    assert messages(cluster) == {"api": "spec.selector is immutable"}


def test_a_sync_that_is_only_tried_writes_nothing() -> None:
    cluster = Cluster(git=[config()], dry_run=True)
    assert (cluster.run().phase, cluster.log) == ("Succeeded", [])


def test_what_may_not_be_written_ends_the_sync_before_it_begins() -> None:
    cluster = Cluster(git=[config(), deployment()])
    cluster.forbidden = {Key("apps", "Deployment", "production", "api"): "belongs to Application other"}
    state = cluster.run()
    assert (cluster.log, state.message) == ([], "one or more synchronization tasks are not valid")
    assert messages(cluster) == {"api": "belongs to Application other"}


@pytest.mark.parametrize(
    ("raw", "problem"),
    [
        (noted(config(), "sync-wave", "first"), "is no whole number; write one like 1 or -1"),
        (thing("Job", "", api="batch/v1"), "a Job has no name; write metadata.name"),
    ],
)
def test_an_object_that_cannot_be_written_is_named(raw: Raw, problem: str) -> None:
    cluster = Cluster(git=[raw])
    assert cluster.run().phase == "Failed"
    assert problem in next(iter(messages(cluster).values()))


def test_what_the_api_server_refuses_at_last_is_the_reason() -> None:
    cluster = Cluster(git=[config(), deployment()])
    cluster.refuses["api"] = "apply Deployment production/api: quota exceeded"
    state = cluster.run()
    assert (state.phase, state.message) == (
        "Failed",
        "one or more objects failed to apply, reason: apply Deployment production/api: quota exceeded",
    )


def test_a_definition_is_served_before_its_objects_are_applied() -> None:
    cluster = Cluster(git=[SHELF, CRD])
    assert cluster.run().message == (
        "waiting for healthy state of apiextensions.k8s.io/CustomResourceDefinition/shelves.shop.io"
    )
    cluster = Cluster(git=[SHELF, CRD])
    cluster.grown = well
    assert cluster.run().message == ALL_RUN
    assert cluster.log == ["apply CustomResourceDefinition/shelves.shop.io", "apply Shelf/api"]


def test_a_kind_that_nobody_serves_is_named() -> None:
    assert "Shelf is not served; install its" in Cluster(git=[SHELF]).run().message


def test_a_kind_that_comes_later_may_be_waited_for() -> None:
    cluster = Cluster(git=[config(), noted(SHELF, "sync-options", "SkipDryRunOnMissingResource=true")])
    state = cluster.run()
    assert cluster.log == ["apply ConfigMap/settings"]
    assert (state.phase, state.message) == (
        "Running",
        "waiting for the API server: Shelf is not served; install its CustomResourceDefinition",
    )
    cluster.has(CRD)
    assert cluster.run().phase == "Succeeded"


def test_what_is_no_more_in_git_goes_last_of_the_highest_wave_first() -> None:
    cluster = Cluster(git=[config()]).has(deployment("low"), noted(deployment("high"), "sync-wave", "2"))
    assert cluster.run().phase == "Succeeded"
    assert cluster.log == [
        "apply ConfigMap/settings",
        "remove Deployment/high Foreground",
        "remove Deployment/low Foreground",
    ]
    assert messages(cluster)["low"] == "pruned"


def test_what_is_to_be_pruned_last_waits_until_all_is_well_and_goes_behind_the_others() -> None:
    last = noted(noted(config("a"), "sync-options", "PruneLast=true"), "sync-wave", "9")
    cluster = Cluster(git=[deployment()]).has(last, config("b"))
    assert cluster.run().message == "waiting for healthy state of apps/Deployment/api"
    cluster.objects[key_of(deployment())] = well(deployment())
    assert cluster.run().phase == "Succeeded"
    assert cluster.log[1:] == ["remove ConfigMap/b Foreground", "remove ConfigMap/a Foreground"]


def test_where_nothing_is_to_be_pruned_last_nobody_waits() -> None:
    cluster = Cluster(app(syncPolicy={"syncOptions": ["PruneLast=true"]}), [deployment()])
    assert cluster.run().phase == "Succeeded"


def test_what_a_finalizer_holds_holds_the_lower_waves() -> None:
    cluster = Cluster(git=[config()]).has(deployment("low"), noted(deployment("high"), "sync-wave", "2"))
    stuck = put(cluster.objects[Key("apps", "Deployment", "production", "high")], ("metadata", "x"), 1)
    for _ in range(4):
        cluster.look()
        cluster.objects[Key("apps", "Deployment", "production", "high")] = stuck
    assert cluster.look().why == "waiting for the end of Deployment production/high"


def test_the_propagation_is_as_the_policy_says() -> None:
    policy = {"syncOptions": ["PrunePropagationPolicy=background"]}
    cluster = Cluster(app(syncPolicy=policy), [config()]).has(deployment())
    cluster.run()
    assert cluster.log[-1] == "remove Deployment/api Background"


def test_what_asks_not_to_be_pruned_is_not() -> None:
    cluster = Cluster(git=[config()]).has(noted(deployment(), "sync-options", "Prune=false"))
    assert cluster.run().phase == "Succeeded"
    assert (cluster.log, messages(cluster)["api"]) == (["apply ConfigMap/settings"], "ignored (no prune)")


def test_nothing_is_pruned_where_pruning_is_off() -> None:
    cluster = Cluster(git=[config()]).has(deployment())
    assert cluster.state.operation.sync
    sync = replace(cluster.state.operation.sync, prune=False)
    cluster.state = replace(cluster.state, operation=replace(cluster.state.operation, sync=sync))
    assert cluster.run().phase == "Succeeded"
    assert messages(cluster)["api"] == "ignored (requires pruning)"


def test_a_settings_map_stays_while_older_pods_may_read_it() -> None:
    status = {"stableRS": "a", "currentPodHash": "b", "phase": "Paused", "observedGeneration": "None"}
    rollout = thing("Rollout", api="argoproj.io/v1alpha1")
    cluster = Cluster(git=[rollout]).has(config("old"))
    cluster.grown = lambda raw: raw | {"status": status}
    assert cluster.run().phase == "Succeeded"
    assert messages(cluster)["old"] == "kept while Rollout production/api is in mid-release"


def test_a_hook_runs_before_the_sync_and_is_waited_for() -> None:
    cluster = Cluster(git=[job("migrate", "PreSync"), config()])
    state = cluster.run()
    assert (cluster.log, state.message) == (
        ["apply Job/migrate"],
        "waiting for completion of hook batch/Job/migrate",
    )


def test_hooks_run_in_their_phases_around_the_sync() -> None:
    cluster = Cluster(git=[job("after", "PostSync"), config(), job("before", "PreSync")]).has(deployment())
    cluster.grown = well
    assert cluster.run().message == ALL_RUN
    assert cluster.log == [
        "apply Job/before",
        "apply ConfigMap/settings",
        "remove Deployment/api Foreground",
        "apply Job/after",
    ]


def test_a_hook_of_an_earlier_sync_goes_before_it_runs_again() -> None:
    cluster = Cluster(git=[job("migrate", "PreSync")]).has(job("migrate", "PreSync"))
    cluster.grown = well
    assert cluster.run().phase == "Succeeded"
    assert cluster.log == ["remove Job/migrate Background", "apply Job/migrate"]


def test_a_hook_of_two_phases_runs_in_each() -> None:
    cluster = Cluster(git=[job("check", "PreSync,PostSync"), config()])
    cluster.grown = well
    assert cluster.run().phase == "Succeeded"
    assert [line for line in cluster.log if "check" in line] == [
        "apply Job/check",
        "remove Job/check Background",
        "apply Job/check",
    ]


def test_a_hook_that_succeeded_goes_when_its_author_wants_so() -> None:
    cluster = Cluster(git=[job("migrate", "PreSync", policy="HookSucceeded"), config()])
    cluster.grown = well
    assert cluster.run().phase == "Succeeded"
    assert cluster.log == ["apply Job/migrate", "remove Job/migrate Background", "apply ConfigMap/settings"]


def test_a_failed_hook_ends_the_sync_after_those_for_failures() -> None:
    cluster = Cluster(git=[job("migrate", "PreSync"), config(), job("tell", "SyncFail")])
    cluster.grown = lambda raw: well(raw) if raw["metadata"]["name"] == "tell" else failing(raw)
    state = cluster.run()
    assert (cluster.log, state.phase) == (["apply Job/migrate", "apply Job/tell"], "Failed")
    assert state.message == "one or more synchronization tasks completed unsuccessfully"


def test_a_failed_hook_goes_when_its_author_wants_so() -> None:
    cluster = Cluster(git=[job("migrate", "PreSync", policy="HookFailed")])
    cluster.grown = failing
    assert cluster.run().phase == "Failed"
    assert cluster.log == ["apply Job/migrate", "remove Job/migrate Background"]


def test_a_hook_that_is_gone_before_its_end_was_seen_has_failed() -> None:
    cluster = Cluster(git=[job("migrate", "PreSync"), config()])
    cluster.run()
    cluster.objects.clear()
    assert cluster.run().phase == "Failed"
    assert messages(cluster)["migrate"].startswith("was deleted before its end was seen; sync again")


def test_an_object_deleted_by_hand_in_mid_sync_is_applied_again() -> None:
    cluster = Cluster(git=[deployment(), LAST])
    cluster.run()
    cluster.objects.clear()
    cluster.grown = well
    assert cluster.run().message == ALL_RUN
    assert cluster.log == ["apply Deployment/api", "apply Deployment/api", "apply Deployment/last"]


def test_hooks_for_failures_do_not_run_in_a_good_sync() -> None:
    cluster = Cluster(git=[config(), job("tell", "SyncFail")])
    assert (cluster.run().phase, cluster.log) == ("Succeeded", ["apply ConfigMap/settings"])


def test_a_hook_for_failures_that_is_refused_ends_it_all_the_same() -> None:
    cluster = Cluster(git=[job("migrate", "PreSync"), job("tell", "SyncFail")])
    cluster.grown, cluster.refuses["tell"] = failing, "quota"
    assert cluster.run().phase == "Failed"


def test_a_selective_sync_writes_what_is_named_and_runs_no_hook() -> None:
    one = SyncResource("ConfigMap", "settings")
    cluster = Cluster(git=[job("migrate", "PreSync"), config(), deployment()], resources=(one,)).has(
        config("old")
    )
    assert cluster.run().phase == "Succeeded"
    assert cluster.log == ["apply ConfigMap/settings"]


def test_a_sync_by_apply_runs_no_hook() -> None:
    cluster = Cluster(git=[job("migrate", "PreSync"), config()], sync_strategy=SyncStrategy(apply=Force()))
    assert (cluster.run().phase, cluster.log) == ("Succeeded", ["apply ConfigMap/settings"])


def test_only_what_differs_is_applied_where_that_is_asked_for() -> None:
    policy = {"syncOptions": ["ApplyOutOfSyncOnly=true"]}
    cluster = Cluster(app(syncPolicy=policy), [config(), deployment()]).has(config())
    assert cluster.run().phase == "Succeeded"
    assert cluster.log == ["apply Deployment/api"]


def test_a_sync_that_a_person_ends_is_over() -> None:
    cluster = Cluster(git=[config()])
    cluster.state = replace(cluster.state, phase="Terminating")
    state = cluster.run()
    assert (state.phase, state.message) == ("Failed", "Operation terminated")


def test_a_failed_sync_is_tried_again_later_and_later() -> None:
    cluster = retried(Cluster(git=[config()]), 2)
    cluster.refuses["settings"] = "quota"
    state = cluster.run()
    said = "one or more objects failed to apply, reason: quota. Retrying attempt #1 at 10:30AM."
    assert (state.phase, state.message) == ("Running", said)
    assert cluster.pass_time(4).run().retry_count == 0
    assert cluster.pass_time(1).run().retry_count == 1
    assert cluster.pass_time(9).run().retry_count == 1
    state = cluster.pass_time(1).run()
    assert (state.phase, state.message) == (
        "Failed",
        "one or more objects failed to apply, reason: quota (retried 2 times).",
    )


def test_what_heals_between_two_tries_succeeds() -> None:
    cluster = retried(Cluster(git=[config()]), 2)
    cluster.refuses["settings"] = "quota"
    cluster.run()
    cluster.refuses.clear()
    state = cluster.pass_time(5).run()
    assert (state.phase, state.message) == ("Succeeded", f"{ALL_RUN} (retried 1 times).")


def story() -> Cluster:
    """Everything at once: hooks, a definition, waves, pruning, a namespace."""
    git = [
        job("before", "PreSync", policy="HookSucceeded,BeforeHookCreation"),
        CRD,
        SHELF,
        deployment(),
        LAST,
        config(),
        job("after", "PostSync"),
    ]
    cluster = Cluster(CREATE, git).has(config("old"), noted(deployment("gone"), "sync-wave", "3"))
    cluster.namespaces, cluster.grown = {}, well
    return cluster


@pytest.mark.parametrize("when", ["before", "behind"])
@pytest.mark.parametrize("at", range(1, 25))
def test_whoever_goes_on_after_a_crash_comes_to_the_same_end(at: int, when: str) -> None:
    whole, broken = story(), story()
    whole.run()
    broken.dies = (at, when)
    with suppress(Stopped):
        broken.run()
    broken.run()
    assert (broken.state.phase, broken.state.message) == ("Succeeded", ALL_RUN)
    assert set(broken.objects) == set(whole.objects)
    assert broken.log.count("apply Job/before") == broken.log.count("apply Job/after") == 1
    assert (broken.dies is None) is (at <= whole.written)


def test_the_story_has_fewer_writes_than_the_crashes_tried() -> None:
    whole = story()
    assert whole.run().phase == "Succeeded"
    assert 10 < whole.written < 25
