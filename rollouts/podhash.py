"""The hash that names a ReplicaSet: Argo's, byte for byte, so that what is already there is adopted.

It covers the pod template as Go writes it from k8s.io/api v0.34.5. Order, types and what is left out when
empty stand in podhash.json, printed from the Go types by tests/rollouts/oracle. Fields unknown there are
dropped, a malformed quantity counts as absent, and a value of another wrong type as zero.

Steps are hashed likewise. Assumed there: the brief's `duration` stands after setWeight, its inline analysis
after Argo's fields, and what is open (a plugin's config, an inline metric) has its keys sorted.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from datetime import UTC
from decimal import Decimal
from functools import cache
from importlib import resources
from typing import Any

from crds import times
from crds.paths import Path
from crds.quantity import canonical

Writer = Callable[[Any], str]
"""Any value to the JSON that Go writes for it; what does not fit is written as Go's zero value."""

_ALPHABET = "bcdfghjklmnpqrstvwxz2456789"
_HTML = {ord(one): f"\\u{ord(one):04x}" for one in "<>&\u2028\u2029"}


def pod_template_hash(template: dict[str, Any], collisions: int | None = None) -> str:
    """The hash of a pod template; `collisions` is status.collisionCount, None where it was never set."""
    unsigned = (collisions or 0) & 0xFFFFFFFF  # people may have patched anything into the status
    tail = b"" if collisions is None else unsigned.to_bytes(4, "little") + bytes(4)
    return _encoded(pod_template_json(template).encode() + tail)


def step_hash(steps: list[dict[str, Any]] | None) -> str:
    """The hash of canary.steps as written (status.currentStepHash)."""
    return _encoded(steps_json(steps).encode())


def pod_template_json(template: dict[str, Any]) -> str:
    """The template as Go writes it: known fields only, in Go's order, quantities in canonical form."""
    return _writer("PodTemplateSpec")(template)


def steps_json(steps: list[dict[str, Any]] | None) -> str:
    return _writer("[]CanaryStep")(steps or None)  # Argo writes and reads a Rollout anew: [] becomes null


def malformed(template: Any, kind: str = "PodTemplateSpec") -> Iterator[Path]:
    """Where quantities stand that Go cannot read: Argo Rollouts leaves them out of its ReplicaSets."""
    kind = kind.removeprefix("*")
    if _unreadable(kind, template):
        yield ()
    for key, child, value in _children(kind, template):
        yield from ((key, *path) for path in malformed(value, child))


def _children(kind: str, value: Any) -> Iterator[tuple[str | int, str, Any]]:
    """What stands in a value of a type: its key or index, its own type, and itself."""
    if isinstance(value, list) and kind.startswith("[]"):
        yield from ((at, kind[2:], one) for at, one in enumerate(value))
    elif isinstance(value, dict) and kind.startswith("{}"):
        yield from ((key, kind[2:], one) for key, one in value.items())
    elif isinstance(value, dict):
        named = (field for field in _fields().get(kind, ()) if field[0] in value)
        yield from ((name, child, value[name]) for name, child, _ in named)


def _encoded(data: bytes) -> str:
    """FNV-1a of 32 bits, its decimal digits in letters that spell no words (Kubernetes' SafeEncodeString)."""
    digest = 0x811C9DC5
    for byte in data:
        digest = (digest ^ byte) * 0x01000193 & 0xFFFFFFFF
    return "".join(_ALPHABET[ord(digit) % 27] for digit in str(digest))


@cache
def _fields() -> dict[str, list[tuple[str, str, str]]]:
    """By struct, its fields in order: name, type (`*T`, `[]T`, `{}T`, a struct or a scalar), omit tag."""
    table: dict[str, list[tuple[str, str, str]]] = json.loads(
        resources.files("rollouts").joinpath("podhash.json").read_text()
    )
    return table


@cache
def _writer(kind: str) -> Writer:
    if kind.startswith("*"):
        return _pointer(kind[1:])
    if kind.startswith("[]"):
        return _list(_writer(kind[2:]))
    if kind.startswith("{}"):
        return _mapping(kind[2:])
    return _SCALARS.get(kind) or _struct(kind)


def _pointer(kind: str) -> Writer:
    write = _writer(kind)
    return lambda value: "null" if value is None or _unreadable(kind, value) else write(value)


def _list(write: Writer) -> Writer:
    return lambda value: f"[{','.join(map(write, value))}]" if isinstance(value, list | tuple) else "null"


def _mapping(kind: str) -> Writer:
    write = _writer(kind)

    def mapping(value: Any) -> str:
        if not isinstance(value, dict):
            return "null"
        kept = (key for key in sorted(value) if not _unreadable(kind, value[key]))
        return f"{{{','.join(f'{_text(key)}:{write(value[key])}' for key in kept)}}}"

    return mapping


def _struct(name: str) -> Writer:
    rows = [
        (field, f"{_text(field)}:", _writer(kind), _left_out(kind, omit))
        for field, kind, omit in _fields()[name]
    ]

    def struct(value: Any) -> str:
        given = value if isinstance(value, dict) else {}
        written = ((label, write(given.get(field)), empty) for field, label, write, empty in rows)
        return f"{{{','.join(label + text for label, text, empty in written if text not in empty)}}}"

    return struct


def _left_out(kind: str, omit: str) -> frozenset[str]:
    """The texts for which Go leaves the field out: none for a struct, unless it says omitzero."""
    if omit == "omitzero":
        return frozenset({"null"})
    if not omit or kind in _fields() or kind in {"quantity", "intOrString", "time"}:
        return frozenset()
    if kind.startswith("[]"):
        return frozenset({"null", "[]"})
    if kind.startswith("{}"):
        return frozenset({"null", "{}"})
    return frozenset({_writer(kind)(None)})


def _unreadable(kind: str, value: Any) -> bool:
    """Whether Go's own reader of such a value gives up on it; anything else it reads as zero."""
    return kind == "quantity" and value is not None and canonical(value) is None


def _text(value: Any) -> str:
    return _ESCAPE(value).translate(_HTML) if isinstance(value, str) else '""'


def _integer(value: Any) -> str:
    whole = isinstance(value, int | float) and not isinstance(value, bool) and value == int(value)
    return str(int(value)) if whole else "0"


def _bool(value: Any) -> str:
    return "true" if value is True else "false"


def _quantity(value: Any) -> str:
    return _text(canonical(value) or "0")


def _int_or_string(value: Any) -> str:
    return _text(value) if isinstance(value, str) else _integer(value)


def _time(value: Any) -> str:
    try:
        moment = times.parse(value) if isinstance(value, str) else value
        return _text(moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"))
    except (ValueError, AttributeError):
        return "null"


def _any(value: Any) -> str:
    """A value no struct describes: keys sorted, numbers as Go writes them."""
    match value:
        case dict():
            return f"{{{','.join(f'{_text(key)}:{_any(value[key])}' for key in sorted(value))}}}"
        case list() | tuple():
            return f"[{','.join(map(_any, value))}]"
        case float():
            return _float(value)
        case str():
            return _text(value)
        case _:
            return json.dumps(value)


def _float(value: float) -> str:
    """Shortest digits, plain from 1e-6 up to 1e21 and with an exponent beyond, as encoding/json does."""
    plain = value == 0 or 1e-6 <= abs(value) < 1e21
    text = f"{Decimal(repr(value)):f}" if plain else re.sub(r"e([+-])0", r"e\1", repr(value))
    return text.removesuffix(".0")


_ESCAPE = json.JSONEncoder(ensure_ascii=False).encode
_SCALARS: dict[str, Writer] = {
    "string": _text,
    "bool": _bool,
    "int32": _integer,
    "int64": _integer,
    "quantity": _quantity,
    "intOrString": _int_or_string,
    "time": _time,
    "any": _any,
}
