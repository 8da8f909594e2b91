"""The mark of a sync on a Rollout that it takes back to a release that was good: no steps are to be walked.

It is about one pod template alone. Whoever edits that has nothing more to do with it.
"""

from __future__ import annotations

from hashlib import sha256
from typing import Any

import msgspec

from crds.paths import get, put

Raw = dict[str, Any]
MARK = "tidegate.dev/was-good"


def mark(rollout: Raw) -> str:
    """What the mark of a Rollout with this template is."""
    template = get(rollout, "spec", "template", default={})
    return sha256(msgspec.json.encode(template, order="sorted")).hexdigest()[:16]


def is_marked(rollout: Raw | None) -> bool:
    """Whether its mark is there, and about the template it has."""
    written = get(rollout, "metadata", "annotations", MARK)
    return rollout is not None and written is not None and written == mark(rollout)


def marked(rollout: Raw) -> Raw:
    found: Raw = put(rollout, ("metadata", "annotations", MARK), mark(rollout))
    return found
