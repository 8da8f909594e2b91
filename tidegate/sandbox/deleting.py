"""What becomes of an object that is deleted: gone at once, or marked until nobody keeps it any more."""

from __future__ import annotations

from datetime import UTC, datetime

from tidegate.sandbox.objects import Raw, at
from tidegate.sandbox.refusals import Cause, invalid, shown
from tidegate.sandbox.resources import Resource

FOREGROUND = "foregroundDeletion"
"""The finalizer of what goes after its dependents."""


def marked(raw: Raw, foreground: bool, counted: bool, now: datetime) -> Raw | None:
    """`raw` as it stands once its deletion was asked for; None where nothing keeps it.

    Who asks last says whether it waits for its dependents.

    The mark counts as a change of what is wanted, so that a kind that is `counted` has a new generation.
    """
    finalizers = [*_others(raw), *([FOREGROUND] if foreground else [])]
    if not finalizers:
        return None
    meta = {**raw["metadata"], "finalizers": finalizers}
    if not is_going(raw):
        moment = now.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        meta |= {"deletionTimestamp": moment, "deletionGracePeriodSeconds": 0}
        meta |= {"generation": meta["generation"] + 1} if counted else {}
    return {**raw, "metadata": meta}


def is_going(raw: Raw) -> bool:
    """Whether its deletion was asked for."""
    return "deletionTimestamp" in raw["metadata"]


def goes_last(raw: Raw) -> bool:
    """Whether it waits for its dependents to be gone."""
    return is_going(raw) and FOREGROUND in finalizers_of(raw)


def let_go(raw: Raw) -> Raw:
    """Its dependents are gone."""
    rest = _others(raw)
    meta = {key: value for key, value in raw["metadata"].items() if key != "finalizers"}
    return {**raw, "metadata": meta | ({"finalizers": rest} if rest else {})}


def check_keepers(resource: Resource, old: Raw, new: Raw) -> None:
    """Raises Refused where somebody new would keep what is going."""
    late = [shown(one) for one in finalizers_of(new) if one not in finalizers_of(old)]
    if is_going(old) and late:
        found = f"found new finalizers []string{{{', '.join(late)}}}"
        why = f"Forbidden: no new finalizers can be added if the object is being deleted, {found}"
        cause = Cause("metadata.finalizers", "FieldValueForbidden", why)
        raise invalid(resource, old["metadata"]["name"], cause)


def _others(raw: Raw) -> list[str]:
    return [one for one in finalizers_of(raw) if one != FOREGROUND]


def finalizers_of(raw: Raw) -> list[str]:
    return list(at(raw, "metadata", "finalizers", default=[]))
