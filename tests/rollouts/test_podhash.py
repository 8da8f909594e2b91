"""Our hash is Go's: the answers of the oracle, replayed."""

from __future__ import annotations

import json
from typing import Any

import pytest

from crds.quantity import canonical
from rollouts import podhash
from tests.rollouts.record_podhash import VECTORS, questions

VECTOR_LIST = [json.loads(line) for line in VECTORS.read_text().split("\n") if line]


def ours(question: dict[str, Any]) -> tuple[str, str]:
    if "steps" in question:
        return podhash.steps_json(question["steps"]), podhash.step_hash(question["steps"])
    template = question["template"]
    return podhash.pod_template_json(template), podhash.pod_template_hash(
        template, question.get("collisions")
    )


@pytest.mark.parametrize("vector", VECTOR_LIST, ids=lambda vector: vector["name"])
def test_a_hash_is_the_one_go_gave(vector: dict[str, Any]) -> None:
    assert ours(vector["question"]) == (vector["json"], vector["hash"])


def test_every_case_is_recorded() -> None:
    assert {vector["name"]: vector["question"] for vector in VECTOR_LIST} == questions()


def test_the_order_of_keys_in_yaml_does_not_matter() -> None:
    one = {
        "spec": {"containers": [{"name": "a", "image": "b"}]},
        "metadata": {"labels": {"x": "1", "y": "2"}},
    }
    other = {
        "metadata": {"labels": {"y": "2", "x": "1"}},
        "spec": {"containers": [{"image": "b", "name": "a"}]},
    }
    assert podhash.pod_template_hash(one) == podhash.pod_template_hash(other)


def test_a_duration_beside_a_weight_changes_the_step_hash() -> None:
    assert podhash.step_hash([{"setWeight": 5}]) != podhash.step_hash([{"setWeight": 5, "duration": "1m"}])


@pytest.mark.parametrize(
    ("written", "go"),
    [
        ("0.001", "1m"),
        ("1000m", "1"),
        ("1024Mi", "1Gi"),
        ("1.500", "1.500"),
        (0.5, "500m"),
        ("1e-10", "1e-9"),
    ],
)
def test_a_quantity_is_written_as_go_writes_it(written: Any, go: str) -> None:
    assert canonical(written) == go


@pytest.mark.parametrize("written", ["", "invalid", "1 Gi", "1Gb", None, True, {}, "1e", "Ei"])
def test_what_is_no_quantity_is_none(written: Any) -> None:
    assert canonical(written) is None


def test_quantities_that_are_none_are_found_wherever_they_stand() -> None:
    limits = {"limits": {"memory": "128Mx", "cpu": "1"}}
    volumes = [
        {"name": "v", "emptyDir": {"sizeLimit": "much"}},
        {"name": "w", "emptyDir": {"sizeLimit": "1Gi"}},
    ]
    template = {
        "spec": {"containers": [{"name": "a"}, {"name": "b", "resources": limits}], "volumes": volumes}
    }
    assert set(podhash.malformed(template)) == {
        ("spec", "containers", 1, "resources", "limits", "memory"),
        ("spec", "volumes", 0, "emptyDir", "sizeLimit"),
    }


def test_an_absurd_exponent_takes_no_time() -> None:
    assert canonical("1e-999999999") == "1e-9"
    assert canonical("1e999999999") == "1e999999999"
