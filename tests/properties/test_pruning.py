"""Under Argo Rollouts' own CRD, which prunes `status.tidegate`: the same story, the same end."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from crds.pruning import KEPT
from tests.properties.ends import assert_same, end
from tests.properties.story import CHAPTERS, ERRORS, play
from tests.properties.wire import Fault, How
from tests.properties.world import CALM, World
from tidegate.sandbox.objects import Raw, at
from tidegate.sandbox.resources import ROLLOUTS

ARGOS = {ROLLOUTS: frozenset({"tidegate"})}


@pytest.fixture(scope="module")
def ends() -> Iterator[list[Raw]]:
    """What each chapter comes to under our own CRD."""
    with World(ERRORS) as world:
        told = []
        for chapter in CHAPTERS:
            play(world, chapter)
            told.append(end(world))
        yield told


@pytest.fixture
def pruning() -> Iterator[World]:
    with World(ERRORS) as world:
        world.store.prunes = ARGOS
        yield world


def test_a_memory_the_crd_prunes_lies_in_an_annotation_and_the_story_ends_the_same(
    ends: list[Raw], pruning: World
) -> None:
    for chapter, told in zip(CHAPTERS, ends, strict=True):
        play(pruning, chapter)
        assert_same(told, pruning, chapter.title)
        assert "tidegate" not in pruning.rollout()["status"]
    assert at(pruning.rollout(), "metadata", "annotations", KEPT)


@pytest.mark.parametrize("how", ["crash before", "crash after"])
def test_a_crash_between_the_annotation_and_the_status_changes_nothing_in_the_end(
    ends: list[Raw], pruning: World, how: How
) -> None:
    play(pruning, CHAPTERS[0])
    with pruning.copied() as counted:
        play(counted, CHAPTERS[1])
        writes = len(counted.wire.writes)
    for k in range(1, writes + 1):
        with pruning.copied() as world:
            world.wire.fault = Fault(k, how)
            play(world, CHAPTERS[1])
            assert_same(ends[1], world, f"{how} at write {k}")


def test_fields_of_a_newer_argo_that_the_crd_does_not_know_are_not_written_again_and_again() -> None:
    with World(ERRORS) as world:
        world.store.prunes = {ROLLOUTS: frozenset({"duration", "tidegate"})}
        play(world, CHAPTERS[0])
        written = len(world.wire.writes)
        world.run(CALM * 10)
        assert len(world.wire.writes) == written
