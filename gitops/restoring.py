"""What goes back to a good release in the cluster before Git does: the Rollout, and what its pods read.

Nothing is pruned, no hook runs, and no sibling is touched: the least that gives the good release its own.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import msgspec

from crds.paths import get
from gitops import order
from gitops.actions import Apply
from gitops.compare import Awaited, Predicted, Target, synced
from gitops.objects import Key, key_of

Raw = dict[str, Any]
POD = ("spec", "template", "spec")
KINDS = {"configMap": "ConfigMap", "secret": "Secret"}


class Restoration(msgspec.Struct, frozen=True):
    """The writes that are left, the Rollout last; `trouble` is why there are none though some are due."""

    writes: tuple[Apply, ...] = ()
    trouble: str = ""


def least(objects: Iterable[Raw], rollout: str, namespace: str) -> tuple[Raw, ...]:
    """Of what the good release declares: the Rollout that is called so, and the configuration it names."""
    objects = tuple(objects)
    there = {placed(key_of(raw), namespace): raw for raw in objects if order.hooks(raw) is None}
    own = next((key for key in there if str(key) == rollout), None)
    if own is None:
        return ()
    named = {Key("", kind, own.namespace, name) for kind, name in _named(get(there[own], *POD, default={}))}
    return (*(there[key] for key in sorted(named & there.keys())), there[own])


def alike(declared: Iterable[Raw], good: Iterable[Raw], namespace: str) -> frozenset[Key]:
    """The objects, in their namespaces, that are declared now as they were in the good release."""
    before = {placed(key_of(raw), namespace): raw for raw in good}
    now = {placed(key_of(raw), namespace): raw for raw in declared}
    return frozenset(key for key, raw in now.items() if before.get(key) == raw)


def restoration(targets: tuple[Target, ...], forbidden: Mapping[Key, str]) -> Restoration:
    """Nothing while an answer is out, and where one object will not be taken: the Rollout would come back
    without what its pods read, and stands on its stable ones meanwhile."""
    if any(isinstance(one.answer, Awaited) for one in targets):
        return Restoration()
    due = [one for one in targets if not synced(one)]
    troubles = [f"{one.key}: {why}" for one in due if (why := _trouble(one, forbidden))]
    if troubles:
        return Restoration(trouble="; ".join(troubles))
    return Restoration(tuple(Apply(one.wanted, one.guard) for one in due))


def _trouble(target: Target, forbidden: Mapping[Key, str]) -> str:
    why = "" if isinstance(target.answer, Awaited | Predicted) else target.answer.why
    return forbidden.get(target.key, why)


def placed(key: Key, namespace: str) -> Key:
    """In the namespace of what names none."""
    return key if key.namespace else key._replace(namespace=namespace)


def _named(pod: Raw) -> Iterator[tuple[str, str]]:
    """Kinds and names of the configuration that a pod reads."""
    for container in (*get(pod, "initContainers", default=[]), *get(pod, "containers", default=[])):
        for one in get(container, "envFrom", default=[]):
            yield from _refs(one, "Ref", "name")
        for one in get(container, "env", default=[]):
            yield from _refs(get(one, "valueFrom", default={}), "KeyRef", "name")
    for volume in get(pod, "volumes", default=[]):
        yield from _of_volume(volume)
        for one in get(volume, "projected", "sources", default=[]):
            yield from _refs(one, "", "name")


def _of_volume(volume: Raw) -> Iterator[tuple[str, str]]:
    yield from ((KINDS["configMap"], name) for name in _text(get(volume, "configMap", "name")))
    yield from ((KINDS["secret"], name) for name in _text(get(volume, "secret", "secretName")))


def _refs(raw: Raw, suffix: str, field: str) -> Iterator[tuple[str, str]]:
    for prefix, kind in KINDS.items():
        yield from ((kind, name) for name in _text(get(raw, f"{prefix}{suffix}", field)))


def _text(found: object) -> tuple[str, ...]:
    return (str(found),) if found else ()
