"""A project permits what it lists, and says what to add where it does not."""

from __future__ import annotations

from typing import Any

import pytest

from crds.application_policy import Destination
from crds.appproject import AppProject, parse_project
from crds.errors import Invalid
from gitops.objects import Key
from gitops.project import (
    DEFAULT,
    missing,
    object_refusals,
    permits_destination,
    permits_kind,
    permits_repository,
    refusal,
)
from tests.gitops.examples import app

SERVER = "https://kubernetes.default.svc"
REPO = "https://github.com/myorg/infrastructure"
SERVICE = Key("", "Service", "production", "api")
ROLE = Key("rbac.authorization.k8s.io", "ClusterRole", "", "admin")


def project(**spec: Any) -> AppProject:
    whole = {"sourceRepos": ["*"], "destinations": [{"server": "*", "namespace": "*"}]} | spec
    return parse_project({"metadata": {"name": "production"}, "spec": whole})


@pytest.mark.parametrize(
    ("patterns", "permitted"),
    [
        (["*"], True),
        ([REPO], True),
        ([REPO + ".git"], True),
        (["https://github.com/myorg/*"], True),
        (["https://github.com/*"], False),
        (["https://github.com/**"], True),
        (["https://github.com/other/*"], False),
        (["*", "!https://github.com/myorg/*"], False),
        ([], False),
        (["!https://github.com/other/*"], False),
        (["https://github.com/{myorg,other}/*"], True),
        (["*", "!https://github.com/{myorg,other}/*"], False),
    ],
)
def test_a_repository_is_permitted_by_pattern(patterns: list[str], permitted: bool) -> None:
    assert permits_repository(project(sourceRepos=patterns).spec, REPO) is permitted


@pytest.mark.parametrize(
    ("destinations", "permitted"),
    [
        ([{"server": "*", "namespace": "*"}], True),
        ([{"server": SERVER, "namespace": "production"}], True),
        ([{"server": SERVER, "namespace": "prod*"}], True),
        ([{"server": SERVER, "namespace": "staging"}], False),
        ([{"server": "https://other", "namespace": "*"}], False),
        ([{"server": "*", "namespace": "*"}, {"server": "*", "namespace": "!production"}], False),
        ([{"server": "*", "namespace": "*"}, {"server": "*", "namespace": "!kube-system"}], True),
        (
            [{"server": "*", "namespace": "*"}, {"server": "*", "namespace": "!{production,kube-system}"}],
            False,
        ),
        ([{"server": "*", "namespace": "*"}, {"server": "*", "namespace": "!productio[a-n]"}], False),
        ([{"server": "*", "namespace": "*"}, {"server": "*", "namespace": "!?roduction"}], False),
        ([{"server": "*", "namespace": "*"}, {"name": "in-cluster", "namespace": "!production"}], False),
        ([{"server": "*", "namespace": "*"}, {"name": "!in-cluster", "namespace": "*"}], False),
        ([{"server": "*", "namespace": "*"}, {"namespace": "!production"}], False),
        ([{"server": "*", "namespace": "*"}, {"namespace": "!staging"}], True),
        ([{"name": "in-cluster", "namespace": "*"}], False),
        ([], False),
    ],
)
def test_a_destination_is_permitted_by_server_and_namespace(
    destinations: list[dict[str, str]], permitted: bool
) -> None:
    spec = project(destinations=destinations).spec
    assert permits_destination(spec, Destination(SERVER), "production") is permitted


@pytest.mark.parametrize(
    ("spec", "fix"),
    [
        ({"sourceRepos": ["*", "!https://github.com/myorg/*"]}, "take the denial out of spec.sourceRepos"),
        (
            {"destinations": [{"server": "*", "namespace": "*"}, {"server": "*", "namespace": "!prod*"}]},
            "take the denial out of spec.destinations",
        ),
        ({"sourceRepos": []}, "add it to spec.sourceRepos"),
        ({"sourceRepos": ["!https://github.com/other/*"]}, "add it to spec.sourceRepos"),
    ],
)
def test_what_is_denied_is_not_to_be_added(spec: dict[str, Any], fix: str) -> None:
    assert f"; {fix} of AppProject production" in refusal(app(), project(**spec), "argocd")


def test_a_kind_that_is_denied_is_told_by_the_list_that_denies_it() -> None:
    spec = project(namespaceResourceBlacklist=[{"group": "", "kind": "Service"}])
    fix = "; take the denial out of spec.namespaceResourceBlacklist of AppProject production"
    assert fix in object_refusals(app(), spec, [SERVICE])[SERVICE]


def test_a_pattern_that_is_no_glob_is_named() -> None:
    with pytest.raises(Invalid, match=r"'prod\{' is no glob"):
        permits_destination(
            project(destinations=[{"server": "*", "namespace": "prod{"}]).spec, Destination(SERVER), "prod"
        )


def test_a_destination_may_be_permitted_by_name() -> None:
    spec = project(destinations=[{"name": "in-cluster", "namespace": "production"}]).spec
    assert permits_destination(spec, Destination(name="in-cluster"), "production")


@pytest.mark.parametrize(
    ("spec", "key", "permitted"),
    [
        ({}, SERVICE, True),
        ({}, ROLE, False),
        ({"clusterResourceWhitelist": [{"group": "*", "kind": "*"}]}, ROLE, True),
        ({"clusterResourceWhitelist": [{"group": "*", "kind": "*", "name": "team-*"}]}, ROLE, False),
        (
            {
                "clusterResourceWhitelist": [{"group": "*", "kind": "*"}],
                "clusterResourceBlacklist": [{"group": "rbac.*", "kind": "*"}],
            },
            ROLE,
            False,
        ),
        ({"namespaceResourceBlacklist": [{"group": "", "kind": "Service"}]}, SERVICE, False),
        ({"namespaceResourceWhitelist": [{"group": "apps", "kind": "*"}]}, SERVICE, False),
        ({"namespaceResourceWhitelist": [{"group": "", "kind": "Service"}]}, SERVICE, True),
    ],
)
def test_a_kind_is_permitted_by_the_lists(spec: dict[str, Any], key: Key, permitted: bool) -> None:
    assert permits_kind(project(**spec).spec, key) is permitted


def test_a_project_that_is_not_there_is_named_in_argos_words() -> None:
    assert missing(app()) == "Application referencing project production which does not exist"


def test_the_default_project_permits_everything_until_it_is_written() -> None:
    assert refusal(app(), DEFAULT, "argocd") == ""
    assert object_refusals(app(), DEFAULT, [ROLE]) == {}


@pytest.mark.parametrize(
    ("spec", "said"),
    [
        (
            {"sourceRepos": ["https://github.com/other/*"]},
            f"application repo {REPO} is not permitted in project",
        ),
        ({"destinations": []}, "do not match any of the allowed destinations in project 'production'"),
    ],
)
def test_what_is_not_permitted_is_said_with_where_to_add_it(spec: dict[str, Any], said: str) -> None:
    found = refusal(app(), project(**spec), "argocd")
    assert said in found
    assert found.endswith(f"add it to spec.{next(iter(spec))} of AppProject production")


def test_an_application_outside_the_controllers_namespace_needs_permission() -> None:
    assert "is not permitted in project production" in refusal(app(), project(), "tidegate")
    assert refusal(app(), project(sourceNamespaces=["argo*"]), "tidegate") == ""


def test_an_object_in_another_namespace_needs_permission_too() -> None:
    only = project(destinations=[{"server": "*", "namespace": "production"}])
    (found,) = object_refusals(app(), only, [SERVICE._replace(namespace="kube-system")]).values()
    assert found.startswith("namespace kube-system is not permitted in project 'production'; add it to")


def test_a_cluster_wide_object_that_is_not_listed_is_refused_with_the_list() -> None:
    (found,) = object_refusals(app(), project(), [ROLE]).values()
    assert found.endswith("add it to spec.clusterResourceWhitelist of AppProject production")
