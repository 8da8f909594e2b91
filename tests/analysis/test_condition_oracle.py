"""Conditions mean here what they mean to expr-lang itself: asked of Go."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path
from random import Random

import pytest

from analysis.condition import Undecided, holds, parse
from crds.errors import Invalid
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


def told(oracle: Path, cases: list[tuple[str, Result]]) -> list[str]:
    asked = "".join(json.dumps(question(*case)) + "\n" for case in cases)
    said = subprocess.run([oracle], input=asked, capture_output=True, text=True, check=True, timeout=60)
    return [json.loads(line)["verdict"] for line in said.stdout.splitlines()]


@pytest.mark.parametrize(("cases", "verdict"), [(TRUE, "true"), (FALSE, "false"), (NO_ANSWER, "error")])
def test_go_says_the_same(oracle: Path, cases: list[tuple[str, Result]], verdict: str) -> None:
    answers = told(oracle, cases)
    other = [(case, answer) for case, answer in zip(cases, answers, strict=True) if answer != verdict]
    assert other == []


NUMBERS = ["result[0]", "result[1]", "len(result)", "sum(result)", "max(result, 1)", "count(result, # > 1)"]
NUMBERS += [
    "mean(result)",
    "median(result)",
    "round(result[0])",
    "floor(1.5)",
    "len(result[-1:])",
    "last(result)",
]
NUMBERS += ["0", "1", "2", "-1", "0.5", "1e3", "abs(-2)", "asInt('3')", "asFloat('1.5')"]
RESULTS: list[Result] = [["1", "2"], ["0.5"], [], ["NaN", "1"], ["+Inf", "0"], "0.99", None]


def number(dice: Random, depth: int) -> str:
    if depth <= 0 or dice.random() < 0.3:
        return dice.choice(NUMBERS)
    left, right = number(dice, depth - 1), number(dice, depth - 1)
    sign = dice.choice(["+", "-", "*", "/", "^", "**", "%"])
    choice = f"({condition(dice, depth - 1)} ? {left} : {right})"
    return dice.choice([f"{left} {sign} {right}", f"({left} {sign} {right})", f"-{left}", choice])


def condition(dice: Random, depth: int) -> str:
    left, right = number(dice, depth - 1), number(dice, depth - 1)
    compared = f"{left} {dice.choice(['==', '!=', '<', '<=', '>', '>='])} {right}"
    if depth <= 0 or dice.random() < 0.3:
        return compared
    one, other = condition(dice, depth - 1), condition(dice, depth - 1)
    each = dice.choice(["all", "any", "none", "one"])
    return dice.choice(
        [
            f"{one} {dice.choice(['and', 'or', '&&', '||'])} {other}",
            f"{dice.choice(['not ', '!'])}({one})",
            f"{each}(result, {{# > {right}}})",
            f"{left} {dice.choice(['in', 'not in'])} [1, 2, {right}]",
            f"{one} ? {other} : {compared}",
        ]
    )


def test_our_yes_is_never_gos_no(oracle: Path) -> None:
    """Go may still refuse the type of a part that is never reached, where ours does not look."""
    dice = Random(20260315)
    cases = [(condition(dice, 4), dice.choice(RESULTS)) for _ in range(5000)]
    answers = [(case, ours(*case), theirs) for case, theirs in zip(cases, told(oracle, cases), strict=True)]
    assert [one for one in answers if {one[1], one[2]} == {"true", "false"}] == []
    assert sum(one[1] == one[2] != "error" for one in answers) > 1000


def ours(text: str, result: Result) -> str:
    values = [float(one) for one in result] if isinstance(result, list) else result and float(result)
    try:
        answer = holds(parse(text, "condition"), values)
    except Invalid:
        return "error"
    return "error" if isinstance(answer, Undecided) else str(answer).lower()
