"""YAML is read as the API server's clients read it."""

import pytest
import yaml

from tidegate.manifests import documents, line_of, located


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("8080:53", "8080:53"),
        ("1e3", 1000.0),
        ("2026-01-01", "2026-01-01"),
        ("0777", 511),
        ("yes", True),
        ("'yes'", "yes"),
        ("0x1F", 31),
        ("1.10", 1.1),
        ("v1.10", "v1.10"),
        ("1_000", 1000),
        ("12:30:45", "12:30:45"),
        ("-5", -5),
        ("- 1", [1]),
        (".5", 0.5),
        ("1.2.3", "1.2.3"),
        ("~", None),
    ],
)
def test_a_plain_value_is_what_clients_take_it_for(text: str, value: object) -> None:
    assert list(documents(f"a:\n  {text}")) == [{"a": value}]


def test_keys_are_text() -> None:
    assert list(documents("1: a\non: b\nnull: c\n1.5: d\n")) == [
        {"1": "a", "true": "b", "null": "c", "1.5": "d"}
    ]


def test_a_key_that_is_no_text_is_refused() -> None:
    with pytest.raises(yaml.YAMLError, match="a key must be a text"):
        list(documents("? [a]\n: 1\n"))


def test_empty_documents_are_none() -> None:
    assert list(located("---\n# nothing\n---\na: 1\n---\n...\n")) == [(4, {"a": 1})]


def test_a_merge_under_a_deeper_anchor_is_no_key_twice() -> None:
    text = "a: {d: &x {<<: {k: 2}, k: 1}}\nb: {<<: *x}\n"
    assert list(documents(text)) == [{"a": {"d": {"k": 1}}, "b": {"k": 1}}]


@pytest.mark.parametrize("value", ["0x_", "0b_", "!!bool perhaps", "!!timestamp x", "!!float y", "9" * 5000])
def test_a_value_that_is_none_of_its_type_is_named_with_its_line(value: str) -> None:
    with pytest.raises(yaml.YAMLError) as refused:
        list(located(f"a: 1\n---\nb: {value}"))
    assert line_of(refused.value) == 3
