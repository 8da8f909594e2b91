"""One object of an Application: how it is asked for, what is sent, and what of the live one decides."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cached_property
from hashlib import sha256
from typing import Any

import msgspec

from crds.paths import drop, get
from crds.refs import Ref, Resource
from gitops.objects import Key, group_version, key_of
from tidegate.planners.needs import Served

Raw = dict[str, Any]


class Sent(msgspec.Struct, frozen=True, dict=True):
    """An object that Git wants, as it would be sent, beside what is there."""

    wanted: Raw
    live: Raw | None
    guard: str
    ref: Ref | None

    @cached_property
    def key(self) -> Key:
        return key_of(self.wanted)

    @cached_property
    def body(self) -> bytes:
        return msgspec.json.encode(self.wanted, order="sorted")

    @cached_property
    def version(self) -> str:
        return _version(self.live)


def served(raw: Raw) -> Served:
    """The kind of an object, as it is asked for."""
    group, version = group_version(raw)
    return Served(group, version, str(get(raw, "kind", default="")))


def placed(found: Resource | None, key: Key) -> Ref | None:
    return Ref(found.kind, key.namespace if found.namespaced else "", key.name) if found else None


def kinds_of(raws: Iterable[Raw]) -> tuple[Served, ...]:
    return tuple(dict.fromkeys(map(served, raws)))


def named(said: Iterable[tuple[str, str, str, str, str]]) -> tuple[Raw, ...]:
    return tuple(_named(*one) for one in dict.fromkeys(said) if one[1] and one[2] and one[4])


def _named(group: str, version: str, kind: str, namespace: str, name: str) -> Raw:
    where = {"namespace": namespace} if namespace else {}
    api = f"{group}/{version}" if group else version
    return {"apiVersion": api, "kind": kind, "metadata": {"name": name, **where}}


def _version(live: Raw | None) -> str:
    """What an apply depends on: all but the status and who wrote that. Without one it is the very version."""
    if live is None:
        return ""
    meta = get(live, "metadata", default={})
    written, version = get(meta, "managedFields", default=[]), get(meta, "resourceVersion", default="")
    own = [one for one in written if get(one, "subresource") != "status"]
    if version and "status" not in live and len(own) == len(written):
        return f"{get(meta, 'uid', default='')}/{version}"
    rest = {name: part for name, part in live.items() if name != "status"}
    rest["metadata"] = {**drop(meta, ("resourceVersion",)), "managedFields": own}
    return sha256(msgspec.json.encode(rest, order="sorted")).hexdigest()
