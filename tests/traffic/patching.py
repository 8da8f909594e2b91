"""Applies a JSON Patch to a copy, with the sandbox's engine, which the contracts hold to the real one."""

from __future__ import annotations

import copy
from collections.abc import Iterable
from typing import Any

from tidegate.sandbox.patches import json_patched

Raw = dict[str, Any]


def applied(raw: Raw, operations: Iterable[Raw]) -> Raw:
    """`raw` after the patch."""
    after: Raw = json_patched(copy.deepcopy(raw), list(operations))
    return after
