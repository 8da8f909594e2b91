"""What becomes of an object that is deleted: gone at once, or marked until nobody keeps it any more."""

from __future__ import annotations

from datetime import UTC, datetime

from tidegate.sandbox.objects import Raw, at

FOREGROUND = "foregroundDeletion"
"""The finalizer of what goes after its dependents."""


def marked(raw: Raw, foreground: bool, counted: bool, now: datetime) -> Raw | None:
    """`raw` as it stands once its deletion was asked for; None where nothing keeps it.

    The mark counts as a change of what is wanted, so that a kind that is `counted` has a new generation.
    """
    finalizers = finalizers_of(raw)
    if foreground and FOREGROUND not in finalizers:
        finalizers = [*finalizers, FOREGROUND]
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
    rest = [one for one in finalizers_of(raw) if one != FOREGROUND]
    meta = {key: value for key, value in raw["metadata"].items() if key != "finalizers"}
    return {**raw, "metadata": meta | ({"finalizers": rest} if rest else {})}


def finalizers_of(raw: Raw) -> list[str]:
    return list(at(raw, "metadata", "finalizers", default=[]))
