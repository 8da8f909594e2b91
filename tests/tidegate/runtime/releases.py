"""The controller on the sandbox and a real Git server: Applications, one of them of a Rollout."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypeVar

from crds.paths import get
from crds.refs import APPLICATION, EVENT, REPLICA_SET, ROLLOUT, Ref
from tests.gitops.examples import raw_app
from tests.tidegate.git.origin import FILE, Bare, anyone
from tests.tidegate.kube.waiting import until
from tests.tidegate.runtime.worlds import Faulty, path, play
from tidegate.fetch.preflight import Preflight
from tidegate.fetch.reverts import Reverts
from tidegate.fetch.sources import Heads, Renderings
from tidegate.fetch.undoings import Undoings
from tidegate.git.repositories import Repositories
from tidegate.git.workers import Workers
from tidegate.git.writer import Writer
from tidegate.kube import requests
from tidegate.kube.errors import accepted
from tidegate.kube.http import Request, Response
from tidegate.planners.needs import Head, Rendered, Reverted, Revertible, Undone
from tidegate.planners.settings import Settings as Surroundings
from tidegate.planners.settings import Site
from tidegate.runtime.app import App, Parts
from tidegate.runtime.clock import WallClock
from tidegate.runtime.controllers import controllers
from tidegate.runtime.metrics import Requests
from tidegate.runtime.observe import Fetch
from tidegate.runtime.settings import Settings
from tidegate.sandbox.store import Store

Raw = dict[str, Any]
T = TypeVar("T")
API, ROOT = (Ref(APPLICATION, "argocd", name) for name in ("api-prod", "root"))
SERVED = Ref(ROLLOUT, "production", "api")
AUTOMATED = {"automated": {"prune": True, "selfHeal": True}, "syncOptions": ["CreateNamespace=true"]}
GOOD, FINE, BAD = "registry/api:v1", "registry/api:v2", "nowhere.invalid/api:v3"
FILE_OF_API = "apps/production/api-app.json"


@dataclass
class Running:
    cluster: Store
    sender: Faulty
    heads: Heads
    git: Bare
    key: str
    app: App

    def create(self, raw: Raw, ref: Ref = API) -> None:
        accepted(self.cluster.handle(requests.create(path(ref._replace(name="")), raw)))

    def patch(self, ref: Ref, body: Raw) -> None:
        accepted(self.cluster.handle(requests.merge_patch(path(ref), body)))

    def read(self, ref: Ref, *where: str) -> Any:
        answer = self.cluster.handle(requests.get(path(ref)))
        return get(answer.body, *where) if answer.status == 200 else None

    def push(self, files: dict[str, str | bytes], message: str = "Ship") -> str:
        made = self.git.commit(files, message)
        self.heads.hurry(self.git.url)
        return made

    def phase(self) -> str:
        return str(self.read(API, "status", "rollback", "phase") or "")

    def said(self) -> dict[str, str]:
        """The conditions, by type."""
        return {one["type"]: one["message"] for one in self.read(API, "status", "conditions") or ()}

    def is_good(self, revision: str) -> bool:
        return bool(self.read(API, "status", "lastKnownGood", "revision") == revision)

    def image(self) -> str:
        return str(get(self.read(SERVED, "spec"), "template", "spec", "containers", 0, "image"))

    def synced_at(self, revision: str) -> bool:
        sync = self.read(API, "status", "sync") or {}
        return (sync.get("status"), sync.get("revision")) == ("Synced", revision)

    def reverts(self) -> list[str]:
        return self.git.serve("log", "--all", "--grep", "Rollback-Id", "--format=%H").split()

    def writes(self) -> list[Request]:
        """For good, Events aside."""
        asked = (one for one in self.sender.sent if one.method != "GET" and "dryRun" not in one.query)
        return [one for one in asked if not one.path.endswith("/events")]

    def told(self, reason: str) -> list[str]:
        """The Events of the Rollout under this reason."""
        listed = accepted(self.cluster.handle(requests.get(path(Ref(EVENT, "production", "")))))
        return [one["message"] for one in listed["items"] if one["reason"] == reason]

    def revisions(self) -> list[str]:
        """Of the ReplicaSets there were."""
        listed = accepted(self.cluster.handle(requests.get(path(Ref(REPLICA_SET, "production", "")))))
        return [one["metadata"]["annotations"]["rollout.argoproj.io/revision"] for one in listed["items"]]


class Doom:
    """Counts what is written, Events aside, and ends the controller at one; then it asks nothing either."""

    def __init__(self) -> None:
        self.count, self.come = 0, asyncio.Event()
        self._at, self._landed = 0, False

    def at(self, write: int, landed: bool) -> None:
        """From here the `write`-th is the last; `landed` says whether it still happens."""
        self.count, self._at, self._landed = 0, write, landed

    async def passed(self, work: Callable[[], Awaitable[T]], counts: bool) -> T:
        if self.come.is_set():
            await asyncio.Event().wait()
        self.count += counts
        if not (counts and self.count == self._at):
            return await work()
        if self._landed:
            await work()
        self.come.set()
        await asyncio.Event().wait()
        raise AssertionError("nobody ends this wait")


class Mortal(Faulty):
    """A sender of one who is doomed."""

    def __init__(self, cluster: Store, doom: Doom) -> None:
        super().__init__(cluster)
        self._doom = doom

    async def send(self, request: Request) -> Response:
        counts = (
            request.method != "GET" and not request.path.endswith("/events") and "dryRun" not in request.query
        )
        return await self._doom.passed(lambda: super(Mortal, self).send(request), counts)


def argocd() -> Store:
    """A cluster with the namespace of its Applications."""
    made = Store(lambda: datetime.now(UTC))
    accepted(made.handle(requests.create("/api/v1/namespaces", {"metadata": {"name": "argocd"}})))
    return made


@asynccontextmanager
async def running(
    tmp_path: Path, git: Bare, key: str = "", cluster: Store | None = None, doom: Doom | None = None
) -> AsyncIterator[Running]:
    cluster, doom = cluster or argocd(), doom or Doom()
    sender = Mortal(cluster, doom)
    repositories = Repositories(tmp_path / "cache", Workers(1), anyone, FILE)
    heads = Heads(repositories)

    async def keys(_namespace: str, _name: str) -> str:
        return here.key

    writer = Writer(repositories, anyone, FILE)
    reverts = Reverts(repositories, writer, keys)
    fetchers: dict[type, Fetch] = {
        Head: heads,
        Rendered: Renderings(repositories),
        Reverted: reverts,
        Revertible: Preflight(writer, keys),
        Undone: Undoings(repositories),
    }
    chosen = Settings(elect=False, applications="argocd")
    planners = controllers(Surroundings(), Site("argocd"))
    push, reverts.push = reverts.push, lambda write: doom.passed(lambda: push(write), counts=True)  # type: ignore[method-assign]
    app = App(chosen, sender, None, Parts(planners, fetchers, WallClock(), Requests(), heads, reverts))
    app.start(lambda: None)
    playing = asyncio.create_task(play(cluster))
    here = Running(cluster, sender, heads, git, key, app)
    try:
        yield here
    finally:
        playing.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await playing
        await app.stop()
        await repositories.close()


def rollout(image: str) -> str:
    containers = [{"name": "api", "image": image}]
    template = {"metadata": {"labels": {"app": "api"}}, "spec": {"containers": containers}}
    canary = {"steps": [{"setWeight": 50}, {"pause": {"duration": "1s"}}], "maxSurge": 1, "maxUnavailable": 0}
    spec = {"replicas": 2, "selector": {"matchLabels": {"app": "api"}}, "template": template}
    raw = {"apiVersion": "argoproj.io/v1alpha1", "kind": "Rollout", "metadata": {"name": "api"}}
    return json.dumps({**raw, "spec": {**spec, "strategy": {"canary": canary}}})


def application(git: Bare, policy: Raw | None = None, **rollback: Any) -> Raw:
    source = {"repoURL": git.url, "targetRevision": "main", "path": "services/api"}
    signing = {"signing": {"secretRef": {"name": "key"}}}
    said = {"enabled": True, "git": signing, **rollback}
    policy = AUTOMATED if policy is None else policy
    return raw_app(project="default", source=source, syncPolicy=policy, rollback=said)


RELEASE = "services/api/rollout.json"


async def good(here: Running, **more: Any) -> str:
    """A release that is live and known to be good."""
    first = here.push({RELEASE: rollout(GOOD)}, "First")
    here.create(application(here.git, **more), API)
    if "policy" in more:
        here.patch(API, {"operation": {"sync": {}}})
    await until(lambda: here.is_good(first), 60)
    return first


def parent(git: Bare) -> Raw:
    source = {"repoURL": git.url, "targetRevision": "main", "path": "apps"}
    root = raw_app(name="root", project="default", source=source, syncPolicy=AUTOMATED)
    return {**root, "spec": {**root["spec"], "destination": {**HERE, "namespace": "argocd"}}}


def tagged(git: Bare, image: str) -> str:
    """The child, whose override says the image."""
    child = application(git)
    child["spec"]["source"]["kustomize"] = {"images": [f"api={image}"]}
    return json.dumps({name: part for name, part in child.items() if name != "status"}, indent=1)


def config(level: str) -> str:
    meta = {"name": "shop", "namespace": "argocd"}
    return json.dumps({"apiVersion": "v1", "kind": "ConfigMap", "metadata": meta, "data": {"level": level}})


HERE = {"server": "https://kubernetes.default.svc"}
