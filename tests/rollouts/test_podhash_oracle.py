"""Our hash is Go's for any template and any steps: asked of Go itself."""

from __future__ import annotations

from collections.abc import Iterator
from importlib import resources
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from crds.quantity import canonical
from rollouts import podhash
from tests.rollouts import oracle_process
from tests.rollouts.oracle_process import Oracle
from tests.rollouts.templates import pods, structs

pytestmark = pytest.mark.oracle
many = settings(
    max_examples=400,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)


@pytest.fixture(scope="module")
def binary(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return oracle_process.build(tmp_path_factory.mktemp("oracle"))


@pytest.fixture(scope="module")
def oracle(binary: Path) -> Iterator[Oracle]:
    with oracle_process.running(binary) as answering:
        yield answering


def test_the_field_table_is_what_the_go_types_say(binary: Path) -> None:
    assert oracle_process.fields(binary) == resources.files("rollouts").joinpath("podhash.json").read_text()


@many
@given(template=pods(), collisions=st.none() | st.integers(0, 3))
def test_any_template_hashes_as_in_go(
    oracle: Oracle, template: dict[str, Any], collisions: int | None
) -> None:
    question = {"template": template} | ({} if collisions is None else {"collisions": collisions})
    assert (
        podhash.pod_template_json(template),
        podhash.pod_template_hash(template, collisions),
    ) == oracle.ask(question)


@many
@given(steps=st.none() | st.lists(structs("CanaryStep"), max_size=4))
def test_any_steps_hash_as_in_go(oracle: Oracle, steps: list[dict[str, Any]] | None) -> None:
    assert (podhash.steps_json(steps), podhash.step_hash(steps)) == oracle.ask({"steps": steps})


@many
@given(
    written=st.builds(
        "{}{}{}{}".format,
        st.sampled_from(["", "", "-", "+"]),
        st.from_regex(r"[0-9]{0,20}", fullmatch=True),
        st.sampled_from(["", "", "."]) | st.from_regex(r"\.[0-9]{0,12}", fullmatch=True),
        st.sampled_from(["", "n", "u", "m", "k", "M", "G", "T", "P", "E", "Ki", "Mi", "Gi", "Ti", "Pi", "Ei"])
        | st.sampled_from(["e3", "E-4", "e+7", "e-12", "E21", "e", "x", " "]),
    )
)
def test_any_quantity_reads_as_in_go(oracle: Oracle, written: str) -> None:
    limits = {"limits": {"cpu": written}}
    said, _ = oracle.ask({"template": {"spec": {"containers": [{"resources": limits}]}}})
    ours = canonical(written)
    assert said.endswith('"resources":{}}]}}' if ours is None else f'{{"limits":{{"cpu":"{ours}"}}}}}}]}}}}')
