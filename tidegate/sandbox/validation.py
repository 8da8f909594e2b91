"""What the API server refuses with 422 and causes, for the few mistakes our client can make."""

from __future__ import annotations

from tidegate.sandbox.objects import Raw, at, carries
from tidegate.sandbox.refusals import Cause, invalid, shown
from tidegate.sandbox.resources import REPLICA_SETS, ROLLOUTS, Resource


def check(resource: Resource, old: Raw | None, new: Raw) -> None:
    """Raises Refused where the object may not be stored as it is."""
    causes = CHECKS[resource](old, new) if resource in CHECKS else []
    if causes:
        raise invalid(resource, new["metadata"]["name"], *causes)


def _replica_set(old: Raw | None, new: Raw) -> list[Cause]:
    selector = at(new, "spec", "selector")
    labels = at(new, "spec", "template", "metadata", "labels", default={})
    causes = []
    if not carries(labels, at(selector, "matchLabels", default={})):
        text = f"Invalid value: {shown(labels)}: `selector` does not match template `labels`"
        causes.append(Cause("spec.template.metadata.labels", "FieldValueInvalid", text))
    if old is not None and selector != old["spec"]["selector"]:
        text = f"Invalid value: {shown(selector)}: field is immutable"
        causes.append(Cause("spec.selector", "FieldValueInvalid", text))
    return causes


def _rollout(old: Raw | None, new: Raw) -> list[Cause]:
    before, after = at(old, "spec", "selector"), at(new, "spec", "selector")
    if before is None or before == after:
        return []
    return [Cause("spec.selector", "FieldValueInvalid", "Invalid value: .spec.selector is immutable")]


CHECKS = {REPLICA_SETS: _replica_set, ROLLOUTS: _rollout}
