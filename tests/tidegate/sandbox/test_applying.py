"""Server-side apply and what goes with it: discovery, dry runs, deletions in the foreground."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from tidegate.kube import requests
from tidegate.kube.http import Response
from tidegate.sandbox.store import Store

Raw = dict[str, Any]
PATH = "/api/v1/namespaces/shop/configmaps/settings"


def store() -> Store:
    return Store(lambda: datetime(2026, 3, 15, tzinfo=UTC))


def settings(**data: str) -> Raw:
    return {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": "settings", "namespace": "shop"},
        "data": data,
    }


def apply(cluster: Store, body: Raw, dry_run: bool = False) -> Response:
    return cluster.handle(requests.apply(PATH, body, force=True, dry_run=dry_run))


def test_an_apply_creates_what_is_not_there() -> None:
    cluster = store()
    assert apply(cluster, settings(level="1")).status == 201
    assert cluster.handle(requests.get(PATH)).body["data"] == {"level": "1"}


def test_what_is_applied_no_more_goes_and_what_others_wrote_stays() -> None:
    cluster = store()
    apply(cluster, settings(level="1", colour="blue"))
    cluster.handle(requests.merge_patch(PATH, {"data": {"mine": "yes"}}))
    assert apply(cluster, settings(level="2")).body["data"] == {"level": "2", "mine": "yes"}


def test_a_dry_run_says_what_would_be_and_changes_nothing() -> None:
    cluster = store()
    apply(cluster, settings(level="1"))
    before = cluster.version
    assert apply(cluster, settings(level="2"), dry_run=True).body["data"] == {"level": "2"}
    assert (cluster.version, cluster.handle(requests.get(PATH)).body["data"]) == (before, {"level": "1"})


def test_the_same_apply_twice_changes_nothing() -> None:
    cluster = store()
    apply(cluster, settings(level="1"))
    version = cluster.version
    apply(cluster, settings(level="1"))
    assert cluster.version == version


def test_an_apply_to_another_version_than_is_there_is_a_conflict() -> None:
    cluster = store()
    apply(cluster, settings(level="1"))
    stale = settings(level="2")
    stale["metadata"]["resourceVersion"] = "1"
    assert apply(cluster, stale).status == 409


def test_an_apply_that_takes_nothing_over_is_played_for_what_is_not_there_yet() -> None:
    cluster = store()
    gentle = requests.apply(PATH, settings(level="1"))
    assert [cluster.handle(gentle).status for _ in range(2)] == [201, 501]


def test_a_group_tells_its_kinds() -> None:
    found = store().handle(requests.get("/apis/argoproj.io/v1alpha1")).body["resources"]
    told = {(one["name"], one["kind"], one["namespaced"]) for one in found}
    assert {("applications", "Application", True), ("rollouts/status", "Rollout", True)} <= told
    assert store().handle(requests.get("/apis/shop.io/v1")).status == 404
