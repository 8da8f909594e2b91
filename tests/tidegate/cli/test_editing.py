"""Commands that change the spec: the patch that goes out, and what is told."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from crds.times import parse
from tests.tidegate.cli.cluster import API, ROLLOUTS, RUNS, SETS, Cluster, say
from tests.tidegate.cli.test_commands import versioned
from tests.tidegate.views.worlds import Raw, analysis_run, promoted, replica_set, rollout
from tidegate.kube.http import Response

Printed = pytest.CaptureFixture[str]
CONFLICT = Response(409, {"reason": "Conflict", "message": "the object has been modified"})
HISTORY = (replica_set("old", 1, 0, image="v2.0.0"), replica_set("new", 2, 10))


def image_of(raw: Raw) -> str:
    return str(raw["spec"]["template"]["spec"]["containers"][0]["image"])


def test_pause_holds_the_spec_of_each_rollout(capsys: Printed) -> None:
    web = rollout()
    web["metadata"]["name"] = "web"
    cluster = Cluster({API: rollout(), f"{ROLLOUTS}/web": web})
    assert say("pause api web", cluster) == 0
    assert cluster.patches() == [(path, {"spec": {"paused": True}}) for path in (API, f"{ROLLOUTS}/web")]
    assert capsys.readouterr().out == "rollout 'api' paused\nrollout 'web' paused\n"


@pytest.mark.parametrize("word", ["pause", "restart"])
def test_pause_and_restart_hold_whatever_was_read(word: str) -> None:
    cluster = Cluster({API: versioned(rollout(), "7")})
    say(f"{word} api", cluster)
    assert [set(body) for _, body in cluster.patches()] == [{"spec"}]


@pytest.mark.parametrize(
    ("words", "seconds", "told"),
    [("", 0, "0s"), ("-i 30s", 30, "30s"), ("--in 5m", 300, "5m"), ("--in=1h30m", 5400, "90m")],
)
def test_restart_says_from_when_on_older_pods_are_replaced(
    words: str, seconds: int, told: str, capsys: Printed
) -> None:
    cluster = Cluster({API: rollout()})
    before = datetime.now(UTC).replace(microsecond=0)
    assert say(f"restart api {words}", cluster) == 0
    at = parse(cluster.patches()[0][1]["spec"]["restartAt"]) - timedelta(seconds=seconds)
    assert before <= at <= datetime.now(UTC)
    assert capsys.readouterr().out == f"rollout 'api' restarts in {told}\n"


def test_a_restart_in_no_time_at_all_is_named(capsys: Printed) -> None:
    assert say("restart api --in soon", Cluster({API: rollout()})) == 1
    assert "--in: 'soon' is no duration" in capsys.readouterr().err


def test_undo_replaces_the_template_by_a_json_patch(capsys: Printed) -> None:
    cluster = Cluster({API: promoted(), SETS: HISTORY})
    assert say("undo api", cluster) == 0
    want = [{"op": "replace", "path": "/spec/template", "value": HISTORY[0]["spec"]["template"]}]
    assert cluster.patches() == [(API, want)]
    assert cluster.requests[-1].content_type == "application/json-patch+json"
    assert capsys.readouterr().out == "rollout 'api' undo\n"


@pytest.mark.parametrize("flag", ["--to-revision 1", "--to-revision=1"])
def test_undo_takes_the_revision_named(flag: str) -> None:
    cluster = Cluster({API: promoted(), SETS: (*HISTORY, replica_set("mid", 2, 0, image="v2.0.5"))})
    assert say(f"undo api {flag}", cluster) == 0
    assert cluster.patches()[0][1][0]["value"] == HISTORY[0]["spec"]["template"]


@pytest.mark.parametrize(
    ("flag", "told"),
    [
        ("--to-revision 9", "rollout 'api' has no revision 9. There are: 1 (myregistry/api:v2.0.0); 2"),
        ("--to-revision 2", "its template is that of revision 2 already"),
    ],
)
def test_undo_to_nowhere_sends_nothing_and_says_where_to(flag: str, told: str, capsys: Printed) -> None:
    cluster = Cluster({API: promoted(), SETS: HISTORY})
    assert say(f"undo api {flag}", cluster) == 1
    assert cluster.patches() == []
    assert told in capsys.readouterr().err


def test_set_image_reads_the_rollout_and_writes_it_back_whole(capsys: Printed) -> None:
    raw = versioned(rollout(), "7")
    cluster = Cluster({API: raw})
    assert say("set image api api=myregistry/api:v3", cluster) == 0
    ((path, body),) = cluster.written()
    assert (path, image_of(body)) == (API, "myregistry/api:v3")
    assert {key: body[key] for key in ("metadata", "status")} == {k: raw[k] for k in ("metadata", "status")}
    assert capsys.readouterr().out == 'rollout "api" image updated\n'


def test_set_image_with_a_star_means_every_container() -> None:
    cluster = Cluster({API: rollout()})
    assert say("set image api *=myregistry/api@sha256:0a=", cluster) == 0
    assert image_of(cluster.written()[0][1]) == "myregistry/api@sha256:0a="


def test_set_image_reads_again_where_somebody_wrote_in_between() -> None:
    cluster = Cluster({API: versioned(rollout(), "7")})

    def write_once(count: int) -> None:
        cluster.refusal = CONFLICT if count == 2 else None
        cluster.objects[API] = versioned(rollout(), str(count))

    cluster.meanwhile = write_once
    assert say("set image api api=x:3", cluster) == 0
    assert [body["metadata"]["resourceVersion"] for _, body in cluster.written()] == ["1", "3"]


def test_set_image_gives_up_where_somebody_writes_all_the_time(capsys: Printed) -> None:
    cluster = Cluster({API: rollout()})

    def write_always(count: int) -> None:
        cluster.refusal = None if count % 2 else CONFLICT

    cluster.meanwhile = write_always
    assert say("set image api api=x:3", cluster) == 1
    assert len(cluster.written()) == 5
    assert "the object has been modified" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("words", "told"),
    [("api", "'api' is no CONTAINER=IMAGE"), ("api=", "is no CONTAINER=IMAGE"), ("", "CONTAINER=IMAGE")],
)
def test_an_image_that_is_none_is_not_understood(words: str, told: str, capsys: Printed) -> None:
    with pytest.raises(SystemExit) as ended:
        say(f"set image api {words}", Cluster({}))
    assert ended.value.code == 2
    assert told in capsys.readouterr().err


def test_a_container_that_is_not_there_changes_nothing(capsys: Printed) -> None:
    cluster = Cluster({API: rollout()})
    assert say("set image api apo=x:3", cluster) == 1
    assert cluster.written() == []
    assert "no container 'apo'; it has api" in capsys.readouterr().err


@pytest.mark.parametrize("kind", ["analysisrun", "analysisruns", "ar"])
def test_terminate_ends_an_analysis(kind: str, capsys: Printed) -> None:
    cluster = Cluster({f"{RUNS}/api-new-2": analysis_run("api-new-2")})
    assert say(f"terminate {kind} api-new-2", cluster) == 0
    assert cluster.patches() == [(f"{RUNS}/api-new-2", {"spec": {"terminate": True}})]
    assert capsys.readouterr().out == "analysisrun 'api-new-2' terminated\n"


def test_an_analysis_that_is_over_cannot_be_ended(capsys: Printed) -> None:
    cluster = Cluster({f"{RUNS}/api-new-2": analysis_run("api-new-2", phase="Failed")})
    assert say("terminate analysisrun api-new-2", cluster) == 1
    assert cluster.patches() == []
    assert "is over already: it is Failed" in capsys.readouterr().err
