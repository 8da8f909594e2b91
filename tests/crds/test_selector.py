"""What a selector means, and how it is said to the API server."""

from __future__ import annotations

import pytest

from crds.meta import LabelSelector, Requirement


@pytest.mark.parametrize(
    ("operator", "values", "selected"),
    [
        ("In", ("a",), True),
        ("In", ("b",), False),
        ("NotIn", ("a",), False),
        ("Exists", (), True),
        ("DoesNotExist", (), False),
        ("Resembles", (), False),
    ],
)
def test_a_selectors_expression_is_obeyed(operator: str, values: tuple[str, ...], selected: bool) -> None:
    selector = LabelSelector(match_expressions=(Requirement("app", operator, values),))
    assert selector.matches({"app": "a"}) is selected


def test_a_selector_is_said_whole_and_by_key() -> None:
    said = LabelSelector(
        {"tier": "web", "app": "api"},
        (
            Requirement("zone", "In", ("b", "a")),
            Requirement("track", "NotIn", ("canary",)),
            Requirement("live", "Exists"),
            Requirement("batch", "DoesNotExist"),
        ),
    )
    assert str(said) == "app=api,!batch,live,tier=web,track notin (canary),zone in (a,b)"
