"""Whose an object is can be told from it, and a copy says nothing."""

from __future__ import annotations

import pytest
import yaml

from crds.errors import Invalid
from crds.paths import drop
from gitops.objects import Key, as_sent, desired, flat, key_of, scope_of, unique
from gitops.tracking import TRACKING, Place, instance, tracked_by, tracking_id
from tests.gitops.examples import config, deployment, noted, thing


def test_an_id_names_application_kind_and_object() -> None:
    assert tracking_id("api-prod", Place("apps", "Deployment", "production", "api")) == (
        "api-prod:apps/Deployment:production/api"
    )


def test_the_core_group_is_empty() -> None:
    assert tracking_id("app", Place("", "Service", "ns", "n")) == "app:/Service:ns/n"


def test_an_application_in_another_namespace_has_it_in_front() -> None:
    assert [instance("api", where, "argocd") for where in ("argocd", "team-a")] == ["api", "team-a_api"]


def test_what_is_sent_lies_in_its_namespace_and_is_marked() -> None:
    raw = desired(thing("Service", namespace=""), "api-prod", "production", namespaced=True)
    assert key_of(raw) == Key("", "Service", "production", "api")
    assert tracked_by(raw) == "api-prod"


def test_a_namespace_of_its_own_is_kept() -> None:
    raw = desired(thing("Service", namespace="shop"), "api-prod", "production", namespaced=True)
    assert key_of(raw).namespace == "shop"


def test_a_cluster_wide_object_has_no_namespace_and_is_marked_by_the_destination() -> None:
    raw = desired(
        thing("ClusterRole", api="rbac.authorization.k8s.io/v1"), "a", "production", namespaced=False
    )
    assert key_of(raw).namespace == ""
    assert (
        raw["metadata"]["annotations"][TRACKING] == "a:rbac.authorization.k8s.io/ClusterRole:production/api"
    )
    assert tracked_by(raw) == "a"


def test_no_status_is_sent() -> None:
    assert "status" not in desired(deployment(replicas=3), "a", "production", namespaced=True)


def test_an_id_that_was_copied_says_nothing() -> None:
    raw = desired(deployment(), "a", "production", namespaced=True)
    replica_set = raw | {"kind": "ReplicaSet"}
    assert (tracked_by(raw), tracked_by(replica_set)) == ("a", "")


def test_an_object_without_an_id_belongs_to_nobody() -> None:
    assert (tracked_by(config()), tracked_by(None), tracked_by(noted(config(), "tracking-id", "x"))) == (
        "",
    ) * 3


def test_keys_of_yaml_come_as_kubectl_sends_them() -> None:
    raw = yaml.safe_load("{on: OutOfSync, 8080: web, list: [{off: 1}]}")
    assert as_sent(raw) == {"true": "OutOfSync", "8080": "web", "list": [{"false": 1}]}


def test_a_date_in_yaml_is_named_with_the_way_out() -> None:
    with pytest.raises(Invalid, match=r"data\.since\[0\]: 2026-03-15 is no JSON; write it in quotes"):
        as_sent(yaml.safe_load("{data: {since: [2026-03-15]}}"))


def test_a_list_is_its_objects() -> None:
    both = {"apiVersion": "v1", "kind": "List", "items": [config("a"), config("b")]}
    assert [key_of(raw).name for raw in flat([both, config("c")])] == ["a", "b", "c"]


def test_the_later_of_two_same_objects_wins_and_is_told_of() -> None:
    objects, repeated = unique([config("a", x="1"), config("b"), config("a", x="2")])
    assert [(key_of(raw).name, raw["data"]) for raw in objects] == [("a", {"x": "2"}), ("b", {})]
    assert repeated == (Key("", "ConfigMap", "production", "a"),)


def test_a_definition_beside_it_says_where_an_object_lies() -> None:
    spec = {"group": "shop.io", "names": {"kind": "Shelf"}, "scope": "Cluster"}
    crd = thing("CustomResourceDefinition", "shelves.shop.io", api="apiextensions.k8s.io/v1", spec=spec)
    shelf = thing("Shelf", api="shop.io/v1")
    assert scope_of(shelf, {}, [crd]) is False
    assert scope_of(shelf, {("shop.io", "Shelf"): True}, [crd]) is True
    assert scope_of(drop(shelf, ("metadata",)), {}, []) is None
