"""The brief's repository: an app-of-apps, its namespaces, and two Applications over one folder."""

from __future__ import annotations

from typing import Any

from crds.application import parse
from crds.appproject import EVERYTHING, AppProject
from crds.paths import put
from gitops.claims import refused
from gitops.compare import Target, Unasked
from gitops.health import health, settled
from gitops.objects import Key, desired
from gitops.plan import Rendering, World, plan
from gitops.status import patch
from gitops.wellness import Health
from tests.crds.applications import PRODUCTION, ROOT, brief, merged
from tests.gitops.examples import NOW, deployment, thing
from tests.gitops.universe import Universe

Raw = dict[str, Any]
STAGING = merged(
    brief(PRODUCTION),
    {
        "metadata": {"name": "api-staging"},
        "spec": {
            "destination": {"namespace": "staging"},
            "syncPolicy": {"automated": {"prune": True, "selfHeal": True}, "syncOptions": []},
        },
    },
)
NAMESPACES = tuple(thing("Namespace", name, namespace="") for name in ("production", "staging"))
CHILDREN = (brief(PRODUCTION), STAGING)


def root() -> Universe:
    here = Universe(brief(ROOT) | {"status": {}}, (brief(ROOT), *NAMESPACES, *CHILDREN))
    here.namespaces["argocd"] = {}
    here.others = tuple(parse(one) for one in CHILDREN)
    here.run()
    return here


def child(name: str) -> Key:
    return Key("argoproj.io", "Application", "argocd", name)


def test_the_root_brings_namespaces_first_and_then_its_children() -> None:
    assert root().log == [
        "apply Namespace/production",
        "apply Namespace/staging",
        "apply Application/api-prod",
        "apply Application/api-staging",
        "apply Application/root",
    ]


def test_the_root_is_synced_and_waits_for_what_its_children_say() -> None:
    here = root()
    status = here.application.status
    assert (status.sync.status, status.health.status) == ("Synced", "Progressing")
    here.edit(child("api-prod"), {"status": {"health": {"status": "Missing"}}})
    here.edit(child("api-staging"), {"status": {"health": {"status": "Healthy"}}})
    here.run()
    assert here.application.status.health.status == "Healthy"


def test_a_tag_that_is_bumped_in_a_child_is_the_roots_next_sync() -> None:
    here = root()
    here.log.clear()
    bumped = put(brief(PRODUCTION), ("spec", "source", "kustomize", "images", 0, "newTag"), "v2.2.0")
    here.git["v2.2.0"], here.head = (brief(ROOT), *NAMESPACES, bumped, STAGING), "v2.2.0"
    here.run()
    images = here.objects[child("api-prod")]["spec"]["source"]["kustomize"]["images"]
    assert images == [{"name": "myregistry.azurecr.io/api", "newTag": "v2.2.0"}]


def test_the_status_that_a_child_writes_is_no_drift_of_the_root() -> None:
    here = root()
    here.edit(child("api-prod"), {"status": {"sync": {"status": "OutOfSync"}}, "operation": {"sync": {}}})
    here.log.clear()
    here.pass_time(600).run()
    assert (here.log, here.application.status.sync.status) == ([], "Synced")


def test_production_waits_for_a_person_and_holds_no_wave_of_the_root() -> None:
    application = parse(brief(PRODUCTION))
    wanted = desired(deployment(), "api-prod", "production", namespaced=True)
    target = Target(wanted, None, Unasked("no namespace"))
    permitted = AppProject(EVERYTHING)
    found = plan(World(application, Rendering("abc"), NOW, project=permitted, targets=(target,)))
    raw = brief(PRODUCTION) | {"status": patch(brief(PRODUCTION), application, found.status, NOW)}
    assert (found.actions, found.why) == ((), "not automated")
    assert (health(raw), settled(raw)) == (
        Health("Missing"),
        Health("Suspended", "Waiting for a person to sync it"),
    )


def test_staging_may_not_write_the_production_that_its_manifests_name() -> None:
    wanted = desired(deployment(), "api-staging", "staging", namespaced=True)
    others = [parse(one) for one in (brief(ROOT), *CHILDREN)]
    (why,) = refused(parse(STAGING), [Target(wanted, None, Unasked(""))], others, "argocd", {}).values()
    assert "lies in namespace production, which Application api-prod targets" in why
