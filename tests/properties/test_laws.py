"""The laws of the design over whole histories: the story, with everything that can go wrong at a write.

Laws 1, 4 and 5 are asked of every plan of every history here, by `witness`; and of every plan of the story as
it goes without faults, whether half a look would have done more.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import pytest

from rollouts.settling import CATCH_UP
from tests.properties.ends import assert_same, end
from tests.properties.faults import THOROUGH, struck
from tests.properties.story import CHAPTERS, ERRORS, V1, V2, V3, V4, Chapter, finish, play, say
from tests.properties.wire import HOWS, Fault, How
from tests.properties.world import CALM, NAME, World
from tidegate.kube.reflector import PACE
from tidegate.sandbox.objects import Raw
from tidegate.sandbox.players import image_of
from tidegate.sandbox.resources import PODS, VIRTUAL_SERVICES

WRITES_UNTIL_QUIET = 80
"""The bound of law 2 for a Rollout and its run: 40 for a whole walk, and a check each 5 s for the 3 minutes
that a run waits for requests in vain."""


LONG_AFTER = CALM + PACE.longest_delay + CATCH_UP.total_seconds()
"""Nothing is waited for so long after an outage."""

WRITES_TO_RECOVER = 12
"""How many more writes a history with one fault may take than one without."""

KINDS = ("virtualservices", "destinationrules", "replicasets", "analysisruns", "configmaps", "rollouts")


class Told(NamedTuple):
    """A chapter as it goes without faults: the world before it, its writes, and what it came to."""

    before: World
    writes: int
    end: Raw


class Story:
    """Told chapter by chapter, each once, when somebody asks for it."""

    def __init__(self) -> None:
        self._worlds = [World(ERRORS)]
        self._told: list[Told] = []

    def upto(self, chapter: Chapter) -> Told:
        while len(self._told) <= CHAPTERS.index(chapter):
            before, next_one = self._worlds[-1], CHAPTERS[len(self._told)]
            self._worlds.append(before.copied())
            for witness in self._worlds[-1].witnesses.values():
                witness.thorough = True
            play(self._worlds[-1], next_one)
            self._told.append(Told(before, len(self._worlds[-1].wire.writes), end(self._worlds[-1])))
        return self._told[CHAPTERS.index(chapter)]

    def world_after(self, chapter: Chapter) -> World:
        self.upto(chapter)
        return self._worlds[CHAPTERS.index(chapter) + 1]

    def close(self) -> None:
        for world in self._worlds:
            world.close()


@pytest.fixture(scope="module")
def story() -> Iterator[Story]:
    story = Story()
    yield story
    story.close()


@pytest.mark.parametrize("how", HOWS)
@pytest.mark.parametrize("chapter", CHAPTERS, ids=lambda chapter: chapter.title)
def test_a_fault_at_any_write_changes_nothing_in_the_end(story: Story, chapter: Chapter, how: How) -> None:
    told = story.upto(chapter)
    for k in struck(told.writes, how, 3):
        with told.before.copied() as world:
            world.wire.fault = Fault(k, how)
            play(world, chapter)
            assert_same(told.end, world, f"{how} at write {k}")
            assert len(world.wire.writes) <= told.writes + WRITES_TO_RECOVER, f"{how} at write {k}"


def test_our_own_object_seen_late_after_a_lost_answer_changes_nothing_in_the_end(story: Story) -> None:
    for chapter in CHAPTERS:
        told = story.upto(chapter)
        for k in range(1, told.writes + 1, 5):
            with told.before.copied() as world:
                world.wire.lag["rollouts"] = 1.0
                world.wire.fault = Fault(k, "done unheard")
                play(world, chapter)
                assert_same(told.end, world, f"{chapter.title}, unheard at write {k}")
                assert len(world.wire.writes) <= told.writes + WRITES_TO_RECOVER


@pytest.mark.parametrize("chapter", CHAPTERS, ids=lambda chapter: chapter.title)
def test_an_api_server_that_is_away_for_a_minute_changes_nothing_in_the_end(
    story: Story, chapter: Chapter
) -> None:
    told = story.upto(chapter)
    for seconds in range(1, 40, 6 if THOROUGH else 18):
        with told.before.copied() as world:
            chapter.act(world)
            world.run(seconds)
            world.wire.goes_away(world.loop.time() + 60)
            world.run(60)
            finish(world, chapter, LONG_AFTER)
            assert_same(told.end, world, f"away after {seconds} s")


def test_after_an_outage_an_abort_moves_traffic_at_once_and_pods_when_all_may_have_noticed(
    story: Story,
) -> None:
    def shares() -> list[int]:
        return [route["weight"] for route in world.named(VIRTUAL_SERVICES, NAME)["spec"]["http"][0]["route"]]

    def images() -> set[str]:
        return {image_of(pod) for pod in world.every(PODS)}

    with story.upto(CHAPTERS[2]).before.copied() as world:
        world.run(5)
        assert shares() == [90, 10]
        world.wire.goes_away(world.loop.time() + 3)
        world.run(8)
        say("abort")(world)
        world.run(3)
        assert shares() == [100, 0]
        world.run(50)
        assert images() == {V1, V2}
        world.until(lambda _: images() == {V1}, 30, "the canary to go")


@pytest.mark.parametrize(
    "late", ["rollouts", "replicasets", "analysisruns", "virtualservices", "destinationrules"]
)
def test_children_seen_late_change_nothing_in_the_end(story: Story, late: str) -> None:
    for chapter in CHAPTERS:
        told = story.upto(chapter)
        with told.before.copied() as world:
            world.wire.lag[late] = 1.5
            play(world, chapter)
            assert_same(told.end, world, chapter.title)


@pytest.mark.parametrize("late", KINDS if THOROUGH else KINDS[:1])
def test_a_kind_that_is_listed_late_after_a_crash_changes_nothing_in_the_end(story: Story, late: str) -> None:
    for chapter in CHAPTERS if THOROUGH else CHAPTERS[3:4]:
        told = story.upto(chapter)
        for k in struck(told.writes, "crash after", 8):
            with told.before.copied() as world:
                world.wire.held_up[late] = 4.0
                world.wire.fault = Fault(k, "crash after")
                play(world, chapter)
                assert_same(told.end, world, f"{late} late, crash after write {k}")


@pytest.mark.parametrize(
    "chapter",
    CHAPTERS,
    ids=lambda chapter: chapter.title,
)
def test_a_frozen_world_is_soon_left_alone(story: Story, chapter: Chapter) -> None:
    for seconds in range(0, 30, 2) if THOROUGH else (10,):
        with story.upto(chapter).before.copied() as world:
            chapter.act(world)
            world.run(seconds)
            world.frozen, before = True, len(world.wire.writes)
            world.run(900)
            written = len(world.wire.writes) - before
            world.run(300)
            assert len(world.wire.writes) - before == written, f"frozen after {seconds} s"
            assert written <= WRITES_UNTIL_QUIET


def test_a_controller_that_starts_anew_writes_nothing_where_all_is_well(story: Story) -> None:
    for chapter in CHAPTERS:
        if chapter.rests:
            with story.upto(chapter).before.copied() as world:
                play(world, chapter)
                with world.copied() as later:
                    later.run(CALM)
                    assert later.wire.writes == [], chapter.title


def test_over_the_whole_story_nobody_finds_no_pod_and_v4_gets_no_request(story: Story) -> None:
    first, last = (story.world_after(chapter).mesh.traffic for chapter in (CHAPTERS[0], CHAPTERS[-1]))
    assert last.unserved == first.unserved
    assert last.served[V4, "request"] == 0
    assert last.served[V2, "request"] > last.served[V3, "request"] > 0
