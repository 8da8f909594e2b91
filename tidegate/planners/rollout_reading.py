"""Reads Rollouts, each spec once: a status changes a dozen times in an update, and parsing, validating and
hashing the spec anew each time would be a third of all thinking.
"""

from __future__ import annotations

from typing import Any

from msgspec.structs import replace

from crds import paths
from crds.errors import Invalid
from crds.meta import ObjectMeta, read, read_status
from crds.pruning import whole
from crds.rollout import parse
from crds.rollout_status import RolloutStatus
from crds.support import unsupported
from crds.validate import problems
from rollouts.conditions import INVALID, UNSUPPORTED, Says, invalid_spec
from tidegate.planners.rollout_held import Held, router
from tidegate.planners.rollout_world import Given, given

Raw = dict[str, Any]

KEPT = 2000
"""Rollouts whose reading is remembered; beyond them the one first read is read anew."""


class Reader:
    """What it answers depends on the object asked about alone; raw objects never change."""

    def __init__(self) -> None:
        self._kept: dict[str, tuple[Raw, Given | Held]] = {}

    def read(self, raw: Raw) -> Given | Held:
        """The Rollout, or what keeps it from being acted on."""
        uid = str(paths.get(raw, "metadata", "uid", default=""))
        before = self._kept.get(uid)
        if before and before[0] is raw:
            return before[1]
        again = before is not None and _asks_the_same(before[0], raw)
        here = _again(before[1], whole(raw)) if before and again else _anew(whole(raw))
        self._kept[uid] = (raw, here)
        if len(self._kept) > KEPT:
            del self._kept[next(iter(self._kept))]
        return here


def _asks_the_same(before: Raw, raw: Raw) -> bool:
    """The spec is equal, and so is what else a reading's hashes and words go by."""
    others = (("metadata", "namespace"), ("metadata", "name"), ("status", "collisionCount"))
    return bool(before.get("spec") == raw.get("spec")) and all(
        paths.get(before, *one) == paths.get(raw, *one) for one in others
    )


def _again(was: Given | Held, raw: Raw) -> Given | Held:
    if isinstance(was, Held):
        return was
    meta = read(paths.get(raw, "metadata", default={}), ObjectMeta, "metadata")
    status = read_status(paths.get(raw, "status"), RolloutStatus)
    return replace(was, raw=raw, rollout=replace(was.rollout, metadata=meta, status=status))


def _anew(raw: Raw) -> Given | Held:
    """Its first mistake, or what we cannot do yet, where there is such a thing."""
    istio = None
    try:
        rollout = parse(raw)
        istio = router(rollout)
        if mistakes := problems(rollout):
            raise mistakes[0]
        if missing := unsupported(rollout):
            return Held(Says(UNSUPPORTED, True, "NotActedOn", "; ".join(str(one) for one in missing)), istio)
        return given(raw)
    except Invalid as problem:
        said = invalid_spec(paths.get(raw, "metadata", "name"), problem)
        return Held(Says(INVALID, True, INVALID, said), istio)
