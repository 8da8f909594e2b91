"""The command as a process of its own: it starts light, and says so when it cannot reach a cluster."""

from __future__ import annotations

import os
import pty
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, HTTPServer
from importlib.metadata import version
from pathlib import Path

import msgspec
import pytest

from tests.tidegate.cli.cluster import API
from tests.tidegate.views.worlds import promoted
from tidegate import VERSION

HEAVY = {"numpy", "scipy", "kopf", "aiohttp", "kubernetes", "rich", "asyncio", "requests"}
BRIEF = Path(__file__).parents[3] / "examples" / "api" / "rollout.yaml"
SECONDS = 30 * float(os.environ.get("TIDEGATE_DEADLINE_SCALE", "1"))
REPORT = (
    "import sys; from tidegate.cli.main import plugin; code = plugin(); print(*sys.modules); sys.exit(code)"
)


class Api(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        found = self.path.startswith(API)
        body = msgspec.json.encode(promoted() if found else {"kind": "List", "items": []})
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        pass


@contextmanager
def served(folder: Path) -> Iterator[Path]:
    """A kubeconfig that leads to an API server with one Rollout."""
    with HTTPServer(("127.0.0.1", 0), Api) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield kubeconfig(folder, server.server_port)
        server.shutdown()
        thread.join()


def kubeconfig(folder: Path, port: int) -> Path:
    file = folder / "kubeconfig"
    file.write_text(
        "current-context: test\n"
        "contexts: [{name: test, context: {cluster: test, user: test, namespace: production}}]\n"
        "users: [{name: test, user: {token: test}}]\n"
        f"clusters: [{{name: test, cluster: {{server: 'http://127.0.0.1:{port}'}}}}]\n"
    )
    return file


def plugin(config: Path, *words: str) -> subprocess.CompletedProcess[str]:
    """The plugin in a fresh process; its last line of output names the modules it loaded."""
    environ = {**os.environ, "KUBECONFIG": str(config)}
    command = [sys.executable, "-c", REPORT, *words]
    return subprocess.run(command, env=environ, capture_output=True, text=True, timeout=SECONDS, check=False)


def test_a_command_loads_nothing_heavy(tmp_path: Path) -> None:
    with served(tmp_path) as config:
        ran = plugin(config, "get", "rollout", "api")
    assert ran.returncode == 0, ran.stderr
    *screen, modules = ran.stdout.splitlines()
    assert screen[1].split() == ["api", "Canary", "4/4", "100", "11/10", "1", "1", "11"]
    assert {name.split(".")[0] for name in modules.split()} & HEAVY == set()


@pytest.mark.parametrize("words", ["list rollouts", "completion bash", "version", "status api"])
def test_no_other_command_loads_anything_heavy_either(words: str, tmp_path: Path) -> None:
    with served(tmp_path) as config:
        ran = plugin(config, *words.split())
    assert ran.returncode == 0, ran.stderr
    loaded = {name.split(".")[0] for name in ran.stdout.splitlines()[-1].split()}
    assert loaded & (HEAVY | {"difflib", "rollouts"}) == set()


def test_lint_needs_neither_a_cluster_nor_anything_heavy(tmp_path: Path) -> None:
    ran = plugin(tmp_path / "nowhere", "lint", "-f", str(BRIEF))
    assert ran.returncode == 0, ran.stderr
    told, modules = ran.stdout.splitlines()
    assert told == f"{BRIEF}: no problems in 1 Rollout"
    assert {name.split(".")[0] for name in modules.split()} & HEAVY == set()


def test_watching_on_a_terminal_draws_over_what_it_drew(tmp_path: Path) -> None:
    with served(tmp_path) as config:
        drawn = on_a_terminal(config, "get", "rollout", "api", "--watch", "--timeout-seconds", "1")
    assert drawn.count("UP-TO-DATE") > 1
    assert "\033[1A" in drawn
    assert "\033[32m✔ Healthy\033[0m" in drawn


def on_a_terminal(config: Path, *words: str) -> str:
    """What the plugin writes to a terminal."""
    ours, theirs = pty.openpty()
    environ = {**os.environ, "KUBECONFIG": str(config), "TERM": "xterm", "COLUMNS": "120", "LINES": "50"}
    command = [sys.executable, "-c", REPORT, *words]
    with subprocess.Popen(command, env=environ, stdout=theirs) as ran:
        os.close(theirs)
        drawn = b"".join(_until_closed(ours))
        ran.wait(SECONDS)
    os.close(ours)
    return drawn.decode()


def _until_closed(terminal: int) -> Iterator[bytes]:
    with suppress(OSError):  # a terminal whose other end is closed reads as an error
        while read := os.read(terminal, 65536):
            yield read


def test_a_cluster_that_is_not_there_is_named(tmp_path: Path) -> None:
    with HTTPServer(("127.0.0.1", 0), Api) as closed:
        port = closed.server_port
    ran = plugin(kubeconfig(tmp_path, port), "abort", "api")
    assert ran.returncode == 1
    assert f"no answer from http://127.0.0.1:{port}" in ran.stderr


def test_without_a_kubeconfig_the_way_to_one_is_told(tmp_path: Path) -> None:
    ran = plugin(tmp_path / "nowhere", "abort", "api")
    assert ran.returncode == 1
    assert "set KUBECONFIG" in ran.stderr


@pytest.mark.parametrize("words", [[], ["--help"]])
def test_who_asks_the_package_itself_hears_of_the_controller_too(words: list[str]) -> None:
    command = [sys.executable, "-m", "tidegate", *words]
    ran = subprocess.run(command, capture_output=True, text=True, timeout=SECONDS, check=False)
    told = ran.stdout + ran.stderr
    assert all(f"\n    {word} " in told for word in ("controller", "simulate", "promote"))


@pytest.mark.parametrize("command", ["controller", "simulate", "demo"])
def test_help_is_there_for_what_is_beside_the_command_line_too(command: str) -> None:
    ran = shell(f"tidegate help {command}")
    assert (ran.returncode, ran.stdout.startswith(f"usage: tidegate {command}")) == (0, True)


def test_who_simulates_needs_no_cluster(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "tidegate", "simulate", str(BRIEF), "--crash"]
    environ = {**os.environ, "KUBECONFIG": str(tmp_path / "nowhere")}
    ran = subprocess.run(command, env=environ, capture_output=True, text=True, timeout=SECONDS, check=False)
    assert (ran.returncode, ran.stderr) == (1, "")
    assert "CrashLoopBackOff" in ran.stdout


@pytest.mark.parametrize("flag", ["--short", "--short=false"])
def test_the_version_is_that_of_the_package(flag: str, tmp_path: Path) -> None:
    ran = plugin(tmp_path / "nowhere", "version", flag)
    assert ran.stdout.splitlines()[0] == f"kubectl-argo-rollouts: v{version('tidegate')}+tidegate"
    assert version("tidegate") == VERSION


@pytest.mark.parametrize(
    "words", [("get", "rollout", ""), ("abort", "a b"), ("app", "get", ""), ("undo", "a?b=c")]
)
def test_what_is_no_name_is_not_asked_for(words: tuple[str, ...], tmp_path: Path) -> None:
    ran = plugin(tmp_path / "nowhere", *words)
    assert ran.returncode == 2
    assert "is no name" in ran.stderr


def test_a_terminal_without_unicode_is_written_to(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONIOENCODING", "latin-1")
    with served(tmp_path) as config:
        ran = plugin(config, "get", "rollout", "api")
    assert (ran.returncode, ran.stderr) == (0, "")


class _LoginPage(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(200)
        self.end_headers()
        self.wfile.write(b"<html>please log in</html>")

    def log_message(self, format: str, *args: object) -> None:
        pass


@pytest.mark.parametrize("words", [("get", "rollout", "api"), ("list", "rollouts")])
def test_a_login_page_is_not_taken_for_the_cluster(words: tuple[str, ...], tmp_path: Path) -> None:
    with HTTPServer(("127.0.0.1", 0), _LoginPage) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        ran = plugin(kubeconfig(tmp_path, server.server_port), *words)
        server.shutdown()
        thread.join()
    assert ran.returncode == 1
    assert "does not answer as an API server does (HTTP 200): <html>please log in" in ran.stderr


def shell(line: str) -> subprocess.CompletedProcess[str]:
    """A line of bash in which `tidegate` is ours; the exit code is that of the first that failed."""
    ours = f'tidegate() {{ "{sys.executable}" -m tidegate "$@"; }}; set -o pipefail; {line}'
    return subprocess.run(["bash", "-c", ours], capture_output=True, text=True, timeout=SECONDS, check=False)


SAYING = ["version", "--help", "completion bash", "__complete get", f"lint -f {BRIEF}", f"simulate {BRIEF}"]


@pytest.mark.parametrize("words", SAYING)
def test_who_has_closed_stdout_hears_nothing(words: str) -> None:
    ran = shell(f"tidegate {words} >&-")
    assert (ran.returncode, ran.stderr) == (0, "")


@pytest.mark.parametrize(("words", "code"), [("lint -f -", 0), ("simulate -", 2)])
def test_a_stdin_that_is_closed_is_empty(words: str, code: int) -> None:
    ran = shell(f"tidegate {words} <&-")
    assert (ran.returncode, "Traceback" in ran.stderr) == (code, False)


@pytest.mark.parametrize("words", SAYING)
def test_who_reads_no_further_still_gets_the_exit_code(words: str) -> None:
    ran = shell(f"tidegate {words} | true")
    assert (ran.returncode, ran.stderr) == (0, "")


def test_a_verdict_is_not_lost_with_its_reader() -> None:
    ran = shell(f"tidegate simulate {BRIEF} --crash | head -1")
    assert (ran.returncode, ran.stderr) == (1, "")


def test_a_verdict_that_cannot_be_written_is_none() -> None:
    ran = shell(f"tidegate simulate {BRIEF} > /dev/full")
    assert (ran.returncode, ran.stderr) == (
        2,
        "tidegate simulate: cannot be written: No space left on device\n",
    )


def test_why_not_stands_behind_what_was_told() -> None:
    ran = shell(f"tidegate lint -f <(sed s/replicas:/relpicas:/ {BRIEF}) 2>&1")
    assert ran.stdout.splitlines()[-1].startswith("Error: ")
