"""The law that who has seen less does no more finds planners that guess."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any

import pytest

from crds.refs import CONFIG_MAP, ROLLOUT, Ref
from tests.gitops.examples import NOW
from tests.properties.halves import Look, overdone
from tidegate.planners.needs import Answers, Known, Need, Object, known
from tidegate.planners.plan import Delete, Plan, Record, Write

Raw = dict[str, Any]
ME, ASKED = Ref(ROLLOUT, "production", "api"), Ref(CONFIG_MAP, "production", "settings")
RAW: Raw = {
    "kind": "Rollout",
    "metadata": {"namespace": "production", "name": "api"},
    "status": {"stable": "a"},
}


class Toy:
    """Asks for a ConfigMap, and writes by what it has of it."""

    def __init__(self, writes: Callable[[Any], Write]) -> None:
        self._writes = writes

    def needs(self, _raw: Raw, _answers: Answers, _now: datetime) -> tuple[Need, ...]:
        return (Object(ASKED),)

    def plan(self, _raw: Raw, answers: Answers, _now: datetime) -> Plan:
        return Plan((self._writes(known(answers, Object(ASKED))),))


def more(toy: Toy) -> list[str]:
    look = Look(RAW, {Object(ASKED): Known({})}, NOW)
    return list(overdone(toy, look, toy.plan(*look)))


def record(**status: Any) -> Record:
    return Record(ME, status, "1")


@pytest.mark.parametrize(
    ("guess", "found"),
    [
        (lambda seen: record(blame="nobody" if seen is None else "the release"), ".status.blame is 'nobody'"),
        (lambda seen: record(stable=None if seen is None else "a"), ".status.stable is None"),
        (lambda seen: record(conditions=[{"type": "Bad"}] * (seen is None)), "says Bad"),
        (
            lambda seen: record() if seen is not None else Delete(ASKED, "u1"),
            "Delete ConfigMap production/settings",
        ),
    ],
    ids=["remembered", "forgotten", "said", "done"],
)
def test_what_is_guessed_is_found(guess: Callable[[Any], Write], found: str) -> None:
    (text,) = more(Toy(guess))
    assert found in text


def test_to_do_as_much_or_nothing_and_to_say_that_one_waits_is_no_guess() -> None:
    assert more(Toy(lambda _seen: Delete(ASKED, "u1"))) == []
    assert (
        more(Toy(lambda seen: record(**({"message": "waiting"} if seen is None else {"stable": "b"})))) == []
    )
