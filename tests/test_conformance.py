"""docs/conformance.md promises nothing that no test shows."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
ROWS = re.findall(r"^\| (.+) \| `(\S+\.py)::(\w+)` \|$", (ROOT / "docs" / "conformance.md").read_text(), re.M)


def test_every_row_of_the_table_names_a_test() -> None:
    lines = (ROOT / "docs" / "conformance.md").read_text().splitlines()
    rows = [line for line in lines if line.startswith("| ") and not line.startswith("| what |")]
    assert len(ROWS) == len(rows) > 50


@pytest.mark.parametrize(("file", "test"), sorted({(file, test) for _, file, test in ROWS}))
def test_a_test_that_the_table_names_exists(file: str, test: str) -> None:
    assert re.search(rf"^(async )?def {test}\(", (ROOT / file).read_text(), re.M)
