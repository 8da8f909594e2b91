"""The lab's app as a process on loopback."""

from __future__ import annotations

import http.client
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.lab import app
from tests.lab.waiting import deadline, until

APP = Path(app.__file__)


@contextmanager
def served(**environment: str) -> Iterator[tuple[int, subprocess.Popen[bytes]]]:
    """A running app and its port."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    settings = {
        "LAB_PORTS": str(port),
        "LAB_VERSION": "v1",
        "LAB_POD": "api-1",
        "DRAIN": "0.1",
        **environment,
    }
    process = subprocess.Popen([sys.executable, "-I", "-S", str(APP)], env=settings)
    try:
        until(lambda: listens_at("127.0.0.1", port) or process.poll() is not None, 10, "the app to listen")
        yield port, process
    finally:
        process.kill()
        process.wait()


def listens_at(host: str, port: int) -> bool:
    try:
        socket.create_connection((host, port), timeout=1).close()
    except OSError:
        return False
    return True


def ask(port: int, path: str = "/", host: str = "127.0.0.1") -> http.client.HTTPResponse:
    connection = http.client.HTTPConnection(host, port, timeout=deadline(5))
    connection.request("GET", path)
    answer = connection.getresponse()
    answer.read()
    connection.close()
    return answer


def test_it_says_its_version_and_pod_and_that_it_was_itself() -> None:
    with served() as (port, _):
        answer = ask(port)
    assert (answer.status, answer.headers["x-version"], answer.headers["x-pod"], answer.headers["x-app"]) == (
        200, "v1", "api-1", "1",
    )  # fmt: skip


def test_version_comes_from_its_environment_before_its_image() -> None:
    with served(VERSION="blue") as (port, _):
        assert ask(port).headers["x-version"] == "blue"


def test_errors_come_at_its_rate_and_health_stays_good() -> None:
    with served(ERROR_RATE="1") as (port, _):
        assert (ask(port).status, ask(port, "/health").status) == (500, 200)


def test_a_path_may_ask_for_a_status() -> None:
    with served() as (port, _):
        assert ask(port, "/status/418").status == 418


def test_answers_wait_for_the_latency() -> None:
    with served(LATENCY="0.2") as (port, _):
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=0.1)
        connection.request("GET", "/")
        try:
            connection.getresponse()
        except TimeoutError:
            late = True
        else:
            late = False
        connection.close()
        assert late
        assert ask(port).status == 200


def test_a_body_is_read_and_the_connection_kept() -> None:
    with served() as (port, _):
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=deadline(5))
        for _ in range(2):
            connection.request("POST", "/", b"x" * 100_000)
            assert connection.getresponse().read() == b"v1\n"
        connection.close()


def test_after_sigterm_it_serves_until_nobody_asks() -> None:
    with served(DRAIN="0.5") as (port, process):
        process.terminate()
        assert ask(port).status == 200
        assert process.wait(deadline(10)) == 0


def test_crash_ends_it_with_1() -> None:
    with served(CRASH="1") as (_, process):
        assert process.wait(deadline(10)) == 1
