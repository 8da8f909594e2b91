"""What tells objects apart whatever their kind is, for an Application holds any."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, NamedTuple

from crds.errors import Invalid
from crds.paths import drop, get, put, show
from gitops.tracking import TRACKING, Place, tracking_id

Raw = dict[str, Any]
Scopes = Mapping[tuple[str, str], bool]
"""(group, kind) of what the API server serves; whether it lies in a namespace."""


class Key(NamedTuple):
    """One object, whatever its version; cluster-wide ones have no namespace."""

    group: str
    kind: str
    namespace: str
    name: str

    @property
    def short(self) -> str:
        """As messages name it: `apps/Deployment/api`, `/Service/api`."""
        return f"{self.group}/{self.kind}/{self.name}"

    def __str__(self) -> str:
        where = f"{self.namespace}/" if self.namespace else ""
        return f"{self.kind} {where}{self.name}"


def key_of(raw: Raw) -> Key:
    meta = get(raw, "metadata", default={})
    return Key(
        group_version(raw)[0],
        str(get(raw, "kind", default="")),
        str(get(meta, "namespace", default="")),
        str(get(meta, "name", default="")),
    )


def group_version(raw: Raw) -> tuple[str, str]:
    group, _, version = str(get(raw, "apiVersion", default="")).rpartition("/")
    return group, version


def annotation(raw: Raw | None, name: str) -> str:
    """An annotation as text, "" where it is not there."""
    return str(get(raw, "metadata", "annotations", name, default=""))


def as_sent(tree: Any, *path: str | int) -> Any:
    """A tree out of YAML as kubectl sends it: keys are text, `on` is `true`; Invalid for dates."""
    match tree:
        case dict():
            return {_name(key): as_sent(value, *path, _name(key)) for key, value in tree.items()}
        case list():
            return [as_sent(item, *path, at) for at, item in enumerate(tree)]
        case str() | bool() | int() | float() | None:
            return tree
    raise Invalid(show(*path), f"{tree} is no JSON; write it in quotes")


def _name(key: object) -> str:
    return str(key).lower() if isinstance(key, bool) or key is None else str(key)


def words(text: str) -> tuple[str, ...]:
    """A list as annotations hold it: `a, b`."""
    return tuple(word.strip() for word in text.split(",") if word.strip())


def flat(rendered: Iterable[Raw]) -> Iterator[Raw]:
    """The objects of a rendering, those of a List one by one."""
    for raw in rendered:
        items = get(raw, "items")
        if str(get(raw, "kind", default="")).endswith("List") and isinstance(items, list):
            yield from flat(items)
        else:
            yield raw


def scope_of(raw: Raw, served: Scopes, rendered: Iterable[Raw]) -> bool | None:
    """Whether it lies in a namespace, from the server or the CRD beside it; None where neither knows."""
    group, kind = group_version(raw)[0], get(raw, "kind")
    if (group, kind) in served:
        return served[group, kind]
    scopes = (get(crd, "spec", "scope") for crd in rendered if defines(crd, group, str(kind)))
    return next((scope == "Namespaced" for scope in scopes), None)


def is_definition(raw: Raw) -> bool:
    return bool(get(raw, "kind") == "CustomResourceDefinition")


def defines(crd: Raw, group: str, kind: str) -> bool:
    """Whether it is the CustomResourceDefinition of that kind."""
    if not is_definition(crd):
        return False
    return bool(get(crd, "spec", "group") == group and get(crd, "spec", "names", "kind") == kind)


def desired(rendered: Raw, instance: str, namespace: str, namespaced: bool) -> Raw:
    """What Git wants, as it is sent: in its namespace, marked as this Application's, without a status."""
    raw: Raw = drop(drop(rendered, ("status",)), ("metadata", "creationTimestamp"))
    if not namespaced:
        raw = drop(raw, ("metadata", "namespace"))
    elif not get(raw, "metadata", "namespace"):
        raw = put(raw, ("metadata", "namespace"), namespace)
    key = key_of(raw)
    at = Place(key.group, key.kind, key.namespace or namespace, key.name)
    marked: Raw = put(raw, ("metadata", "annotations", TRACKING), tracking_id(instance, at))
    return marked


def unique(objects: Iterable[Raw]) -> tuple[tuple[Raw, ...], tuple[Key, ...]]:
    """Each object once, the last of several, in the order of their first; and those that were repeated."""
    found: dict[Key, Raw] = {}
    repeated: list[Key] = []
    for raw in objects:
        key = key_of(raw)
        if key in found:
            repeated.append(key)
        found[key] = raw
    return tuple(found.values()), tuple(dict.fromkeys(repeated))
