"""Random pod templates and canary steps, drawn from the field table itself, odd corners first."""

from __future__ import annotations

import json
from importlib import resources
from typing import Any

from hypothesis import strategies as st

FIELDS: dict[str, list[list[str]]] = json.loads(
    resources.files("rollouts").joinpath("podhash.json").read_text()
)

texts = st.sampled_from(["", "a", "shop", "<b>&'\"\\", "ключ", "\u2028\u2029", "a\n\t\x01\x7f", "😀", "80"])
keys = st.sampled_from(["app", "a.b/c", "B", "", "я", "z<"])
whole = st.sampled_from([0, 1, -1, 30, 65535, 2**31 - 1])
quantities = st.one_of(
    st.sampled_from(
        ["0", "0.001", "1.500", "0.500", "1000m", "1024Mi", "1.5Gi", "100.1Ki", "01", "+5", "-1"]
    ),
    st.sampled_from(
        ["1e3", "1E3", "1000e3", "12E+3", "0.1n", "99Ei", "1000E", "123456789012345678901", "1.Gi"]
    ),
    st.sampled_from([0, 1, 0.5, 1000, 1.25]),
    st.builds("{}{}".format, st.integers(0, 10**6), st.sampled_from(["", "m", "k", "M", "Ki", "Mi", "Gi"])),
)
scalars: dict[str, st.SearchStrategy[Any]] = {
    "string": texts,
    "bool": st.booleans(),
    "int32": whole,
    "int64": whole,
    "quantity": quantities,
    "intOrString": whole | texts,
    "time": st.sampled_from(["2026-03-15T10:30:00Z", "2026-03-15T12:30:00+02:00", "2026-03-15T10:30:00.5Z"]),
    "any": st.recursive(
        st.booleans() | whole | texts | st.sampled_from([0.05, 1.5, 1e-7, 1e21, 123456.789, 2.5e-5]),
        lambda inner: st.lists(inner, max_size=2) | st.dictionaries(keys, inner, max_size=3),
        max_leaves=4,
    ).map(lambda value: {"any": value}),
}


def values(kind: str, depth: int) -> st.SearchStrategy[Any]:
    if kind.startswith("*"):
        return values(kind[1:], depth)
    if kind.startswith("[]"):
        return st.lists(values(kind[2:], depth), max_size=2)
    if kind.startswith("{}"):
        return st.dictionaries(keys, values(kind[2:], depth), max_size=3)
    return scalars[kind] if kind in scalars else structs(kind, depth + 1)


@st.composite
def structs(draw: st.DrawFn, name: str, depth: int = 0) -> dict[str, Any]:
    """Some of the fields, in any order, some of them null; what the types do not know is mixed in."""
    if depth > 7:
        return {}
    rows = FIELDS[name]
    wanted = draw(st.lists(st.sampled_from(rows), max_size=5, unique_by=lambda row: row[0]))
    value = {
        field: None if draw(st.integers(0, 15)) == 0 else draw(values(kind, depth))
        for field, kind, _ in wanted
    }
    return value | ({"notOurs": 1} if draw(st.integers(0, 15)) == 0 else {})


def pods() -> st.SearchStrategy[dict[str, Any]]:
    """Templates as they are mostly written: containers first, then anything."""
    return st.builds(
        lambda template, spec, containers: template | {"spec": spec | {"containers": containers}},
        structs("PodTemplateSpec"),
        structs("PodSpec", 1),
        st.lists(structs("Container", 2), min_size=1, max_size=3),
    )


_SAMPLES: dict[str, tuple[Any, Any]] = {
    "string": ("<x>", ""),
    "bool": (True, False),
    "int32": (7, 0),
    "int64": (7, 0),
    "quantity": ("1500m", "0"),
    "intOrString": ("http", 0),
    "time": ("2026-03-15T10:30:00Z", None),
    "any": ({"b": 1, "a": [0.5]}, {}),
}


def every(kind: str, *, zero: bool) -> Any:
    """A value with every field of every type set: to something, or to its zero value."""
    if kind.startswith("*"):
        return every(kind[1:], zero=zero)
    if kind.startswith("[]"):
        return [every(kind[2:], zero=zero)]
    if kind.startswith("{}"):
        return {"b": every(kind[2:], zero=zero), "a": every(kind[2:], zero=zero)}
    if kind in _SAMPLES:
        return _SAMPLES[kind][zero]
    return {field: every(of, zero=zero) for field, of, _ in FIELDS[kind]}
