"""Ready-made worlds: the brief's api with everything round it that its Rollout takes for granted.

`python -m tests.lab.worlds`, inside a lab, makes the world and prints how to look at it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tests.lab.kube import Kube
from tests.lab.state import State, read_state
from tests.lab.waiting import until

NAMESPACE = "production"
HOST = "api.example.com"
HASH = "rollouts-pod-template-hash"
PORT = 3000

Manifest = dict[str, Any]


def mesh_of(app: str = "api", namespace: str = NAMESPACE, host: str = HOST) -> list[Manifest]:
    """Namespace, Service, DestinationRule with subsets stable and canary, VirtualService at 100/0."""
    return [_namespace(namespace), service(app, namespace), destination_rule(app, namespace),
            virtual_service(app, namespace, host)]  # fmt: skip


def _namespace(name: str) -> Manifest:
    return {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}}


def service(app: str, namespace: str = NAMESPACE) -> Manifest:
    ports = [{"name": "http", "port": 80, "targetPort": PORT}]
    return {
        "apiVersion": "v1", "kind": "Service", "metadata": {"name": app, "namespace": namespace},
        "spec": {"selector": {"app": app}, "ports": ports},
    }  # fmt: skip


def destination_rule(
    app: str, namespace: str = NAMESPACE, hashes: Mapping[str, str] | None = None
) -> Manifest:
    """`hashes` maps a subset to the pod hash it selects; without one a subset selects the whole app."""
    found = hashes or {}
    subsets = [
        {"name": name, "labels": {"app": app, **({HASH: found[name]} if name in found else {})}}
        for name in ("stable", "canary")
    ]
    return {
        "apiVersion": "networking.istio.io/v1", "kind": "DestinationRule",
        "metadata": {"name": app, "namespace": namespace},
        "spec": {"host": f"{app}.{namespace}.svc.cluster.local", "subsets": subsets},
    }  # fmt: skip


def virtual_service(app: str, namespace: str = NAMESPACE, host: str = HOST, canary: int = 0) -> Manifest:
    """One route to both subsets, served by the lab's gateway to `host` and to the Service's own name."""
    service_host = f"{app}.{namespace}.svc.cluster.local"
    return {
        "apiVersion": "networking.istio.io/v1", "kind": "VirtualService",
        "metadata": {"name": app, "namespace": namespace},
        "spec": {
            "hosts": [host, service_host], "gateways": ["istio-system/lab", "mesh"],
            "http": [{"name": "primary", "route": [
                {"destination": {"host": service_host, "subset": "stable"}, "weight": 100 - canary},
                {"destination": {"host": service_host, "subset": "canary"}, "weight": canary},
            ]}],
        },
    }  # fmt: skip


def replica_set(name: str, version: str, replicas: int, **environment: str) -> Manifest:
    """Pods of the lab's app, told apart by a pod hash which is `name`; `environment` as `app.py` lists it."""
    labels = {"app": "api", HASH: name}
    container = {
        "name": "api", "image": f"myregistry/api:{version}",
        "env": [{"name": key, "value": value} for key, value in environment.items()],
        "readinessProbe": {"httpGet": {"path": "/health", "port": PORT}, "periodSeconds": 5},
    }  # fmt: skip
    return {
        "apiVersion": "apps/v1", "kind": "ReplicaSet",
        "metadata": {"name": f"api-{name}", "namespace": NAMESPACE},
        "spec": {
            "replicas": replicas, "selector": {"matchLabels": labels},
            "template": {"metadata": {"labels": labels}, "spec": {"containers": [container]}},
        },
    }  # fmt: skip


def kube(state: State) -> Kube:
    """An administrator's client; close it, or use it as a context manager."""
    return Kube(state.apiserver, state.ca, state.token)


def make(api: Kube, manifests: list[Manifest]) -> None:
    """Apply them in order, namespaces waited for until pods can be made in them."""
    for each in manifests:
        api.apply(each)
        if each["kind"] == "Namespace":
            await_account(api, each["metadata"]["name"])


def await_account(api: Kube, namespace: str) -> None:
    """Until the namespace has its default ServiceAccount, without which no pod can be made."""
    path = f"/api/v1/namespaces/{namespace}/serviceaccounts"
    until(lambda: api.get(path)["items"], 20, f"the default ServiceAccount of {namespace}")


def available(api: Kube, name: str, replicas: int, seconds: float = 60) -> None:
    """Until a ReplicaSet of NAMESPACE has so many available pods and no others."""
    path = f"/apis/apps/v1/namespaces/{NAMESPACE}/replicasets/{name}"

    def enough() -> bool:
        status = api.get(path)["status"]
        return bool(status.get("availableReplicas", 0) == status.get("replicas", 0) == replicas)

    until(enough, seconds, f"{name} to have {replicas} available pods")


if __name__ == "__main__":
    here = read_state()
    with kube(here) as there:
        make(there, mesh_of())
    print(f"made namespace {NAMESPACE} with Service, DestinationRule and VirtualService api; ask it with\n"
          f"  curl -i -H 'Host: {HOST}' {here.gateway}/")  # fmt: skip
