"""The controller on the sandbox and a real Git server: a release that is rejected is reverted, once."""

from __future__ import annotations

import asyncio
import contextlib
import json
import subprocess
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from crds.paths import get
from crds.refs import APPLICATION, EVENT, REPLICA_SET, ROLLOUT, Ref
from tests.gitops.examples import raw_app
from tests.tidegate.git.origin import FILE, Bare
from tests.tidegate.kube.waiting import until
from tests.tidegate.runtime.worlds import Faulty, path
from tidegate.fetch.reverts import Reverts, Undoings
from tidegate.fetch.sources import Heads, Renderings
from tidegate.git.access import Access
from tidegate.git.address import Address
from tidegate.git.repositories import Repositories
from tidegate.git.workers import Workers
from tidegate.git.writer import Writer
from tidegate.kube import requests
from tidegate.kube.errors import accepted
from tidegate.planners.needs import Head, Rendered, Reverted, Undone
from tidegate.planners.settings import Settings as Surroundings
from tidegate.runtime.app import App, Parts
from tidegate.runtime.clock import WallClock
from tidegate.runtime.controllers import controllers
from tidegate.runtime.metrics import Requests
from tidegate.runtime.observe import Fetch
from tidegate.runtime.settings import Settings
from tidegate.sandbox.players import Garbage, Pods, ReplicaSets
from tidegate.sandbox.store import Store

pytestmark = pytest.mark.git

Raw = dict[str, Any]
API, ROOT = (Ref(APPLICATION, "argocd", name) for name in ("api-prod", "root"))
SERVED = Ref(ROLLOUT, "production", "api")
AUTOMATED = {"automated": {"prune": True, "selfHeal": True}, "syncOptions": ["CreateNamespace=true"]}
GOOD, FINE, BAD = "registry/api:v1", "registry/api:v2", "nowhere.invalid/api:v3"
FILE_OF_API = "apps/production/api-app.json"


async def anyone(_: Address) -> Access:
    return Access()


@dataclass
class Running:
    cluster: Store
    sender: Faulty
    heads: Heads
    git: Bare

    def create(self, raw: Raw, ref: Ref) -> None:
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

    def is_good(self, revision: str) -> bool:
        return bool(self.read(API, "status", "lastKnownGood", "revision") == revision)

    def image(self) -> str:
        return str(get(self.read(SERVED, "spec"), "template", "spec", "containers", 0, "image"))

    def synced_at(self, revision: str) -> bool:
        sync = self.read(API, "status", "sync") or {}
        return (sync.get("status"), sync.get("revision")) == ("Synced", revision)

    def reverts(self) -> list[str]:
        return self.git.serve("log", "--all", "--grep", "Rollback-Id", "--format=%H").split()

    def told(self, reason: str) -> list[str]:
        """The Events of the Rollout under this reason."""
        listed = accepted(self.cluster.handle(requests.get(path(Ref(EVENT, "production", "")))))
        return [one["message"] for one in listed["items"] if one["reason"] == reason]

    def revisions(self) -> list[str]:
        """Of the ReplicaSets there were."""
        listed = accepted(self.cluster.handle(requests.get(path(Ref(REPLICA_SET, "production", "")))))
        return [one["metadata"]["annotations"]["rollout.argoproj.io/revision"] for one in listed["items"]]


@pytest.fixture
def bare(tmp_path: Path) -> Bare:
    return Bare(tmp_path / "person")


@pytest.fixture
def key(tmp_path: Path) -> str:
    words = ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(tmp_path / "key")]
    subprocess.run(words, check=True, capture_output=True)
    return (tmp_path / "key").read_text()


async def _play(cluster: Store) -> None:
    players = (ReplicaSets(cluster), Pods(cluster), Garbage(cluster))
    while True:
        for player in players:
            player.tick(datetime.now(UTC))
        await asyncio.sleep(0.05)


@asynccontextmanager
async def running(
    tmp_path: Path, git: Bare, key: str, cluster: Store | None = None
) -> AsyncIterator[Running]:
    new, cluster = cluster is None, cluster or Store(lambda: datetime.now(UTC))
    if new:
        accepted(cluster.handle(requests.create("/api/v1/namespaces", {"metadata": {"name": "argocd"}})))
    sender = Faulty(cluster)
    repositories = Repositories(tmp_path / "cache", Workers(1), anyone, FILE)
    heads = Heads(repositories)

    async def keys(_namespace: str, _name: str) -> str:
        return key

    reverts = Reverts(repositories, Writer(repositories, anyone, FILE), keys)
    fetchers: dict[type, Fetch] = {
        Head: heads,
        Rendered: Renderings(repositories),
        Reverted: reverts,
        Undone: Undoings(repositories),
    }
    chosen = Settings(elect=False, applications="argocd")
    planners = controllers(Surroundings(), "argocd")
    app = App(chosen, sender, None, Parts(planners, fetchers, WallClock(), Requests(), heads, reverts))
    app.start(lambda: None)
    playing = asyncio.create_task(_play(cluster))
    try:
        yield Running(cluster, sender, heads, git)
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


async def test_a_rejected_release_is_reverted_once_and_its_application_is_synced_at_the_revert(
    tmp_path: Path, bare: Bare, key: str
) -> None:
    async with running(tmp_path, bare, key) as here:
        await good(here)
        bad = here.push({RELEASE: rollout(BAD)}, "Ship v3")
        await until(lambda: here.phase() == "Recovered", 90)
        (revert,) = here.reverts()
        assert (bare.tip, here.image(), here.synced_at(revert)) == (revert, GOOD, True)
        assert sorted(here.revisions()) == ["2", "3"]
        said = bare.serve("log", "-1", "--format=%B", revert)
        assert said.startswith(f'Revert "Ship v3"\n\nThis reverts commit {bad}.')
        assert "Rollback-App: argocd/api-prod" in said
        assert "gpgsig -----BEGIN SSH SIGNATURE-----" in bare.serve("cat-file", "commit", revert)
        await until(lambda: here.read(SERVED, "status", "phase") == "Healthy", 30)
        assert here.read(SERVED, "status", "currentStepIndex") == 2
        await until(lambda: here.read(API, "status", "health", "status") == "Healthy", 30)


async def test_a_manual_application_gets_the_commit_and_no_operation(
    tmp_path: Path, bare: Bare, key: str
) -> None:
    async with running(tmp_path, bare, key) as here:
        await good(here, policy={"syncOptions": ["CreateNamespace=true"]})
        bad = here.push({RELEASE: rollout(BAD)})
        await until(lambda: here.read(API, "status", "sync", "revision") == bad, 30)
        here.patch(API, {"operation": {"sync": {}}})
        await until(lambda: here.phase() == "Recovered", 90)
        (revert,) = here.reverts()
        assert (here.image(), here.synced_at(revert)) == (GOOD, True)
        assert here.read(API, "status", "operationState", "syncResult", "revision") == bad


async def test_a_tag_in_the_file_of_the_parent_is_taken_back_there_and_no_sibling_is_touched(
    tmp_path: Path, bare: Bare, key: str
) -> None:
    """As in the brief: the version lies in apps/production. What the parent declares beside it is bumped."""
    async with running(tmp_path, bare, key) as here:
        first = bare.commit(
            {
                "services/api/rollout.json": rollout("api:v0"),
                "services/api/kustomization.yaml": "resources: [rollout.json]\n",
                FILE_OF_API: tagged(bare, GOOD),
                "apps/shop.json": config("1"),
            }
        )
        here.create(parent(bare), ROOT)
        await until(lambda: here.is_good(first), 60)
        here.push({FILE_OF_API: tagged(bare, BAD)}, "Ship v3")
        await until(lambda: here.image() == BAD, 30)
        here.push({"apps/shop.json": config("2")}, "Elsewhere")
        await until(lambda: here.phase() == "Recovered", 90)
        (revert,) = here.reverts()
        assert bare.serve("show", "--name-only", "--format=", revert) == FILE_OF_API
        assert bare.serve("show", f"{revert}:apps/shop.json") == config("2")
        await until(lambda: here.synced_at(revert) and here.image() == GOOD, 30)
        assert sorted(here.revisions()) == ["2", "3"]


async def test_what_an_older_commit_declares_is_not_known_to_be_good_at_a_newer_one(
    tmp_path: Path, bare: Bare, key: str
) -> None:
    """A push is heard of by the child first, whose source is still the last commit's."""
    async with running(tmp_path, bare, key) as here:
        first = bare.commit(
            {
                "services/api/rollout.json": rollout("api:v0"),
                "services/api/kustomization.yaml": "resources: [rollout.json]\n",
                FILE_OF_API: tagged(bare, GOOD),
            }
        )
        root = parent(bare)
        by_hand = {**root, "spec": {**root["spec"], "syncPolicy": {}}, "operation": {"sync": {}}}
        here.create(by_hand, ROOT)
        await until(lambda: here.is_good(first), 60)
        bad = here.push({FILE_OF_API: tagged(bare, BAD)}, "Ship v3")
        await until(lambda: here.synced_at(bad), 30)
        assert (here.image(), here.is_good(first)) == (GOOD, True)
        here.patch(ROOT, {"operation": {"sync": {}}})
        await until(lambda: here.phase() == "Pushed", 90)
        (revert,) = here.reverts()
        assert bare.serve("show", f"{revert}:{FILE_OF_API}") == tagged(bare, GOOD)


async def test_a_protected_branch_gets_a_branch_beside_it_and_a_merge_ends_it(
    tmp_path: Path, bare: Bare, key: str
) -> None:
    async with running(tmp_path, bare, key) as here:
        await good(here)
        bad = here.push({RELEASE: rollout(BAD)})
        bare.hook("update", 'test "$1" != refs/heads/main')
        await until(lambda: here.phase() == "Branched", 90)
        said = {one["type"]: one["message"] for one in here.read(API, "status", "conditions")}
        assert "open a pull request for it, and merge it" in said["RevertPending"]
        assert (bare.tip, here.image()) == (bad, GOOD)
        branch = here.read(API, "status", "rollback", "branch")
        bare.serve("update-ref", "refs/heads/main", branch)
        here.heads.hurry(bare.url)
        await until(lambda: here.phase() == "Recovered", 30)


async def test_a_hotfix_that_races_is_walked_and_not_reverted(tmp_path: Path, bare: Bare, key: str) -> None:
    async with running(tmp_path, bare, key) as here:
        await good(here)
        bare.hook("pre-receive", "sleep 1")
        here.push({RELEASE: rollout(BAD)})
        await until(lambda: here.phase() == "Quarantined", 60)
        fixed = here.push({RELEASE: rollout(FINE)}, "Fix forward")
        await until(lambda: here.phase() in {"Superseded", "Recovered"}, 60)
        await until(lambda: here.synced_at(bare.tip), 60)
        assert len(here.reverts()) <= 1
        if not here.reverts():
            assert (here.image(), bare.tip) == (FINE, fixed)


@pytest.mark.parametrize("phase", ["Quarantined", "Committed", "Pushed"])
async def test_whoever_dies_once_a_phase_is_recorded_one_revert_is_there_in_the_end(
    tmp_path: Path, bare: Bare, key: str, phase: str
) -> None:
    cluster = Store(lambda: datetime.now(UTC))
    accepted(cluster.handle(requests.create("/api/v1/namespaces", {"metadata": {"name": "argocd"}})))
    async with running(tmp_path, bare, key, cluster) as here:
        await good(here)
        here.push({RELEASE: rollout(BAD)})
        await until(lambda: here.phase() == phase, 60)
    async with running(tmp_path / "another", bare, key, cluster) as here:
        await until(lambda: here.phase() == "Recovered", 60)
        assert len(here.reverts()) == 1
        assert (bare.tip, here.image()) == (here.reverts()[0], GOOD)


async def test_a_good_release_that_a_person_reverts_is_back_without_its_steps(
    tmp_path: Path, bare: Bare, key: str
) -> None:
    async with running(tmp_path, bare, key) as here:
        await good(here)
        here.push({RELEASE: rollout(FINE)}, "Ship v2")
        await until(lambda: here.is_good(bare.tip), 60)
        assert here.told("SkipSteps") == []
        bare.git("pull", "-q", "--rebase", "origin", "main")
        bare.git("revert", "--no-edit", "HEAD")
        bare.git("push", "-q", "origin", "main")
        here.heads.hurry(bare.url)
        await until(lambda: here.image() == GOOD and here.read(SERVED, "status", "phase") == "Healthy", 60)
        assert len(here.told("SkipSteps")) == 1
        assert (here.phase(), here.reverts()) == ("", [])
        await until(lambda: here.is_good(bare.tip) and here.synced_at(bare.tip), 30)


async def test_a_plain_commit_of_what_was_good_walks_its_steps(tmp_path: Path, bare: Bare, key: str) -> None:
    async with running(tmp_path, bare, key) as here:
        await good(here)
        for image in (FINE, GOOD):
            made = here.push({RELEASE: rollout(image)}, "Ship another")
            await until(lambda made=made: here.is_good(made), 60)  # type: ignore[misc]
        assert here.told("SkipSteps") == []


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
