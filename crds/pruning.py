"""Where our part of a Rollout's status lies while Argo Rollouts' own CRD is installed, which prunes it."""

from __future__ import annotations

import json
from typing import Any

from crds.paths import get, put

Raw = dict[str, Any]

OURS = "tidegate"
KEPT = "tidegate.dev/status"


def annotation(ours: Raw | None) -> str | None:
    """`status.tidegate` as the value of the annotation KEPT; None removes it."""
    return json.dumps(ours, sort_keys=True, separators=(",", ":")) if ours else None


def whole(raw: Raw) -> Raw:
    """The Rollout with `status.tidegate` as its annotation has it, where there is one that can be read."""
    text = get(raw, "metadata", "annotations", KEPT)
    if not isinstance(text, str):
        return raw
    try:
        ours = json.loads(text)
    except ValueError:
        return raw
    return put(raw, ("status", OURS), ours) if isinstance(ours, dict) else raw
