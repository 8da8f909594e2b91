"""An Application is read as its author wrote it, and a mistake is named at its place."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from crds import emit, refs
from crds.application import parse
from crds.application_problems import image_unmatched, problems
from crds.application_source import Image, image, normalised
from crds.application_support import ignored, project_unsupported, unsupported
from crds.appproject import parse_project
from crds.errors import Invalid
from crds.paths import Path, drop, put
from tests.crds.applications import DRIFT, PRODUCTION, ROLLBACK, ROOT, brief
from tests.crds.test_emit import fields, unknown, version

SOURCE = ("spec", "source")
IMAGES = (*SOURCE, "kustomize", "images")
POLICY = ("spec", "syncPolicy")


def project(**spec: Any) -> dict[str, Any]:
    return {"metadata": {"name": "production", "namespace": "argocd"}, "spec": spec}


@pytest.mark.parametrize(
    "raw",
    [brief(ROOT), brief(PRODUCTION), brief(PRODUCTION, ROLLBACK), brief(PRODUCTION, DRIFT)],
    ids=["root", "production", "rollback", "drift"],
)
def test_the_briefs_applications_lose_nothing_and_have_no_problem(raw: dict[str, Any]) -> None:
    assert unknown(raw, fields(refs.APPLICATION)) == []
    assert problems(parse(raw)) == ()
    assert unsupported(parse(raw)) == ()


def test_nothing_is_required_that_argo_does_not_require() -> None:
    assert fields(refs.APPLICATION, "spec")["required"] == ["destination", "project"]


def test_operation_stands_beside_spec_and_status_is_no_subresource() -> None:
    assert {"spec", "status", "operation"} <= set(fields(refs.APPLICATION)["properties"])
    assert version(refs.APPLICATION)["subresources"] == {}


def test_a_misspelled_field_of_a_sync_policy_is_noticed() -> None:
    raw = put(brief(ROOT), (*POLICY, "automated", "selfheal"), True)
    assert unknown(raw, fields(refs.APPLICATION)) == [".spec.syncPolicy.automated.selfheal"]


@pytest.mark.parametrize("kind", [refs.APPLICATION, refs.APP_PROJECT])
def test_every_object_in_a_status_keeps_what_it_does_not_know(kind: refs.Kind) -> None:
    raw = {"status": {"fromTheFuture": {"a": 1}, "operationState": {"operation": {"new": 1}}}}
    assert unknown(raw, fields(kind)) == []


def test_people_may_write_app_for_application() -> None:
    assert emit.crd(refs.APPLICATION)["spec"]["names"]["shortNames"] == ["app", "apps"]


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("api:v2", Image("api", new_tag="v2")),
        ("my.io:5000/api", Image("my.io:5000/api")),
        ("api=my.io:5000/shop/api:v2", Image("api", "my.io:5000/shop/api", "v2")),
        ("api@sha256:abc", Image("api", digest="sha256:abc")),
        ("api=shop", Image("api", "shop")),
    ],
)
def test_an_image_may_be_text(written: str, meant: Image) -> None:
    if meant == Image(meant.name):
        with pytest.raises(Invalid, match="gets neither name, tag nor digest; add newTag"):
            image(written, *IMAGES, 0)
    else:
        assert image(written, *IMAGES, 0) == meant
        assert meant.text == written


def test_a_status_shows_every_image_as_text() -> None:
    source = parse(brief(PRODUCTION)).spec.source
    assert source is not None
    shown = normalised(source).kustomize
    assert shown is not None
    assert shown.images == ("myregistry.azurecr.io/api:v2.1.0",)


def test_an_automated_policy_without_a_word_is_enabled() -> None:
    assert parse(put(brief(PRODUCTION), (*POLICY, "automated"), {})).automated is not None


def test_an_automated_policy_may_be_switched_off() -> None:
    assert parse(put(brief(ROOT), (*POLICY, "automated", "enabled"), False)).automated is None


def test_rollback_is_off_unless_it_is_asked_for() -> None:
    assert not parse(brief(PRODUCTION)).rollback.enabled


@pytest.mark.parametrize("where", [("spec", "rollback"), (*POLICY, "rollback")])
def test_rollback_is_read_from_either_place(where: Path) -> None:
    read = parse(put(brief(PRODUCTION), where, {"enabled": True, "maxRetries": 2})).rollback
    assert (read.enabled, read.max_retries) == (True, 2)


def test_drift_is_looked_for_every_three_minutes_unless_said_otherwise() -> None:
    assert parse(brief(ROOT)).drift_check_interval == timedelta(minutes=3)
    often = parse(put(brief(ROOT), (*POLICY, "driftCheckInterval"), "30s"))
    assert often.drift_check_interval == timedelta(seconds=30)


def test_the_event_that_kubectl_sends_under_the_key_true_is_read() -> None:
    raw = brief(PRODUCTION, DRIFT)
    assert raw["spec"]["notifications"][0]["true"] == "OutOfSync"
    assert parse(raw).spec.notifications[0].events == ("OutOfSync",)


def test_several_events_may_be_told_of() -> None:
    raw = put(brief(PRODUCTION, DRIFT), ("spec", "notifications", 0, "on"), ["A", "B"])
    assert parse(raw).spec.notifications[0].events == ("A", "B")


def test_a_status_that_people_patched_wrongly_loses_that_field_alone() -> None:
    raw = brief(ROOT) | {"status": {"history": "none", "sync": {"status": "Synced"}}}
    read = parse(raw).status
    assert (read.history, read.sync.status) == ((), "Synced")


def test_a_wrong_type_is_named_at_its_place() -> None:
    with pytest.raises(Invalid) as caught:
        parse(put(brief(PRODUCTION), (*IMAGES, 0, "newTag"), 2.1))
    assert str(caught.value) == "spec.source.kustomize.images[0].newTag: 2.1 does not fit here; write text"


@pytest.mark.parametrize(
    ("path", "value", "problem"),
    [
        (("spec", "project"), "", "spec.project: is empty; name an AppProject"),
        (("spec", "destination"), {}, "spec.destination: names no cluster; write server"),
        (("spec", "destination", "name"), "in-cluster", "spec.destination.name: stands beside server"),
        (SOURCE, None, "spec.source: is missing; write repoURL"),
        ((*SOURCE, "repoURL"), "", "spec.source.repoURL: is missing"),
        ((*SOURCE, "path"), "", "spec.source.path: is missing"),
        ((*SOURCE, "path"), "../secrets", "spec.source.path: ../secrets leaves the repository"),
        ((*SOURCE, "path"), "/etc", "spec.source.path: /etc leaves the repository"),
        ((*SOURCE, "directory"), {}, "spec.source: says directory and kustomize; keep one"),
        (
            (*IMAGES, 0, "newTag"),
            "",
            "images[0]: myregistry.azurecr.io/api gets neither name, tag nor digest",
        ),
        ((*IMAGES, 0, "digest"), "sha256:a", "images[0].digest: stands beside newTag"),
        (IMAGES, ["api:v1", "api:v2"], "spec.source.kustomize.images: api 2 times; each once"),
        ((*POLICY, "driftCheckInterval"), "often", "driftCheckInterval: 'often' is no duration"),
        ((*POLICY, "driftCheckInterval"), "1s", "driftCheckInterval: 1s is less than 10s"),
        ((*POLICY, "syncOptions"), ["CreateNamespace"], "syncOptions[0]: CreateNamespace has no value"),
        ((*POLICY, "retry"), {"backoff": {"duration": "x"}}, "retry.backoff.duration: 'x' is no duration"),
        ((*POLICY, "retry"), {"backoff": {"factor": 0}}, "retry.backoff.factor: 0 is below 1"),
        (("spec", "revisionHistoryLimit"), -1, "spec.revisionHistoryLimit: is below 0"),
        (
            ("spec", "ignoreDifferences"),
            [{"kind": "A", "jsonPointers": ["spec"]}],
            "ignoreDifferences[0].jsonPointers[0]: 'spec' is no JSON pointer; write it like /spec/replicas",
        ),
        (
            ("spec", "ignoreDifferences"),
            [{"kind": "A", "jsonPointers": ["/a~b"]}],
            "jsonPointers[0]: '/a~b' has a lone ~",
        ),
        (
            ("spec", "health"),
            {"resources": [{"name": "a", "kind": "B", "healthLevel": "Bad"}]},
            "spec.health.resources[0].healthLevel: Bad is none of Healthy",
        ),
        (("spec", "rollback"), {"scope": "all"}, "spec.rollback.scope: all is none of rollout, app"),
        (("spec", "rollback"), {"git": {"mode": "force"}}, "spec.rollback.git.mode: force is none of auto"),
        ((*POLICY, "rollback"), {"maxRetries": -1}, "spec.syncPolicy.rollback.maxRetries: -1 is below 0"),
    ],
)
def test_a_mistake_is_named_once_at_its_field(path: Path, value: Any, problem: str) -> None:
    found = [str(one) for one in problems(parse(put(brief(PRODUCTION), path, value)))]
    assert len(found) == 1, found
    assert problem in found[0]


def test_an_override_that_matches_no_image_is_named_with_those_there_are() -> None:
    (found,) = image_unmatched(parse(brief(PRODUCTION)), frozenset({"myregistry/api"}))
    assert str(found) == (
        "spec.source.kustomize.images[0]: myregistry.azurecr.io/api is the name of no image rendered; "
        "there is myregistry/api"
    )


def test_an_override_that_gave_its_image_a_new_name_has_matched() -> None:
    application = parse(put(brief(PRODUCTION), IMAGES, ["api=r.io/shop:v2"]))
    assert image_unmatched(application, frozenset({"r.io/shop"})) == ()


@pytest.mark.parametrize(
    ("path", "value", "where"),
    [
        (("spec", "sources"), [{"repoURL": "a"}], "spec.sources"),
        (("spec", "destination", "server"), "https://other", "spec.destination.server"),
        ((*SOURCE, "helm"), {"releaseName": "a"}, "spec.source.helm"),
        ((*SOURCE, "plugin"), {"name": "a"}, "spec.source.plugin"),
        ((*SOURCE, "directory"), {"jsonnet": {"libs": ["a"]}}, "spec.source.directory.jsonnet"),
        (
            (*SOURCE, "directory"),
            {"disableExtensionFilter": True},
            "spec.source.directory.disableExtensionFilter",
        ),
    ],
)
def test_what_would_deploy_something_else_is_held(path: Path, value: Any, where: str) -> None:
    raw = put(drop(brief(PRODUCTION), (*SOURCE, "kustomize")), path, value)
    (found,) = unsupported(parse(raw))
    assert found.path == where
    assert "is not acted on yet; remove it, or leave this Application to Argo CD" in found.problem


def test_an_option_that_server_side_apply_has_no_use_for_is_only_mentioned() -> None:
    raw = put(brief(PRODUCTION), (*POLICY, "syncOptions"), ["Replace=true"])
    assert ignored(parse(raw)) == ("spec.syncPolicy.syncOptions[0] (Replace=true)",)


def test_an_option_that_is_misspelled_is_mentioned() -> None:
    raw = put(brief(PRODUCTION), (*POLICY, "syncOptions"), ["CreateNamespace=true", "PrunLast=true"])
    assert ignored(parse(raw)) == ("spec.syncPolicy.syncOptions[1] (PrunLast=true)",)


@pytest.mark.parametrize("option", ["Prune=flase", "PrunePropagationPolicy=orphen", "CreateNamespace=yes"])
def test_an_option_whose_value_means_nothing_is_mentioned(option: str) -> None:
    raw = put(brief(PRODUCTION), (*POLICY, "syncOptions"), ["Prune=confirm", option])
    assert ignored(parse(raw)) == (f"spec.syncPolicy.syncOptions[1] ({option})",)


def test_what_a_person_asks_of_one_sync_and_nobody_does_is_mentioned() -> None:
    sync = {"syncOptions": ["Replace=true", "Prune=true"], "syncStrategy": {"hook": {"force": True}}}
    state = {"operation": {"sync": sync}, "phase": "Running", "startedAt": "2026-03-15T10:30:00Z"}
    raw = put(brief(PRODUCTION), ("status", "operationState"), state)
    assert ignored(parse(raw)) == (
        "operation.sync.syncOptions (Replace=true)",
        "operation.sync.syncStrategy.hook.force",
    )


def test_what_changes_nothing_deployed_is_only_mentioned() -> None:
    raw = put(
        brief(PRODUCTION), ("spec", "ignoreDifferences"), [{"kind": "A", "jqPathExpressions": [".spec"]}]
    )
    assert ignored(parse(raw)) == ("spec.ignoreDifferences[0].jqPathExpressions",)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("syncWindows", [{"kind": "deny", "schedule": "0 2 * * *", "duration": "1h"}]),
        ("sourceIntegrity", {"git": {"policies": []}}),
        ("destinationServiceAccounts", [{"server": "*", "defaultServiceAccount": "x"}]),
    ],
)
def test_a_project_that_limits_what_we_cannot_yet_limit_is_held(field: str, value: Any) -> None:
    (found,) = project_unsupported(parse_project(project(**{field: value})))
    assert found.path == f"spec.{field}"


def test_all_of_a_projects_fields_are_kept() -> None:
    raw = project(
        sourceRepos=["*"],
        destinations=[{"server": "*", "namespace": "production"}],
        clusterResourceWhitelist=[{"group": "", "kind": "Namespace", "name": "team-*"}],
        orphanedResources={"warn": True, "prune": True, "ignore": [{"kind": "ConfigMap", "name": "x"}]},
        roles=[{"name": "ci", "policies": ["p, a, b, c, d, allow"], "jwtTokens": [{"iat": 1}]}],
        syncWindows=[{"kind": "allow", "schedule": "* * * * *", "duration": "1h", "timeZone": "UTC"}],
        sourceIntegrity={
            "git": {"policies": [{"repos": [{"url": "*"}], "gpg": {"mode": "head", "keys": ["A"]}}]}
        },
    )
    assert unknown(raw, fields(refs.APP_PROJECT)) == []
    assert parse_project(raw).spec.roles[0].jwt_tokens[0].iat == 1
