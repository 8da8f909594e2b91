"""What a user ignores is as it is in the cluster, neither drift nor overwritten."""

from __future__ import annotations

from typing import Any

from crds.application_policy import IgnoredDifference
from crds.paths import drop, get, put
from gitops.ignores import kept
from gitops.tracking import TRACKING
from tests.gitops.examples import deployment, noted, thing

LIVE = put(deployment(image="api:v9"), ("spec", "replicas"), 9)


def ignoring(*pointers: str, **more: Any) -> list[IgnoredDifference]:
    return [IgnoredDifference("Deployment", "apps", json_pointers=pointers, **more)]


def test_a_pointers_field_is_as_it_is_in_the_cluster() -> None:
    found = kept(deployment(), LIVE, ignoring("/spec/replicas"))
    assert (found["spec"]["replicas"], found["spec"]["template"]) == (9, deployment()["spec"]["template"])


def test_a_pointer_may_go_through_a_list() -> None:
    found = kept(deployment(), LIVE, ignoring("/spec/template/spec/containers/0/image"))
    assert get(found, "spec", "template", "spec", "containers", 0, "image") == "api:v9"


def test_a_slash_in_a_name_is_written_as_tilde_one() -> None:
    live = noted(deployment(), "shop.io/owner", "me")
    found = kept(deployment(), live, ignoring("/metadata/annotations/shop.io~1owner"))
    assert get(found, "metadata", "annotations", "shop.io/owner") == "me"


def test_a_field_that_is_not_in_the_cluster_is_not_sent() -> None:
    live = drop(deployment(), ("spec", "replicas"))
    assert "replicas" not in kept(deployment(), live, ignoring("/spec/replicas"))["spec"]


def test_a_pointer_into_nowhere_changes_nothing() -> None:
    assert (
        kept(deployment(), LIVE, ignoring("/spec/template/spec/containers/7/image", "/a/b/c")) == deployment()
    )


def test_identity_and_status_are_never_copied() -> None:
    live = LIVE | {"status": {"replicas": 9}}
    pointers = (
        "/metadata/resourceVersion",
        "/status",
        "/kind",
        "/metadata/annotations/" + TRACKING.replace("/", "~1"),
    )
    assert kept(deployment(), noted(live, "tracking-id", "x"), ignoring(*pointers)) == deployment()


def test_only_the_object_that_is_meant_is_ignored() -> None:
    assert kept(deployment(), LIVE, ignoring("/spec/replicas", name="other")) == deployment()
    assert kept(deployment(), LIVE, ignoring("/spec/replicas", namespace="other")) == deployment()


def test_every_kind_may_be_meant() -> None:
    anything = [IgnoredDifference("*", "*", json_pointers=("/spec/replicas",))]
    assert kept(deployment(), LIVE, anything)["spec"]["replicas"] == 9


def test_the_fields_of_a_manager_are_as_it_left_them() -> None:
    fields: dict[str, Any] = {
        "f:spec": {
            "f:replicas": {},
            "f:template": {"f:spec": {"f:containers": {'k:{"name":"api"}': {".": {}, "f:image": {}}}}},
        }
    }
    managed = [{"manager": "hpa", "operation": "Update", "fieldsV1": fields}]
    live = put(LIVE, ("metadata", "managedFields"), managed)
    found = kept(
        deployment(), live, [IgnoredDifference("Deployment", "apps", managed_fields_managers=("hpa",))]
    )
    assert (found["spec"]["replicas"], get(found, "spec", "template", "spec", "containers", 0, "image")) == (
        9,
        "api:v9",
    )


def test_the_fields_of_another_manager_are_gits() -> None:
    managed = [{"manager": "kubectl", "fieldsV1": {"f:spec": {"f:replicas": {}}}}]
    live = put(LIVE, ("metadata", "managedFields"), managed)
    assert kept(
        deployment(), live, [IgnoredDifference("Deployment", "apps", managed_fields_managers=("hpa",))]
    ) == (deployment())


def test_a_pointer_to_an_assigned_address_is_the_briefs() -> None:
    git = thing("Service", spec={"ports": []})
    live = put(git, ("spec", "clusterIP"), "10.0.0.1")
    ignored = [IgnoredDifference("Service", json_pointers=("/spec/clusterIP",))]
    assert kept(git, live, ignored) == live
