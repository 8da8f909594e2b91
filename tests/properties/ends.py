"""What a world came to, without what may differ between two histories: times, figures in sentences, events.

What a run says of its measurements is a figure too: its name, verdict and orders count, its words do not.
"""

from __future__ import annotations

import difflib
import json
import re
from typing import Any

from crds.paths import drop
from crds.pruning import KEPT, whole
from tests.properties.world import World
from tidegate.sandbox.objects import Raw, at
from tidegate.sandbox.resources import (
    ANALYSIS_RUNS,
    DESTINATION_RULES,
    REPLICA_SETS,
    ROLLOUTS,
    VIRTUAL_SERVICES,
)

TIME = re.compile(r"\d{4}-\d\d-\d\dT[\d:.]+Z")
FIGURE = re.compile(r"\d+(\.\d+)?(e-?\d+)?")
POD = re.compile(r"(pod \S+)-\d{5}")
SERVER_OWNED = ("uid", "resourceVersion", "creationTimestamp", "generation", "ownerReferences")


def end(world: World) -> Raw:
    """Comparable: equal for two histories that came to the same."""
    return {
        "rollout": [_object(raw) for raw in world.every(ROLLOUTS)],
        "replica sets": [_object(raw) for raw in world.every(REPLICA_SETS)],
        "runs": [_run(raw) for raw in world.every(ANALYSIS_RUNS)],
        "routes": [_object(raw) for raw in world.every(VIRTUAL_SERVICES)],
        "subsets": [_object(raw) for raw in world.every(DESTINATION_RULES)],
    }


def assert_same(expected: Raw, world: World, what: str) -> None:
    before, after = (json.dumps(one, indent=1, sort_keys=True).splitlines() for one in (expected, end(world)))
    difference = difflib.unified_diff(before, after, "without fault", "with it", lineterm="", n=2)
    text = "\n".join(difference)
    assert not text, f"{what}\n{text}"


def _object(raw: Raw) -> Raw:
    """A memory that lies in an annotation is where it would be if the CRD kept it."""
    raw = drop(whole(raw), ("metadata", "annotations", KEPT))
    meta = {key: value for key, value in raw["metadata"].items() if key not in SERVER_OWNED}
    status = {
        key: value for key, value in at(raw, "status", default={}).items() if key != "observedGeneration"
    }
    timeless: Raw = _timeless({**raw, "metadata": meta, "status": status})
    at(timeless, "status", "canary", "currentBackgroundAnalysisRunStatus", default={}).pop("message", None)
    at(timeless, "status", "duration", default={}).pop("totalManualPauseDurationSeconds", None)
    conditions = at(timeless, "status", "conditions", default=[])
    conditions.sort(key=lambda condition: condition["type"])
    return timeless


def _run(raw: Raw) -> Raw:
    return {
        "name": raw["metadata"]["name"],
        "phase": at(raw, "status", "phase"),
        "terminate": at(raw, "spec", "terminate"),
    }


def _timeless(value: Any, key: str = "") -> Any:
    match value:
        case dict():
            return {inner: _timeless(item, inner) for inner, item in value.items()}
        case list():
            return [_timeless(item, key) for item in value]
        case str() if key == "evidence":
            return "<words>"
        case str() if key in ("message", "verdict", "stable"):
            return FIGURE.sub("#", POD.sub(r"\1-#", value))
        case str():
            return TIME.sub("<time>", value)
    return value
