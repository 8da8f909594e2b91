"""What a condition's parts mean, as expr-lang means them: numbers mix, other types do not.

Every part is a small value that can tell its own value in a scope: `result`, and `#` inside a predicate.
`Cannot` stays inside; `analysis.condition.holds` turns it into words.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping
from typing import Any, Protocol

import msgspec

Scope = Mapping[str, Any]
Number = int | float


class Cannot(Exception):
    """There is no value, and why."""


class Part(Protocol):
    def value(self, scope: Scope) -> Any:
        """Raises Cannot, or ArithmeticError where a number grows beyond all bounds."""


class Literal(msgspec.Struct, frozen=True):
    written: Any

    def value(self, scope: Scope) -> Any:  # noqa: ARG002
        return self.written


class Name(msgspec.Struct, frozen=True):
    """`result`, or `#`: the item a predicate looks at."""

    name: str

    def value(self, scope: Scope) -> Any:
        return scope[self.name]


class Items(msgspec.Struct, frozen=True):
    items: tuple[Part, ...]

    def value(self, scope: Scope) -> Any:
        return [item.value(scope) for item in self.items]


class Index(msgspec.Struct, frozen=True):
    """`list[0]`, from the end where it is negative, or `mapping["key"]`."""

    of: Part
    at: Part

    def value(self, scope: Scope) -> Any:
        return _at(self.of.value(scope), self.at.value(scope))


class Slice(msgspec.Struct, frozen=True):
    """`list[1:3]`, `list[-3:]`: from here up to there, counted from the end where negative."""

    of: Part
    start: Part
    end: Part

    def value(self, scope: Scope) -> Any:
        of, start, end = self.of.value(scope), self.start.value(scope), self.end.value(scope)
        if not isinstance(of, list | str):
            raise Cannot(f"{kind(of)} cannot be sliced")
        for bound in (start, end):
            if not (bound is None or _is_whole(bound)):
                raise Cannot(f"{kind(of)} cannot be sliced by {kind(bound)}")
        return of[start:end]


class Not(msgspec.Struct, frozen=True):
    of: Part

    def value(self, scope: Scope) -> Any:
        return not _truth(self.of.value(scope), "not")


class Negative(msgspec.Struct, frozen=True):
    of: Part

    def value(self, scope: Scope) -> Any:
        return -_number(self.of.value(scope), "-")


class Both(msgspec.Struct, frozen=True):
    """`and`: what stands on the right is not looked at where the left is false."""

    left: Part
    right: Part

    def value(self, scope: Scope) -> Any:
        return _truth(self.left.value(scope), "and") and _truth(self.right.value(scope), "and")


class Either(msgspec.Struct, frozen=True):
    left: Part
    right: Part

    def value(self, scope: Scope) -> Any:
        return _truth(self.left.value(scope), "or") or _truth(self.right.value(scope), "or")


class Instead(msgspec.Struct, frozen=True):
    """`left ?? right`: the right one where the left is nil."""

    left: Part
    right: Part

    def value(self, scope: Scope) -> Any:
        found = self.left.value(scope)
        return self.right.value(scope) if found is None else found


class Choice(msgspec.Struct, frozen=True):
    """`condition ? then : otherwise`."""

    condition: Part
    then: Part
    otherwise: Part

    def value(self, scope: Scope) -> Any:
        chosen = self.then if _truth(self.condition.value(scope), "?") else self.otherwise
        return chosen.value(scope)


class Operation(msgspec.Struct, frozen=True):
    sign: str
    left: Part
    right: Part

    def value(self, scope: Scope) -> Any:
        return OPERATIONS[self.sign](self.left.value(scope), self.right.value(scope))


class Call(msgspec.Struct, frozen=True):
    name: str
    arguments: tuple[Part, ...]

    def value(self, scope: Scope) -> Any:
        return FUNCTIONS[self.name][1](*(argument.value(scope) for argument in self.arguments))


class Each(msgspec.Struct, frozen=True):
    """`all(result, {# > 0.5})` and its kin."""

    name: str
    over: Part
    predicate: Part

    def value(self, scope: Scope) -> Any:
        items = _list(self.over.value(scope), self.name)
        found = [self.predicate.value({**scope, "#": item}) for item in items]
        if self.name != "map":
            found = [_truth(one, self.name) for one in found]
        return PREDICATES[self.name](items, found)


def kind(value: Any) -> str:
    """The type of a value, in words."""
    match value:
        case None:
            return "nil"
        case bool():
            return "true or false"
        case int() | float():
            return "a number"
        case str():
            return "text"
        case list():
            return "a list"
        case _:
            return "a mapping"


def _truth(value: Any, sign: str) -> bool:
    if not isinstance(value, bool):
        raise Cannot(f"{sign} needs true or false, not {kind(value)}")
    return value


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _is_whole(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _number(value: Any, sign: str) -> Any:
    if not _is_number(value):
        raise Cannot(f"{sign} needs a number, not {kind(value)}")
    return value


def _list(value: Any, sign: str) -> list[Any]:
    if not isinstance(value, list):
        raise Cannot(f"{sign} needs a list, not {kind(value)}")
    return value


def _at(of: Any, at: Any) -> Any:
    match of, at:
        case dict(), str():
            return of.get(at)
        case list(), int() if not isinstance(at, bool):
            if -len(of) <= at < len(of):
                return of[at]
            raise Cannot(f"index out of range: {at} (array length is {len(of)})")
        case _:
            raise Cannot(f"{kind(of)} cannot be indexed by {kind(at)}")


def _numbers(sign: str, apply: Callable[[Any, Any], Any]) -> Callable[[Any, Any], Any]:
    return lambda left, right: apply(_number(left, sign), _number(right, sign))


def _alike(sign: str, apply: Callable[[Any, Any], Any]) -> Callable[[Any, Any], Any]:
    """For two numbers, or two texts."""

    def applied(left: Any, right: Any) -> Any:
        if (_is_number(left) and _is_number(right)) or (isinstance(left, str) and isinstance(right, str)):
            return apply(left, right)
        raise Cannot(f"{kind(left)} {sign} {kind(right)} has no meaning")

    return applied


def _equal(left: Any, right: Any) -> bool:
    """Nothing equals nil but nil; other types must be the same."""
    if left is None or right is None:
        return left is right
    if kind(left) != kind(right):
        raise Cannot(f"{kind(left)} == {kind(right)} has no meaning")
    return bool(left == right)


def _within(item: Any, whole: Any) -> bool:
    match whole:
        case list():
            return any(_equal(item, one) for one in whole)
        case dict() if isinstance(item, str):
            return item in whole
        case _:
            raise Cannot(f"{kind(item)} in {kind(whole)} has no meaning")


def _divided(left: Number, right: Number) -> float:
    if right:
        return left / right
    if not left or math.isnan(left):
        return math.nan
    return math.copysign(math.inf, left) * math.copysign(1, right)


def _remainder(left: Any, right: Any) -> int:
    """Of whole numbers, with the sign of the left one, as in Go."""
    if not (isinstance(left, int) and isinstance(right, int)):
        raise Cannot("% needs whole numbers")
    if not right:
        raise Cannot("integer divide by zero")
    remainder = abs(left) % abs(right)
    return -remainder if left < 0 else remainder


def _power(base: Number, exponent: Number) -> float:
    try:
        return math.pow(base, exponent)
    except OverflowError:
        return math.inf
    except ValueError:  # nought to a negative power, or a root of a negative number
        return math.nan if base else math.inf


OPERATIONS: dict[str, Callable[[Any, Any], Any]] = {
    "==": _equal,
    "!=": lambda left, right: not _equal(left, right),
    "<": _alike("<", lambda left, right: left < right),
    "<=": _alike("<=", lambda left, right: left <= right),
    ">": _alike(">", lambda left, right: left > right),
    ">=": _alike(">=", lambda left, right: left >= right),
    "in": _within,
    "+": _alike("+", lambda left, right: left + right),
    "-": _numbers("-", lambda left, right: left - right),
    "*": _numbers("*", lambda left, right: left * right),
    "/": _numbers("/", _divided),
    "%": _numbers("%", _remainder),
    "^": _numbers("^", _power),
    "**": _numbers("**", _power),
}

PREDICATES: dict[str, Callable[[list[Any], list[Any]], Any]] = {
    "all": lambda _, found: all(found),
    "any": lambda _, found: any(found),
    "none": lambda _, found: not any(found),
    "one": lambda _, found: sum(found) == 1,
    "count": lambda _, found: sum(found),
    "filter": lambda items, found: [item for item, good in zip(items, found, strict=True) if good],
    "map": lambda _, found: found,
}


def _length(value: Any) -> int:
    if not isinstance(value, list | str | dict):
        raise Cannot(f"len needs a list, text or a mapping, not {kind(value)}")
    return len(value)


def _as(name: str, convert: Callable[[Any], Number]) -> Callable[[Any], Number]:
    def converted(value: Any) -> Number:
        if not (_is_number(value) or isinstance(value, str)):
            raise Cannot(f"{name} needs a number or text, not {kind(value)}")
        try:
            return convert(value)
        except ValueError:
            raise Cannot(f"{name} cannot read {value!r}") from None

    return converted


def _whole(value: Any) -> int:
    """Python also reads blanks, underscores and the digits of other scripts."""
    if isinstance(value, str) and not re.fullmatch("[-+]?[0-9]+", value):
        raise ValueError(value)
    return int(value)


def _of_numbers(name: str, apply: Callable[[list[Any]], Any]) -> Callable[..., Any]:
    """Of the numbers given, and of those in the lists given."""

    def applied(*given: Any) -> Any:
        lists = (one if isinstance(one, list) else [one] for one in given)
        return apply([_number(one, name) for some in lists for one in some])

    return applied


def _mean(values: list[Any]) -> float:
    return sum(values) / len(values) if values else 0.0


def _median(values: list[Any]) -> float:
    """NaN sorts first, as in Go."""
    ordered = sorted(values, key=lambda value: (not math.isnan(value), value))
    middle = len(ordered) // 2
    return _mean(ordered[middle : middle + 1] if len(ordered) % 2 else ordered[middle - 1 : middle + 1])


def _rounded(name: str, apply: Callable[[float], int]) -> Callable[[Any], float]:
    def rounded(value: Any) -> float:
        number = _number(value, name)
        return float(apply(number)) if math.isfinite(number) else number

    return rounded


def _away_from_nought(number: float) -> int:
    whole = math.floor(abs(number) + 0.5)
    return whole if number >= 0 else -whole


FUNCTIONS: dict[str, tuple[int | None, Callable[..., Any]]] = {
    "len": (1, _length),
    "asInt": (1, _as("asInt", _whole)),
    "asFloat": (1, _as("asFloat", float)),
    "isNaN": (1, lambda value: math.isnan(_number(value, "isNaN"))),
    "isInf": (1, lambda value: math.isinf(_number(value, "isInf"))),
    "isNil": (1, lambda value: value is None),
    "default": (2, lambda value, instead: instead if value is None else value),
    "abs": (1, lambda value: abs(_number(value, "abs"))),
    "sum": (1, lambda value: sum(_number(one, "sum") for one in _list(value, "sum"))),
    "mean": (None, _of_numbers("mean", _mean)),
    "median": (None, _of_numbers("median", _median)),
    "first": (1, lambda value: next(iter(_list(value, "first")), None)),
    "last": (1, lambda value: next(reversed(_list(value, "last")), None)),
    "round": (1, _rounded("round", _away_from_nought)),
    "ceil": (1, _rounded("ceil", math.ceil)),
    "floor": (1, _rounded("floor", math.floor)),
    "max": (None, _of_numbers("max", lambda values: max(values, default=None))),
    "min": (None, _of_numbers("min", lambda values: min(values, default=None))),
}
"""Each with the number of its arguments, None where there may be any."""
