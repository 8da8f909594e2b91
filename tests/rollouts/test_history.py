"""Old revisions: as many as are asked for are kept."""

from __future__ import annotations

from rollouts.actions import Action, Forget
from rollouts.plan import plan
from rollouts.world import Pods
from tests.rollouts.worlds import ask, pods, world


def forgotten(*old: Pods, history: int = 2) -> list[Action]:
    standing = (*old, pods("old", 10, revision=8), pods("new", 1, revision=9))
    decided = plan(world(pods=standing, ask=ask(history=history))).actions
    return [action for action in decided if isinstance(action, Forget)]


def test_the_oldest_revisions_beyond_the_limit_are_forgotten() -> None:
    old = [pods(f"r{n}", 0, revision=n) for n in (1, 2, 3, 4)]
    assert forgotten(*old) == [Forget("api-r1", ""), Forget("api-r2", "")]


def test_within_the_limit_nothing_is_forgotten() -> None:
    assert forgotten(pods("r1", 0), pods("r2", 0)) == []


def test_a_revision_that_has_pods_is_kept() -> None:
    assert forgotten(pods("r1", 3), pods("r2", 0, revision=2), history=1) == [Forget("api-r2", "")]


def test_a_revision_whose_counts_are_old_is_kept() -> None:
    assert forgotten(pods("r1", 0, settled=False), history=0) == []


def test_stable_and_canary_are_not_history() -> None:
    assert forgotten(history=0) == []
