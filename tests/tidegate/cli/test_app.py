"""`tidegate app`: what is asked of the API server, what is printed, and how it ends."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from crds.paths import put
from tests.gitops.examples import raw_app
from tests.tidegate.cli.cluster import Cluster, say
from tidegate.kube.http import Response

Printed = pytest.CaptureFixture[str]
Raw = dict[str, Any]
APPS = "/apis/argoproj.io/v1alpha1/namespaces/argocd/applications"
APP = f"{APPS}/api-prod"
NOON = "2026-03-15T12:00:00Z"
SHA = "5c2d89b" + "0" * 33


def app(sync: str = "Synced", health: str = "Healthy", phase: str = "Succeeded", **status: Any) -> Raw:
    whole = {
        "sync": {"status": sync, "revision": SHA},
        "health": {"status": health},
        "operationState": {
            "phase": phase,
            "message": "successfully synced (all tasks run)",
            "startedAt": "2026-03-15T10:29:00Z",
            "finishedAt": "2026-03-15T10:30:00Z",
        },
        **status,
    }
    return put(raw_app(status=whole), ("metadata", "resourceVersion"), "7")  # type: ignore[no-any-return]


def resource(health: str = "Healthy", message: str = "") -> Raw:
    told = {"status": health, "message": message}
    return {
        "group": "argoproj.io",
        "kind": "Rollout",
        "namespace": "production",
        "name": "api",
        "status": "Synced",
        "health": told,
    }


def test_applications_are_listed_in_argo_cds_namespace(capsys: Printed) -> None:
    automated = {"syncPolicy": {"automated": {"prune": True}}}
    found = put(app(), ("spec",), app()["spec"] | automated)
    assert say("app list", Cluster({APPS: (found,)})) == 0
    header, line = capsys.readouterr().out.splitlines()
    assert header.startswith("NAME")
    assert header.split()[4:8] == ["STATUS", "HEALTH", "SYNCPOLICY", "CONDITIONS"]
    assert line.split() == [
        "argocd/api-prod",
        "https://kubernetes.default.svc",
        "production",
        "production",
        "Synced",
        "Healthy",
        "Auto-Prune",
        "<none>",
        "https://github.com/myorg/infrastructure",
        "services/api",
        "main",
    ]


@pytest.mark.parametrize(
    ("how", "said"),
    [("name", "argocd/api-prod\n"), ("json", '"name": "api-prod"'), ("yaml", "name: api-prod")],
)
def test_applications_are_listed_for_scripts(capsys: Printed, how: str, said: str) -> None:
    assert say(f"app list -o {how}", Cluster({APPS: (app(),)})) == 0
    assert said in capsys.readouterr().out


def test_a_list_of_none_is_a_list_for_scripts(capsys: Printed) -> None:
    assert say("app list -o json", Cluster({APPS: ()})) == 0
    assert capsys.readouterr().out == "[]\n"


def test_the_last_sync_is_shown_with_its_duration_where_that_is_asked(capsys: Printed) -> None:
    assert say("app get api-prod --show-operation", Cluster({APP: app()})) == 0
    assert "Finished:           2026-03-15T10:30:00Z\nDuration:           1m0s\n" in capsys.readouterr().out


def test_what_was_deployed_is_listed_oldest_first(capsys: Printed) -> None:
    first = {"id": 0, "revision": SHA, "deployedAt": "2026-03-15T10:30:00Z"}
    next_one = {"id": 1, "revision": "d" * 40, "deployedAt": "2026-03-16T08:00:00Z"}
    entries = [
        first | {"source": {"targetRevision": "main"}},
        next_one | {"initiatedBy": {"username": "ada"}},
    ]
    cluster = Cluster({APP: app(history=entries)})
    assert say("app history api-prod", cluster) == 0
    assert capsys.readouterr().out == (
        "SOURCE  https://github.com/myorg/infrastructure\n"
        "ID  DATE                  REVISION        BY\n"
        "0   2026-03-15T10:30:00Z  main (5c2d89b)  by itself\n"
        "1   2026-03-16T08:00:00Z  HEAD (ddddddd)  ada\n"
    )
    assert say("app history api-prod -o id", cluster) == 0
    assert capsys.readouterr().out == "0\n1\n"


def test_without_the_kind_its_own_definitions_are_named(capsys: Printed) -> None:
    cluster = Cluster({})
    cluster.refusal = Response(404, {"reason": "NotFound", "message": "page not found"})
    assert say("app list", cluster) == 1
    assert "kubectl apply -f crds/gitops/" in capsys.readouterr().err


def test_an_application_is_shown_with_what_is_wrong_and_its_objects(capsys: Printed) -> None:
    wrong = [{"type": "SyncError", "message": "it failed", "lastTransitionTime": "2026-03-15T10:30:00Z"}]
    raw = app("OutOfSync", resources=[resource()], conditions=wrong)
    assert say("app get api-prod", Cluster({APP: raw})) == 0
    out = capsys.readouterr().out
    assert "Name:               argocd/api-prod\n" in out
    assert "Sync Status:        OutOfSync from main (5c2d89b)\n" in out
    assert "SyncError  it failed  2026-03-15T10:30:00Z\n" in out
    assert "argoproj.io  Rollout  production  api   Synced  Healthy" in out


def test_the_summary_is_the_briefs_block(capsys: Printed) -> None:
    raw = app("OutOfSync", history=[{"id": 0, "revision": "a1b2c3d4e5"}])
    assert say("app get api-prod -o summary", Cluster({APP: raw})) == 0
    assert capsys.readouterr().out == (Path(__file__).parent / "summary.txt").read_text()


def test_while_quarantined_the_summary_tells_the_commit_that_came_back(capsys: Printed) -> None:
    back = {"phase": "GaveUp", "from": SHA, "good": {"revision": "a1b2c3d4e5"}, "restoredAt": NOON}
    raw = app("OutOfSync", history=[{"id": 0, "revision": SHA}], rollback=back)
    assert say("app get api-prod -o summary", Cluster({APP: raw})) == 0
    assert "a1b2c3d (old) vs 5c2d89b (Git) → OutOfSync" in capsys.readouterr().out


def test_a_sync_is_an_operation_on_the_application_as_it_was_read(capsys: Printed) -> None:
    cluster = Cluster({APP: app("OutOfSync")})
    assert say("app sync api-prod --prune --revision v2 --resource apps:Deployment:api --async", cluster) == 0
    ((path, body),) = cluster.patches()
    assert (path, body["metadata"]) == (APP, {"resourceVersion": "7"})
    assert body["operation"]["sync"] == {
        "revision": "v2",
        "prune": True,
        "resources": [{"group": "apps", "kind": "Deployment", "name": "api"}],
    }


def test_a_sync_is_followed_to_its_end_and_ends_badly_where_that_does(capsys: Printed) -> None:
    cluster = Cluster({APP: app("OutOfSync")})
    cluster.meanwhile = lambda count: _ended(cluster, "Failed") if count == 3 else None
    assert say("app sync api-prod", cluster) == 1
    said = capsys.readouterr()
    assert "the sync of api-prod Failed: no permission" in said.err
    assert "Phase:              Failed\n" in said.out


def test_a_sync_that_succeeds_is_0() -> None:
    cluster = Cluster({APP: app("OutOfSync")})
    cluster.meanwhile = lambda count: _ended(cluster, "Succeeded") if count == 3 else None
    assert say("app sync api-prod", cluster) == 0


def test_a_sync_that_began_in_the_same_second_as_the_last_is_told_from_it(capsys: Printed) -> None:
    """Times are kept in seconds."""
    cluster = Cluster({APP: app("OutOfSync")})
    _ended(cluster, "Succeeded")
    cluster.meanwhile = lambda count: _ended(cluster, "Failed") if count == 3 else None
    assert say("app sync api-prod --timeout 5", cluster) == 1
    assert "the sync of api-prod Failed" in capsys.readouterr().err


def _ended(cluster: Cluster, phase: str) -> None:
    """What was asked for, as a controller ends it."""
    asked: Raw = next((body["operation"] for _, body in cluster.patches()), {})
    state: Raw = {"phase": phase, "message": "no permission", "startedAt": "2026-03-15T11:00:00Z"}
    state = {**state, "operation": asked}
    cluster.objects[APP] = put(cluster.objects[APP], ("status", "operationState"), state)


def test_no_second_sync_is_begun_over_one_that_runs(capsys: Printed) -> None:
    cluster = Cluster({APP: app(phase="Running")})
    assert say("app sync api-prod", cluster) == 1
    assert cluster.patches() == []
    assert "another operation is in progress on api-prod" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("raw", "code", "said"),
    [
        (app(), 0, ""),
        (app(phase="Failed"), 1, "the last sync Failed"),
        (
            app(health="Degraded", resources=[resource("Degraded", "RolloutAborted: errors")]),
            1,
            "Degraded: Rollout api RolloutAborted: errors",
        ),
    ],
    ids=["well", "failed", "rejected"],
)
def test_waiting_ends_with_a_code_that_can_be_trusted(
    raw: Raw, code: int, said: str, capsys: Printed
) -> None:
    assert say("app wait api-prod", Cluster({APP: raw})) == code
    assert said in capsys.readouterr().err


@pytest.mark.parametrize("words", ["--revision 0000000 --timeout 1s", "--timeout 1s"])
def test_waiting_for_what_does_not_come_fails_in_time(words: str, capsys: Printed) -> None:
    raw = app() if "revision" in words else app(health="Progressing")
    assert say(f"app wait api-prod {words}", Cluster({APP: raw})) == 1
    assert "timed out after 1s" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("words", "raw", "code"),
    [
        ("--health", app("OutOfSync"), 0),
        ("--sync", app(health="Degraded"), 0),
        ("--operation", app("OutOfSync", "Progressing"), 0),
        ("--operation", app("OutOfSync", "Progressing", "Running"), 1),
        ("--sync --health", app("OutOfSync"), 1),
        ("--health", app(phase="Failed"), 1),
    ],
)
def test_waiting_for_a_part_waits_for_nothing_else(words: str, raw: Raw, code: int) -> None:
    assert say(f"app wait api-prod {words} --timeout 1", Cluster({APP: raw})) == code


def test_an_application_is_shown_whole_as_yaml(capsys: Printed) -> None:
    assert say("app get api-prod -o yaml", Cluster({APP: app()})) == 0
    assert yaml.safe_load(capsys.readouterr().out) == app()


def test_a_refresh_is_asked_for_by_its_annotation() -> None:
    cluster = Cluster({APP: app()})
    assert say("app get api-prod --hard-refresh", cluster) == 0
    ((_, body),) = cluster.patches()
    assert body["metadata"]["annotations"] == {"argocd.argoproj.io/refresh": "hard"}


def test_a_release_that_was_rejected_is_let_go_by_its_rendering(capsys: Printed) -> None:
    held = [{"revision": SHA, "rendering": "digest"}]
    cluster = Cluster({APP: app(quarantinedRevisions=held)})
    assert say("app retry api-prod", cluster) == 0
    ((_, body),) = cluster.patches()
    assert body["metadata"]["annotations"] == {"tidegate.dev/release-quarantine": "digest"}
    assert say("app retry api-prod", Cluster({APP: app()})) == 1
    assert "has nothing to retry" in capsys.readouterr().err


def test_of_several_rejected_releases_the_one_that_is_held_back_now_is_let_go() -> None:
    first, last = ({"revision": digit * 40, "rendering": f"{digit}-digest"} for digit in "12")
    held = {"type": "QuarantinedRevision", "message": f"{'1' * 10} is quarantined: 12 % errors"}
    cluster = Cluster({APP: app(quarantinedRevisions=[first, last], conditions=[held])})
    assert say("app retry api-prod", cluster) == 0
    ((_, body),) = cluster.patches()
    assert body["metadata"]["annotations"] == {"tidegate.dev/release-quarantine": "1-digest"}


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("rbac:ClusterRole:system:viewer", {"group": "rbac", "kind": "ClusterRole", "name": "system:viewer"}),
        (":Service:shop/api", {"group": "", "kind": "Service", "namespace": "shop", "name": "api"}),
    ],
)
def test_an_object_to_sync_is_named_whole(written: str, meant: Raw) -> None:
    cluster = Cluster({APP: app()})
    assert say(f"app sync api-prod --resource {written} --async", cluster) == 0
    ((_, body),) = cluster.patches()
    assert body["operation"]["sync"]["resources"] == [meant]


def test_no_sync_begins_with_a_timeout_that_is_none(capsys: Printed) -> None:
    cluster = Cluster({APP: app()})
    with pytest.raises(SystemExit) as ended:
        say("app sync api-prod --timeout soon", cluster)
    assert (ended.value.code, cluster.requests) == (2, [])
    assert "--timeout: 'soon' is no duration" in capsys.readouterr().err


def test_an_application_is_looked_for_in_the_namespace_that_its_name_says() -> None:
    elsewhere = APP.replace("argocd", "team")
    assert say("app get team/api-prod", Cluster({APP: app()})) == 1
    assert say("app get team/api-prod", Cluster({elsewhere: app()})) == 0
    assert say("app get argocd/api-prod", Cluster({APP: app()})) == 0


@pytest.mark.parametrize("words", ["", f" --revision {SHA}"])
def test_a_release_that_was_rejected_is_a_failure_though_all_is_well_again(
    capsys: Printed, words: str
) -> None:
    held = [{"revision": SHA, "rendering": "digest", "reason": "12 % errors"}]
    rollback = {"phase": "Pushed", "from": SHA, "reason": "12 % errors"}
    cluster = Cluster({APP: app(quarantinedRevisions=held, rollback=rollback)})
    assert say(f"app wait api-prod{words}", cluster) == 1
    assert "was rejected: 12 % errors" in capsys.readouterr().err


def test_a_revision_that_was_overtaken_says_by_what(capsys: Printed) -> None:
    history = [{"id": n, "revision": one, "deployedAt": NOON} for n, one in enumerate(("b" * 40, SHA))]
    assert say("app wait api-prod --revision bbbbbbb", Cluster({APP: app(history=history)})) == 0
    assert f"bbbbbbb was overtaken by {SHA}, which is synced and well" in capsys.readouterr().err
