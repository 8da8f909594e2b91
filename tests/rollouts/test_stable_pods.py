"""How many stable pods a weight waits for."""

from __future__ import annotations

import pytest

from crds.steps import Pause, SetWeight
from rollouts.actions import Route
from rollouts.plan import plan
from tests.rollouts.worlds import ask, noted, pods, world

STEPS = (SetWeight(50), Pause(), SetWeight(30), Pause())


@pytest.mark.parametrize(
    ("was", "step", "stable", "moved"),
    [
        (0, 0, 1, (Route(50),)),  # 50 % of 3 pods are 1.5, and stable gets less than it has
        (50, 2, 2, ()),  # 70 % are 2.1, and stable gets more than it has
        (50, 2, 3, (Route(30),)),
    ],
)
def test_a_share_that_grows_waits_for_all_that_carry_it(
    was: int, step: int, stable: int, moved: tuple[Route, ...]
) -> None:
    standing = (pods("old", 3, stable), pods("new", 2, revision=2))
    memory = {"step": step, "traffic": noted(was)}
    seen = world(weight=was, ask=ask(replicas=3, steps=STEPS), pods=standing, memory=memory)
    assert tuple(one for one in plan(seen).actions if isinstance(one, Route)) == moved
