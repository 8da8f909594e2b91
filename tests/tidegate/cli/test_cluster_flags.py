"""kubectl's own flags, which scripts carry along: where the cluster is, and who asks."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest

from tests.tidegate.cli.cluster import API, Cluster, say
from tests.tidegate.cli.test_process import Api, kubeconfig
from tests.tidegate.views.worlds import promoted
from tidegate.cli.main import run

Heard = list[list[tuple[str, str]]]


@pytest.fixture
def server() -> Iterator[tuple[str, Heard]]:
    """The address of an API server with one Rollout, and the headers of what it was asked."""
    heard: Heard = []

    class Listening(Api):
        def do_GET(self) -> None:
            heard.append(self.headers.items())
            super().do_GET()

    with HTTPServer(("127.0.0.1", 0), Listening) as listening:
        thread = threading.Thread(target=listening.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{listening.server_port}", heard
        listening.shutdown()
        thread.join()


def asked(words: str, config: Path, monkeypatch: pytest.MonkeyPatch) -> int:
    monkeypatch.setenv("KUBECONFIG", str(config))
    return run(f"status api --watch=false {words}".split())


def sent(heard: Heard, *names: str) -> list[tuple[str, str]]:
    return [(name, value) for name, value in heard[-1] if name in names]


def test_a_server_that_is_named_is_asked_without_any_kubeconfig(
    server: tuple[str, Heard], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    where, heard = server
    assert asked(f"-s {where} --token t0p -n production", tmp_path / "none", monkeypatch) == 0
    assert sent(heard, "Authorization") == [("Authorization", "Bearer t0p")]


def test_who_is_named_is_the_one_in_whose_place_is_asked(
    server: tuple[str, Heard], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    where, heard = server
    words = f"--server={where} --as=ann --as-group=a --as-group b --as-uid 7"
    assert asked(words, kubeconfig(tmp_path, 1), monkeypatch) == 0
    assert sent(heard, "Impersonate-User", "Impersonate-Group", "Impersonate-Uid") == [
        ("Impersonate-User", "ann"),
        ("Impersonate-Uid", "7"),
        ("Impersonate-Group", "a"),
        ("Impersonate-Group", "b"),
    ]


def test_a_kubeconfig_may_say_itself_in_whose_place_is_asked(
    server: tuple[str, Heard], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    where, heard = server
    file = kubeconfig(tmp_path, int(where.rpartition(":")[2]))
    file.write_text(file.read_text().replace("{token: test}", "{token: test, as: bob, as-groups: [dev]}"))
    assert asked("", file, monkeypatch) == 0
    assert sent(heard, "Impersonate-User", "Impersonate-Group") == [
        ("Impersonate-User", "bob"),
        ("Impersonate-Group", "dev"),
    ]


def test_another_cluster_and_user_of_the_kubeconfig_may_be_named(
    server: tuple[str, Heard], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    where, heard = server
    file = kubeconfig(tmp_path, 1)
    more = f"{{name: other, cluster: {{server: '{where}'}}}}"
    text = file.read_text().replace("clusters: [", f"clusters: [{more}, ")
    file.write_text(text.replace("users: [", "users: [{name: eve, user: {token: eves}}, "))
    assert asked("--cluster other --user=eve", file, monkeypatch) == 0
    assert sent(heard, "Authorization") == [("Authorization", "Bearer eves")]


def test_who_will_not_wait_long_need_not(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with HTTPServer(("127.0.0.1", 0), BaseHTTPRequestHandler) as deaf:
        where = f"http://127.0.0.1:{deaf.server_port}"
        assert run(["status", "api", "--watch=false", "-s", where, "--request-timeout=50ms"]) == 1
    assert "timed out" in capsys.readouterr().err


FLAGS = "--insecure-skip-tls-verify --disable-compression --cache-dir /tmp/c -v 6 --loglevel debug"


def test_flags_that_change_nothing_here_are_no_mistake(capsys: pytest.CaptureFixture[str]) -> None:
    assert say(f"{FLAGS} status api --watch=false", Cluster({API: promoted()})) == 0
    assert capsys.readouterr().out == "Healthy\n"


def test_a_time_that_is_none_is_named(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        say("status api --request-timeout soon", Cluster({}))
    assert "--request-timeout: 'soon' is no duration" in capsys.readouterr().err
