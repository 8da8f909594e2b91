"""Names of things in the API server: a `Kind` is a resource, a `Ref` is one object of it."""

from __future__ import annotations

from typing import Any, NamedTuple

HASH_LABEL = "rollouts-pod-template-hash"
"""Label: which revision a pod, a ReplicaSet or a run belongs to, and what an arm selects."""

SHARD = "argo-rollouts.argoproj.io/controller-instance-id"
"""Label: which controller an object belongs to, where there are several."""


class Kind(NamedTuple):
    """A resource as the API server serves it. `status` says whether it has the status subresource."""

    group: str
    version: str
    kind: str
    plural: str
    status: bool = False

    @property
    def api_version(self) -> str:
        return f"{self.group}/{self.version}" if self.group else self.version

    def __str__(self) -> str:
        return self.kind


def shard_of(raw: dict[str, Any]) -> str:
    """Which controller an object belongs to; "" is the one without a name."""
    return str((raw["metadata"].get("labels") or {}).get(SHARD, ""))


class Ref(NamedTuple):
    """One object; hashable, and the key of every queue and store."""

    kind: Kind
    namespace: str
    name: str

    def __str__(self) -> str:
        return f"{self.kind.kind} {self.namespace}{'/' if self.namespace else ''}{self.name}"


class Resource(NamedTuple):
    """A kind as a server serves it, and whether its objects lie in namespaces."""

    kind: Kind
    namespaced: bool


ROLLOUT = Kind("argoproj.io", "v1alpha1", "Rollout", "rollouts", status=True)
ANALYSIS_RUN = Kind("argoproj.io", "v1alpha1", "AnalysisRun", "analysisruns")
ANALYSIS_TEMPLATE = Kind("argoproj.io", "v1alpha1", "AnalysisTemplate", "analysistemplates")
CLUSTER_ANALYSIS_TEMPLATE = Kind(
    "argoproj.io", "v1alpha1", "ClusterAnalysisTemplate", "clusteranalysistemplates"
)
APPLICATION = Kind("argoproj.io", "v1alpha1", "Application", "applications")
APP_PROJECT = Kind("argoproj.io", "v1alpha1", "AppProject", "appprojects")
REPLICA_SET = Kind("apps", "v1", "ReplicaSet", "replicasets", status=True)
POD = Kind("", "v1", "Pod", "pods", status=True)
SERVICE = Kind("", "v1", "Service", "services", status=True)
CONFIG_MAP = Kind("", "v1", "ConfigMap", "configmaps")
SECRET = Kind("", "v1", "Secret", "secrets")
NAMESPACE = Kind("", "v1", "Namespace", "namespaces")
EVENT = Kind("", "v1", "Event", "events")
LEASE = Kind("coordination.k8s.io", "v1", "Lease", "leases")
VIRTUAL_SERVICE = Kind("networking.istio.io", "v1", "VirtualService", "virtualservices", status=True)
DESTINATION_RULE = Kind("networking.istio.io", "v1", "DestinationRule", "destinationrules", status=True)

KINDS: tuple[Kind, ...] = (
    APPLICATION,
    APP_PROJECT,
    NAMESPACE,
    SECRET,
    ROLLOUT,
    ANALYSIS_RUN,
    ANALYSIS_TEMPLATE,
    CLUSTER_ANALYSIS_TEMPLATE,
    REPLICA_SET,
    POD,
    SERVICE,
    CONFIG_MAP,
    EVENT,
    LEASE,
    VIRTUAL_SERVICE,
    DESTINATION_RULE,
)


def ref_of(kind: Kind, raw: dict[str, Any]) -> Ref:
    """The name of a raw object of `kind`."""
    meta = raw["metadata"]
    return Ref(kind, meta.get("namespace", ""), meta["name"])


def named(found: Kind) -> Kind:
    """The kind as it is known here, which is one and the same key for all who look at its objects."""
    return next((kind for kind in KINDS if kind[:4] == found[:4]), found)
