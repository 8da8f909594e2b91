"""The lab's own small parts, without a lab."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

import pytest

from tests.lab import build, load, places, seam, supervisor
from tests.lab.__main__ import split
from tests.lab.progress import Progress
from tests.lab.state import NoCluster


@pytest.fixture
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Labs of this test only."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    return tmp_path


@pytest.mark.parametrize(
    ("said", "good"),
    [("go1.26.8", True), ("go1.27rc1", True), ("go2.0", True), ("go1.25.9", False), ("", False)],
)
def test_go_1_26_is_recent_enough(said: str, good: bool) -> None:
    assert build.recent_go(said) is good


def test_a_machine_without_go_is_told_so_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    with pytest.raises(build.Missing, match=r"no `go` on PATH.*go\.dev"):
        build.check_machine()


def test_a_machine_without_iproute2_is_told_so_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    with pytest.raises(build.Missing, match="no `ip` on PATH: install the package iproute2"):
        build.check_machine()


def test_a_locked_lab_is_alive_and_survives_the_reaper(elsewhere: Path) -> None:
    folder, held = places.new_lab()
    assert (list(places.running()), places.reap()) == ([folder], [])
    os.close(held)


def test_a_lab_nobody_locks_is_reaped(elsewhere: Path) -> None:
    folder, held = places.new_lab()
    os.close(held)
    assert places.reap() == [folder]
    assert not folder.exists()


def test_a_dead_lab_that_was_to_be_kept_is_kept(elsewhere: Path) -> None:
    folder, held = places.new_lab()
    (folder / "keep").touch()
    os.close(held)
    assert places.reap() == []


def test_a_lab_not_yet_locked_is_left_alone(elsewhere: Path) -> None:
    (places.labs() / "lab-young").mkdir()
    assert places.reap() == []


def test_the_guests_command_follows_two_dashes() -> None:
    assert split(["run", "--keep", "--", "ls", "--", "x"]) == (["run", "--keep"], ["ls", "--", "x"])


def test_a_killed_guest_counts_as_in_a_shell() -> None:
    assert (supervisor.exit_code(3), supervisor.exit_code(-9)) == (3, 137)


def test_an_answer_is_counted_by_version_status_and_origin() -> None:
    answer = b"HTTP/1.1 500 x\r\ncontent-length: 3\r\nx-app: 1\r\nx-version: v2\r\n\r\nv2\n"
    assert load.parse(answer) == ("v2", 500, True)
    assert load.parse(answer[:-1]) is None


def test_a_503_without_x_app_is_not_the_services() -> None:
    tally = load.Tally({("", 503, False): 2, ("v2", 500, True): 5, ("", load.BROKEN, False): 1})
    assert tally.not_from_service == 3


def test_a_tally_minus_an_earlier_one_is_what_came_between() -> None:
    later, earlier = load.Tally({("v1", 200, True): 5}, 3.0), load.Tally({("v1", 200, True): 2}, 1.0)
    assert later - earlier == load.Tally({("v1", 200, True): 3}, 2.0)


def test_time_left_starts_as_the_sum_of_typical_times(capsys: pytest.CaptureFixture[str]) -> None:
    progress = Progress([("etcd", 40), ("istio", 200)])
    with progress.part("etcd"):
        assert progress.left() == pytest.approx(240, abs=5)
    assert "lab: [1/2] etcd …, about 4 min left" in capsys.readouterr().out


def test_compiled_packages_are_told_from_errors() -> None:
    progress = Progress([("etcd", 40)])
    assert progress.compiled("go.uber.org/zap\n")
    assert not progress.compiled("# go.uber.org/zap\n")
    assert not progress.compiled("./x.go:3:4: undefined: y\n")


def test_outside_of_a_lab_the_seam_says_how_to_start_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("TIDEGATE_LAB", raising=False)
    monkeypatch.delenv("LAB", raising=False)
    with pytest.raises(NoCluster, match=r"python -m tests\.lab run"):
        seam.cluster()


def test_another_cluster_is_found_by_variables(monkeypatch: pytest.MonkeyPatch) -> None:
    given = {"LAB": "kubeconfig", "KUBECONFIG": "/k", "LAB_PROMETHEUS": "http://p/", "LAB_GATEWAY": "http://g",
             "LAB_GATEWAY_OBJECT": "ns/gw", "LAB_ENVOY_ADMIN": "http://a"}  # fmt: skip
    for name, value in given.items():
        monkeypatch.setenv(name, value)
    assert seam.cluster() == seam.Cluster("/k", "http://p", "http://g", "ns/gw", "http://a")
