"""Rejects states a cluster could not be in, so that no test passes on a world that cannot be."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from datetime import datetime

from tidegate.sandbox.objects import Raw, at, carries, labels_of, owner_uids
from tidegate.sandbox.resources import PODS, REPLICA_SETS, RESOURCES, VIRTUAL_SERVICES
from tidegate.sandbox.store import Store


def impossible(store: Store, now: datetime) -> list[str]:
    """What could not be so in a cluster, in words; empty for a world that can be."""
    return [
        *_identities(store, now),
        *(text for raw in store.every(REPLICA_SETS) for text in _replica_set(store, raw)),
        *(text for raw in store.every(VIRTUAL_SERVICES) for text in _virtual_service(raw)),
    ]


def _identities(store: Store, now: datetime) -> Iterator[str]:
    everything = [raw for kind in RESOURCES.values() for raw in store.every(kind)]
    for uid, count in Counter(raw["metadata"]["uid"] for raw in everything).items():
        if count > 1:
            yield f"{count} objects share the uid {uid}"
    for raw in everything:
        meta = raw["metadata"]
        if int(meta["resourceVersion"]) > store.version:
            yield f"{_name(raw)} is of a version yet to come"
        if datetime.fromisoformat(meta["creationTimestamp"]) > now:
            yield f"{_name(raw)} was created in the future"


def _replica_set(store: Store, raw: Raw) -> Iterator[str]:
    status, meta = at(raw, "status", default={}), raw["metadata"]
    counts = [
        status.get(part, 0)
        for part in ("availableReplicas", "readyReplicas", "fullyLabeledReplicas", "replicas")
    ]
    if counts != sorted(counts) or min(counts) < 0:
        yield f"{_name(raw)}: available ≤ ready ≤ labelled ≤ replicas does not hold: {counts}"
    if at(status, "observedGeneration", default=0) > meta["generation"]:
        yield f"{_name(raw)} observed a generation yet to come"
    selector = at(raw, "spec", "selector", "matchLabels", default={})
    if not carries(at(raw, "spec", "template", "metadata", "labels", default={}), selector):
        yield f"{_name(raw)}: its selector misses its own template"
    for pod in store.every(PODS, meta["namespace"]):
        if meta["uid"] in owner_uids(pod) and not carries(labels_of(pod), selector):
            yield f"{_name(pod)} is owned by {_name(raw)} and not selected by it"


def _virtual_service(raw: Raw) -> Iterator[str]:
    for number, rule in enumerate(at(raw, "spec", "http", default=[])):
        weights = [route.get("weight", 0) for route in at(rule, "route", default=[])]
        if len(weights) > 1 and sum(weights) != 100:
            yield f"{_name(raw)}: the weights of http[{number}] sum to {sum(weights)}, not 100"


def _name(raw: Raw) -> str:
    return f"{raw['kind']} {raw['metadata'].get('namespace', '')}/{raw['metadata']['name']}"
