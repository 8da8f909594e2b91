"""An API server as small as a dictionary: objects by path, and every request that came."""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Callable, Iterator
from queue import SimpleQueue
from typing import Any

from tidegate.cli.api import Line
from tidegate.cli.main import run
from tidegate.kube.errors import KubeError
from tidegate.kube.http import Request, Response

Raw = dict[str, Any]
ROLLOUTS = "/apis/argoproj.io/v1alpha1/namespaces/production/rollouts"
API = f"{ROLLOUTS}/api"
RUNS = "/apis/argoproj.io/v1alpha1/namespaces/production/analysisruns"
SETS = "/apis/apps/v1/namespaces/production/replicasets"
PODS = "/api/v1/namespaces/production/pods"


class Cluster:
    """Serves `objects` (a tuple is a collection). `meanwhile` runs before each read, as the world would."""

    def __init__(self, objects: dict[str, Any], *, status_subresource: bool = True) -> None:
        self.objects = {SETS: (), PODS: (), RUNS: (), **objects}
        self.status_subresource = status_subresource
        self.requests: list[Request] = []
        self.meanwhile: Callable[[int], None] = lambda _count: None
        self.changes: SimpleQueue[Raw | BaseException | None] = SimpleQueue()
        self.watched: list[Request] = []
        self.refusal: Response | KubeError | None = None

    def send(self, request: Request) -> Response:
        self.requests.append(request)
        self.meanwhile(len(self.requests))
        if isinstance(self.refusal, KubeError):
            raise self.refusal
        if self.refusal:
            return self.refusal
        return self._answer(request)

    def watch(self, request: Request) -> Iterator[Raw]:
        """One event after each read of the Rollout, so that nobody waits long to look again."""
        self.watched.append(request)
        while (change := self.changes.get()) is not None:
            if isinstance(change, BaseException):
                raise change
            yield change

    def patches(self) -> list[tuple[str, Any]]:
        return [(one.path, one.body) for one in self.requests if one.method == "PATCH"]

    def written(self) -> list[tuple[str, Raw]]:
        return [(one.path, one.body) for one in self.requests if one.method == "PUT"]

    def _answer(self, request: Request) -> Response:
        path = request.path
        if request.method == "PATCH" and self.status_subresource:
            path = path.removesuffix("/status")
        found = self.objects.get(path)
        if path == API:
            self.changes.put({"type": "MODIFIED", "object": found})
        if found is None:
            return missing(path)
        return Response(200, {"items": list(found)} if isinstance(found, tuple) else found)


def missing(path: str) -> Response:
    kind, name = path.split("/")[-2:]
    message = f'{kind}.argoproj.io "{name}" not found'
    return Response(404, {"reason": "NotFound", "message": message, "details": {"name": name, "kind": kind}})


def say(words: str, cluster: Cluster) -> int:
    """Run a command line in the namespace `production`; the exit code."""

    def connect(_asked: Namespace) -> tuple[Line, str]:
        return cluster, "production"

    try:
        return run(words.split(), connect)
    finally:
        cluster.changes.put(None)
