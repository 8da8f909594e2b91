"""What people type, what the API server is asked, and what they read."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.tidegate.cli.cluster import API, PODS, ROLLOUTS, RUNS, SETS, Cluster, missing, say
from tests.tidegate.views.worlds import (
    Raw,
    analysis_run,
    measurement,
    paused,
    pod,
    promoted,
    replica_set,
    rollout,
)
from tidegate.kube.errors import Unreachable
from tidegate.kube.http import Response

Printed = pytest.CaptureFixture[str]


def test_promote_clears_the_pause_on_the_status_subresource(capsys: Printed) -> None:
    cluster = Cluster({API: paused()})
    assert say("promote api", cluster) == 0
    assert cluster.patches() == [(f"{API}/status", {"status": {"pauseConditions": None}})]
    assert capsys.readouterr().out == "rollout 'api' promoted\n"


def test_a_patch_is_an_rfc_7386_merge_patch() -> None:
    cluster = Cluster({API: paused()})
    say("promote api", cluster)
    assert cluster.requests[-1].content_type == "application/merge-patch+json"


@pytest.mark.parametrize(
    ("words", "raw", "patch", "told"),
    [
        ("promote api --full", rollout(), {"promoteFull": True}, "fully promoted"),
        ("promote --full api", rollout(), {"promoteFull": True}, "fully promoted"),
        ("promote api -c", rollout(currentStepIndex=1), {"currentStepIndex": 2}, "promoted"),
        ("promote api --skip-all-steps", rollout(), {"currentStepIndex": 4}, "promoted"),
        ("abort api", rollout(), {"abort": True}, "aborted"),
        ("abort rollout/api", rollout(), {"abort": True}, "aborted"),
        ("retry rollout api", rollout(abort=True), {"abort": False}, "retried"),
        ("retry ro api", rollout(abort=True), {"abort": False}, "retried"),
        ("retry api", rollout(abort=True), {"abort": False}, "retried"),
    ],
)
def test_each_word_is_one_patch_and_one_line(
    words: str, raw: Raw, patch: Raw, told: str, capsys: Printed
) -> None:
    cluster = Cluster({API: raw})
    assert say(words, cluster) == 0
    assert cluster.patches() == [(f"{API}/status", {"status": patch})]
    assert capsys.readouterr().out == f"rollout 'api' {told}\n"


def test_without_a_status_subresource_one_patch_goes_to_the_object() -> None:
    cluster = Cluster({API: paused()}, status_subresource=False)
    assert say("promote api", cluster) == 0
    assert cluster.patches()[-1] == (API, {"status": {"pauseConditions": None}})


def versioned(raw: Raw, version: str) -> Raw:
    return raw | {"metadata": raw["metadata"] | {"resourceVersion": version}}


def test_promote_holds_only_for_what_was_read() -> None:
    cluster = Cluster({API: versioned(paused(), "7")})
    say("promote api", cluster)
    assert cluster.patches()[0][1]["metadata"] == {"resourceVersion": "7"}


def test_each_patch_of_a_promotion_follows_the_one_before() -> None:
    raw = versioned(paused(), "7")
    raw["spec"]["paused"] = True
    cluster = Cluster({API: raw})
    say("promote api", cluster)
    assert [path for path, _ in cluster.patches()] == [API, f"{API}/status"]


def test_abort_holds_whatever_was_read() -> None:
    cluster = Cluster({API: versioned(rollout(), "7")})
    say("abort api", cluster)
    assert cluster.patches() == [(f"{API}/status", {"status": {"abort": True}})]


def test_promote_is_said_again_to_a_rollout_that_only_counted_pods_meanwhile() -> None:
    cluster = Cluster({API: versioned(paused(), "7")})

    def count_pods(count: int) -> None:
        cluster.refusal = Response(409, {"reason": "Conflict"}) if count == 2 else None
        cluster.objects[API] = versioned(paused(readyReplicas=count), "8")

    cluster.meanwhile = count_pods
    assert say("promote api", cluster) == 0
    assert cluster.patches()[-1][1]["metadata"] == {"resourceVersion": "8"}


def test_promote_never_ends_a_pause_that_was_not_there_when_it_was_said(capsys: Printed) -> None:
    cluster = Cluster({API: versioned(paused(currentStepIndex=0), "7")})

    def go_on(count: int) -> None:
        cluster.refusal = Response(409, {"reason": "Conflict"}) if count == 2 else None
        if count == 2:
            cluster.objects[API] = versioned(paused(currentStepIndex=1), "8")

    cluster.meanwhile = go_on
    assert say("promote api", cluster) == 1
    assert len(cluster.patches()) == 1
    assert "moved on while you spoke" in capsys.readouterr().err


def test_a_refused_word_sends_nothing_and_says_why(capsys: Printed) -> None:
    cluster = Cluster({API: promoted()})
    assert say("promote api", cluster) == 1
    assert cluster.patches() == []
    assert capsys.readouterr().err == (
        "Error: rollout 'api' is fully promoted already: there is nothing to promote.\n"
    )


def test_several_rollouts_are_aborted_at_once(capsys: Printed) -> None:
    cluster = Cluster({API: rollout(), f"{ROLLOUTS}/web": rollout()})
    assert say("abort api web", cluster) == 0
    assert capsys.readouterr().out == "rollout 'api' aborted\nrollout 'web' aborted\n"


def test_retry_without_a_name_says_how_to_write_it(capsys: Printed) -> None:
    assert say("retry rollout", Cluster({})) == 1
    assert "kubectl argo rollouts retry rollout NAME" in capsys.readouterr().err


@pytest.mark.parametrize(
    "words", ["-n staging abort api", "abort -n staging api", "abort api --namespace=staging"]
)
def test_the_namespace_may_be_said_anywhere(words: str) -> None:
    path = API.replace("production", "staging")
    cluster = Cluster({path: rollout()})
    assert say(words, cluster) == 0
    assert cluster.patches()[0][0] == f"{path}/status"


@pytest.mark.parametrize("kind", ["rollout", "rollouts", "ro"])
def test_get_shows_the_rollout_with_what_it_owns(kind: str, capsys: Printed) -> None:
    owned = {SETS: (replica_set("new", 2, 1),), PODS: (pod("api-new-x", "new"),)}
    cluster = Cluster({API: paused(), **owned, RUNS: (analysis_run("api-new-2", measurement()),)})
    assert say(f"get {kind} api", cluster) == 0
    out = capsys.readouterr().out
    assert out.startswith("NAME  STRATEGY  STEP  SET WEIGHT  READY  UPDATED  UP-TO-DATE  AVAILABLE\n")
    assert all(name in out for name in ("⧉ api-new ", "□ api-new-x ", "α api-new-2 "))


def test_get_asks_only_for_what_the_rollout_may_own() -> None:
    cluster = Cluster({API: paused(), SETS: (replica_set("new", 2, 1), replica_set("old", 1, 9))})
    say("get rollout api", cluster)
    asked = {one.path: one.query.get("labelSelector") for one in cluster.requests}
    assert asked == {
        API: None,
        SETS: "app=api",
        PODS: "app=api",
        RUNS: "rollouts-pod-template-hash in (new,old)",
    }


def test_what_is_not_a_terminal_gets_no_colours(capsys: Printed) -> None:
    say("get rollout api", Cluster({API: paused()}))
    assert "\033" not in capsys.readouterr().out


def test_watching_prints_a_line_for_each_change(capsys: Printed) -> None:
    cluster = Cluster({API: paused()})

    def promote_soon(count: int) -> None:
        if count > 8:
            cluster.objects[API] = promoted()
        interrupt_after(20)(count)

    cluster.meanwhile = promote_soon
    assert say("get rollout api --watch", cluster) == 0
    assert capsys.readouterr().out == (
        "api Paused - CanaryPauseStep, step 0/4, weight 0 of 10 asked, 11/10 ready, 1 updated\n"
        "api Healthy, step 4/4, weight 100 of 100 asked, 11/10 ready, 1 updated\n"
    )


def test_watching_outlives_a_silent_api_server(capsys: Printed) -> None:
    cluster = Cluster({API: paused()})

    def fall_silent(count: int) -> None:
        cluster.refusal = Unreachable("it is gone") if count == 5 else None
        interrupt_after(10)(count)

    cluster.meanwhile = fall_silent
    assert say("get rollout api -w", cluster) == 0
    first, silent, again = capsys.readouterr().out.splitlines()
    assert silent == "(no answer from the API server; asking again)"
    assert first == again


def test_watching_ends_after_its_time() -> None:
    assert say("get rollout api --watch --timeout-seconds 1", Cluster({API: paused()})) == 0


def interrupt_after(requests: int) -> Callable[[int], None]:
    """Ctrl-C once so many requests came."""

    def interrupt(count: int) -> None:
        if count > requests:
            raise KeyboardInterrupt

    return interrupt


def test_a_wait_that_is_cut_short_is_no_success() -> None:
    cluster = Cluster({API: rollout()})
    cluster.meanwhile = interrupt_after(2)
    assert say("status api", cluster) == 130


def test_an_analysis_is_found_by_its_step(capsys: Printed) -> None:
    run = analysis_run("api-new-2", measurement(), labels={"rollout-type": "Background"})
    cluster = Cluster(
        {API: rollout(tidegate={"steps": [{"began": "2026-01-01T00:00:00Z"}] * 3}), RUNS: (run,)}
    )
    assert say("get analysis api-step-2-analysis", cluster) == 0
    assert "step 2 of a run in the background" in capsys.readouterr().out


def test_an_analysis_is_found_by_its_name(capsys: Printed) -> None:
    run = analysis_run("api-new-2", measurement())
    assert say("get analysis api-new-2", Cluster({f"{RUNS}/api-new-2": run})) == 0
    assert "Name:            api-new-2\n" in capsys.readouterr().out


def test_status_of_a_healthy_rollout_is_one_word(capsys: Printed) -> None:
    assert say("status api", Cluster({API: promoted()})) == 0
    assert capsys.readouterr().out == "Healthy\n"


def test_status_prints_each_standing_until_the_last(capsys: Printed) -> None:
    cluster = Cluster({API: rollout()})

    def heal(count: int) -> None:
        if count > 2:
            cluster.objects[API] = promoted()

    cluster.meanwhile = heal
    assert say("status api", cluster) == 0
    assert capsys.readouterr().out == "Progressing - more replicas need to be updated\nHealthy\n"


@pytest.mark.parametrize("watch", ["--watch=false", "-w=false", "-w", ""])
def test_status_of_a_degraded_rollout_fails(watch: str, capsys: Printed) -> None:
    raw = rollout(phase="Degraded", message="RolloutAborted: 12 % errors")
    assert say(f"status {watch} api", Cluster({API: raw})) == 1
    printed = capsys.readouterr()
    assert printed.out == "Degraded - RolloutAborted: 12 % errors\n"
    assert "degraded state with message: RolloutAborted: 12 % errors" in printed.err


def test_status_that_does_not_watch_lets_progress_be(capsys: Printed) -> None:
    assert say("status api --watch=false", Cluster({API: rollout()})) == 0
    assert capsys.readouterr().out == "Progressing - more replicas need to be updated\n"


def test_status_gives_up_after_its_time(capsys: Printed) -> None:
    assert say("status api --timeout 1s", Cluster({API: rollout()})) == 1
    assert "Rollout status watch exceeded timeout" in capsys.readouterr().err


def test_a_time_that_is_none_is_named(capsys: Printed) -> None:
    assert say("status api -t soon", Cluster({API: rollout()})) == 1
    assert "'soon' is no duration" in capsys.readouterr().err


def test_a_rollout_that_is_not_there_says_where_to_look(capsys: Printed) -> None:
    assert say("get rollout apo", Cluster({})) == 1
    assert capsys.readouterr().err == (
        "Error: no rollouts named 'apo' in namespace 'production'. See those that are there:"
        " kubectl get rollouts -n production; or in all namespaces: kubectl get rollouts -A\n"
    )


@pytest.mark.parametrize(
    ("refusal", "advice"),
    [
        (Response(404, {"reason": "NotFound", "message": "page not found"}), "kubectl apply -f crds/"),
        (Response(403, {"message": "cannot patch rollouts/status"}), "Ask for that verb in a Role"),
        (Response(401, {"message": "Unauthorized"}), "Log in again"),
        (Response(500, {"message": "etcd is tired"}), "etcd is tired"),
        (Unreachable("https://localhost:6443: refused"), "kubectl cluster-info"),
    ],
    ids=["no such kind", "forbidden", "unauthorized", "server error", "unreachable"],
)
def test_a_refusal_says_what_to_do_next(
    refusal: Response | Unreachable, advice: str, capsys: Printed
) -> None:
    cluster = Cluster({})
    cluster.refusal = refusal
    assert say("abort api", cluster) == 1
    assert advice in capsys.readouterr().err


def test_version_asks_nobody(capsys: Printed) -> None:
    cluster = Cluster({})
    assert say("version --short", cluster) == 0
    assert cluster.requests == []
    assert capsys.readouterr().out.startswith("kubectl-argo-rollouts: v")


@pytest.mark.parametrize(
    "words", ["", "get", "promote", "get rollouts", "promot api", "get rollout api --wat"]
)
def test_a_line_not_understood_is_refused_with_the_usage(words: str, capsys: Printed) -> None:
    with pytest.raises(SystemExit) as ended:
        say(words, Cluster({}))
    assert ended.value.code == 2
    assert "usage: kubectl argo rollouts" in capsys.readouterr().err


def test_missing_objects_are_missed_by_name() -> None:
    assert missing(API).body["details"] == {"name": "api", "kind": "rollouts"}
