"""Labels and annotations that pods carry as long as their revision is stable, or the canary.

A ReplicaSet's template has them beside its author's own, and an annotation of it says which they are: no hash
covers them, and a template is compared without them. What its author wrote is never overwritten.
"""

from __future__ import annotations

import json
from typing import Any

import msgspec

from crds.meta import Metadata, read_status
from crds.paths import get, put

Raw = dict[str, Any]

EPHEMERAL = "rollout.argoproj.io/ephemeral-metadata"
FIELDS = ("labels", "annotations")


def given(replica_set: Raw, key: str = EPHEMERAL) -> Metadata:
    """What a ReplicaSet's annotation says that its pods were given; what cannot be read counts as nothing."""
    try:
        return read_status(json.loads(get(replica_set, "metadata", "annotations", key)), Metadata)
    except (TypeError, ValueError):
        return Metadata()


def annotation(metadata: Metadata) -> str | None:
    """The annotation that says it; None where there is nothing to say."""
    said = {field: values for field, values in _both(metadata) if values}
    return json.dumps(said, separators=(",", ":")) if said else None


def fitting(template: Raw, wanted: Metadata) -> Metadata:
    """What of `wanted` is not the template's own."""
    labels, annotations = (
        {
            key: values[key]
            for key in sorted(values)
            if key not in get(template, "metadata", field, default={})
        }
        for field, values in _both(wanted)
    )
    return Metadata(labels, annotations)


def without(template: Raw, metadata: Metadata) -> Raw:
    """The template as it was before it was given `metadata`."""
    for field, values in _both(metadata):
        if have := get(template, "metadata", field):
            left = {key: value for key, value in have.items() if key not in values}
            meta = {key: value for key, value in template["metadata"].items() if key != field}
            template = put(template, ("metadata",), meta | ({field: left} if left else {}))
    return template


def beside(template: Raw, metadata: Metadata) -> Raw:
    """The template with `metadata` given to it."""
    for field, values in _both(metadata):
        if values:
            template = put(
                template, ("metadata", field), get(template, "metadata", field, default={}) | values
            )
    return template


def _both(metadata: Metadata) -> tuple[tuple[str, dict[str, str]], ...]:
    return tuple((field, msgspec.structs.asdict(metadata)[field]) for field in FIELDS)
