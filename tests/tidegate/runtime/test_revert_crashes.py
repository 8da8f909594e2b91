"""Whoever dies before or after whichever write or push of a revert: the next brings it to the same end."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from tests.tidegate.git.origin import Bare
from tests.tidegate.kube.waiting import until
from tests.tidegate.runtime.releases import (
    BAD,
    GOOD,
    RELEASE,
    SERVED,
    Doom,
    argocd,
    good,
    rollout,
    running,
)

pytestmark = pytest.mark.git

MOST, TOGETHER = 32, 8
"""Writes that a story may take, and how many stories run beside each other."""


@pytest.mark.parametrize("landed", [False, True], ids=["lost", "landed"])
@pytest.mark.parametrize("first", range(1, MOST + 1, TOGETHER))
async def test_whoever_dies_at_a_write_there_is_one_revert_in_the_end(
    tmp_path: Path, key: str, first: int, landed: bool
) -> None:
    writes = range(first, first + TOGETHER)
    await asyncio.gather(*(story(tmp_path / str(at), key, at, landed) for at in writes))


async def test_no_write_of_the_story_was_left_out(tmp_path: Path, key: str) -> None:
    assert 20 < await story(tmp_path, key, 0, True) <= MOST


async def story(folder: Path, key: str, at: int, landed: bool) -> int:
    """A good release, and a bad one whose rejection ends at this write for the first controller.

    Returns how much that had written.
    """
    bare, cluster, doom = Bare(folder / "person"), argocd(), Doom()
    async with running(folder / "one", bare, key, cluster, doom) as here:
        await good(here)
        doom.at(at, landed)
        here.push({RELEASE: rollout(BAD)})
        await until(lambda: doom.come.is_set() or here.phase() == "Recovered", 120)
    async with running(folder / "another", bare, key, cluster) as here:
        await until(lambda: here.phase() == "Recovered", 120)
        (revert,) = here.reverts()
        assert (bare.tip, here.image()) == (revert, GOOD)
        await until(lambda: here.synced_at(revert), 60)
        await until(lambda: here.read(SERVED, "status", "phase") == "Healthy", 60)
    return doom.count
