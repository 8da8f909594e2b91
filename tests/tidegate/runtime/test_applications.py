"""The controller with `--applications`, on the sandbox and a real repository: a commit becomes live."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from crds.patches import merged
from crds.paths import get
from crds.refs import APPLICATION, CONFIG_MAP, NAMESPACE, SECRET, Ref
from tests.gitops.examples import raw_app
from tests.tidegate.git.origin import FILE, Origin, anyone, config_map
from tests.tidegate.kube.waiting import until
from tests.tidegate.runtime.worlds import Faulty, path, play
from tidegate.fetch.sources import Heads, Renderings
from tidegate.git.repositories import Repositories
from tidegate.git.workers import Workers
from tidegate.kube import requests
from tidegate.kube.errors import accepted
from tidegate.kube.http import Request
from tidegate.planners.needs import Head, Rendered
from tidegate.planners.settings import Settings as Surroundings
from tidegate.planners.settings import Site
from tidegate.runtime.app import App, Parts
from tidegate.runtime.clock import WallClock
from tidegate.runtime.controllers import controllers
from tidegate.runtime.metrics import Requests
from tidegate.runtime.observe import Fetch
from tidegate.runtime.settings import Settings, settings
from tidegate.sandbox.store import Store

Raw = dict[str, Any]
API = Ref(APPLICATION, "argocd", "api-prod")
POLICY = {"automated": {"prune": True, "selfHeal": True}, "syncOptions": ["CreateNamespace=true"]}


@dataclass
class Running:
    cluster: Store
    sender: Faulty
    heads: Heads
    origin: Origin
    app: App

    def create(self, raw: Raw, ref: Ref = API) -> None:
        accepted(self.cluster.handle(requests.create(path(ref._replace(name="")), raw)))

    def read(self, ref: Ref) -> Raw | None:
        answer = self.cluster.handle(requests.get(path(ref)))
        return answer.body if answer.status == 200 else None

    def push(self, files: dict[str, str | bytes]) -> None:
        self.origin.commit(files)
        self.heads.hurry(self.origin.url)

    def synced(self) -> bool:
        status = get(self.read(API), "status", default={})
        head = self.origin.git("rev-parse", "HEAD")
        over = get(status, "operationState", "phase") in (None, "Succeeded")
        return over and (get(status, "sync", "status"), get(status, "sync", "revision")) == ("Synced", head)

    def writes(self) -> list[Request]:
        plain = (one for one in self.sender.sent if "dryRun" not in one.query)
        return [one for one in plain if not one.path.endswith("/events")]


@asynccontextmanager
async def running(tmp_path: Path, origin: Origin) -> AsyncIterator[Running]:
    cluster = Store(lambda: datetime.now(UTC))
    accepted(cluster.handle(requests.create("/api/v1/namespaces", {"metadata": {"name": "argocd"}})))
    sender = Faulty(cluster)
    repositories = Repositories(tmp_path / "cache", Workers(1), anyone, FILE)
    heads = Heads(repositories)
    fetchers: dict[type, Fetch] = {Head: heads, Rendered: Renderings(repositories)}
    chosen = Settings(elect=False, applications="argocd")
    parts = Parts(controllers(Surroundings(), Site("argocd")), fetchers, WallClock(), Requests(), heads)
    app = App(chosen, sender, None, parts)
    app.start(lambda: None)
    players = asyncio.create_task(play(cluster))
    try:
        yield Running(cluster, sender, heads, origin, app)
    finally:
        players.cancel()
        await app.stop()
        await repositories.close()


def application(origin: Origin, **policy: Any) -> Raw:
    source = {"repoURL": origin.url, "targetRevision": "main", "path": "services/api"}
    return raw_app(project="default", source=source, syncPolicy=POLICY | policy)


async def test_a_commit_is_live_a_drift_is_healed_and_then_nothing_is_written(
    tmp_path: Path, origin: Origin
) -> None:
    origin.commit({"services/api/a.yaml": config_map("a", key="1"), "services/api/b.yaml": config_map("b")})
    a, b = (Ref(CONFIG_MAP, "production", name) for name in "ab")
    async with running(tmp_path, origin) as here:
        here.create(application(origin))
        await until(here.synced, 30)
        assert here.read(Ref(NAMESPACE, "", "production"))
        assert here.read(a)
        origin.git("rm", "-q", "services/api/b.yaml")
        here.push({"services/api/a.yaml": config_map("a", key="2")})
        await until(lambda: here.synced() and not here.read(b), 30)
        assert get(here.read(a), "data") == {"key": "2"}
        accepted(here.cluster.handle(requests.merge_patch(path(a), {"data": {"key": "by hand"}})))
        await until(lambda: get(here.read(a), "data") == {"key": "2"} and here.synced(), 30)
        quiet = len(here.writes())
        here.heads.hurry(origin.url)
        await until(lambda: not here.heads._asking and not here.heads._hurried, 30)
        assert len(here.writes()) == quiet


async def test_an_app_of_apps_brings_up_its_children_from_subfolders(tmp_path: Path, origin: Origin) -> None:
    child = application(origin)
    root = merged(application(origin), {"metadata": {"name": "root"}, "spec": {"source": {"path": "apps"}}})
    origin.commit(
        {
            "apps/production/api-app.json": json.dumps({key: child[key] for key in child if key != "status"}),
            "services/api/a.yaml": config_map("a", key="1"),
        }
    )
    async with running(tmp_path, origin) as here:
        here.create(root)
        await until(here.synced, 30)
        assert here.read(Ref(CONFIG_MAP, "production", "a"))
        top = Ref(APPLICATION, "argocd", "root")
        await until(lambda: get(here.read(top), "status", "operationState", "phase") == "Succeeded", 30)
        told = [one["type"] for one in get(here.read(top), "status", "conditions", default=[])]
        assert told == ["AppOfAppsRecursion"]


async def test_a_kind_that_nobody_watched_is_watched_once_it_is_held(tmp_path: Path, origin: Origin) -> None:
    secret = 'apiVersion: v1\nkind: Secret\nmetadata: {name: s}\ndata: {token: "czNjcmV0"}\n'
    origin.commit({"services/api/s.yaml": secret})
    async with running(tmp_path, origin) as here:
        assert not here.app.store.watches(SECRET)
        here.create(application(origin))
        await until(here.synced, 30)
        assert here.app.store.synced(SECRET)
        assert here.read(Ref(SECRET, "production", "s"))


def test_applications_are_touched_only_where_that_is_said() -> None:
    assert APPLICATION not in controllers(Surroundings())
    assert (settings([]).applications, settings([]).default_directory_recurse) == ("", None)
    assert settings(["--default-directory-recurse"]).default_directory_recurse
    assert settings(["--applications", "argocd"]).applications == "argocd"
    with pytest.raises(SystemExit):
        settings(["--applications", "argocd", "--namespace", "shop"])
