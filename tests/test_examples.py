"""The examples are what they say, and what the README shows is one of them."""

from __future__ import annotations

import re
import textwrap
from pathlib import Path
from typing import Any

import pytest
import yaml

from analysis.run_spec import mistakes
from crds.rollout import parse
from crds.support import CANARY, IGNORED_CANARY, ISTIO, ROUTING, SPEC, STEP, unsupported
from crds.validate import problems

ROOT = Path(__file__).parents[1]
EXAMPLES = sorted((ROOT / "examples").rglob("*.yaml"))


def documents(path: Path) -> list[dict[str, Any]]:
    return [one for one in yaml.safe_load_all(path.read_text()) if one]


ROLLOUTS = [
    pytest.param(one, id=str(path.relative_to(ROOT)))
    for path in EXAMPLES
    for one in documents(path)
    if one["kind"] == "Rollout"
]


@pytest.mark.parametrize("raw", ROLLOUTS)
def test_an_example_is_acted_on_in_full(raw: dict[str, Any]) -> None:
    rollout = parse(raw)
    assert (problems(rollout), unsupported(rollout)) == ((), ())


def test_the_briefs_rollout_is_the_example_to_the_letter() -> None:
    brief = ROOT.parent / "shared" / "brief" / "services" / "api" / "rollout.yaml"
    assert (ROOT / "examples" / "api" / "rollout.yaml").read_text() == brief.read_text()


def test_the_readme_shows_the_small_example() -> None:
    assert (ROOT / "examples" / "api" / "small.yaml").read_text() in (ROOT / "README.md").read_text()


def test_the_support_page_lists_every_field_that_is_held_or_passed_over() -> None:
    page = (ROOT / "docs" / "support.md").read_text()
    fields = [*SPEC, *CANARY, *ROUTING, *ISTIO, *STEP.values(), *IGNORED_CANARY]
    assert [field for field in fields if f"`{field}`" not in page] == []


@pytest.mark.parametrize(
    "path", sorted((ROOT / "examples" / "analysis").glob("*.yaml")), ids=lambda path: path.stem
)
def test_the_analysis_page_shows_each_of_its_examples(path: Path) -> None:
    assert f"```yaml\n{path.read_text()}```" in (ROOT / "docs" / "analysis.md").read_text()


@pytest.mark.parametrize(
    "raw", [one for path in EXAMPLES for one in documents(path) if "Analysis" in one["kind"]]
)
def test_an_example_of_an_analysis_has_no_mistake(raw: dict[str, Any]) -> None:
    assert [str(one) for one in mistakes(raw)] == []


def test_what_the_analysis_page_shows_is_yaml() -> None:
    shown = re.findall(r"```yaml\n(.*?)```", (ROOT / "docs" / "analysis.md").read_text(), re.S)
    assert len(shown) > 10
    assert all(list(yaml.safe_load_all(textwrap.dedent(one))) for one in shown)
