"""Two Applications never write one object, and none writes where another lives."""

from __future__ import annotations

from typing import Any

from crds.application import Application
from gitops.claims import refused
from gitops.compare import Target, Unasked
from gitops.objects import desired
from tests.gitops.examples import app, deployment, thing

PRODUCTION = app(name="api-prod")
STAGING = app(
    name="api-staging", destination={"server": "https://kubernetes.default.svc", "namespace": "staging"}
)


def target(wanted: dict[str, Any], live: dict[str, Any] | None = None) -> Target:
    return Target(wanted, live, Unasked(""))


def found(application: Application, one: Target, *others: Application, declared_by: Any = None) -> list[str]:
    return list(refused(application, [one], [application, *others], "argocd", declared_by or {}).values())


def test_an_object_of_another_live_application_is_refused_by_name() -> None:
    live = desired(deployment(), "api-prod", "production", namespaced=True)
    (why,) = found(STAGING, target(deployment(), live), PRODUCTION)
    assert why == "Deployment production/api belongs to Application api-prod; remove it from one of the two"


def test_an_object_of_an_application_that_is_gone_may_be_taken() -> None:
    live = desired(deployment(), "api-old", "production", namespaced=True)
    assert found(PRODUCTION, target(deployment(), live)) == []


def test_an_object_that_its_application_wants_no_more_is_handed_over() -> None:
    one = target(deployment(), desired(deployment(), "api-prod", "production", namespaced=True))
    shop = app(name="shop")
    assert found(shop, one, PRODUCTION, declared_by={"api-prod": frozenset()}) == []
    assert len(found(shop, one, PRODUCTION, declared_by={"api-prod": frozenset({one.key})})) == 1


def test_ones_own_object_is_ones_own() -> None:
    live = desired(deployment(), "api-prod", "production", namespaced=True)
    assert found(PRODUCTION, target(deployment(), live), STAGING) == []


def test_the_briefs_staging_does_not_write_into_production() -> None:
    (why,) = found(STAGING, target(deployment()), PRODUCTION)
    assert why.startswith(
        "Deployment production/api lies in namespace production, which Application api-prod targets; "
        "remove metadata.namespace"
    )


def test_an_application_that_argo_cd_synced_goes_on_as_before() -> None:
    argos = app(name="old", destination=STAGING_TO, status={"history": [{"id": 0}]})
    assert found(argos, target(deployment()), PRODUCTION) == []


def test_a_namespace_that_nobody_targets_is_free() -> None:
    assert found(STAGING, target(thing("Service", namespace="shared")), PRODUCTION) == []


def test_a_parent_may_hold_the_namespaces_of_its_children() -> None:
    """As the brief's apps/namespaces.yaml does."""
    assert found(STAGING, target(thing("Namespace", "production", namespace="")), PRODUCTION) == []


STAGING_TO = {"server": "https://kubernetes.default.svc", "namespace": "staging"}
