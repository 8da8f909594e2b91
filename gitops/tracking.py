"""Whose an object is: Argo's tracking id, an annotation that names the Application and the object itself.

One that does not describe the object carrying it was copied, as a Deployment's is to its ReplicaSets, and
says nothing.
"""

from __future__ import annotations

import re
from typing import Any, NamedTuple

from crds.paths import get

Raw = dict[str, Any]
TRACKING = "argocd.argoproj.io/tracking-id"


class Place(NamedTuple):
    """What an id says of its object; the namespace of a cluster-wide one is its Application's destination."""

    group: str
    kind: str
    namespace: str
    name: str


def instance(name: str, namespace: str, home: str) -> str:
    """The Application as ids name it; one outside the controller's namespace `home` has its own in front."""
    return name if namespace in {"", home} else f"{namespace}_{name}"


def tracking_id(instance: str, at: Place) -> str:
    """`app:apps/Deployment:production/api`; the core group is empty."""
    return f"{instance}:{at.group}/{at.kind}:{at.namespace}/{at.name}"


def tracked_by(raw: Raw | None) -> str:
    """The instance that an object belongs to, "" where it belongs to none."""
    written = str(get(raw, "metadata", "annotations", TRACKING, default=""))
    parts = re.fullmatch(r"([^:]+):([^/:]*)/([^:]+):([^/]*)/(.+)", written)
    if parts is None:
        return ""
    group, _, _ = str(get(raw, "apiVersion", default="")).rpartition("/")
    own = (group, get(raw, "kind"), get(raw, "metadata", "name"))
    namespace = get(raw, "metadata", "namespace", default="")
    its = (parts[2], parts[3], parts[5])
    return parts[1] if own == its and namespace in {"", parts[4]} else ""
