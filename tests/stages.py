"""Everything there is to test, in stages: builds and fast tests together, the real control plane last.

`python -m tests.stages` is `make test` and what CI runs. A stage's output comes when it ends; the last thing
printed is where the time went. Exit 0 only if every stage did.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[1]
DEATHS = "tests/e2e/test_revert_crashes.py"
ALONE = tuple(f"tests/e2e/test_{name}.py" for name in ("bad_days", "controllers", "neighbours", "shares"))
LAB = (sys.executable, "-m", "tests.lab", "run", "--")
PYTEST = (sys.executable, "-m", "pytest")

THOROUGH = ("-n", "auto", "--dist", "worksteal", "tests/properties", "tests/tidegate/test_any_value.py")
"""What `make check` tries a sample of."""


@dataclass(frozen=True)
class Stage:
    name: str
    command: tuple[str, ...]


@dataclass(frozen=True)
class Told:
    stage: Stage
    code: int
    seconds: float


def together() -> list[Stage]:
    """What needs no lab, and what the lab needs."""
    return [
        Stage("check", ("make", "check")),
        Stage("build the lab", (sys.executable, "-m", "tests.lab", "build")),
    ]


def one_by_one() -> list[Stage]:
    """What uses all cores, and what tells how long something takes."""
    folders = ("tests/lab", "tests/contracts", "tests/tidegate")
    return [
        Stage("every fault at every write", ("env", "TIDEGATE_EVERY_FAULT=1", *PYTEST, *THOROUGH)),
        Stage("real repositories", (*PYTEST, "-n", "auto", "-m", "git", "tests/tidegate")),
        Stage("the Go oracle", (*PYTEST, "-m", "oracle")),
        Stage("the demo", (sys.executable, "-m", "tidegate", "demo")),
        *(_on_a_lab(where) for where in (*folders, *ALONE) if _uses_lab(ROOT / where)),
        Stage("the demo on the lab", (*LAB, sys.executable, "-m", "tests.e2e.demo")),
    ]


def two_at_a_time() -> list[Stage]:
    """Stories that wait more than they work, the hundred deaths first. Each file on the real control plane
    gets a lab of its own, which is up in seconds."""
    files = sorted(str(found.relative_to(ROOT)) for found in (ROOT / "tests/e2e").glob("test_*.py"))
    stories = [where for where in files if where not in (DEATHS, *ALONE) and _uses_lab(ROOT / where)]
    return [
        *(_on_a_lab(DEATHS, "-k", which) for which in ("before", "after")),
        *(_on_a_lab(where) for where in stories),
    ]


def _on_a_lab(where: str, *chosen: str) -> Stage:
    return Stage(" ".join((where, *chosen[1:])), (*LAB, *PYTEST, "-m", "lab", *chosen, where))


def _uses_lab(where: Path) -> bool:
    files = where.rglob("test_*.py") if where.is_dir() else [where]
    return any("mark.lab" in found.read_text() for found in files)


def play(stage: Stage) -> Told:
    """Run one stage and print what it printed, once it has ended."""
    began = time.monotonic()
    with tempfile.TemporaryFile() as output:
        done = subprocess.run(stage.command, cwd=ROOT, stdout=output, stderr=subprocess.STDOUT, check=False)
        seconds = time.monotonic() - began
        output.seek(0)
        text = output.read().decode(errors="replace")
    verdict = "ok" if done.returncode == 0 else f"FAILED with {done.returncode}"
    print(f"===== {stage.name}: {verdict} after {seconds:.0f} s\n{text}", flush=True)
    return Told(stage, done.returncode, seconds)


def table(told: Sequence[Told]) -> str:
    """Where the time went."""
    width = max(len(one.stage.name) for one in told)
    lines = [
        f"{one.stage.name:<{width}}  {one.seconds:7.0f} s  {'ok' if one.code == 0 else 'FAILED'}"
        for one in told
    ]
    return "\n".join(["where the time went", *lines])


def in_pairs(stages: Sequence[Stage]) -> list[Told]:
    with ThreadPoolExecutor(max_workers=2) as pool:
        return list(pool.map(play, stages))


def main() -> int:
    told = in_pairs(together())
    if all(one.code == 0 for one in told):
        told += [play(stage) for stage in one_by_one()]
        told += in_pairs(two_at_a_time())
    failed = sum(one.code != 0 for one in told)
    print(table(told))
    print(f"stages: {len(told) - failed} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
