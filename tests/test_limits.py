"""The limit that ruff has no rule for; the others are in pyproject.toml. Tests are lists, however long."""

from __future__ import annotations

from pathlib import Path

HERE = Path(__file__).parents[1]
PACKAGES = ("crds", "rollouts", "analysis", "traffic", "gitops", "tidegate", "benchmarks")
MOST_LINES = 400


def test_no_module_is_longer_than_a_reader_holds_in_mind() -> None:
    modules = (file for name in PACKAGES for file in (HERE / name).rglob("*.py"))
    lengths = {str(file.relative_to(HERE)): len(file.read_text().splitlines()) for file in modules}
    assert lengths
    assert {name: lines for name, lines in lengths.items() if lines > MOST_LINES} == {}
