"""Histories nobody thought of: people edit and steer, pods die, controllers crash, answers are lost.

The laws of single plans are asked by `witness`, impossible worlds are refused by the sandbox's checker, and
every history must end quietly.
"""

from __future__ import annotations

import os
from contextlib import suppress

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule

from tests.properties.story import CHAPTERS, ERRORS, V1, V2, V3, V4, phase, play, say, ship
from tests.properties.world import HOWS, Fault, How, World
from tidegate.sandbox.resources import PODS
from tidegate.views.steering import Refused, Verb

WORDS: tuple[Verb, ...] = ("promote", "promote-full", "abort", "retry", "pause")
EXAMPLES = 200 if os.environ.get("TIDEGATE_EVERY_FAULT") else 12
AT_REST = ("Healthy", "Paused", "Degraded")


class Histories(RuleBasedStateMachine):
    """The world stands on v1 when a history begins."""

    @initialize()
    def begin(self) -> None:
        self.world = World(ERRORS)
        play(self.world, CHAPTERS[0])

    @rule(image=st.sampled_from((V1, V2, V3, V4)))
    def somebody_ships(self, image: str) -> None:
        ship(image)(self.world)

    @rule(word=st.sampled_from(WORDS))
    def somebody_steers(self, word: Verb) -> None:
        with suppress(Refused):
            say(word)(self.world)

    @rule(seconds=st.integers(min_value=0, max_value=30))
    def time_passes(self, seconds: int) -> None:
        self.world.run(seconds)

    @rule(which=st.integers(min_value=0, max_value=9))
    def a_pod_dies(self, which: int) -> None:
        for pod in self.world.every(PODS)[which : which + 1]:
            self.world.store.remove(PODS, pod)

    @rule(how=st.sampled_from(HOWS), soon=st.integers(min_value=1, max_value=3))
    def a_write_fails(self, how: How, soon: int) -> None:
        self.world.wire.fault = Fault(len(self.world.wire.writes) + soon, how)

    def teardown(self) -> None:
        with self.world as world:
            world.frozen = False
            world.run(300)
            assert phase(world) in AT_REST, world.rollout()["status"]


Histories.TestCase.settings = settings(
    max_examples=EXAMPLES,
    stateful_step_count=12,
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=list(HealthCheck),
)
TestHistories = Histories.TestCase
