"""`app diff`: what a sync would change, by the controller's comparison, on the sandbox and real Git."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from gitops.diff import diff
from tests.gitops.examples import raw_app
from tests.tidegate.git.origin import FILE, Origin, config_map
from tidegate.cli.diffing import comparison
from tidegate.cli.failure import Failure
from tidegate.kube import requests
from tidegate.kube.http import Request, Response
from tidegate.planners.settings import Site
from tidegate.sandbox.store import Store

Raw = dict[str, Any]
SETTINGS = "/api/v1/namespaces/production/configmaps/settings"
TRACKED = "argocd.argoproj.io/tracking-id"


class Cluster:
    """The sandbox behind the command line's sender."""

    def __init__(self) -> None:
        self.store = Store(lambda: datetime(2026, 3, 15, tzinfo=UTC))
        self.store.handle(requests.create("/api/v1/namespaces", {"metadata": {"name": "production"}}))

    def send(self, request: Request) -> Response:
        return self.store.handle(request)

    def watch(self, request: Request) -> Iterator[Raw]:
        raise NotImplementedError

    def has(self, level: str) -> Cluster:
        meta = {
            "name": "settings",
            "namespace": "production",
            "annotations": {TRACKED: "api-prod:/ConfigMap:production/settings"},
        }
        body = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": meta, "data": {"level": level}}
        self.store.handle(requests.apply(SETTINGS, body, force=True))
        return self


def application(origin: Origin, target: str = "main") -> Raw:
    source = {"repoURL": origin.url, "targetRevision": target, "path": "services/api"}
    return raw_app(project="default", source=source)


@pytest.fixture
def origin(tmp_path: Path) -> Origin:
    made = Origin(tmp_path / "origin")
    made.commit({"services/api/settings.yaml": config_map("settings", level="1")})
    return made


def test_what_a_sync_would_change_is_shown_and_nothing_is_written(origin: Origin) -> None:
    cluster = Cluster().has("2")
    before = cluster.store.version
    found = comparison(cluster, application(origin), Site("argocd"), FILE)
    assert found.status == "OutOfSync"
    assert "/ConfigMap production/settings" in diff(found)
    assert '-  level: "2"\n+  level: "1"\n' in diff(found)
    assert cluster.store.version == before


def test_where_all_is_as_git_says_there_is_nothing_to_show(origin: Origin) -> None:
    found = comparison(Cluster().has("1"), application(origin), Site("argocd"), FILE)
    assert (found.status, diff(found)) == ("Synced", "")


def test_what_cannot_be_compared_says_why(origin: Origin) -> None:
    with pytest.raises(Failure, match=r"cannot be compared: .*gone"):
        comparison(Cluster(), application(origin, "gone"), Site("argocd"), FILE)
