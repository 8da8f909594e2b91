"""Conditions mean here what they mean to expr-lang itself: asked of Go."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.analysis.conditions import FALSE, NO_ANSWER, TRUE, Result

pytestmark = pytest.mark.oracle
SOURCE = Path(__file__).parent / "oracle"


@pytest.fixture(scope="module")
def oracle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    if not shutil.which("go"):
        pytest.fail("the oracle needs Go 1.24 or newer on the PATH")
    binary = tmp_path_factory.mktemp("oracle") / "conditions"
    subprocess.run(["go", "build", "-o", str(binary), "."], cwd=SOURCE, check=True, timeout=600)
    return binary


def question(condition: str, result: Result) -> dict[str, object]:
    kind = "Null" if result is None else "Scalar" if isinstance(result, str) else "Vector"
    return {"Condition": condition, kind: True if result is None else result}


@pytest.mark.parametrize(("cases", "verdict"), [(TRUE, "true"), (FALSE, "false"), (NO_ANSWER, "error")])
def test_go_says_the_same(oracle: Path, cases: list[tuple[str, Result]], verdict: str) -> None:
    asked = "".join(json.dumps(question(*case)) + "\n" for case in cases)
    told = subprocess.run([oracle], input=asked, capture_output=True, text=True, check=True, timeout=60)
    answers = [json.loads(line) for line in told.stdout.splitlines()]
    other = [
        (case, answer) for case, answer in zip(cases, answers, strict=True) if answer["verdict"] != verdict
    ]
    assert other == []
