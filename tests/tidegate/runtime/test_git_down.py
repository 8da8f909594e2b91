"""A controller that starts with an empty cache while Git is down: what runs is left as it is, and told."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from crds.refs import CONFIG_MAP, Ref
from tests.tidegate.git.origin import Bare
from tests.tidegate.kube.waiting import until
from tests.tidegate.runtime.releases import (
    API,
    BAD,
    GOOD,
    RELEASE,
    SERVED,
    Running,
    argocd,
    config,
    good,
    rollout,
    running,
)

pytestmark = pytest.mark.git
SETTINGS = Ref(CONFIG_MAP, "argocd", "shop")


@contextmanager
def down(bare: Bare) -> Iterator[None]:
    away = bare.server.with_suffix(".away")
    bare.server.rename(away)
    try:
        yield
    finally:
        away.rename(bare.server)


def unknown(here: Running, revision: str) -> bool:
    """Said to be, with what it was last seen at."""
    sync = here.read(API, "status", "sync") or {}
    seen = (sync.get("status"), sync.get("revision")) == ("Unknown", revision)
    return seen and here.git.url in here.said().get("ComparisonError", "")


async def test_what_runs_is_left_as_it_is_and_healed_once_git_is_back(
    tmp_path: Path, bare: Bare, key: str
) -> None:
    cluster = argocd()
    bare.commit({"services/api/settings.json": config("1")})
    async with running(tmp_path, bare, key, cluster) as here:
        first = await good(here)
    with down(bare):
        async with running(tmp_path / "another", bare, key, cluster) as here:
            await until(lambda: unknown(here, first), 30)
            here.patch(SETTINGS, {"data": {"level": "by hand"}})
            here.patch(API, {"metadata": {"annotations": {"argocd.argoproj.io/refresh": "hard"}}})
            await until(lambda: not here.read(API, "metadata", "annotations"), 30)
            assert (here.image(), here.read(SETTINGS, "data", "level")) == (GOOD, "by hand")
            assert not any({"configmaps", "rollouts"} & {*one.path.split("/")} for one in here.writes())
    async with running(tmp_path / "third", bare, key, cluster) as here:
        await until(lambda: here.synced_at(first) and here.read(SETTINGS, "data", "level") == "1", 30)


async def test_a_revert_under_way_stands_still_on_stable_pods_and_goes_on_once_git_is_back(
    tmp_path: Path, bare: Bare, key: str
) -> None:
    cluster = argocd()
    async with running(tmp_path, bare, key, cluster) as here:
        await good(here)
        bad = here.push({RELEASE: rollout(BAD)})
        await until(lambda: here.phase() == "Quarantined", 60)
    with down(bare):
        async with running(tmp_path / "another", bare, key, cluster) as here:
            await until(lambda: unknown(here, bad), 30)
            assert here.phase() == "Quarantined"
            assert "RevertPending" in here.said()
            status = here.read(SERVED, "status")
            assert (status["abort"], status["stableRS"] != status["currentPodHash"]) == (True, True)
            assert here.read(SERVED, "status", "availableReplicas") >= 2
    async with running(tmp_path / "third", bare, key, cluster) as here:
        await until(lambda: here.phase() == "Recovered", 90)
        (revert,) = here.reverts()
        assert (bare.tip, here.image()) == (revert, GOOD)
