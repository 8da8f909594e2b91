"""After an abort: what a retry goes on with, and what was withdrawn."""

from __future__ import annotations

from datetime import timedelta

from rollouts.plan import plan
from tests.rollouts.worlds import Stage, world

SECONDS = timedelta(seconds=1)


def test_an_abort_withdraws_a_full_promotion() -> None:
    assert not plan(world(weight=10, memory={"promote_full": True, "abort": True})).memory.promote_full


def test_a_retry_after_an_aborted_full_promotion_walks_the_steps() -> None:
    stage = Stage(world(weight=10, memory={"promote_full": True, "abort": True}))
    stage.run(until=5 * SECONDS)
    stage.person(abort=False)
    stage.run(until=30 * SECONDS)
    assert (stage.world.memory.step, max(stage.weights)) == (0, 10)


def test_what_was_not_aborted_is_not_retried() -> None:
    held = world(weight=10, memory={"step": 2})
    assert plan(held).memory.attempt == 0
