"""A comparison as lines that people read, made of the same bytes that decided it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from difflib import unified_diff

from crds.emit import yaml
from gitops.compare import Compared, Comparison


def diff(comparison: Comparison) -> str:
    """Every object that differs, under Argo's headline; "" where none does."""
    return "".join(line for one in comparison.resources for line in _lines(one) if one.status != "Synced")


def _lines(one: Compared) -> Iterator[str]:
    key = one.key
    yield f"\n===== {key.group}/{key.kind} {key.namespace}/{key.name} ======\n"
    yield from list(unified_diff(_text(one.live), _text(one.target)))[2:]


def _text(side: bytes) -> list[str]:
    return yaml(json.loads(side)).splitlines(keepends=True) if side else []
