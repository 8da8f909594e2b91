"""What of an object that is sent may be stored: what its endpoint can change, on the conditions it names."""

from __future__ import annotations

from tidegate.sandbox.objects import Raw, at
from tidegate.sandbox.refusals import Cause, invalid, modified, shown, unsupported
from tidegate.sandbox.resources import Resource, Target


def written(meta: Raw) -> Raw:
    """Empty lists and mappings of the metadata are not stored."""
    return {key: value for key, value in meta.items() if value not in ({}, [])}


def spec(resource: Resource, raw: Raw) -> Raw:
    """What a generation counts: all but metadata, and all but status where that is a subresource."""
    outside = {"metadata", "status"} if resource.status else {"metadata"}
    return {key: value for key, value in raw.items() if key not in outside}


def statusless(resource: Resource, raw: Raw) -> Raw:
    return {key: value for key, value in raw.items() if not (resource.status and key == "status")}


def preconditions(resource: Resource, old: Raw, new: Raw) -> None:
    name = old["metadata"]["name"]
    if at(new, "metadata", "name") != name:
        raise unsupported("a change of metadata.name")
    if at(new, "metadata", "resourceVersion", default="") not in ("", old["metadata"]["resourceVersion"]):
        raise modified(resource, name)
    wanted = at(new, "metadata", "uid", default="")
    if wanted not in ("", old["metadata"]["uid"]):
        text = f"Invalid value: {shown(wanted)}: field is immutable"
        raise invalid(resource, name, Cause("metadata.uid", "FieldValueInvalid", text))


SERVER_OWNED = (
    "uid",
    "creationTimestamp",
    "deletionTimestamp",
    "deletionGracePeriodSeconds",
    "resourceVersion",
    "generation",
    "namespace",
)


def kept(target: Target, old: Raw, new: Raw) -> Raw:
    """What this endpoint may not change is as it was."""
    owned = {key: old["metadata"][key] for key in SERVER_OWNED if key in old["metadata"]}
    typed = {"kind": old["kind"], "apiVersion": old["apiVersion"]}
    new = {**new, **typed, "metadata": {**written(new["metadata"]), **owned}}
    if not target.resource.status:
        return new
    if target.subresource == "status":
        rest = {key: value for key, value in old.items() if key != "status"}
        rest["metadata"] = old["metadata"] if target.resource.custom else new["metadata"]
        return {**rest, **({"status": new["status"]} if "status" in new else {})}
    new = statusless(target.resource, new)
    return {**new, "status": old["status"]} if "status" in old else new
