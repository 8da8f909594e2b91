"""What every kind has: metadata, selectors, conditions; and how a raw object becomes a typed value.

Unknown fields pass. A wrong type raises `Invalid` with the path as its author wrote it;
a status, which people patch by hand, loses the unreadable field instead.
"""

from __future__ import annotations

import re
from contextlib import suppress
from datetime import datetime
from typing import Any, TypeVar

import msgspec

from crds.errors import Invalid
from crds.paths import Path, drop, get, put, show
from crds.times import Time

T = TypeVar("T")


class Owner(msgspec.Struct, frozen=True, rename="camel"):
    kind: str = ""
    controller: bool = False


class ObjectMeta(msgspec.Struct, frozen=True, rename="camel"):
    """The parts of metadata something is decided on."""

    name: str = ""
    generate_name: str = ""
    namespace: str = ""
    uid: str = ""
    generation: int = 0
    resource_version: str = ""
    creation_timestamp: datetime | None = None
    deletion_timestamp: datetime | None = None
    labels: dict[str, str] = {}
    annotations: dict[str, str] = {}
    owner_references: tuple[Owner, ...] = ()
    finalizers: tuple[str, ...] = ()


class Requirement(msgspec.Struct, frozen=True, rename="camel"):
    """One of a selector's matchExpressions; `operator` is In, NotIn, Exists or DoesNotExist."""

    key: str
    operator: str
    values: tuple[str, ...] = ()

    def matches(self, labels: dict[str, str]) -> bool:
        found = labels.get(self.key)
        said = {
            "In": found in self.values,
            "NotIn": found not in self.values,
            "Exists": found is not None,
            "DoesNotExist": found is None,
        }
        return said.get(self.operator, False)

    def __str__(self) -> str:
        values = f"({','.join(sorted(self.values))})"
        words = {
            "In": f"{self.key} in {values}",
            "NotIn": f"{self.key} notin {values}",
            "Exists": self.key,
            "DoesNotExist": f"!{self.key}",
        }
        return words.get(self.operator, f"{self.key} {self.operator} {values}")


class LabelSelector(msgspec.Struct, frozen=True, rename="camel"):
    match_labels: dict[str, str] = {}
    match_expressions: tuple[Requirement, ...] = ()

    @property
    def empty(self) -> bool:
        return not (self.match_labels or self.match_expressions)

    def matches(self, labels: dict[str, str]) -> bool:
        """Whether an object with these labels is selected; an unknown operator selects nothing."""
        return all(labels.get(key) == value for key, value in self.match_labels.items()) and all(
            one.matches(labels) for one in self.match_expressions
        )

    def __str__(self) -> str:
        """As the API server takes it in a query, by key; "" selects everything there."""
        labels = [(key, f"{key}={value}") for key, value in self.match_labels.items()]
        said = [*labels, *((one.key, str(one)) for one in self.match_expressions)]
        return ",".join(term for _, term in sorted(said))


class Metadata(msgspec.Struct, frozen=True, rename="camel"):
    """Labels and annotations to be put on something: canaryMetadata, analysisRunMetadata."""

    labels: dict[str, str] = {}
    annotations: dict[str, str] = {}


class Condition(msgspec.Struct, frozen=True, rename="camel"):
    """As in every Kubernetes status; `status` is "True", "False" or "Unknown"."""

    type: str
    status: str = "Unknown"
    reason: str = ""
    message: str = ""
    last_update_time: Time | None = None
    last_transition_time: Time | None = None


def read(raw: Any, wanted: type[T], *path: str | int) -> T:
    """`raw` as a `wanted`; `path` is where it stands in its object. Invalid names the field that is wrong."""
    try:
        return msgspec.convert(raw, wanted)
    except msgspec.ValidationError:
        clean = _without_nulls(raw)
    try:
        return msgspec.convert(clean, wanted)
    except msgspec.ValidationError as error:
        where = _where(clean, wanted, str(error))
        raise _invalid(clean, where, str(error), path) from None


def read_status(raw: Any, wanted: type[T]) -> T:
    """`raw` as a `wanted` whose fields all have defaults; a field that cannot be read counts as absent."""
    with suppress(msgspec.ValidationError):  # as it is in all but rare cases
        return msgspec.convert(raw, wanted)
    clean = _without_nulls(raw) if isinstance(raw, dict) else {}
    while True:
        try:
            return msgspec.convert(clean, wanted)
        except msgspec.ValidationError as error:
            where = _where(clean, wanted, str(error))
            clean = drop(clean, where[:1]) if where else {}


def _without_nulls(raw: Any) -> Any:
    """A null field means an absent one, as in Go."""
    if isinstance(raw, dict):
        return {key: _without_nulls(value) for key, value in raw.items() if value is not None}
    if isinstance(raw, list):
        return [_without_nulls(item) for item in raw]
    return raw


def _where(raw: Any, wanted: type[Any], message: str) -> Path:
    """The path in msgspec's message (`- at `$.metrics[0].name``), which hides a mapping's key: `[...]`."""
    path: Path = ()
    for name, index in re.findall(r"\.([^.\[`]+)|\[(\d+|\.\.\.)\]", message.rpartition(" - at `$")[2]):
        path += (name or (int(index) if index.isdecimal() else _culprit(raw, path, wanted, message)),)
    return path


def _culprit(raw: Any, path: Path, wanted: type[Any], message: str) -> str:
    """Which key of the mapping at `path` gives this very message when it is there alone."""
    items: dict[str, Any] = get(raw, *path)
    alone = {key: put(raw, path, {key: item}) for key, item in items.items()}
    return next(key for key, one in alone.items() if _complaint(one, wanted) == message)


def _complaint(raw: Any, wanted: type[Any]) -> str:
    try:
        msgspec.convert(raw, wanted)
    except msgspec.ValidationError as error:
        return str(error)
    return ""


_WORDS = {
    "int": "a whole number",
    "float": "a number",
    "str": "text",
    "bool": "true or false",
    "object": "a mapping",
    "array": "a list",
    "datetime": "a time like 2026-03-15T10:30:00Z",
}


def _invalid(raw: Any, where: Path, message: str, path: Path) -> Invalid:
    if missing := re.search(r"missing required field `(\w+)`", message):
        return Invalid(show(*path, *where, missing[1]), "is missing; add it")
    if expected := re.search(r"Expected `([^`]+)`", message):
        kinds = expected[1].split(" | ")
        wanted = " or ".join(_WORDS.get(kind, kind) for kind in kinds if kind != "null")
    elif "datetime" in message:
        wanted = _WORDS["datetime"]
    elif "enum" in message:
        wanted = "one of the words that are known here"
    else:
        wanted = message.partition(" - at")[0].lower()
    return Invalid(show(*path, *where), f"{_written(get(raw, *where))} does not fit here; write {wanted}")


def _written(value: Any) -> str:
    """The value as it would stand in JSON, shortened to what a message can carry."""
    text = msgspec.json.encode(value, enc_hook=str).decode()
    return text if len(text) <= 40 else f"{text[:37]}..."
