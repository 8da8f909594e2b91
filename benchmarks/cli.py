"""How long a command keeps a person waiting: 20 fresh processes each.

Run: .venv/bin/python -m benchmarks.cli        against an API without delay
     .venv/bin/python -m tests.lab run -- .venv/bin/python -m benchmarks.cli        on the lab's API server

Exit 1 where the median is above 150 ms beyond the API's time, which is that of the same reads over a
connection of their own.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from statistics import median
from time import perf_counter

import msgspec

from tests.e2e.scene import Scene, path, quick
from tests.lab.state import read_state
from tests.lab.worlds import kube
from tests.tidegate.cli.test_process import plugin, served

RUNS = 20
BUDGET = 0.150
READS = (path("rollouts", "api"), path("replicasets", group="apps/v1"), path("pods", group="v1"),
         path("analysisruns"))  # fmt: skip
"""What the longest of the commands asks for."""


class Api(msgspec.Struct, frozen=True):
    """What the commands speak to, and how many seconds its answers take."""

    config: Path
    seconds: float
    commands: tuple[tuple[str, ...], ...]


def main() -> int:
    made = on_the_lab if "TIDEGATE_LAB" in os.environ else without_delay
    with tempfile.TemporaryDirectory() as folder, made(Path(folder)) as api:
        worst = max(_measured(api, words) for words in api.commands)
    return 0 if worst <= BUDGET else 1


@contextmanager
def without_delay(folder: Path) -> Iterator[Api]:
    commands = (("version",), ("get", "rollout", "api"), ("status", "api"), ("get", "analysis", "api-new-2"))
    with served(folder) as config:
        yield Api(config, 0.0, commands)


@contextmanager
def on_the_lab(folder: Path) -> Iterator[Api]:
    """The brief's Rollout, v1 healthy."""
    with Scene(read_state(), folder) as scene:
        scene.install()
        scene.edit = quick
        scene.controller()
        scene.release("v1")
        scene.healthy("v1")
        words = (("get", "rollout", "api"), ("status", "api"))
        seconds = median(_seconds_of_reads(scene) for _ in range(RUNS))
        print(f"the API server's own time: {seconds * 1000:.0f} ms for {len(READS)} reads")
        yield Api(Path(scene.state.kubeconfig), seconds, tuple((*each, "-n", "production") for each in words))


def _seconds_of_reads(scene: Scene) -> float:
    start = perf_counter()
    with kube(scene.state) as client:
        for each in READS:
            client.get(each)
    return perf_counter() - start


def _measured(api: Api, words: tuple[str, ...]) -> float:
    """The median of the runs beyond the API's time, in seconds."""
    times = sorted(_seconds(api.config, words) - api.seconds for _ in range(RUNS))
    middle = median(times)
    print(f"{' '.join(words):<24} p50 {middle * 1000:4.0f} ms   worst {times[-1] * 1000:4.0f} ms")
    return middle


def _seconds(config: Path, words: tuple[str, ...]) -> float:
    start = perf_counter()
    ran: subprocess.CompletedProcess[str] = plugin(config, *words)
    if ran.returncode:
        sys.exit(ran.stderr)
    return perf_counter() - start


if __name__ == "__main__":
    sys.exit(main())
