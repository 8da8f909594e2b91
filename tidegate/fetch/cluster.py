"""What an Application's objects are and would be, asked of the API server: discovery, and dry runs."""

from __future__ import annotations

import json

from crds.refs import Kind, Resource, named
from gitops.compare import Predicted, Refused
from tidegate.kube import requests
from tidegate.kube.errors import KubeError, NotFound, accepted, for_good
from tidegate.kube.http import Sender
from tidegate.kube.store import Raw
from tidegate.planners.needs import Absent, Answer, DryRun, Failed, Known, Served


class Discovery:
    """Known value: the resource of a kind. Absent: no such kind is served now; its CRD may come."""

    def __init__(self, sender: Sender) -> None:
        self._sender = sender

    async def __call__(self, need: Served) -> Answer:
        root = f"/apis/{need.group}/{need.version}" if need.group else f"/api/{need.version}"
        try:
            listed = accepted(await self._sender.send(requests.get(root)))
        except NotFound:
            return Absent()
        except KubeError as problem:
            return Failed(str(problem))
        found = _resource(need, listed.get("resources") or [])
        return Known(found) if found else Absent()


class DryRuns:
    """Known value: what an apply would store, or why it is refused."""

    def __init__(self, sender: Sender) -> None:
        self._sender = sender

    async def __call__(self, need: DryRun) -> Answer:
        kind = need.ref.kind
        path = requests.path(kind.group, kind.version, kind.plural, need.ref.namespace, need.ref.name)
        asked = requests.apply(path, json.loads(need.body), force=True, dry_run=True)
        try:
            return Known(Predicted(accepted(await self._sender.send(asked))))
        except KubeError as problem:
            return Known(Refused(str(problem))) if for_good(problem) else Failed(str(problem))


def _resource(need: Served, listed: list[Raw]) -> Resource | None:
    """Subresources stand beside the resource, as `rollouts/status`."""
    own = (one for one in listed if one["kind"] == need.kind and "/" not in one["name"])
    if (one := next(own, None)) is None:
        return None
    status = any(other["name"] == f"{one['name']}/status" for other in listed)
    return Resource(
        named(Kind(need.group, need.version, need.kind, one["name"], status)), bool(one["namespaced"])
    )
