"""What an Application lays over its kustomization is a kustomization of its own."""

from __future__ import annotations

from typing import Any

from crds.application import parse
from gitops.overlay import overlay
from tests.crds.applications import PRODUCTION, brief
from tests.gitops.examples import app


def over(**kustomize: Any) -> dict[str, Any]:
    source = {"repoURL": "https://example.com/a", "path": "services/api", "kustomize": kustomize}
    spec = app(source=source).spec.source
    assert spec
    assert spec.kustomize
    made = overlay(spec.kustomize, "../api")
    return {field: value for field, value in made.items() if field not in {"apiVersion", "kind", "resources"}}


def test_the_briefs_tag_is_laid_over_its_folder() -> None:
    source = parse(brief(PRODUCTION)).spec.source
    assert source
    assert source.kustomize
    assert overlay(source.kustomize, "../api") == {
        "apiVersion": "kustomize.config.k8s.io/v1beta1",
        "kind": "Kustomization",
        "resources": ["../api"],
        "images": [{"name": "myregistry.azurecr.io/api", "newTag": "v2.1.0"}],
    }


def test_an_image_as_text_comes_to_the_same() -> None:
    assert over(images=["api=r.io/shop:v2"]) == {
        "images": [{"name": "api", "newName": "r.io/shop", "newTag": "v2"}]
    }


def test_names_namespace_and_replicas_are_laid_over() -> None:
    made = over(namePrefix="a-", namespace="staging", replicas=[{"name": "api", "count": "3"}])
    assert made == {"namePrefix": "a-", "namespace": "staging", "replicas": [{"name": "api", "count": 3}]}


def test_labels_are_selected_by_unless_that_is_not_wanted() -> None:
    labels = over(commonLabels={"a": "b"}, labelWithoutSelector=True)["labels"]
    assert labels == [{"pairs": {"a": "b"}, "includeSelectors": False, "includeTemplates": False}]
    assert over(commonLabels={"a": "b"})["labels"][0]["includeSelectors"]


def test_a_patch_is_laid_over_what_it_is_for() -> None:
    made = over(patches=[{"patch": "- op: remove", "target": {"kind": "Service"}}], components=["debug"])
    assert made == {
        "patches": [{"patch": "- op: remove", "target": {"kind": "Service"}}],
        "components": ["../api/debug"],
    }
