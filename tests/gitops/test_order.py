"""Phases, then waves, then kinds, then names; and what others need comes before them."""

from __future__ import annotations

from typing import Any

import pytest

from gitops.order import hooks, steps, tasks, unhooked, wave
from tests.gitops.examples import CRD, config, deployment, noted, thing


def order(*objects: dict[str, Any]) -> list[str]:
    return [f"{one.key.kind}/{one.key.name}" for one in tasks(objects)]


def test_kinds_come_in_argos_order_and_unknown_ones_last() -> None:
    kinds = ["Shelf", "Deployment", "Service", "Namespace", "ConfigMap", "Secret", "ServiceAccount"]
    assert order(*(thing(kind, kind.lower()) for kind in kinds)) == [
        "Namespace/namespace",
        "ServiceAccount/serviceaccount",
        "Secret/secret",
        "ConfigMap/configmap",
        "Service/service",
        "Deployment/deployment",
        "Shelf/shelf",
    ]


def test_a_wave_comes_before_the_kind() -> None:
    assert order(noted(config("late"), "sync-wave", "1"), noted(deployment(), "sync-wave", "-1")) == [
        "Deployment/api",
        "ConfigMap/late",
    ]


def test_same_kinds_come_by_name() -> None:
    assert order(config("b"), config("a")) == ["ConfigMap/a", "ConfigMap/b"]


def test_a_namespace_comes_before_what_lies_in_it() -> None:
    late = noted(thing("Namespace", "production", namespace=""), "sync-wave", "5")
    assert order(late, noted(deployment(), "sync-wave", "-1")) == ["Namespace/production", "Deployment/api"]


def test_a_definition_comes_before_its_objects_also_into_their_phase() -> None:
    shelf = noted(thing("Shelf", api="shop.io/v1"), "hook", "PreSync")
    made = tasks([CRD, shelf, config()])
    assert [(one.key.kind, one.phase) for one in made] == [
        ("CustomResourceDefinition", "PreSync"),
        ("Shelf", "PreSync"),
        ("ConfigMap", "Sync"),
    ]


def test_a_definition_is_a_step_of_its_own() -> None:
    assert [
        [one.key.kind for one in group] for group in steps(tasks([CRD, thing("Shelf", api="shop.io/v1")]))
    ] == [
        ["CustomResourceDefinition"],
        ["Shelf"],
    ]


def test_hooks_run_in_their_phases() -> None:
    job = noted(thing("Job", "migrate", api="batch/v1"), "hook", "PostSync")
    first = noted(thing("Job", "check", api="batch/v1"), "hook", "PreSync")
    assert order(job, deployment(), first) == ["Job/check", "Deployment/api", "Job/migrate"]


@pytest.mark.parametrize(
    ("name", "value", "phases"),
    [
        ("hook", "PreSync,PostSync", ("PreSync", "PostSync")),
        ("hook", "Skip", ()),
        ("helm.sh/hook", "pre-install,pre-upgrade", ("PreSync",)),
        ("helm.sh/hook", "post-install", ("PostSync",)),
        ("helm.sh/hook", "test", ()),
        ("helm.sh/hook", "crd-install", None),
    ],
)
def test_a_hook_says_when_it_runs(name: str, value: str, phases: tuple[str, ...] | None) -> None:
    assert hooks(noted(thing("Job"), name, value)) == phases


def test_what_is_no_hook_is_none() -> None:
    assert hooks(config()) is None


def test_a_hook_of_no_phase_of_ours_is_named() -> None:
    assert unhooked(noted(thing("Job"), "hook", "PreDelete,Sync")) == "PreDelete"


def test_a_helm_hooks_weight_is_its_wave() -> None:
    raw = noted(noted(thing("Job"), "helm.sh/hook", "pre-install"), "helm.sh/hook-weight", "-5")
    assert wave(raw) == -5


def test_a_wave_that_is_no_number_is_none() -> None:
    assert wave(noted(config(), "sync-wave", "first")) is None
