"""Objects the tests of GitOps start from, and an Application that holds them."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from crds.application import Application, parse
from crds.paths import put

Raw = dict[str, Any]
NOW = datetime(2026, 3, 15, 10, 30, tzinfo=UTC)
REVISION = "5c2d89b"


def thing(
    kind: str, name: str = "api", *, api: str = "v1", namespace: str = "production", **more: Any
) -> Raw:
    """An object; `more` stands beside its metadata."""
    where = {"namespace": namespace} if namespace else {}
    return {"apiVersion": api, "kind": kind, "metadata": {"name": name, **where}, **more}


def noted(raw: Raw, name: str, value: str) -> Raw:
    """With an annotation; those of Argo CD without their prefix."""
    prefix = "" if "/" in name else "argocd.argoproj.io/"
    changed: Raw = put(raw, ("metadata", "annotations", prefix + name), value)
    return changed


def deployment(name: str = "api", image: str = "api:v1", **status: Any) -> Raw:
    pod = {"spec": {"containers": [{"name": name, "image": image}]}}
    spec = {"replicas": 2, "template": pod}
    raw = thing("Deployment", name, api="apps/v1", spec=spec)
    return raw | ({"status": status} if status else {})


def config(name: str = "settings", **data: str) -> Raw:
    return thing("ConfigMap", name, data=data)


def app(*, name: str = "api-prod", status: Raw | None = None, **spec: Any) -> Application:
    """An Application over services/api, in the namespace production."""
    return parse(raw_app(name=name, status=status, **spec))


def raw_app(*, name: str = "api-prod", status: Raw | None = None, **spec: Any) -> Raw:
    whole = {
        "project": "production",
        "source": {
            "repoURL": "https://github.com/myorg/infrastructure",
            "targetRevision": "main",
            "path": "services/api",
        },
        "destination": {"server": "https://kubernetes.default.svc", "namespace": "production"},
        **spec,
    }
    meta = {"name": name, "namespace": "argocd"}
    return {
        "apiVersion": "argoproj.io/v1alpha1",
        "kind": "Application",
        "metadata": meta,
        "spec": whole,
        "status": status or {},
    }


CRD = thing(
    "CustomResourceDefinition",
    "shelves.shop.io",
    api="apiextensions.k8s.io/v1",
    namespace="",
    spec={"group": "shop.io", "names": {"kind": "Shelf"}, "scope": "Namespaced"},
)
