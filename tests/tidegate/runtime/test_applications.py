"""The controller with `--applications`, on the sandbox and a real repository: a commit becomes live."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from crds.patches import merged
from crds.refs import APPLICATION, CONFIG_MAP, NAMESPACE, SECRET, Ref
from tests.gitops.examples import raw_app
from tests.tidegate.git.origin import Bare, config_map
from tests.tidegate.kube.waiting import until
from tests.tidegate.runtime.releases import API, AUTOMATED, ROOT, Running, running
from tidegate.planners.settings import Settings as Surroundings
from tidegate.runtime.controllers import controllers
from tidegate.runtime.settings import settings

Raw = dict[str, Any]


def application(git: Bare) -> Raw:
    source = {"repoURL": git.url, "targetRevision": "main", "path": "services/api"}
    return raw_app(project="default", source=source, syncPolicy=AUTOMATED)


def live(here: Running) -> bool:
    """What Git declares now, and no sync runs."""
    over = here.read(API, "status", "operationState", "phase") in (None, "Succeeded")
    return bool(over) and here.synced_at(here.git.tip)


async def test_a_commit_is_live_a_drift_is_healed_and_then_nothing_is_written(
    tmp_path: Path, bare: Bare
) -> None:
    bare.commit({"services/api/a.yaml": config_map("a", key="1"), "services/api/b.yaml": config_map("b")})
    a, b = (Ref(CONFIG_MAP, "production", name) for name in "ab")
    async with running(tmp_path, bare) as here:
        here.create(application(bare))
        await until(lambda: live(here), 30)
        assert here.read(Ref(NAMESPACE, "", "production"))
        assert here.read(a)
        bare.git("rm", "-q", "services/api/b.yaml")
        here.push({"services/api/a.yaml": config_map("a", key="2")})
        await until(lambda: live(here) and not here.read(b), 30)
        assert here.read(a, "data") == {"key": "2"}
        here.patch(a, {"data": {"key": "by hand"}})
        await until(lambda: here.read(a, "data") == {"key": "2"} and live(here), 30)
        quiet = len(here.writes())
        here.heads.hurry(bare.url)
        await until(lambda: not here.heads._asking and not here.heads._hurried, 30)
        assert len(here.writes()) == quiet


async def test_an_app_of_apps_brings_up_its_children_from_subfolders(tmp_path: Path, bare: Bare) -> None:
    child = application(bare)
    root = merged(application(bare), {"metadata": {"name": "root"}, "spec": {"source": {"path": "apps"}}})
    bare.commit(
        {
            "apps/production/api-app.json": json.dumps({key: child[key] for key in child if key != "status"}),
            "services/api/a.yaml": config_map("a", key="1"),
        }
    )
    async with running(tmp_path, bare) as here:
        here.create(root)
        await until(lambda: live(here), 30)
        assert here.read(Ref(CONFIG_MAP, "production", "a"))
        await until(lambda: here.read(ROOT, "status", "operationState", "phase") == "Succeeded", 30)
        told = [one["type"] for one in here.read(ROOT, "status", "conditions") or ()]
        assert told == ["AppOfAppsRecursion"]


async def test_a_kind_that_nobody_watched_is_watched_once_it_is_held(tmp_path: Path, bare: Bare) -> None:
    secret = 'apiVersion: v1\nkind: Secret\nmetadata: {name: s}\ndata: {token: "czNjcmV0"}\n'
    bare.commit({"services/api/s.yaml": secret})
    async with running(tmp_path, bare) as here:
        assert not here.app.store.watches(SECRET)
        here.create(application(bare))
        await until(lambda: live(here), 30)
        assert here.app.store.synced(SECRET)
        assert here.read(Ref(SECRET, "production", "s"))


def test_applications_are_touched_only_where_that_is_said() -> None:
    assert APPLICATION not in controllers(Surroundings())
    assert (settings([]).applications, settings([]).default_directory_recurse) == ("", None)
    assert settings(["--default-directory-recurse"]).default_directory_recurse
    assert settings(["--applications", "argocd"]).applications == "argocd"
    with pytest.raises(SystemExit):
        settings(["--applications", "argocd", "--namespace", "shop"])


async def test_what_moves_to_another_application_is_handed_over_and_not_deleted(
    tmp_path: Path, bare: Bare
) -> None:
    bare.commit({f"services/{name}/{name}.yaml": config_map(name) for name in ("api", "shop")})
    moved = Ref(CONFIG_MAP, "production", "api")
    quick = {"spec": {"syncPolicy": {"retry": {"limit": 5, "backoff": {"duration": "1s"}}}}}
    shop = {"metadata": {"name": "shop"}, "spec": {"source": {"path": "services/shop"}}}
    async with running(tmp_path, bare) as here:
        for one in (application(bare), merged(application(bare), shop)):
            here.create(merged(one, quick))
        await until(lambda: live(here) and here.read(Ref(CONFIG_MAP, "production", "shop")), 30)
        born = here.read(moved, "metadata", "uid")
        bare.git("mv", "services/api/api.yaml", "services/shop/api.yaml")
        here.push({"services/api/other.yaml": config_map("other")})
        await until(lambda: owner(here, moved).startswith("shop:") and live(here), 30)
        assert here.read(moved, "metadata", "uid") == born


def owner(here: Running, ref: Ref) -> str:
    return str(here.read(ref, "metadata", "annotations", "argocd.argoproj.io/tracking-id"))
