"""One comparison: an object is Synced where the two shown texts are the same bytes."""

from __future__ import annotations

import json
from typing import Any

from crds.application_policy import IgnoredDifference
from crds.paths import put
from gitops.compare import (
    Awaited,
    Comparison,
    Hidden,
    Predicted,
    Refused,
    Target,
    Unasked,
    Unseen,
    compare,
    to_send,
)
from gitops.diff import diff
from gitops.objects import Key
from gitops.releases import Moving
from gitops.wellness import Health
from tests.gitops.examples import config, deployment, noted, thing

ME = Key("argoproj.io", "Application", "argocd", "api-prod")
Raw = dict[str, Any]


def compared(*targets: Target, extras: tuple[Raw, ...] = (), release: str = "") -> Comparison:
    return compare(targets, extras, ME, release)


def target(wanted: Raw, live: Raw | None = None, predicted: Raw | None = None) -> Target:
    return Target(wanted, live, Predicted(predicted or wanted) if live else Unasked("not there"))


def secret(**data: str) -> Raw:
    return thing("Secret", "password", data=data)


def test_what_an_apply_would_not_change_is_synced() -> None:
    live = deployment(replicas=2) | {"status": {"replicas": 2}}
    found = compared(target(deployment(), live, live))
    assert (found.status, found.different, diff(found)) == ("Synced", (), "")


def test_what_the_server_keeps_for_itself_is_no_difference() -> None:
    live = put(put(config(), ("metadata", "generation"), 1), ("metadata", "resourceVersion"), "5")
    answer = put(
        put(config(), ("metadata", "generation"), 2), ("metadata", "managedFields"), [{"manager": "t"}]
    )
    assert compared(target(config(), live, answer)).status == "Synced"


def test_what_an_apply_would_change_is_out_of_sync_and_shown() -> None:
    found = compared(target(config(level="high"), config(level="low")))
    assert found.status == "OutOfSync"
    assert diff(found) == (
        "\n===== /ConfigMap production/settings ======\n"
        "@@ -1,6 +1,6 @@\n"
        " apiVersion: v1\n"
        " data:\n"
        "-  level: low\n"
        "+  level: high\n"
        " kind: ConfigMap\n"
        " metadata:\n"
        "   name: settings\n"
    )


def test_what_cannot_be_seen_is_unknown_and_never_missing() -> None:
    found = compared(Target(config(), None, Unseen("configmaps is forbidden")))
    assert (found.status, found.health.status) == ("Unknown", "Unknown")
    assert found.errors == ("ConfigMap production/settings: configmaps is forbidden",)


def test_what_we_wrote_and_cannot_see_is_remembered_and_holds_nothing() -> None:
    key = Key("", "ConfigMap", "production", "old")
    found = compare([target(config(), config())], (), ME, "", [Hidden(key, "v1", "configmaps is forbidden")])
    assert [one.key.name for one in found.resources] == ["old", "settings"]
    assert (found.status, found.health.status) == ("Synced", "Healthy")
    assert found.errors == ("ConfigMap production/old: configmaps is forbidden",)


def test_an_object_that_is_not_there_is_missing_and_shown_whole() -> None:
    found = compared(target(config(level="high")))
    assert (found.status, found.health) == ("OutOfSync", Health("Missing"))
    assert "+  level: high" in diff(found)


def test_a_dry_run_that_was_refused_is_unknown_and_never_synced() -> None:
    found = compared(Target(config(), config(), Refused("admission webhook denied")))
    assert (found.status, found.errors) == (
        "Unknown",
        ("ConfigMap production/settings: admission webhook denied",),
    )


def test_nothing_is_said_while_an_answer_is_out() -> None:
    assert compared(Target(config(), config(), Awaited())).pending


def test_a_hook_is_not_compared() -> None:
    hook = noted(thing("Job", api="batch/v1"), "hook", "PreSync")
    found = compared(Target(hook, None, Awaited()))
    assert (found.status, found.pending, found.resources) == ("Synced", False, ())


def test_what_is_no_more_in_git_requires_pruning() -> None:
    (one,) = compared(extras=(config(),)).resources
    assert (one.status, one.requires_pruning) == ("OutOfSync", True)


def test_what_asks_to_be_overlooked_is_listed_and_does_not_count() -> None:
    found = compared(extras=(noted(config(), "compare-options", "IgnoreExtraneous"),))
    assert (found.status, len(found.resources)) == ("Synced", 1)


def test_a_settings_map_of_the_older_revision_does_not_count_in_mid_release() -> None:
    found = compared(extras=(config(), deployment()), release="Rollout production/api")
    assert [(one.key.kind, one.counts) for one in found.resources] == [
        ("ConfigMap", False),
        ("Deployment", True),
    ]


def test_an_application_is_never_surplus_to_itself() -> None:
    own = thing("Application", "api-prod", api="argoproj.io/v1alpha1", namespace="argocd")
    assert compared(extras=(own,)).resources == ()


def test_what_another_object_made_is_not_pruned() -> None:
    child = put(config(), ("metadata", "ownerReferences"), [{"kind": "A", "controller": True}])
    assert compared(extras=(child,)).resources == ()


def test_values_of_secrets_are_hidden_and_still_told_apart() -> None:
    found = compared(target(secret(a="bmV3", b="c2FtZQ=="), secret(a="b2xk", b="c2FtZQ==")))
    (one,) = found.resources
    live, wanted = json.loads(one.live)["data"], json.loads(one.target)["data"]
    assert (live, wanted) == (
        {"a": "++++++++", "b": "+++++++++"},
        {"a": "++++++++++", "b": "+++++++++"},
    )
    assert (found.status, "b2xk" in diff(found), "bmV3" in diff(found)) == ("OutOfSync", False, False)


def test_a_secret_that_is_not_there_is_hidden_too() -> None:
    assert "c2VjcmV0" not in diff(compared(target(secret(a="c2VjcmV0"))))


def test_a_secret_whose_data_is_a_text_is_hidden_too() -> None:
    assert "hunter2" not in diff(compared(target({**secret(), "stringData": "hunter2"})))


def test_what_kubectl_left_behind_of_a_secret_is_not_shown() -> None:
    live = noted(secret(a="b2xk"), "kubectl.kubernetes.io/last-applied-configuration", "b2xk")
    assert "b2xk" not in diff(compared(target(secret(a="bmV3"), live)))


def test_an_object_whose_author_wants_so_has_no_say_in_health() -> None:
    bad = noted(deployment(), "ignore-healthcheck", "true")
    assert compared(target(bad, bad)).health == Health("Healthy")
    assert compared(extras=(bad,)).health == Health("Healthy")


def test_what_is_ignored_is_sent_as_it_is_and_only_onto_that_version() -> None:
    live = put(put(deployment(), ("spec", "replicas"), 9), ("metadata", "resourceVersion"), "7")
    ignored = [IgnoredDifference("Deployment", "apps", json_pointers=("/spec/replicas",))]
    wanted, guard = to_send(deployment(), live, ignored, Moving())
    assert (wanted["spec"]["replicas"], guard) == (9, "7")


def test_what_is_sent_as_git_says_needs_no_version() -> None:
    live = put(deployment(), ("metadata", "resourceVersion"), "7")
    assert to_send(deployment(), live, [], Moving()) == (deployment(), "")


def test_what_may_only_go_with_a_confirmation_is_told() -> None:
    raw = noted(config("old"), "sync-options", "Prune=confirm")
    (found,) = compared(extras=(raw,)).resources
    assert (found.requires_pruning, found.confirm) == (True, True)
