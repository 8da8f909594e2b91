"""A store whose time stands still until told, and requests in a few words."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from tidegate.kube.http import Request, Response
from tidegate.sandbox.store import Store

Raw = dict[str, Any]

START = datetime(2026, 3, 15, 10, 30, tzinfo=UTC)
REPLICA_SETS = "/apis/apps/v1/namespaces/production/replicasets"
CONFIG_MAPS = "/api/v1/namespaces/production/configmaps"


class Clock:
    def __init__(self) -> None:
        self.now = START

    def __call__(self) -> datetime:
        return self.now

    def advance(self, seconds: float) -> datetime:
        self.now += timedelta(seconds=seconds)
        return self.now


def get(store: Store, path: str, **query: str) -> Raw:
    return accepted(store.handle(Request("GET", path, query)))


def create(store: Store, path: str, body: Raw) -> Raw:
    return accepted(store.handle(Request("POST", path, body=body)))


def merge(store: Store, path: str, body: Raw) -> Response:
    return store.handle(Request("PATCH", path, body=body, content_type="application/merge-patch+json"))


def accepted(response: Response) -> Raw:
    assert response.status < 400, response.body
    return response.body


def config_map(name: str, **labels: str) -> Raw:
    return {"metadata": {"name": name, "labels": labels}, "data": {"key": "value"}}


def replica_set(name: str, replicas: int, image: str = "registry/api:v1", **spec: Any) -> Raw:
    labels = {"app": "api", "hash": name}
    template = {"metadata": {"labels": labels}, "spec": {"containers": [{"name": "api", "image": image}]}}
    return {
        "metadata": {"name": name, "labels": labels},
        "spec": {"replicas": replicas, "selector": {"matchLabels": labels}, "template": template, **spec},
    }
