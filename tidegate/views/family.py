"""The family of a Rollout as a tree: revisions, their ReplicaSets and analyses, and the pods below.

Objects come raw and in any number: what the Rollout does not own is left out here.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any

import msgspec

from crds.paths import get
from crds.refs import HASH_LABEL
from crds.times import parse
from tidegate.views import pods as pod_words
from tidegate.views.ages import age, span
from tidegate.views.status import marked, standing

Raw = dict[str, Any]

REVISION = "rollout.argoproj.io/revision"
DEADLINE = "scale-down-deadline"


class Node(msgspec.Struct, frozen=True):
    """A line of the tree: glyph and name, kind, status with its glyph, age, and a few words."""

    name: str
    kind: str = ""
    status: str = ""
    age: str = ""
    info: str = ""
    below: tuple[Node, ...] = ()


class Parts(msgspec.Struct, frozen=True):
    """The raw objects that may belong to a Rollout; those of others are tolerated."""

    replica_sets: tuple[Raw, ...] = ()
    pods: tuple[Raw, ...] = ()
    analysis_runs: tuple[Raw, ...] = ()


def tree(rollout: Raw, parts: Parts, now: datetime) -> Node:
    """The Rollout with everything it owns below it, newest revision first."""
    sets = owned(parts.replica_sets, rollout)
    runs = owned(parts.analysis_runs, rollout)
    revisions = sorted({revision(one) for one in (*sets, *runs)}, reverse=True)
    below = tuple(
        Node(
            f"# revision:{number}",
            below=tuple(_replica_set(rollout, one, parts.pods, now) for one in _of(sets, number))
            + tuple(_analysis_run(one, now) for one in _of(runs, number)),
        )
        for number in revisions
    )
    status = marked(standing(rollout).phase)
    return Node(f"⟳ {_name(rollout)}", "Rollout", status, _age(rollout, now), below=below)


def _of(raws: Iterable[Raw], number: int) -> list[Raw]:
    kept = (one for one in raws if revision(one) == number)
    return sorted(kept, key=lambda one: (get(one, "metadata", "creationTimestamp", default=""), _name(one)))


def revision(raw: Raw) -> int:
    """The number of the revision an object belongs to; 0 where it does not say."""
    written = str(get(raw, "metadata", "annotations", REVISION, default="0"))
    return int(written) if written.isdecimal() else 0


def _name(raw: Raw) -> str:
    return str(raw["metadata"]["name"])


def _age(raw: Raw, now: datetime) -> str:
    return age(get(raw, "metadata", "creationTimestamp"), now)


def _replica_set(rollout: Raw, raw: Raw, pods: tuple[Raw, ...], now: datetime) -> Node:
    words = (*roles(rollout, raw), *_delay(raw, now))
    own = sorted(owned(pods, raw), key=_name)
    below = tuple(_pod(one, now) for one in own)
    return Node(f"⧉ {_name(raw)}", "ReplicaSet", marked(_health(raw)), _age(raw, now), ",".join(words), below)


def _delay(raw: Raw, now: datetime) -> tuple[str, ...]:
    """How long an old ReplicaSet is still kept; an annotation may hold anything."""
    deadline = get(raw, "metadata", "annotations", DEADLINE, default="")
    try:
        left = parse(deadline) - now
    except (ValueError, TypeError):
        return ()
    return (f"delay:{span(left)}",) if left > timedelta() else ()


def _health(raw: Raw) -> str:
    wanted = get(raw, "spec", "replicas", default=0)
    if not wanted and not get(raw, "status", "replicas"):
        return "ScaledDown"
    conditions = get(raw, "status", "conditions", default=())
    if any((get(one, "type"), get(one, "status")) == ("ReplicaFailure", "True") for one in conditions):
        return "Degraded"
    return "Progressing" if get(raw, "status", "availableReplicas", default=0) < wanted else "Healthy"


def _pod(raw: Raw, now: datetime) -> Node:
    doing = pod_words.doing(raw)
    status = f"{pod_words.glyph(doing)} {doing}"
    return Node(f"□ {_name(raw)}", "Pod", status, _age(raw, now), pod_words.readiness(raw))


def _analysis_run(raw: Raw, now: datetime) -> Node:
    phase = get(raw, "status", "phase", default="Pending")
    results = get(raw, "status", "metricResults", default=())
    return Node(f"α {_name(raw)}", "AnalysisRun", marked(phase), _age(raw, now), measured(results))


def measured(results: Iterable[Raw]) -> str:
    """`✔ 5,✖ 1`: measurements by outcome, all metrics together."""
    kinds = (("successful", "✔"), ("failed", "✖"), ("inconclusive", "?"), ("error", "⚠"))
    results = tuple(results)
    sums = ((glyph, sum(get(one, key, default=0) for one in results)) for key, glyph in kinds)
    return ",".join(f"{glyph} {count}" for glyph, count in sums if count)


def owned(raws: Iterable[Raw], owner: Raw) -> tuple[Raw, ...]:
    """Those that name `owner` as theirs, by uid."""
    uid = get(owner, "metadata", "uid")
    return tuple(one for one in raws if uid in _owners(one))


def _owners(raw: Raw) -> set[str]:
    return {get(one, "uid") for one in get(raw, "metadata", "ownerReferences", default=())}


def owner_name(raw: Raw) -> str:
    """The Rollout that owns it, by name."""
    owners = get(raw, "metadata", "ownerReferences", default=())
    return next((str(get(one, "name")) for one in owners if get(one, "kind") == "Rollout"), "")


def pod_hash(raw: Raw) -> str:
    return str(get(raw, "metadata", "labels", HASH_LABEL, default=""))


def roles(rollout: Raw, replica_set: Raw) -> tuple[str, ...]:
    """What a ReplicaSet is to its Rollout now: canary, stable, active, preview; often nothing."""
    own, status = pod_hash(replica_set), get(rollout, "status", default={})
    stable, current = get(status, "stableRS"), get(status, "currentPodHash")
    if get(rollout, "spec", "strategy", "blueGreen") is None:
        named = {"canary": current if current != stable else None, "stable": stable}
    else:
        active, preview = (get(status, "blueGreen", key) for key in ("activeSelector", "previewSelector"))
        named = {"stable": stable, "active": active, "preview": preview if preview != active else None}
    return tuple(role for role, holder in named.items() if own and holder == own)
