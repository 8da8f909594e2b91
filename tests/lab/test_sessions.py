"""Labs as wholes: they come up beside each other, pass things on, and leave nothing, however they end."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.lab.places import CHECKOUT
from tests.lab.waiting import deadline, until

pytestmark = pytest.mark.lab


def verb(tmp: Path, *words: str) -> subprocess.CompletedProcess[str]:
    """Run a verb to its end, its labs in a folder of this test."""
    tmp.mkdir(exist_ok=True)
    return subprocess.run(
        [sys.executable, "-m", "tests.lab", *words],
        cwd=CHECKOUT, env={**os.environ, "TMPDIR": str(tmp)}, capture_output=True, text=True, check=False,
        timeout=deadline(120),
    )  # fmt: skip


@contextmanager
def going(tmp: Path, *command: str) -> Iterator[subprocess.Popen[bytes]]:
    """`run -- command`, in a process group of its own, once its lab is up."""
    tmp.mkdir(exist_ok=True)
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.lab", "run", "--", *command],
        cwd=CHECKOUT, env={**os.environ, "TMPDIR": str(tmp)}, start_new_session=True,
    )  # fmt: skip
    try:
        until(lambda: list(tmp.glob("*/lab-*/ready")) or process.poll() is not None, 60, "a lab")
        assert process.poll() is None
        yield process
    finally:
        process.kill()
        process.wait()
        until(lambda: not processes_of(tmp), 30, "the lab to be gone")


def processes_of(tmp: Path) -> list[str]:
    """Command lines that name the test's folder."""
    found = []
    for each in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            found.append(each.read_text())
        except (FileNotFoundError, ProcessLookupError):
            continue
    return [line for line in found if str(tmp) in line]


def labs(tmp: Path) -> list[Path]:
    return list(tmp.glob("*/lab-*"))


def test_run_ends_with_the_guests_code_and_leaves_nothing(tmp_path: Path) -> None:
    done = verb(tmp_path, "run", "--", "bash", "-c", "kubectl get nodes -o name; exit 7")
    assert (done.returncode, done.stdout.splitlines()[-1]) == (7, "node/lab")
    assert (labs(tmp_path), processes_of(tmp_path)) == ([], [])


def test_a_guest_that_is_not_there_is_named(tmp_path: Path) -> None:
    done = verb(tmp_path, "run", "--", "no-such-command")
    assert done.returncode == 127
    assert "cannot run no-such-command" in done.stderr


def test_a_lab_is_up_in_under_30_seconds(tmp_path: Path) -> None:
    began = time.monotonic()
    assert verb(tmp_path, "run", "--", "true").returncode == 0
    assert time.monotonic() - began < deadline(30)


def test_two_labs_stand_beside_each_other(tmp_path: Path) -> None:
    with going(tmp_path / "one", "sleep", "1000"):
        assert verb(tmp_path / "two", "run", "--", "kubectl", "get", "nodes").returncode == 0


def test_sigterm_ends_the_guest_and_the_lab(tmp_path: Path) -> None:
    with going(tmp_path, "sleep", "1000") as lab:
        lab.send_signal(signal.SIGTERM)
        assert lab.wait(deadline(30)) == 143
        assert labs(tmp_path) == []


def test_ctrl_c_reaches_the_guest(tmp_path: Path) -> None:
    listens = tmp_path / "listens"
    guest = (
        "import pathlib, time\n"
        f"try: pathlib.Path({str(listens)!r}).touch(), time.sleep(1000)\n"
        "except KeyboardInterrupt: exit(9)"
    )
    with going(tmp_path, sys.executable, "-c", guest) as lab:
        until(listens.exists, 10, "the guest to listen")
        lab.send_signal(signal.SIGINT)
        assert lab.wait(deadline(30)) == 9


def test_sigkill_of_run_takes_the_whole_lab_along(tmp_path: Path) -> None:
    with going(tmp_path, "sleep", "1000") as lab:
        lab.kill()
        until(lambda: not processes_of(tmp_path), 30, "the lab to be gone")
        until(lambda: not labs(tmp_path), 10, "its folder to be gone")


def test_after_sigkill_of_all_at_once_the_next_verb_clears_up(tmp_path: Path) -> None:
    with going(tmp_path, "sleep", "1000") as lab:
        os.killpg(lab.pid, signal.SIGKILL)
        until(lambda: not processes_of(tmp_path), 30, "the lab to be gone")
        assert verb(tmp_path, "down").returncode == 0
        assert labs(tmp_path) == []


def test_up_stays_until_down_and_lets_commands_enter(tmp_path: Path) -> None:
    try:
        assert verb(tmp_path, "up").returncode == 0
        assert "kube-apiserver" in verb(tmp_path, "status").stdout
        assert verb(tmp_path, "enter", "--", "kubectl", "get", "nodes", "-o", "name").stdout == "node/lab\n"
    finally:
        ended = verb(tmp_path, "down")
    assert ended.returncode == 0
    assert (labs(tmp_path), processes_of(tmp_path)) == ([], [])


def test_a_user_without_root_has_a_lab_too(tmp_path: Path) -> None:
    plain = ["unshare", "--user", "--map-user=1000", "--map-group=1000", "--"]
    run = [sys.executable, "-m", "tests.lab", "run", "--"]
    done = subprocess.run(
        [*plain, *run, "kubectl", "get", "nodes", "-o", "name"],
        cwd=CHECKOUT, env={**os.environ, "TMPDIR": str(tmp_path)}, capture_output=True, text=True,
        check=False, timeout=deadline(120),
    )  # fmt: skip
    assert done.stdout == "node/lab\n", done.stderr


def test_a_part_can_be_stopped_and_started_again(tmp_path: Path) -> None:
    script = (
        "from tests.lab import mesh, parts\nfrom tests.lab.state import read_state\n"
        "from tests.lab.waiting import until\n"
        "def answers():\n"
        "    try: return mesh.answers(read_state().prometheus + '/-/ready')\n"
        "    except OSError: return False\n"
        "parts.stop(read_state(), 'prometheus')\nassert not answers()\n"
        "parts.start(read_state(), 'prometheus')\nuntil(answers, 30, 'Prometheus')\n"
    )
    done = verb(tmp_path, "run", "--", sys.executable, "-c", script)
    assert done.returncode == 0, done.stderr


def test_a_part_that_cannot_start_is_named_with_its_logs_end(tmp_path: Path) -> None:
    broken = tmp_path / "bin" / "prometheus"
    broken.parent.mkdir()
    broken.write_text("#!/bin/sh\necho no storage here\nexit 3\n")
    broken.chmod(0o755)
    done = subprocess.run(
        [sys.executable, "-m", "tests.lab", "run", "--", "true"],
        cwd=CHECKOUT, capture_output=True, text=True, check=False, timeout=deadline(120),
        env={**os.environ, "TMPDIR": str(tmp_path), "PATH": f"{broken.parent}:{os.environ['PATH']}"},
    )  # fmt: skip
    assert done.returncode == 70
    assert "prometheus ended with 3" in done.stderr
    assert "no storage here" in done.stderr
