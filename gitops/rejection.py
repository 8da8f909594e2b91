"""A release that its Rollout has turned back: why, and whether the release alone is to blame.

Read out of the Rollout's status, which is all that the two controllers say to each other. A person's abort
has no verdict, so it is none of this.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import msgspec

from crds.application_policy import Rollback
from crds.paths import get
from gitops.objects import Key, key_of

Raw = dict[str, Any]
ROLLOUT = ("argoproj.io", "Rollout")
ANALYSIS = "analysis"


class Rejected(msgspec.Struct, frozen=True):
    """`cause` is analysis or pods. `alone`: stable is well over the same checks, None while not known;
    `stable` says how it is. `shut`: the router was seen to give the canary nothing. `since` tells two apart.
    """

    rollout: Key
    verdict: str
    cause: str = ANALYSIS
    alone: bool | None = None
    stable: str = ""
    shut: bool = False
    run: str = ""
    since: str = ""


def rejected(raw: Raw) -> Rejected | None:
    """None where the revision its spec asks for is not rejected, or that was not seen yet."""
    status = get(raw, "status", default={})
    ours, verdict = get(status, "tidegate", default={}), get(status, "tidegate", "verdict", default="")
    if not (get(status, "abort") and verdict and seen(raw)):
        return None
    blame = get(ours, "blame", default={})
    return Rejected(
        key_of(raw),
        str(verdict),
        str(get(blame, "cause", default=ANALYSIS)),
        get(blame, "alone"),
        str(get(blame, "stable", default="")),
        shut=_shut(raw, status),
        run=str(get(status, "canary", "currentBackgroundAnalysisRunStatus", "name", default="")),
        since=str(get(status, "abortedAt", default="")),
    )


def heeded(policy: Rollback, rejected: Rejected) -> bool:
    """Whether the Application asks for such a release to be taken back."""
    return policy.on_analysis_failure if rejected.cause == ANALYSIS else policy.on_health_failure


def retried(raws: Iterable[Raw], rollout: str) -> bool:
    """Whether the Rollout of this name, which was rejected, is on its way again: a person has decided so. A
    sibling on its own way says nothing."""
    own = (raw for raw in raws if str(key_of(raw)) == rollout)
    return any(seen(raw) and not get(raw, "status", "abort") and _between(raw) for raw in own)


def at_rest(raw: Raw) -> bool:
    """Fully promoted, and well."""
    return seen(raw) and get(raw, "status", "phase") == "Healthy" and not _between(raw)


def seen(raw: Raw) -> bool:
    """Whether its status speaks of its newest spec."""
    generation = get(raw, "metadata", "generation")
    return generation is None or str(generation) == str(get(raw, "status", "observedGeneration"))


def _between(raw: Raw) -> bool:
    status = get(raw, "status", default={})
    return bool(get(status, "stableRS") != get(status, "currentPodHash"))


def _shut(raw: Raw, status: Raw) -> bool:
    """By pod counts there is no route to wait for."""
    if not get(raw, "spec", "strategy", "canary", "trafficRouting"):
        return True
    return bool(get(status, "canary", "weights", "canary", "weight") == 0)
