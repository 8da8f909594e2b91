"""What the sandbox must answer as a real API server does: short scripts of requests, as data.

`Seen(n, ...)` inside a request stands for what answer n of the same case held there.
"""

from __future__ import annotations

from typing import Any, NamedTuple

Raw = dict[str, Any]

NAMESPACE = "contracts"
MERGE = "application/merge-patch+json"
JSON = "application/json-patch+json"
APPLY = "application/apply-patch+yaml"

CORE = f"/api/v1/namespaces/{NAMESPACE}"
CONFIG_MAPS = f"{CORE}/configmaps"
POD_TEMPLATES = f"{CORE}/podtemplates"
EVENTS = f"{CORE}/events"
PODS = f"{CORE}/pods"
REPLICA_SETS = f"/apis/apps/v1/namespaces/{NAMESPACE}/replicasets"
LEASES = f"/apis/coordination.k8s.io/v1/namespaces/{NAMESPACE}/leases"
ARGO = f"/apis/argoproj.io/v1alpha1/namespaces/{NAMESPACE}"
ISTIO = f"/apis/networking.istio.io/v1/namespaces/{NAMESPACE}"


class Seen:
    """A value out of an earlier answer."""

    def __init__(self, answer: int, *path: str | int) -> None:
        self.answer = answer
        self.path = path


class Step(NamedTuple):
    """One request; `lines` above 0 makes it a watch of which so many lines are read.

    What only sets the stage has no `shown` answer: nobody relies on it. Of what a discovery answers, what the
    sandbox serves is compared.
    """

    method: str
    path: str
    body: Any = None
    query: Raw = {}  # noqa: RUF012
    content_type: str = "application/json"
    lines: int = 0
    shown: bool = True
    discovers: bool = False


class Case(NamedTuple):
    name: str
    steps: tuple[Step, ...]


def get(path: str, **query: Any) -> Step:
    return Step("GET", path, query=query)


def listed(path: str, labels: str, **query: Any) -> Step:
    return Step("GET", path, query={"labelSelector": labels, **query})


def create(path: str, body: Raw, **query: Any) -> Step:
    return Step("POST", path, body, query)


def replace(path: str, body: Raw) -> Step:
    return Step("PUT", path, body)


def merge(path: str, body: Raw) -> Step:
    return Step("PATCH", path, body, content_type=MERGE)


def patch(path: str, *operations: Raw) -> Step:
    return Step("PATCH", path, list(operations), content_type=JSON)


def apply(path: str, body: Raw, **query: Any) -> Step:
    """Server-side, what others manage taken over."""
    asked = {"fieldManager": "tidegate", "force": "true", **query}
    return Step("PATCH", path, body, asked, content_type=APPLY)


def patched_by_kubectl(path: str, body: Raw) -> Step:
    return merge(path, body)._replace(query={"fieldManager": "kubectl-patch"})


def discovered(path: str) -> Step:
    return Step("GET", path, discovers=True)


def delete(path: str, uid: Any = None, propagation: str = "Background") -> Step:
    options = {"apiVersion": "v1", "kind": "DeleteOptions", "propagationPolicy": propagation}
    return Step("DELETE", path, options | ({"preconditions": {"uid": uid}} if uid else {}))


def evict(name: str, uid: Any) -> Step:
    meta = {"name": name, "namespace": NAMESPACE}
    body = {"apiVersion": "policy/v1", "kind": "Eviction", "metadata": meta}
    return Step("POST", f"{PODS}/{name}/eviction", body | {"deleteOptions": {"preconditions": {"uid": uid}}})


def watch(path: str, since: Any, lines: int, labels: str = "") -> Step:
    query = {"watch": "true", "resourceVersion": since, "timeoutSeconds": "20"}
    return Step("GET", path, query=query | ({"labelSelector": labels} if labels else {}), lines=lines)


def op(verb: str, path: str, *value: Any) -> Raw:
    return {"op": verb, "path": path, **({"value": value[0]} if value else {})}


def version(answer: int) -> Seen:
    return Seen(answer, "metadata", "resourceVersion")


def uid(answer: int) -> Seen:
    return Seen(answer, "metadata", "uid")


def config_map(name: str, **labels: str) -> Raw:
    return {"metadata": {"name": name, "labels": labels}, "data": {"one": "1", "two": "2"}}


def kept(name: str, **labels: str) -> Raw:
    """What does not go before somebody has let it go."""
    raw = config_map(name, **labels)
    return {**raw, "metadata": {**raw["metadata"], "finalizers": ["example.com/kept"]}}


def owned(raw: Raw, name: str, uid: Any) -> Raw:
    """By a ConfigMap, which waits for it where it is deleted in the foreground."""
    owner = {"apiVersion": "v1", "kind": "ConfigMap", "name": name, "uid": uid, "blockOwnerDeletion": True}
    return {**raw, "metadata": {**raw["metadata"], "ownerReferences": [owner]}}


def replica_set(name: str, selects: str = "") -> Raw:
    template = {
        "metadata": {"labels": {"app": name}},
        "spec": {
            "containers": [{"name": "api", "image": "registry/api:v1", "ports": [{"containerPort": 80}]}]
        },
    }
    selector = {"matchLabels": {"app": selects or name}}
    return {"metadata": {"name": name}, "spec": {"replicas": 0, "selector": selector, "template": template}}


def pod(name: str) -> Raw:
    return {"metadata": {"name": name}, "spec": {"containers": [{"name": "api", "image": "registry/api:v1"}]}}


def lease(name: str, holder: str, **meta: Any) -> Raw:
    return {
        "metadata": {"name": name, **meta},
        "spec": {
            "holderIdentity": holder,
            "leaseDurationSeconds": 15,
            "renewTime": "2026-03-15T10:30:00.000000Z",
        },
    }


def rollout(name: str, **more: Any) -> Raw:
    return {
        "apiVersion": "argoproj.io/v1alpha1",
        "kind": "Rollout",
        "metadata": {"name": name},
        "spec": {
            "replicas": 2,
            "selector": {"matchLabels": {"app": name}},
            "strategy": {"canary": {"steps": [{"setWeight": 10}, {"pause": {}}]}},
            "template": {
                "metadata": {"labels": {"app": name}},
                "spec": {"containers": [{"name": "api", "image": "registry/api:v1"}]},
            },
        },
        **more,
    }


def analysis_run(name: str) -> Raw:
    metric = {
        "name": "errors",
        "provider": {"prometheus": {"address": "http://prometheus", "query": "errors"}},
    }
    return {
        "apiVersion": "argoproj.io/v1alpha1",
        "kind": "AnalysisRun",
        "metadata": {"name": name},
        "spec": {"metrics": [metric]},
    }


def virtual_service(name: str) -> Raw:
    route = [
        {"destination": {"host": name, "subset": "stable"}, "weight": 100},
        {"destination": {"host": name, "subset": "canary"}, "weight": 0},
    ]
    return {
        "apiVersion": "networking.istio.io/v1",
        "kind": "VirtualService",
        "metadata": {"name": name},
        "spec": {"hosts": [name], "http": [{"route": route}]},
    }


def destination_rule(name: str) -> Raw:
    subsets = [{"name": arm, "labels": {"app": name}} for arm in ("stable", "canary")]
    return {
        "apiVersion": "networking.istio.io/v1",
        "kind": "DestinationRule",
        "metadata": {"name": name},
        "spec": {"host": name, "subsets": subsets},
    }


# The brief's container, with everything a default or a canonical quantity touches.
DEFAULTED: Raw = {
    "metadata": {"labels": {"app": "defaulted"}},
    "spec": {
        "serviceAccountName": "api",
        "containers": [
            {
                "name": "api",
                "image": "myregistry/api",
                "resources": {
                    "requests": {"cpu": "500m", "memory": "512Mi"},
                    "limits": {"cpu": "1000m", "memory": "1024Mi"},
                },
                "ports": [{"containerPort": 3000}],
                "readinessProbe": {
                    "httpGet": {"path": "/health", "port": 3000},
                    "initialDelaySeconds": 10,
                    "periodSeconds": 5,
                },
                "env": [{"name": "MODE", "value": "fast"}],
                "volumeMounts": [{"name": "settings", "mountPath": "/etc/api"}],
            },
            {"name": "side", "image": "registry:5000/side:v2", "livenessProbe": {"tcpSocket": {"port": 1}}},
            {
                "name": "last",
                "image": "last:latest",
                "resources": {"limits": {"cpu": "0.25", "memory": "1500M"}},
            },
        ],
        "volumes": [{"name": "settings", "configMap": {"name": "api"}}, {"name": "tmp", "emptyDir": {}}],
    },
}

EVENT: Raw = {
    "metadata": {"name": "rollout.0001", "namespace": NAMESPACE},
    "involvedObject": {
        "apiVersion": "argoproj.io/v1alpha1",
        "kind": "Rollout",
        "namespace": NAMESPACE,
        "name": "rollout",
        "uid": "1",
    },
    "reason": "RolloutUpdated",
    "message": "Rollout updated to revision 1",
    "type": "Normal",
    "source": {"component": "tidegate"},
    "firstTimestamp": "2026-03-15T10:30:00Z",
    "lastTimestamp": "2026-03-15T10:30:00Z",
    "count": 1,
}

CREATE = (
    Case(
        "create_and_read",
        (
            create(CONFIG_MAPS, config_map("created")),
            create(CONFIG_MAPS, config_map("created")),
            get(f"{CONFIG_MAPS}/created"),
            get(f"{CONFIG_MAPS}/missing"),
            get(f"{REPLICA_SETS}/missing"),
        ),
    ),
    Case(
        "create_in_another_namespace_than_the_path",
        (create(CONFIG_MAPS, {"metadata": {"name": "elsewhere", "namespace": "default"}}),),
    ),
    Case("create_event", (create(EVENTS, EVENT), create(EVENTS, EVENT))),
    Case(
        "create_replica_set",
        (
            create(REPLICA_SETS, replica_set("filled")),
            create(REPLICA_SETS, replica_set("filled")),
            create(REPLICA_SETS, replica_set("mismatched", selects="other")),
        ),
    ),
    Case(
        "dry_run_fills_in_defaults_and_stores_nothing",
        (
            create(POD_TEMPLATES, {"metadata": {"name": "dry"}, "template": DEFAULTED}, dryRun="All"),
            get(f"{POD_TEMPLATES}/dry"),
            create(
                POD_TEMPLATES, {"metadata": {"generateName": "dry-"}, "template": DEFAULTED}, dryRun="All"
            ),
        ),
    ),
)

PATCH = (
    Case(
        "merge_patch",
        (
            create(CONFIG_MAPS, config_map("merged")),
            merge(f"{CONFIG_MAPS}/merged", {"data": {"one": "11", "two": None, "three": "3"}}),
            merge(f"{CONFIG_MAPS}/merged", {"data": {"one": "11", "absent": None}}),
            merge(f"{CONFIG_MAPS}/merged", {"data": None}),
            merge(f"{CONFIG_MAPS}/missing", {"data": {"one": "1"}}),
        ),
    ),
    Case(
        "merge_patch_on_a_version",
        (
            create(CONFIG_MAPS, config_map("versioned")),
            merge(
                f"{CONFIG_MAPS}/versioned",
                {"metadata": {"resourceVersion": version(0)}, "data": {"one": "11"}},
            ),
            merge(
                f"{CONFIG_MAPS}/versioned",
                {"metadata": {"resourceVersion": version(0)}, "data": {"one": "12"}},
            ),
            merge(f"{CONFIG_MAPS}/versioned", {"metadata": {"uid": "another"}, "data": {"one": "13"}}),
            get(f"{CONFIG_MAPS}/versioned"),
        ),
    ),
    Case(
        "json_patch",
        (
            create(CONFIG_MAPS, config_map("operated")),
            patch(
                f"{CONFIG_MAPS}/operated",
                op("test", "/data/one", "1"),
                op("replace", "/data/one", "11"),
                op("add", "/data/three", "3"),
                op("remove", "/data/two"),
            ),
            patch(f"{CONFIG_MAPS}/operated", op("test", "/data/one", "1"), op("replace", "/data/one", "12")),
            patch(f"{CONFIG_MAPS}/operated", op("remove", "/data/missing")),
            patch(f"{CONFIG_MAPS}/operated", op("replace", "/data/unheard", "1")),
            patch(f"{CONFIG_MAPS}/operated", op("add", "/nowhere/deep", "1")),
            patch(f"{CONFIG_MAPS}/operated", op("test", "/data/missing", "1")),
            patch(f"{CONFIG_MAPS}/missing", op("add", "/data/one", "1")),
            get(f"{CONFIG_MAPS}/operated"),
        ),
    ),
    Case(
        "json_patch_tests_the_version",
        (
            create(CONFIG_MAPS, config_map("tested")),
            patch(
                f"{CONFIG_MAPS}/tested",
                op("test", "/metadata/resourceVersion", version(0)),
                op("replace", "/data/one", "11"),
            ),
            patch(
                f"{CONFIG_MAPS}/tested",
                op("test", "/metadata/resourceVersion", version(0)),
                op("replace", "/data/one", "12"),
            ),
        ),
    ),
    Case(
        "patch_a_replica_set",
        (
            create(REPLICA_SETS, replica_set("patched")),
            merge(f"{REPLICA_SETS}/patched", {"metadata": {"annotations": {"revision": "1"}}}),
            merge(f"{REPLICA_SETS}/patched", {"spec": {"minReadySeconds": 5}}),
            merge(f"{REPLICA_SETS}/patched", {"spec": {"selector": {"matchLabels": {"app": "other"}}}}),
        ),
    ),
    Case(
        "replace_a_lease",
        (
            create(LEASES, lease("lock", "one")),
            replace(f"{LEASES}/lock", lease("lock", "two", resourceVersion=version(0))),
            replace(f"{LEASES}/lock", lease("lock", "three", resourceVersion=version(0))),
            replace(f"{LEASES}/lock", lease("lock", "two", resourceVersion=version(1))),
            get(f"{LEASES}/lock"),
            delete(f"{LEASES}/lock"),
        ),
    ),
)

DELETE = (
    Case(
        "delete",
        (
            create(CONFIG_MAPS, config_map("deleted")),
            delete(f"{CONFIG_MAPS}/deleted", "00000000-0000-0000-0000-000000000000"),
            delete(f"{CONFIG_MAPS}/deleted", uid(0)),
            delete(f"{CONFIG_MAPS}/deleted"),
            get(f"{CONFIG_MAPS}/deleted"),
        ),
    ),
    Case(
        "delete_what_a_finalizer_keeps",
        (
            create(CONFIG_MAPS, kept("kept")),
            delete(f"{CONFIG_MAPS}/kept", uid(0)),
            delete(f"{CONFIG_MAPS}/kept", uid(0)),
            merge(f"{CONFIG_MAPS}/kept", {"data": {"one": "11"}}),
            merge(f"{CONFIG_MAPS}/kept", {"metadata": {"finalizers": []}}),
            get(f"{CONFIG_MAPS}/kept"),
        ),
    ),
    Case(
        "delete_in_the_foreground",
        (
            create(CONFIG_MAPS, config_map("front", case="front")),
            delete(f"{CONFIG_MAPS}/front", uid(0), "Foreground"),
            watch(CONFIG_MAPS, version(0), 2, labels="case=front"),
        ),
    ),
    Case(
        "delete_in_the_foreground_what_a_finalizer_keeps",
        (
            create(CONFIG_MAPS, kept("front-kept", case="front-kept")),
            delete(f"{CONFIG_MAPS}/front-kept", uid(0), "Foreground"),
            watch(CONFIG_MAPS, version(0), 2, labels="case=front-kept"),
            merge(f"{CONFIG_MAPS}/front-kept", {"metadata": {"finalizers": None}}),
            get(f"{CONFIG_MAPS}/front-kept"),
        ),
    ),
    Case(
        "delete_in_the_background_what_was_to_go_last",
        (
            create(CONFIG_MAPS, config_map("front-owner")),
            create(CONFIG_MAPS, owned(kept("front-owned"), "front-owner", uid(0)))._replace(shown=False),
            delete(f"{CONFIG_MAPS}/front-owner", uid(0), "Foreground"),
            delete(f"{CONFIG_MAPS}/front-owner", uid(0)),
            get(f"{CONFIG_MAPS}/front-owner"),
            merge(f"{CONFIG_MAPS}/front-owned", {"metadata": {"finalizers": None}})._replace(shown=False),
        ),
    ),
    Case(
        "keep_anew_what_is_going",
        (
            create(CONFIG_MAPS, kept("going")),
            delete(f"{CONFIG_MAPS}/going", uid(0)),
            merge(f"{CONFIG_MAPS}/going", {"metadata": {"finalizers": ["example.com/kept", "a.b/late"]}}),
            merge(f"{CONFIG_MAPS}/going", {"metadata": {"deletionTimestamp": None}}),
            merge(f"{CONFIG_MAPS}/going", {"metadata": {"finalizers": ["a.b/late"]}}),
            merge(f"{CONFIG_MAPS}/going", {"metadata": {"finalizers": None}}),
        ),
    ),
    Case(
        "delete_a_replica_set",
        (create(REPLICA_SETS, replica_set("gone")), delete(f"{REPLICA_SETS}/gone", uid(0))),
    ),
    Case(
        "evict_a_pod",
        (
            create(PODS, pod("evicted"))._replace(shown=False),
            evict("evicted", "00000000-0000-0000-0000-000000000000"),
            evict("evicted", uid(0)),
            evict("never-there", "00000000-0000-0000-0000-000000000000"),
        ),
    ),
)

LIST = (
    Case(
        "list_by_labels",
        (
            create(CONFIG_MAPS, config_map("l1", case="list", tier="web")),
            create(CONFIG_MAPS, config_map("l2", case="list", tier="db")),
            create(CONFIG_MAPS, config_map("l3", case="list")),
            listed(CONFIG_MAPS, "case=list"),
            listed(CONFIG_MAPS, "case=list,tier=web"),
            listed(CONFIG_MAPS, "case==list,tier!=web"),
            listed(CONFIG_MAPS, "case=list,tier"),
            listed(CONFIG_MAPS, "case=list,!tier"),
            listed(CONFIG_MAPS, "case=nothing"),
            get(CONFIG_MAPS, fieldSelector="metadata.name=l2"),
        ),
    ),
    Case(
        "list_by_sets_of_labels",
        (
            create(CONFIG_MAPS, config_map("s1", case="sets", tier="web")),
            create(CONFIG_MAPS, config_map("s2", case="sets", tier="db")),
            create(CONFIG_MAPS, config_map("s3", case="sets")),
            listed(CONFIG_MAPS, "case=sets,tier in (db,web)"),
            listed(CONFIG_MAPS, "case in (sets),tier in (db, cache)"),
            listed(CONFIG_MAPS, "case=sets,tier notin (db,cache)"),
            listed(CONFIG_MAPS, "case=sets,tier in (),tier"),
        ),
    ),
    Case(
        "list_in_pages",
        (
            create(CONFIG_MAPS, config_map("p1", case="pages")),
            create(CONFIG_MAPS, config_map("p2", case="pages")),
            create(CONFIG_MAPS, config_map("p3", case="pages")),
            listed(CONFIG_MAPS, "case=pages", limit="2"),
            merge(f"{CONFIG_MAPS}/p3", {"data": {"one": "later"}}),
            listed(CONFIG_MAPS, "case=pages", limit="2", **{"continue": Seen(3, "metadata", "continue")}),
        ),
    ),
    Case(
        "list_leases_in_pages",
        (
            create(LEASES, lease("q1", "one")),
            create(LEASES, lease("q2", "one")),
            get(LEASES, limit="1"),
            delete(f"{LEASES}/q1"),
            delete(f"{LEASES}/q2"),
        ),
    ),
)

WATCH = (
    Case(
        "watch_a_life",
        (
            create(CONFIG_MAPS, config_map("before", case="watch")),
            create(CONFIG_MAPS, config_map("watched", case="watch")),
            merge(f"{CONFIG_MAPS}/watched", {"data": {"one": "11"}}),
            merge(f"{CONFIG_MAPS}/watched", {"data": {"one": "11"}}),
            delete(f"{CONFIG_MAPS}/watched"),
            watch(CONFIG_MAPS, version(0), 3, labels="case=watch"),
        ),
    ),
    Case(
        "watch_what_leaves_the_selection",
        (
            create(CONFIG_MAPS, config_map("leaving", case="leave")),
            merge(f"{CONFIG_MAPS}/leaving", {"metadata": {"labels": {"case": "left"}}}),
            merge(f"{CONFIG_MAPS}/leaving", {"metadata": {"labels": {"case": "leave"}}}),
            watch(CONFIG_MAPS, version(0), 2, labels="case=leave"),
        ),
    ),
    Case("watch_from_a_version_long_gone", (watch(f"{ISTIO}/virtualservices", "1", 1),)),
)

CUSTOM = (
    Case(
        "route_by_json_patch",
        (
            create(f"{ISTIO}/virtualservices", virtual_service("routed")),
            patch(
                f"{ISTIO}/virtualservices/routed",
                op("test", "/metadata/resourceVersion", version(0)),
                op("test", "/spec/http/0/route/1/destination/subset", "canary"),
                op("replace", "/spec/http/0/route/0/weight", 90),
                op("replace", "/spec/http/0/route/1/weight", 10),
            ),
            patch(
                f"{ISTIO}/virtualservices/routed",
                op("test", "/spec/http/0/route/1/destination/subset", "other"),
                op("replace", "/spec/http/0/route/1/weight", 20),
            ),
            patch(f"{ISTIO}/virtualservices/routed", op("remove", "/spec/http/0/route/2")),
            patch(
                f"{ISTIO}/virtualservices/routed",
                op("add", "/spec/http/0/route/-", {"destination": {"host": "mirror"}, "weight": 0}),
                op("add", "/spec/http/0/route/0", {"destination": {"host": "first"}, "weight": 0}),
                op("remove", "/spec/http/0/route/1"),
            ),
        ),
    ),
    Case(
        "subsets_by_json_patch",
        (
            create(f"{ISTIO}/destinationrules", destination_rule("subsets")),
            patch(
                f"{ISTIO}/destinationrules/subsets",
                op("test", "/spec/subsets/1/name", "canary"),
                op("add", "/spec/subsets/1/labels/rollouts-pod-template-hash", "abc"),
            ),
            patch(
                f"{ISTIO}/destinationrules/subsets",
                op("remove", "/spec/subsets/1/labels/rollouts-pod-template-hash"),
                op("remove", "/spec/subsets/1/labels/rollouts-pod-template-hash"),
            ),
        ),
    ),
)

OURS = (
    Case(
        "delete_a_custom_object",
        (
            create(f"{ARGO}/analysisruns", analysis_run("gone")),
            delete(f"{ARGO}/analysisruns/gone", "00000000-0000-0000-0000-000000000000"),
            delete(f"{ARGO}/analysisruns/gone", uid(0)),
        ),
    ),
    Case(
        "list_custom_objects",
        (
            create(f"{ARGO}/analysisruns", analysis_run("listed")),
            get(f"{ARGO}/analysisruns", fieldSelector="metadata.name=listed"),
        ),
    ),
    Case(
        "rollout_status_has_a_door_of_its_own",
        (
            create(f"{ARGO}/rollouts", rollout("doors", status={"phase": "Healthy"})),
            merge(f"{ARGO}/rollouts/doors", {"spec": {"replicas": 3}, "status": {"phase": "Paused"}}),
            merge(f"{ARGO}/rollouts/doors", {"metadata": {"annotations": {"revision": "1"}}}),
            merge(
                f"{ARGO}/rollouts/doors/status",
                {
                    "metadata": {"labels": {"a": "b"}},
                    "spec": {"replicas": 9},
                    "status": {"phase": "Paused", "controllerPause": True},
                },
            ),
            merge(f"{ARGO}/rollouts/doors/status", {"status": {"phase": "Paused", "controllerPause": None}}),
            merge(f"{ARGO}/rollouts/doors/status", {"status": {"phase": "Paused"}}),
            merge(
                f"{ARGO}/rollouts/doors/status",
                {"metadata": {"resourceVersion": version(0)}, "status": {"phase": "Healthy"}},
            ),
            merge(f"{ARGO}/rollouts/missing/status", {"status": {"phase": "Healthy"}}),
            get(f"{ARGO}/rollouts/missing"),
        ),
    ),
    Case(
        "rollout_selector_stays",
        (
            create(f"{ARGO}/rollouts", rollout("selecting")),
            merge(f"{ARGO}/rollouts/selecting", {"spec": {"selector": {"matchLabels": {"app": "other"}}}}),
        ),
    ),
    Case(
        "analysis_run_status_has_none",
        (
            create(f"{ARGO}/analysisruns", {**analysis_run("one-door"), "status": {"phase": "Pending"}}),
            merge(f"{ARGO}/analysisruns/one-door/status", {"status": {"phase": "Running"}}),
            merge(f"{ARGO}/analysisruns/one-door", {"status": {"phase": "Running"}}),
            merge(f"{ARGO}/analysisruns/one-door", {"metadata": {"labels": {"a": "b"}}}),
        ),
    ),
)


def settings(name: str, version: Any = None, **data: str) -> Raw:
    meta = {"name": name, "namespace": NAMESPACE} | ({"resourceVersion": version} if version else {})
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": meta, "data": data}


def application(name: str, **more: Any) -> Raw:
    source = {"repoURL": "https://git.example.com/infra", "targetRevision": "main", "path": "api"}
    return {
        "apiVersion": "argoproj.io/v1alpha1",
        "kind": "Application",
        "metadata": {"name": name, "namespace": NAMESPACE},
        "spec": {"project": "default", "source": source, "destination": {"namespace": "production"}},
        **more,
    }


def cascading(name: str) -> Raw:
    raw = application(name)
    return {**raw, "metadata": {**raw["metadata"], "finalizers": ["resources-finalizer.argocd.argoproj.io"]}}


APPLIED = (
    Case(
        "apply_makes_and_takes_back_what_it_said",
        (
            apply(f"{CONFIG_MAPS}/applied", settings("applied", one="1", two="2")),
            merge(f"{CONFIG_MAPS}/applied", {"data": {"mine": "yes"}}),
            apply(f"{CONFIG_MAPS}/applied", settings("applied", one="11")),
            apply(f"{CONFIG_MAPS}/applied", settings("applied", one="11")),
            get(f"{CONFIG_MAPS}/applied"),
        ),
    ),
    Case(
        "apply_in_a_dry_run_stores_nothing",
        (
            apply(f"{CONFIG_MAPS}/tried", settings("tried", one="1")),
            apply(f"{CONFIG_MAPS}/tried", settings("tried", one="2"), dryRun="All"),
            apply(f"{CONFIG_MAPS}/tried", settings("tried", one="1"), dryRun="All"),
            get(f"{CONFIG_MAPS}/tried"),
            apply(f"{CONFIG_MAPS}/untried", settings("untried", one="1"), dryRun="All"),
            get(f"{CONFIG_MAPS}/untried"),
        ),
    ),
    Case(
        "apply_on_a_version",
        (
            apply(f"{CONFIG_MAPS}/guarded", settings("guarded", one="1")),
            apply(f"{CONFIG_MAPS}/guarded", settings("guarded", version(0), one="2")),
            apply(f"{CONFIG_MAPS}/guarded", settings("guarded", version(0), one="3")),
            get(f"{CONFIG_MAPS}/guarded"),
            apply(f"{CONFIG_MAPS}/missing", settings("missing", version(0), one="1")),
            apply(
                f"{ARGO}/rollouts/also-missing",
                {
                    **rollout("also-missing"),
                    "metadata": {"name": "also-missing", "resourceVersion": version(0)},
                },
            ),
        ),
    ),
    Case(
        "apply_a_custom_object",
        (
            apply(f"{ARGO}/rollouts/applied", rollout("applied")),
            apply(f"{ARGO}/rollouts/applied", rollout("applied")),
            get(f"{ARGO}/rollouts/applied"),
        ),
    ),
    Case(
        "delete_an_application_that_takes_its_objects_along",
        (
            create(f"{ARGO}/applications", cascading("cascade")),
            delete(f"{ARGO}/applications/cascade", uid(0)),
            merge(f"{ARGO}/applications/cascade", {"metadata": {"finalizers": []}}),
            get(f"{ARGO}/applications/cascade"),
        ),
    ),
    Case(
        "application_has_no_door_for_its_status",
        (
            apply(f"{ARGO}/applications/one-door", application("one-door")),
            merge(
                f"{ARGO}/applications/one-door",
                {"metadata": {"resourceVersion": version(0)}, "status": {"sync": {"status": "OutOfSync"}}},
            ),
            merge(f"{ARGO}/applications/one-door/status", {"status": {"sync": {"status": "Synced"}}}),
            merge(f"{ARGO}/applications/one-door", {"operation": {"sync": {"prune": True}}}),
            merge(f"{ARGO}/applications/one-door", {"operation": None}),
            apply(f"{ARGO}/applications/one-door", application("one-door")),
        ),
    ),
)


def typed(kind: str, raw: Raw, version: str = "v1") -> Raw:
    return {"apiVersion": version, "kind": kind, **raw}


SERVICE = typed(
    "Service",
    {
        "metadata": {"name": "served"},
        "spec": {"selector": {"app": "api"}, "ports": [{"name": "http", "port": 80, "targetPort": 3000}]},
    },
)
PROJECT = typed(
    "AppProject",
    {
        "metadata": {"name": "owned"},
        "spec": {
            "sourceRepos": ["*"],
            "destinations": [{"server": "*", "namespace": "production"}],
            "clusterResourceWhitelist": [{"group": "*", "kind": "*"}],
        },
    },
    "argoproj.io/v1alpha1",
)
APPLIED_BY_THE_DEMO = (
    Case(
        "apply_as_kubectl_does",
        (
            apply(
                f"{ARGO}/applications/root",
                application("root"),
                fieldManager="kubectl",
                force="false",
                fieldValidation="Ignore",
            ),
            apply(f"{ARGO}/applications/root", application("root")),
            get(f"{ARGO}/applications/root"),
        ),
    ),
    Case(
        "apply_takes_back_what_was_patched_by_hand",
        (
            apply(f"{CONFIG_MAPS}/drifted", typed("ConfigMap", config_map("drifted"))),
            patched_by_kubectl(
                f"{CONFIG_MAPS}/drifted", {"data": {"one": "by hand", "two": None, "three": "3"}}
            ),
            apply(f"{CONFIG_MAPS}/drifted", typed("ConfigMap", config_map("drifted"))),
        ),
    ),
    Case(
        "apply_a_rollout_that_was_patched_by_hand",
        (
            apply(f"{ARGO}/rollouts/drifted", rollout("drifted")),
            merge(f"{ARGO}/rollouts/drifted/status", {"status": {"phase": "Healthy"}}),
            patched_by_kubectl(f"{ARGO}/rollouts/drifted", {"spec": {"replicas": None}}),
            apply(f"{ARGO}/rollouts/drifted", rollout("drifted")),
        ),
    ),
    Case(
        "apply_what_istio_reads",
        (
            apply(f"{ISTIO}/virtualservices/applied", virtual_service("applied")),
            patch(
                f"{ISTIO}/virtualservices/applied",
                op("replace", "/spec/http/0/route/0/weight", 90),
                op("replace", "/spec/http/0/route/1/weight", 10),
            ),
            apply(f"{ISTIO}/virtualservices/applied", virtual_service("applied"), dryRun="All"),
            apply(f"{ISTIO}/virtualservices/applied", virtual_service("applied")),
            apply(f"{ISTIO}/destinationrules/applied", destination_rule("applied")),
        ),
    ),
    Case(
        "apply_a_service",
        (
            apply(f"{CORE}/services/served", SERVICE, dryRun="All"),
            apply(f"{CORE}/services/served", SERVICE),
            apply(f"{CORE}/services/served", SERVICE),
        ),
    ),
    Case(
        "apply_a_namespace",
        (
            apply(
                "/api/v1/namespaces/contracts-new",
                typed("Namespace", {"metadata": {"name": "contracts-new"}}),
                dryRun="All",
            ),
            get("/api/v1/namespaces/contracts-new"),
        ),
    ),
    Case(
        "apply_a_secret",
        (
            apply(
                f"{CORE}/secrets/entry",
                typed(
                    "Secret",
                    {"metadata": {"name": "entry"}, "type": "Opaque", "data": {"password": "c2VjcmV0"}},
                ),
            ),
            get(f"{CORE}/secrets/entry"),
        ),
    ),
    Case("apply_a_project", (apply(f"{ARGO}/appprojects/owned", PROJECT),)),
)
DISCOVERY = (
    Case("which_groups_there_are", (discovered("/api"), discovered("/apis"))),
    Case(
        "which_resources_there_are",
        (
            discovered("/api/v1"),
            discovered("/apis/apps/v1"),
            discovered("/apis/argoproj.io/v1alpha1"),
            discovered("/apis/networking.istio.io/v1"),
            discovered("/apis/coordination.k8s.io/v1"),
            discovered("/apis/nobody.example.com/v1"),
        ),
    ),
    Case(
        "list_nothing",
        (listed(f"{CORE}/secrets", "argocd.argoproj.io/secret-type=repository", limit="500"),),
    ),
)

CASES: tuple[Case, ...] = (
    *CREATE,
    *PATCH,
    *DELETE,
    *LIST,
    *WATCH,
    *CUSTOM,
    *OURS,
    *APPLIED,
    *APPLIED_BY_THE_DEMO,
    *DISCOVERY,
)
