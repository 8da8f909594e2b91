"""What the sandbox serves, as data, and how a path names it."""

from __future__ import annotations

from typing import Any, NamedTuple

from tidegate.kube.http import Response
from tidegate.sandbox.refusals import not_found, unsupported


class Resource(NamedTuple):
    """`custom`: served from a CRD. `counted`: it has a metadata.generation. `short`: as people type it."""

    group: str
    version: str
    plural: str
    kind: str
    status: bool = False
    counted: bool = True
    custom: bool = False
    namespaced: bool = True
    short: tuple[str, ...] = ()

    @property
    def api_version(self) -> str:
        return f"{self.group}/{self.version}" if self.group else self.version

    @property
    def qualified(self) -> str:
        """As error messages say it: `replicasets.apps`, `pods`."""
        return f"{self.plural}.{self.group}" if self.group else self.plural


def _custom(group: str, version: str, plural: str, kind: str, *short: str) -> Resource:
    return Resource(group, version, plural, kind, custom=True, short=short)


REPLICA_SETS = Resource("apps", "v1", "replicasets", "ReplicaSet", status=True, short=("rs",))
PODS = Resource("", "v1", "pods", "Pod", status=True, short=("po",))
POD_TEMPLATES = Resource("", "v1", "podtemplates", "PodTemplate")
SERVICES = Resource("", "v1", "services", "Service", status=True, counted=False, short=("svc",))
CONFIG_MAPS = Resource("", "v1", "configmaps", "ConfigMap", counted=False, short=("cm",))
SECRETS = Resource("", "v1", "secrets", "Secret", counted=False)
NAMESPACES = Resource(
    "", "v1", "namespaces", "Namespace", status=True, counted=False, namespaced=False, short=("ns",)
)
EVENTS = Resource("", "v1", "events", "Event", counted=False, short=("ev",))
LEASES = Resource("coordination.k8s.io", "v1", "leases", "Lease", counted=False)
ROLLOUTS = _custom("argoproj.io", "v1alpha1", "rollouts", "Rollout", "ro")._replace(status=True)
ANALYSIS_RUNS = _custom("argoproj.io", "v1alpha1", "analysisruns", "AnalysisRun", "ar")
ANALYSIS_TEMPLATES = _custom("argoproj.io", "v1alpha1", "analysistemplates", "AnalysisTemplate", "at")
CLUSTER_ANALYSIS_TEMPLATES = _custom(
    "argoproj.io", "v1alpha1", "clusteranalysistemplates", "ClusterAnalysisTemplate", "cat"
)._replace(namespaced=False)
APPLICATIONS = _custom("argoproj.io", "v1alpha1", "applications", "Application", "app", "apps")
APP_PROJECTS = _custom("argoproj.io", "v1alpha1", "appprojects", "AppProject", "appproj", "appprojs")
VIRTUAL_SERVICES = _custom("networking.istio.io", "v1", "virtualservices", "VirtualService", "vs")._replace(
    status=True
)
DESTINATION_RULES = _custom(
    "networking.istio.io", "v1", "destinationrules", "DestinationRule", "dr"
)._replace(status=True)

RESOURCES: dict[tuple[str, str, str], Resource] = {
    (r.group, r.version, r.plural): r
    for r in (
        REPLICA_SETS,
        PODS,
        POD_TEMPLATES,
        SERVICES,
        CONFIG_MAPS,
        SECRETS,
        NAMESPACES,
        EVENTS,
        LEASES,
        ROLLOUTS,
        ANALYSIS_RUNS,
        ANALYSIS_TEMPLATES,
        CLUSTER_ANALYSIS_TEMPLATES,
        APPLICATIONS,
        APP_PROJECTS,
        VIRTUAL_SERVICES,
        DESTINATION_RULES,
    )
}


VERBS = ["create", "delete", "get", "list", "patch", "update", "watch"]
STATUS_VERBS = ["get", "patch", "update"]


class Target(NamedTuple):
    """What a path points at; an empty `name` is the collection, an empty `namespace` all of them."""

    resource: Resource
    namespace: str
    name: str
    subresource: str


def target_of(path: str) -> Target:
    """Reads `/apis/GROUP/VERSION/namespaces/NS/PLURAL/NAME/SUBRESOURCE` and its shorter forms."""
    match path.strip("/").split("/"):
        case ["api", version, *rest]:
            group = ""
        case ["apis", group, version, *rest]:
            pass
        case _:
            raise unsupported(f"the path {path}")
    namespace = ""
    if len(rest) > 2 and rest[0] == "namespaces":
        namespace, rest = rest[1], rest[2:]
    resource = RESOURCES.get((group, version, rest[0])) if rest else None
    if resource is None or len(rest) > 3:
        raise unsupported(f"the path {path}")
    name, subresource = (*rest[1:], "", "")[:2]
    if subresource == "eviction" and resource is PODS:
        return Target(resource, namespace, name, subresource)
    if subresource not in ("", "status") or (subresource and not resource.custom and not resource.status):
        raise unsupported(f"the subresource {subresource!r} of {resource.qualified}")
    if subresource and not resource.status:
        raise not_found(resource, name)
    return Target(resource, namespace, name, subresource)


def discovered(path: str) -> Response | None:
    """Which groups there are, or what is served of one, where `path` asks for that."""
    match path.strip("/").split("/"):
        case ["api"]:
            return Response(200, {"kind": "APIVersions", "versions": ["v1"]})
        case ["apis"]:
            groups = dict.fromkeys((r.group, r.version) for r in RESOURCES.values() if r.group)
            listed = {"kind": "APIGroupList", "apiVersion": "v1", "groups": [_group(*one) for one in groups]}
            return Response(200, listed)
        case ["api", version]:
            return _resources("", version)
        case ["apis", group, version]:
            return _resources(group, version)
    return None


def _group(name: str, version: str) -> dict[str, Any]:
    known = {"groupVersion": f"{name}/{version}", "version": version}
    return {"name": name, "versions": [known], "preferredVersion": known}


def _resources(group: str, version: str) -> Response:
    found = [r for r in RESOURCES.values() if (r.group, r.version) == (group, version)]
    if not found:
        return Response(404, {"message": "404 page not found"})
    typed = {"kind": "APIResourceList", **({"apiVersion": "v1"} if group else {})}
    listed = [one for each in found for one in _listed(each)]
    return Response(200, {**typed, "groupVersion": found[0].api_version, "resources": listed})


def _listed(resource: Resource) -> list[dict[str, Any]]:
    said = {"namespaced": resource.namespaced, "kind": resource.kind}
    own = {"name": resource.plural, "singularName": resource.kind.lower(), **said, "verbs": VERBS}
    if resource.short:
        own["shortNames"] = list(resource.short)
    status = {"name": f"{resource.plural}/status", "singularName": "", **said, "verbs": STATUS_VERBS}
    return [own, status] if resource.status else [own]
