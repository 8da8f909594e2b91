"""What a look at a large Application costs, counted in calls: no clock, so the same on every machine."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

from tests.gitops.examples import config
from tests.tidegate.test_application_planner import AUTOMATED, Answers, app

FEW, TWICE = 150, 300


def calls(work: Callable[[], Any]) -> int:
    """How many functions were called, built in ones too."""
    count = 0

    def counted(_frame: object, event: str, _argument: object) -> None:
        nonlocal count
        count += event in ("call", "c_call")

    sys.setprofile(counted)
    try:
        work()
    finally:
        sys.setprofile(None)
    return count


def holding(objects: int) -> Answers:
    here = app(syncPolicy=AUTOMATED | {"syncOptions": ["CreateNamespace=true"]})
    here.git = tuple(config(f"c{n}", level="1") for n in range(objects))
    return here


def test_a_sync_of_twice_as_many_objects_costs_twice_as_much() -> None:
    few, twice = (calls(holding(objects).play) for objects in (FEW, TWICE))
    assert twice < 2.2 * few
