"""The API server's way of saying no: metav1.Status bodies, word for word."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, NamedTuple

from tidegate.sandbox.objects import Raw

if TYPE_CHECKING:
    from tidegate.sandbox.resources import Resource


class Refused(Exception):
    """Answered with `status`, a metav1.Status."""

    def __init__(self, code: int, reason: str, message: str, details: Raw | None = None) -> None:
        super().__init__(message)
        self.code = code
        self.status: Raw = {
            "kind": "Status",
            "apiVersion": "v1",
            "metadata": {},
            "status": "Failure",
            "message": message,
            "reason": reason,
            **({} if details is None else {"details": details}),
            "code": code,
        }


class Cause(NamedTuple):
    """One field the validation did not like."""

    field: str
    reason: str
    message: str


def _about(resource: Resource, name: str) -> Raw:
    group = {"group": resource.group} if resource.group else {}
    return {"name": name, **group, "kind": resource.plural}


def _kind(resource: Resource) -> str:
    return f"{resource.kind}.{resource.group}" if resource.group else resource.kind


def unsupported(feature: str) -> Refused:
    """Ours, not Kubernetes': the sandbox does not play this."""
    return Refused(501, "NotImplemented", f"the sandbox does not play {feature}")


def not_found(resource: Resource, name: str) -> Refused:
    return Refused(404, "NotFound", f'{resource.qualified} "{name}" not found', _about(resource, name))


def already_exists(resource: Resource, name: str) -> Refused:
    return Refused(
        409, "AlreadyExists", f'{resource.qualified} "{name}" already exists', _about(resource, name)
    )


def modified(resource: Resource, name: str) -> Refused:
    why = "the object has been modified; please apply your changes to the latest version and try again"
    message = f'Operation cannot be fulfilled on {resource.qualified} "{name}": {why}'
    return Refused(409, "Conflict", message, _about(resource, name))


def another_uid(resource: Resource, name: str, wanted: str, uid: str) -> Refused:
    why = (
        f"the UID in the precondition ({wanted}) does not match the UID in record ({uid}). "
        "The object might have been deleted and then recreated"
    )
    message = f'Operation cannot be fulfilled on {_kind(resource)} "{name}": {why}'
    return Refused(409, "Conflict", message, {**_about(resource, name), "kind": resource.kind})


def invalid(resource: Resource, name: str, *causes: Cause) -> Refused:
    said = [f"{cause.field}: {cause.message}" for cause in causes]
    text = said[0] if len(said) == 1 else f"[{', '.join(said)}]"
    details = {
        "name": name,
        **({"group": resource.group} if resource.group else {}),
        "kind": resource.kind,
        "causes": [{"reason": c.reason, "message": c.message, "field": c.field} for c in causes],
    }
    return Refused(422, "Invalid", f'{_kind(resource)} "{name}" is invalid: {text}', details)


def patch_failed() -> Refused:
    """A JSON patch that cannot be applied, a failing `test` included: 422 without causes."""
    return Refused(422, "Invalid", "the server rejected our request due to an error in our request", {})


def bad_request(message: str) -> Refused:
    return Refused(400, "BadRequest", message)


def expired(asked: int, oldest: int) -> Refused:
    return Refused(410, "Expired", f"too old resource version: {asked} ({oldest})")


def shown(value: Any) -> str:
    """A value as the API server prints it into a cause."""
    return json.dumps(value, separators=(",", ":"), sort_keys=True)
