"""What undo and set image make of a Rollout's pod template; a word that cannot be followed is refused."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from crds.ephemeral import given, without
from crds.paths import drop, get, put
from crds.refs import HASH_LABEL
from tidegate.views.family import owned, pod_hash, revision
from tidegate.views.steering import Refused, named, refuse_unseen

Raw = dict[str, Any]

EVERY = "*"
_LISTS = ("initContainers", "containers", "ephemeralContainers")


def undone(rollout: Raw, replica_sets: Iterable[Raw], to_revision: int = 0) -> list[Raw]:
    """The JSON Patch that asks for the template of an earlier revision again; 0 means the one before."""
    _refuse_reference(rollout, "rollout undo {}")
    history = sorted(owned(replica_sets, rollout), key=revision, reverse=True)
    history = [one for one in history if revision(one)]
    chosen = _numbered(rollout, history, to_revision) if to_revision else _before(rollout, history)
    return [{"op": "replace", "path": "/spec/template", "value": _template(chosen)}]


def _numbered(rollout: Raw, history: list[Raw], number: int) -> Raw:
    found = next((one for one in history if revision(one) == number), None)
    if found is None:
        raise Refused(f"{named(rollout)} has no revision {number}. {_known(history)}")
    if _is_current(rollout, found, history):
        raise Refused(
            f"{named(rollout)} was left as it is: its template is that of revision {number} already."
            f" {_known(history)}"
        )
    return found


def _before(rollout: Raw, history: list[Raw]) -> Raw:
    """The newest revision that is not the one asked for now."""
    found = next((one for one in history if not _is_current(rollout, one, history)), None)
    if found is None:
        raise Refused(f"{named(rollout)} has no earlier revision to go back to. {_known(history)}")
    return found


def _is_current(rollout: Raw, replica_set: Raw, history: list[Raw]) -> bool:
    """By its template; failing that, where the spec was valid, by what the controller made of it."""
    current = [one for one in history if _asked_for(rollout, one)]
    if current:
        return replica_set in current
    if str(get(rollout, "status", "message", default="")).startswith("InvalidSpec"):
        return False
    refuse_unseen(rollout)
    return bool(pod_hash(replica_set) == get(rollout, "status", "currentPodHash"))


def _asked_for(rollout: Raw, replica_set: Raw) -> bool:
    from rollouts.podhash import pod_template_hash  # 10 ms that only undo pays

    template = get(rollout, "spec", "template", default={})
    own = pod_template_hash(template, get(rollout, "status", "collisionCount"))
    return pod_hash(replica_set) == own or _template(replica_set) == template


def _template(replica_set: Raw) -> Raw:
    """As its author would write it: the hash and what a part in a release gave it are the controller's."""
    own = without(get(replica_set, "spec", "template"), given(replica_set))
    template: Raw = drop(own, ("metadata", "labels", HASH_LABEL))
    return template


def _known(history: list[Raw]) -> str:
    if not history:
        return "Its controller has made no ReplicaSet yet."
    return f"There are: {'; '.join(map(_told, reversed(history)))}."


def _told(replica_set: Raw) -> str:
    containers = get(replica_set, "spec", "template", "spec", "containers", default=())
    images = ", ".join(str(get(one, "image", default="")) for one in containers)
    return f"{revision(replica_set)} ({images})"


def with_images(rollout: Raw, images: Mapping[str, str]) -> Raw:
    """The Rollout with an image for each container named; `*` names all that are not named themselves."""
    _refuse_reference(rollout, "set image {} CONTAINER=IMAGE")
    spec = get(rollout, "spec", "template", "spec", default={})
    known = {get(one, "name"): None for each in _LISTS for one in get(spec, each, default=())}
    if strangers := [name for name in images if name != EVERY and name not in known]:
        raise Refused(
            f"{named(rollout)} has no container {' and no container '.join(map(repr, strangers))};"
            f" it has {', '.join(map(str, known)) or 'none'}"
        )
    changed = {each: [_with_image(one, images) for one in spec[each]] for each in _LISTS if get(spec, each)}
    edited: Raw = put(rollout, ("spec", "template", "spec"), spec | changed)
    return edited


def _with_image(container: Raw, images: Mapping[str, str]) -> Raw:
    image = images.get(container["name"], images.get(EVERY))
    return container if image is None else container | {"image": image}


def _refuse_reference(rollout: Raw, instead: str) -> None:
    target = get(rollout, "spec", "workloadRef")
    if target is None:
        return
    kind, name = (str(get(target, key, default="")) for key in ("kind", "name"))
    raise Refused(
        f"{named(rollout)} takes its template from {kind} {name} (spec.workloadRef), and this does not follow"
        f" references yet. Write: kubectl {instead.format(f'{kind.lower()}/{name}')}"
        f" -n {get(rollout, 'metadata', 'namespace', default='default')}"
    )
