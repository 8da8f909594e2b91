"""`list rollouts`: what the API server is asked, and the lines that people read."""

from __future__ import annotations

import re

import pytest

from tests.tidegate.cli.cluster import ROLLOUTS, Cluster, say
from tests.tidegate.views.worlds import Raw, paused, promoted
from tidegate.cli import listing
from tidegate.kube.errors import Unreachable

Printed = pytest.CaptureFixture[str]
EVERYWHERE = "/apis/argoproj.io/v1alpha1/rollouts"
TABLE = """\
NAME  STRATEGY  STATUS   STEP  SET-WEIGHT  READY  DESIRED  UP-TO-DATE  AVAILABLE
api   Canary    Paused   0/4   10          11/11  10       1           11
web   Canary    Healthy  4/4   100         11/10  10       1           11
"""


def web() -> Raw:
    raw = promoted()
    return raw | {"metadata": raw["metadata"] | {"name": "web", "uid": "ro-2"}}


def follow(cluster: Cluster, *changes: tuple[str, Raw] | BaseException | None) -> None:
    """Happens after the list; then Ctrl-C."""
    for change in (*changes, KeyboardInterrupt()):
        event = {"type": change[0], "object": change[1]} if isinstance(change, tuple) else change
        cluster.changes.put(event)


@pytest.mark.parametrize("kind", ["rollouts", "rollout", "ro"])
def test_the_rollouts_of_a_namespace_are_a_table(kind: str, capsys: Printed) -> None:
    assert say(f"list {kind}", Cluster({ROLLOUTS: (paused(), web())})) == 0
    assert capsys.readouterr().out == TABLE


@pytest.mark.parametrize("flag", ["-A", "--all-namespaces", "--all-namespaces=true"])
def test_everywhere_is_asked_in_one_request(flag: str, capsys: Printed) -> None:
    cluster = Cluster({EVERYWHERE: (paused(),)})
    assert say(f"list rollouts {flag}", cluster) == 0
    assert [one.path for one in cluster.requests] == [EVERYWHERE]
    assert capsys.readouterr().out.splitlines()[1].split()[:2] == ["production", "api"]


@pytest.mark.parametrize("words", ["api", "--name api", "--name=api"])
def test_one_rollout_is_asked_for_by_its_name(words: str) -> None:
    cluster = Cluster({ROLLOUTS: (paused(),)})
    say(f"list rollouts {words}", cluster)
    assert cluster.requests[0].query["fieldSelector"] == "metadata.name=api"


@pytest.mark.parametrize(
    ("words", "told"),
    [
        ("", "No rollouts found in namespace 'production'.\n"),
        ("api", "No rollouts named 'api' found in namespace 'production'.\n"),
        ("-A", "No rollouts found in any namespace.\n"),
    ],
)
def test_nothing_is_said_to_be_nothing(words: str, told: str, capsys: Printed) -> None:
    assert say(f"list rollouts {words}", Cluster({ROLLOUTS: (), EVERYWHERE: ()})) == 0
    assert capsys.readouterr() == ("", told)


def test_watching_adds_a_line_for_each_rollout_that_looks_different(capsys: Printed) -> None:
    cluster = Cluster({ROLLOUTS: (paused(), web())})
    follow(cluster, ("MODIFIED", paused()), ("MODIFIED", promoted()), ("BOOKMARK", {}))
    assert say("list rollouts --watch", cluster) == 0
    assert capsys.readouterr().out == TABLE + (
        "api   Canary    Healthy  4/4   100         11/10  10       1           11\n"
    )


def test_short_flags_may_be_written_as_one() -> None:
    cluster = Cluster({EVERYWHERE: (paused(),)})
    follow(cluster)
    say("list rollouts -Aw", cluster)
    assert [request.path for request in cluster.watched] == [EVERYWHERE]


def test_watching_goes_on_from_what_was_listed() -> None:
    cluster = Cluster({ROLLOUTS: (paused(),)})
    follow(cluster)
    say("list rollouts api -w", cluster)
    assert (cluster.watched[0].path, cluster.watched[0].query["fieldSelector"]) == (
        ROLLOUTS,
        "metadata.name=api",
    )


def test_watching_tells_of_a_rollout_that_is_gone(capsys: Printed) -> None:
    cluster = Cluster({ROLLOUTS: (paused(), web())})
    follow(cluster, ("DELETED", web()))
    say("list rollouts -w", cluster)
    assert capsys.readouterr().out.splitlines()[-1].startswith("web   Canary    Deleted  4/4")


def test_watching_outlives_a_silent_api_server(capsys: Printed, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(listing, "LOOK_SECONDS", 0)
    cluster = Cluster({ROLLOUTS: (paused(),)})
    follow(cluster, Unreachable("it is gone"), ("ADDED", paused()), ("MODIFIED", promoted()))
    say("list rollouts -w", cluster)
    printed = capsys.readouterr()
    assert [line.split()[2] for line in printed.out.splitlines()] == ["STATUS", "Paused", "Healthy"]
    assert printed.err == "(no answer from the API server; asking again)\n"


def test_watching_begins_anew_where_the_server_ended_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(listing, "LOOK_SECONDS", 0)
    cluster = Cluster({ROLLOUTS: (paused(),)})
    follow(cluster, ("ERROR", {"code": 410}), None)
    say("list rollouts -w", cluster)
    assert [one.query["resourceVersion"] for one in cluster.watched][1:] == ["", ""]


def test_timestamps_stand_before_each_line(capsys: Printed) -> None:
    say("list rollouts --timestamps", Cluster({ROLLOUTS: (paused(),)}))
    header, line = capsys.readouterr().out.splitlines()
    assert header.startswith("TIMESTAMP             NAME  STRATEGY")
    assert re.match(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ  api   Canary ", line)
