"""Fields that nobody reads, because they are misspelled or stand in the wrong place.

An API server keeps or drops them without a word. Our own types say what is known; of the pod template, which
we carry as written, the table that its hash is made by. What is open in both may hold anything.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from difflib import get_close_matches
from functools import cache
from importlib import resources
from typing import Any

from msgspec import inspect as types

from analysis.provider import OTHERS, Written
from crds.errors import Invalid
from crds.paths import Path, show
from crds.steps import WrittenStep

Unknown = Iterator[Invalid]
Shape = Callable[[Any, Path], Unknown]
"""Tells what is not known in a value that stands at a path."""


def unknown(raw: dict[str, Any], kind: type[Any]) -> Unknown:
    """Every field of an object of ours that its kind does not have; `kind` is a type of `crds`."""
    fields = {one.encode_name: _shape(one.type) for one in _struct(kind).fields}
    opened: dict[str, Shape] = {"apiVersion": _anything, "kind": _anything, "status": _anything}
    yield from _fields(raw, (), fields | opened | {"metadata": _go("ObjectMeta")})


def _struct(kind: type[Any]) -> types.StructType:
    described = types.type_info(kind)
    assert isinstance(described, types.StructType)
    return described


def _fields(raw: Any, path: Path, known: dict[str, Shape]) -> Unknown:
    for name, value in raw.items() if isinstance(raw, dict) else ():
        if name in known:
            yield from known[name](value, (*path, name))
        else:
            yield Invalid(show(*path, name), _advice(name, list(known)))


def _advice(name: str, known: list[str]) -> str:
    near = get_close_matches(name, known, n=1)
    return (
        f"is not known here; {f'did you mean {near[0]}?' if near else 'remove it, or move it to its place'}"
    )


def _anything(_raw: Any, _path: Path) -> Unknown:
    return iter(())


def _each(item: Shape) -> Shape:
    def each(raw: Any, path: Path) -> Unknown:
        for index, one in enumerate(raw if isinstance(raw, list) else ()):
            yield from item(one, (*path, index))

    return each


def _values(item: Shape) -> Shape:
    def values(raw: Any, path: Path) -> Unknown:
        for key, one in raw.items() if isinstance(raw, dict) else ():
            yield from item(one, (*path, key))

    return values


def _shape(of: types.Type) -> Shape:
    """As our types have it."""
    match of:
        case types.StructType():
            return _of_struct(of)
        case types.VarTupleType(item_type=item):
            return _each(_shape(item))
        case types.DictType(value_type=value):
            return _values(_shape(value))
        case types.UnionType(types=members):
            structs = [one for one in members if not isinstance(one, types.NoneType)]
            return _shape(structs[0]) if len(structs) == 1 else _anything
        case _:
            return _anything


def _of_struct(of: types.StructType) -> Shape:
    # What Rollout, WrittenStep and Metric leave as written, but has fields all the same.
    written: dict[str, Shape] = {
        "RolloutSpec.template": _go("PodTemplateSpec"),
        "Canary.steps": _each(_step),
        "WrittenStep.experiment": _go("Experiment"),
        "Metric.provider": _provider,
    }
    name = of.cls.__name__
    known = {
        one.encode_name: written.get(f"{name}.{one.encode_name}") or _shape(one.type) for one in of.fields
    }
    return lambda raw, path: _fields(raw, path, known)


def _step(raw: Any, path: Path) -> Unknown:
    return _shape(_struct(WrittenStep))(raw, path)


def _provider(raw: Any, path: Path) -> Unknown:
    known: dict[str, Shape] = dict.fromkeys(OTHERS, _anything)
    return _fields(raw, path, known | {"prometheus": _shape(_struct(Written))})


@cache
def _table() -> dict[str, list[tuple[str, str, str]]]:
    table: dict[str, list[tuple[str, str, str]]] = json.loads(
        resources.files("rollouts").joinpath("podhash.json").read_text()
    )
    return table


def _go(kind: str) -> Shape:
    """As Go's types have it: `*T`, `[]T`, `{}T`, a struct or a scalar."""
    if kind.startswith("*"):
        return _go(kind[1:])
    if kind.startswith("[]"):
        return _each(_go(kind[2:]))
    if kind.startswith("{}"):
        return _values(_go(kind[2:]))
    return _go_struct(kind) if kind in _table() else _anything


def _go_struct(kind: str) -> Shape:
    def struct(raw: Any, path: Path) -> Unknown:  # built when it is met: some hold themselves
        return _fields(raw, path, {field: _go(of) for field, of, _ in _table()[kind]})

    return struct
