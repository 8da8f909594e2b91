"""A store with Kubernetes' semantics: requests in, responses out, one after the other, all in memory.

`handle` never awaits, so every answer is linearizable. Stored objects are never changed in place: a write
makes a new tree, so what was handed out (to a watch, to a page of a list) stays as it was.
"""

from __future__ import annotations

from bisect import bisect_right, insort
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, NamedTuple

import msgspec

from tidegate.kube.http import Request, Response
from tidegate.sandbox.applying import applied
from tidegate.sandbox.defaults import defaulted, refilled
from tidegate.sandbox.deleting import check_keepers, finalizers_of, is_going, marked
from tidegate.sandbox.objects import Raw, at
from tidegate.sandbox.patches import json_patched, merged
from tidegate.sandbox.refusals import (
    Refused,
    already_exists,
    another_uid,
    bad_request,
    expired,
    not_found,
    unsupported,
)
from tidegate.sandbox.resources import (
    PODS,
    Resource,
    Target,
    discovered,
    target_of,
)
from tidegate.sandbox.selectors import matcher
from tidegate.sandbox.validation import check
from tidegate.sandbox.writing import kept, preconditions, spec, statusless, written

Key = tuple[Resource, str, str]

FIRST_VERSION = 100
"""A cluster has a history before anybody comes to it."""

PATCHES: dict[str, Callable[[Any, Any], Any]] = {
    "application/merge-patch+json": merged,
    "application/json-patch+json": json_patched,
}
APPLY = "application/apply-patch+yaml"
QUERIES = {
    "GET": {"labelSelector", "fieldSelector", "limit", "continue", "resourceVersion"},
    "POST": {"dryRun", "fieldManager"},
    "PUT": {"fieldManager"},
    "PATCH": {"fieldManager", "force", "dryRun", "fieldValidation"},
    "DELETE": set(),
}


class Change(NamedTuple):
    """One line of the history: `before` is None for a creation, `after` for a deletion."""

    version: int
    resource: Resource
    before: Raw | None
    after: Raw | None


class Store:
    """`clock` gives creation times; everything else is counted. Give `handle` a Request, or, as a player,
    use `every`, `put` and `remove`, which no validation stands before.

    `prunes` are the fields of a resource's status that its CRD does not know: they are not stored.
    `census` is the version of the last birth, death or asking for one; `listeners` are called at each
    change of their kind.
    """

    def __init__(self, clock: Callable[[], datetime]) -> None:
        self._clock = clock
        self._objects: dict[Key, Raw] = {}
        self._names: dict[Resource, list[Key]] = {}
        self._touched: dict[Resource, int] = {}
        self._collections: dict[tuple[Resource, str], tuple[int, tuple[Raw, ...]]] = {}
        self._pages: dict[str, list[Raw]] = {}
        self._uids = 0
        self.version = FIRST_VERSION
        self.oldest = FIRST_VERSION
        self.history: list[Change] = []
        self.census = FIRST_VERSION
        self.prunes: dict[Resource, frozenset[str]] = {}
        self.listeners: defaultdict[Resource, list[Callable[[], None]]] = defaultdict(list)

    def handle(self, request: Request) -> Response:
        """The API server's answer; a refusal is a Response too."""
        try:
            if request.method == "GET" and (listed := discovered(request.path)):
                return listed
            target = target_of(request.path)
            status, answer = self._answer(request, target, sent(request.body))
            return Response(status, sent(answer))
        except Refused as refused:
            return Response(refused.code, refused.status)

    def every(self, resource: Resource, namespace: str = "") -> tuple[Raw, ...]:
        """The objects of a resource as they stand, by namespace and name; not to be changed in place."""
        at, found = self._collections.get((resource, namespace), (-1, ()))
        if at != (now := self._touched.get(resource, 0)):
            names = self._names.get(resource, ())
            found = tuple(self._objects[key] for key in names if namespace in ("", key[1]))
            self._collections[resource, namespace] = (now, found)
        return found

    def touched(self, *resources: Resource) -> int:
        """The version of the last change of any of these kinds."""
        return max(self._touched.get(resource, 0) for resource in resources)

    def since(self, version: int) -> Sequence[Change]:
        """The history after `version`."""
        return self.history[bisect_right(self.history, version, key=lambda change: change.version) :]

    def find(self, resource: Resource, namespace: str, name: str) -> Raw | None:
        return self._objects.get((resource, namespace, name))

    def put(self, resource: Resource, raw: Raw) -> Raw:
        """Stores the object under a new version, unless it is the same as what stands there."""
        old = self._objects.get(_key(resource, raw))
        return self._stored(resource, old, raw if old is not None else self._born(resource, raw))

    def delete(self, resource: Resource, raw: Raw, foreground: bool = False) -> Raw | None:
        """Deletes it, or marks it while finalizers keep it: then what stands there."""
        if staying := marked(raw, foreground, resource.counted, self._clock()):
            return self._stored(resource, raw, staying)
        self.remove(resource, raw)
        return None

    def freed(self, resource: Resource, old: Raw, new: Raw) -> Raw:
        """Stores it; or deletes it with its last finalizer, and answers it as it was to be."""
        if not is_going(new) or finalizers_of(new):
            return self._stored(resource, old, new)
        self.remove(resource, old)
        return new

    def remove(self, resource: Resource, raw: Raw) -> Raw:
        """Deletes at once, whoever keeps it."""
        gone = self._objects.pop(_key(resource, raw))
        self._names[resource].remove(_key(resource, raw))
        self.version += 1
        self._tell(Change(self.version, resource, gone, None))
        return gone

    def forget(self) -> None:
        """Compacts the history: watches and pages from before are answered with 410."""
        self.oldest = self.version
        self.history.clear()
        self._pages.clear()

    def copied(self, clock: Callable[[], datetime]) -> Store:
        """Another store with the same objects and no history: what a restart of the world leaves."""
        other = Store(clock)
        other._objects, other._uids = dict(self._objects), self._uids
        other.prunes = self.prunes
        other._names = {resource: list(keys) for resource, keys in self._names.items()}
        other.version = other.oldest = self.version
        other._touched = dict(self._touched)
        return other

    def _answer(self, request: Request, target: Target, body: Any) -> tuple[int, Raw]:
        unknown = set(request.query) - QUERIES.get(request.method, set())
        if unknown or request.query.get("dryRun", "All") != "All":
            raise unsupported(f"{request.method} with the query {dict(request.query)}")
        match request.method, bool(target.name):
            case "GET", True:
                return 200, self._standing(target)
            case "GET", False:
                return 200, self._list(target, request)
            case "POST", named if named == bool(target.subresource):
                return 201, self._posted(target, request, body)
            case "PUT", True:
                return 200, self._update(target, self._standing(target), body)
            case "PATCH", True:
                return self._patch(target, request, body)
            case "DELETE", True if not target.subresource:
                return 200, self._delete(target, body)
        raise unsupported(f"{request.method} on {request.path}")

    def _standing(self, target: Target) -> Raw:
        found = self._objects.get(target[:3])
        if found is None:
            raise not_found(target.resource, target.name)
        return found

    def _list(self, target: Target, request: Request) -> Raw:
        asked = request.query.get("resourceVersion") or "0"
        if not asked.isdigit() or int(asked) > self.version:
            raise unsupported(f"a list at resourceVersion {asked}")
        items, version = self._collected(target, request)
        meta: Raw = {"resourceVersion": version, **({"continue": ""} if target.resource.custom else {})}
        limit = int(request.query.get("limit", "0")) or len(items)
        if rest := items[limit:]:
            token = f"{version}:{len(self._pages)}"
            self._pages[token] = rest
            meta["continue"] = token
            if "labelSelector" not in request.query and "fieldSelector" not in request.query:
                meta["remainingItemCount"] = len(rest)
        resource = target.resource
        return {
            "kind": f"{resource.kind}List",
            "apiVersion": resource.api_version,
            "metadata": meta,
            "items": [_listed(resource, item) for item in items[:limit]],
        }

    def _collected(self, target: Target, request: Request) -> tuple[list[Raw], str]:
        token = request.query.get("continue")
        if not token:
            wanted = matcher(target.namespace, request.query)
            return [raw for raw in self.every(target.resource) if wanted(raw)], str(self.version)
        if token not in self._pages:
            raise expired(int(token.partition(":")[0]), self.oldest)
        return self._pages[token], token.partition(":")[0]

    def _posted(self, target: Target, request: Request, body: Any) -> Raw:
        if target.subresource == "eviction":
            return self._evict(target, body)
        if target.subresource:
            raise unsupported(f"POST on {request.path}")
        return self._create(target, body, "dryRun" in request.query)

    def _create(self, target: Target, body: Raw, dry: bool) -> Raw:
        body = {**body, "metadata": self._named(body["metadata"])}
        resource, name = target.resource, body["metadata"]["name"]
        if at(body, "metadata", "namespace", default=target.namespace) != target.namespace:
            message = "the namespace of the provided object does not match the namespace sent on the request"
            raise bad_request(message)
        if (resource, target.namespace, name) in self._objects:
            raise already_exists(resource, name)
        placed = {"namespace": target.namespace} if resource.namespaced else {}
        fresh = merged(statusless(resource, body), {"metadata": {**placed, "resourceVersion": None}})
        fresh = self._born(resource, defaulted(resource, fresh, self._uids))
        check(resource, None, fresh)
        return fresh if dry else self._stored(resource, None, fresh)

    def _named(self, meta: Raw) -> Raw:
        prefix = meta.get("generateName", "")
        if not meta.get("name") and not prefix:
            raise unsupported("a create without metadata.name and generateName")
        return meta if meta.get("name") else {**meta, "name": f"{prefix}{self._uids:05d}"}

    def _apply(self, target: Target, query: Mapping[str, str], body: Raw) -> tuple[int, Raw]:
        if "fieldManager" not in query:
            raise unsupported("an apply without a field manager")
        dry, manager = "dryRun" in query, query["fieldManager"]
        old = self._objects.get(target[:3])
        if old is not None and query.get("force") != "true":
            raise unsupported("an apply over an object that takes nothing over")
        if old is None:
            return 201, self._create(target, applied({"metadata": {}}, body, manager), dry)
        return 200, self._update(target, old, applied(old, body, manager), dry)

    def _patch(self, target: Target, request: Request, body: Any) -> tuple[int, Raw]:
        if request.content_type == APPLY and not target.subresource:
            return self._apply(target, request.query, body)
        if request.content_type not in PATCHES or "dryRun" in request.query:
            raise unsupported(f"a patch of type {request.content_type} with {dict(request.query)}")
        old = self._standing(target)
        new = PATCHES[request.content_type](old, body)
        return 200, self._update(target, old, new)

    def _update(self, target: Target, old: Raw, new: Raw, dry: bool = False) -> Raw:
        resource = target.resource
        preconditions(resource, old, new)
        new = refilled(resource, self._known(resource, kept(target, old, new)))
        check(resource, old, new)
        check_keepers(resource, old, new)
        if resource.counted and spec(resource, new) != spec(resource, old):
            generation = at(old, "metadata", "generation", default=0) + 1
            new = merged(new, {"metadata": {"generation": generation}})
        return new if dry else self.freed(resource, old, new)

    def _known(self, resource: Resource, new: Raw) -> Raw:
        if resource not in self.prunes or "status" not in new:
            return new
        known = {key: value for key, value in new["status"].items() if key not in self.prunes[resource]}
        return {**new, "status": known}

    def _delete(self, target: Target, body: Any) -> Raw:
        policy = at(body, "propagationPolicy", default="Background")
        if policy not in ("Background", "Foreground") or target.resource is PODS:
            raise unsupported(f"deleting {target.resource.plural} with propagationPolicy {policy}")
        old = self._standing(target)
        wanted, uid = at(body, "preconditions", "uid"), old["metadata"]["uid"]
        if wanted not in (None, uid):
            raise another_uid(target.resource, target.name, wanted, uid)
        if staying := self.delete(target.resource, old, policy == "Foreground"):
            return staying
        details = not_found(target.resource, target.name).status["details"]
        return {
            "kind": "Status",
            "apiVersion": "v1",
            "metadata": {},
            "status": "Success",
            "details": {**details, "uid": uid},
        }

    def _evict(self, target: Target, body: Any) -> Raw:
        """No disruption budget stands in the way: there are none here."""
        old = self._standing(target)
        wanted, uid = at(body, "deleteOptions", "preconditions", "uid"), old["metadata"]["uid"]
        if wanted not in (None, uid):
            raise another_uid(target.resource, target.name, wanted, uid)
        self.remove(target.resource, old)
        return {"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Success", "code": 201}

    def _born(self, resource: Resource, raw: Raw) -> Raw:
        """With what the server alone gives: uid, creation time, first generation."""
        self._uids += 1
        moment = self._clock().astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        meta: Raw = {"uid": f"00000000-0000-4000-8000-{self._uids:012d}", "creationTimestamp": moment}
        if resource.counted:
            meta["generation"] = 1
        typed = {"kind": resource.kind, "apiVersion": resource.api_version}
        return {**raw, **typed, "metadata": {**written(raw["metadata"]), **meta}}

    def _stored(self, resource: Resource, old: Raw | None, new: Raw) -> Raw:
        if old is not None and new == old:
            return old
        self.version += 1
        new = {**new, "metadata": {**new["metadata"], "resourceVersion": str(self.version)}}
        if old is None:
            insort(self._names.setdefault(resource, []), _key(resource, new))
        self._objects[_key(resource, new)] = new
        self._tell(Change(self.version, resource, old, new))
        return new

    def _tell(self, change: Change) -> None:
        self.history.append(change)
        self._touched[change.resource] = change.version
        if change.before is None or change.after is None or is_going(change.after):
            self.census = change.version
        for listener in tuple(self.listeners[change.resource]):
            listener()


def sent(value: Any) -> Any:
    """As it comes out at the other end of a wire: nothing of the caller's own."""
    return msgspec.json.decode(msgspec.json.encode(value))


def _key(resource: Resource, raw: Raw) -> Key:
    return (resource, raw["metadata"].get("namespace", ""), raw["metadata"]["name"])


def _listed(resource: Resource, raw: Raw) -> Raw:
    """Built-in kinds lose kind and apiVersion inside a list; custom ones keep them."""
    if resource.custom:
        return raw
    return {key: value for key, value in raw.items() if key not in ("kind", "apiVersion")}
