"""The Go oracle as a process that answers one line with one, built outside the checkout."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

SOURCE = Path(__file__).parent / "oracle"


def build(folder: Path) -> Path:
    """The built oracle in `folder`; the test fails, saying so, where there is no Go."""
    if not shutil.which("go"):
        pytest.fail("the oracle needs Go 1.24 or newer on the PATH")
    binary = folder / "oracle"
    subprocess.run(["go", "build", "-o", str(binary), "."], cwd=SOURCE, check=True, timeout=600)
    return binary


def fields(binary: Path) -> str:
    return subprocess.run([binary, "fields"], check=True, capture_output=True, text=True, timeout=60).stdout


class Oracle:
    def __init__(self, process: subprocess.Popen[str]) -> None:
        self.process = process

    def ask(self, question: dict[str, Any]) -> tuple[str, str]:
        """What Go writes for `{"template": …}` or `{"steps": …}`, and its hash."""
        assert self.process.stdin
        assert self.process.stdout
        self.process.stdin.write(json.dumps(question) + "\n")
        self.process.stdin.flush()
        answer = json.loads(self.process.stdout.readline())
        return answer["json"], answer["hash"]


@contextmanager
def running(binary: Path) -> Iterator[Oracle]:
    with subprocess.Popen(
        [str(binary), "hash"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        try:
            yield Oracle(process)
        finally:
            process.kill()
