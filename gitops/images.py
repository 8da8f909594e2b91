"""The container images that objects run."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from crds.application_source import image_name
from crds.paths import get, items

Raw = dict[str, Any]
POD_SPECS = (
    ("spec",),
    ("spec", "template", "spec"),
    ("spec", "jobTemplate", "spec", "template", "spec"),
)


def images(objects: Iterable[Raw]) -> tuple[str, ...]:
    """Each once, in order of the alphabet."""
    return tuple(sorted({one for raw in objects for one in _of(raw)}))


def names(found: Iterable[str]) -> frozenset[str]:
    """The same without tag and digest."""
    return frozenset(image_name(one) for one in found)


def _of(raw: Raw) -> Iterator[str]:
    for path in POD_SPECS:
        for kind in ("initContainers", "containers"):
            for container in items(raw, *path, kind):
                if name := get(container, "image"):
                    yield str(name)
