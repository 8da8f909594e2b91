"""What an Application lays over its kustomization: a kustomization of its own, so that no file is edited.

Two Applications over one folder, each with its own image tag, then never meet.
"""

from __future__ import annotations

from typing import Any

from crds.application_source import Image, Kustomize, image

Raw = dict[str, Any]
IMAGES = ("spec", "source", "kustomize", "images")


def overlay(kustomize: Kustomize, base: str) -> Raw:
    """The kustomization over the one in the folder `base`, a path as seen from where this one is put."""
    said: Raw = {
        "apiVersion": "kustomize.config.k8s.io/v1beta1",
        "kind": "Kustomization",
        "resources": [base],
        "namePrefix": kustomize.name_prefix,
        "nameSuffix": kustomize.name_suffix,
        "namespace": kustomize.namespace,
        "images": [_image(image(one, *IMAGES, at)) for at, one in enumerate(kustomize.images)],
        "replicas": [{"name": one.name, "count": int(one.count)} for one in kustomize.replicas],
        "labels": _labels(kustomize),
        "commonAnnotations": kustomize.common_annotations,
        "components": [f"{base}/{one}" for one in kustomize.components],
        "patches": _patches(kustomize),
    }
    return {field: value for field, value in said.items() if value}


def _image(one: Image) -> Raw:
    said = {"name": one.name, "newName": one.new_name, "newTag": one.new_tag, "digest": one.digest}
    return {field: value for field, value in said.items() if value}


def _labels(kustomize: Kustomize) -> list[Raw]:
    if not kustomize.common_labels:
        return []
    return [
        {
            "pairs": kustomize.common_labels,
            "includeSelectors": not kustomize.label_without_selector,
            "includeTemplates": kustomize.label_include_templates or not kustomize.label_without_selector,
        }
    ]


def _patches(kustomize: Kustomize) -> list[Raw]:
    said = []
    for one in kustomize.patches:
        target = one.target and {
            "group": one.target.group,
            "version": one.target.version,
            "kind": one.target.kind,
            "name": one.target.name,
            "namespace": one.target.namespace,
            "labelSelector": one.target.label_selector,
            "annotationSelector": one.target.annotation_selector,
        }
        patch = {"patch": one.patch, "target": target and {k: v for k, v in target.items() if v}}
        said.append({k: v for k, v in (patch | {"options": one.options}).items() if v})
    return said
