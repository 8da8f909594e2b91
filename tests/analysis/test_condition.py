"""A condition says yes, no, or why it cannot tell; a mistake in it names the column."""

from __future__ import annotations

import re

import pytest

from analysis.condition import Undecided, holds, parse
from crds.errors import Invalid, NotMeasured
from tests.analysis.conditions import FALSE, NO_ANSWER, TRUE, Result

AT = "spec.metrics[0].successCondition"


def said(condition: str, result: Result) -> bool | Undecided:
    values = [float(one) for one in result] if isinstance(result, list) else result and float(result)
    return holds(parse(condition, AT), values)


@pytest.mark.parametrize(("condition", "result"), TRUE)
def test_it_holds(condition: str, result: Result) -> None:
    assert said(condition, result) is True


@pytest.mark.parametrize(("condition", "result"), FALSE)
def test_it_does_not_hold(condition: str, result: Result) -> None:
    assert said(condition, result) is False


@pytest.mark.parametrize(("condition", "result"), NO_ANSWER)
def test_it_is_wrong_or_has_no_answer(condition: str, result: Result) -> None:
    try:
        answer = said(condition, result)
    except Invalid:
        return
    assert isinstance(answer, Undecided)


def test_mappings_are_read_by_field_and_by_key() -> None:
    result = {"data": {"ok": True}, "items": [{"code": 500}]}
    assert holds(parse("result.data.ok && result['items'][0].code >= 500", AT), result) is True
    assert holds(parse("any(result.items, .code == 500) and 'data' in result", AT), result) is True
    assert holds(parse("isNil(result.missing)", AT), result) is True


def test_an_empty_vector_is_said_as_argo_says_it() -> None:
    assert said("result[0] > 1", []) == Undecided(
        "result[0] > 1: index out of range: 0 (array length is 0)",
    )


@pytest.mark.parametrize(
    ("condition", "words"),
    [
        ("reslut[0] > 1", "column 1: 'reslut': is not known; known: result, true, false, nil, len, asInt"),
        ("result[0] > 1 and", "column 18: the end: a value was expected"),
        ("result[0 > 1", "column 13: the end: ']' was expected"),
        ("result[0] => 1", "column 11: '=> 1' cannot be read"),
        ("result[0] > 1 1", "column 15: '1': an operator, or the end, was expected"),
        ("stddev(result) > 1", "column 1: 'stddev': is not known"),
        ("all(result,", "the end: a value was expected; quote the condition, for to YAML a bare # begins"),
        ("isNaN(1, 2)", "isNaN() has 2 arguments; it takes 1"),
        ("all(result, any(result, # > 1))", "a predicate within a predicate; write it flat"),
        ("# > 1", "column 1: '#': a value was expected"),
        ("result ?? 5 == 5", "column 13: '==': cannot stand beside ??; put one of the two in brackets"),
        ("(" * 2000 + "1", "is nested too deeply"),
        ("1" * 5000, "is longer than 4096 characters"),
    ],
)
def test_a_mistake_names_the_column_and_what_is_known(condition: str, words: str) -> None:
    with pytest.raises(Invalid) as mistake:
        parse(condition, AT)
    assert mistake.value.path == AT
    assert words in mistake.value.problem


def test_what_cannot_be_followed_to_its_end_is_undecided() -> None:
    deep = parse("1" + "+1" * 1500 + " > 0", AT)
    assert isinstance(holds(deep, None), Undecided)
    huge = parse("*".join(["9000000000000000000"] * 20) + " / 2 > 1", AT)
    assert isinstance(holds(huge, None), Undecided)


@pytest.mark.parametrize(
    ("condition", "what"),
    [
        ("result | all(# > 1)", "|"),
        ("result?.x == 1", "?."),
        ("result[0] in 1..3", ".."),
        ("let x = 1; x == 1", "let"),
        ("'a' contains 'b'", "contains"),
        ("reduce(result, #acc + #, 0) == 3", "reduce"),
    ],
)
def test_what_only_expr_lang_reads_is_no_mistake_of_its_author(condition: str, what: str) -> None:
    with pytest.raises(
        NotMeasured, match=rf"^c: {re.escape(what)} is expr-lang's and not acted on here; column"
    ):
        parse(condition, "c")


@pytest.mark.parametrize("condition", ["reslut || 'now ?? | ;' == 1", "result[0] > 1 1"])
def test_a_slip_of_the_pen_is(condition: str) -> None:
    with pytest.raises(Invalid) as mistake:
        parse(condition, "c")
    assert not isinstance(mistake.value, NotMeasured)
