"""How long a command keeps a person waiting: 20 fresh processes each, against an API without delay.

Run: .venv/bin/python -m benchmarks.cli        (exit 1 where the median is above 150 ms)
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path
from statistics import median
from time import perf_counter

from tests.tidegate.cli.test_process import plugin, served

RUNS = 20
BUDGET = 0.150
COMMANDS = (("version",), ("get", "rollout", "api"), ("status", "api"), ("get", "analysis", "api-new-2"))


def main() -> int:
    with tempfile.TemporaryDirectory() as folder, served(Path(folder)) as config:
        worst = max(_measured(config, words) for words in COMMANDS)
    return 0 if worst <= BUDGET else 1


def _measured(config: Path, words: tuple[str, ...]) -> float:
    """The median of the runs, in seconds."""
    times = sorted(_seconds(config, words) for _ in range(RUNS))
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
