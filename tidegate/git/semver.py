"""Version ranges over tags, as `targetRevision` may hold one: `1.2.*`, `>=1.2.0 <2`, `^1.2`, `~1.2 || 3.x`.

As Helm and Argo CD read them: a version with a pre-release is taken only where its range names one.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import NamedTuple

_NUMBER = r"(0|[1-9]\d*)"
_VERSION = re.compile(
    rf"v?{_NUMBER}(?:\.{_NUMBER})?(?:\.{_NUMBER})?(?:-([0-9A-Za-z.-]+))?(?:\+[0-9A-Za-z.-]+)?"
)
_PARTIAL = re.compile(
    r"v?(\d+|[xX*])(?:\.(\d+|[xX*]))?(?:\.(\d+|[xX*]))?(?:-([0-9A-Za-z.-]+))?(?:\+[0-9A-Za-z.-]+)?"
)
_TERM = re.compile(r"(=|!=|>=|=>|<=|=<|>|<|~>|~|\^)?\s*([vV]?[\dxX*][^\s,|]*)")
_HYPHEN = re.compile(r"(\S+)\s+-\s+(\S+)")
_SPELLED = {"=>": ">=", "=<": "<=", "~>": "~"}


class Version(NamedTuple):
    major: int
    minor: int
    patch: int
    pre: str = ""


class _Bound(NamedTuple):
    """`low` is within, `high` is not."""

    low: Version | None
    high: Version | None
    pre: bool
    without: bool = False


def is_range(text: str) -> bool:
    """Whether it could be a range; a branch or tag of exactly this name comes first all the same."""
    exact = _VERSION.fullmatch(text.strip())
    return not (exact and exact[2] and exact[3]) and _alternatives(text) is not None


def newest(range_: str, tags: Iterable[str]) -> str | None:
    """The tag of the highest version within the range."""
    fitting = [(version, tag) for tag in tags if (version := parse(tag)) and within(range_, version)]
    return max(fitting, key=lambda pair: _order(pair[0]), default=(None, None))[1]


def parse(text: str) -> Version | None:
    found = _VERSION.fullmatch(text)
    if found is None:
        return None
    return Version(int(found[1]), int(found[2] or 0), int(found[3] or 0), found[4] or "")


def within(range_: str, version: Version) -> bool:
    return any(all(_fits(bound, version) for bound in bounds) for bounds in _alternatives(range_) or ())


def _fits(bound: _Bound, version: Version) -> bool:
    if version.pre and not bound.pre:
        return False
    above = bound.low is None or _order(version) >= _order(bound.low)
    below = bound.high is None or _order(version) < _order(bound.high)
    return (above and below) != bound.without


def _order(version: Version) -> tuple[object, ...]:
    """Numbers before words within a pre-release, and a release after all of its own."""
    words = (
        [(0, int(w), "") if w.isdigit() else (1, 0, w) for w in version.pre.split(".")] if version.pre else []
    )
    return (*version[:3], not version.pre, words)


def _alternatives(text: str) -> list[list[_Bound]] | None:
    """None where it is no range at all."""
    found = [_bounds(part) for part in text.strip().split("||")]
    return None if any(bounds is None for bounds in found) else [bounds for bounds in found if bounds]


def _bounds(text: str) -> list[_Bound] | None:
    text = _HYPHEN.sub(r">=\1 <=\2", text.strip())
    rest = _TERM.sub("", text)
    if not text or rest.strip(" ,"):
        return None
    bounds = [_bound(_SPELLED.get(sign, sign), version) for sign, version in _TERM.findall(text)]
    return None if None in bounds else [bound for bound in bounds if bound]


def _bound(sign: str, text: str) -> _Bound | None:
    found = _PARTIAL.fullmatch(text)
    if found is None:
        return None
    given = [int(part) for part in found.groups()[:3] if part and part not in "xX*"]
    major, minor, patch, *_ = [*given, 0, 0, 0]
    low = Version(major, minor, patch, found[4] or "")
    pre = bool(found[4])
    match sign:
        case ">=":
            return _Bound(low, None, pre)
        case "<":
            return _Bound(None, low, pre)
        case ">":
            return _Bound(_next(low, given), None, pre)
        case "<=":
            return _Bound(None, _next(low, given), pre)
        case "~":
            return _Bound(low, _after(low, min(2, len(given))), pre)
        case "^":
            leading = next((i + 1 for i, number in enumerate(given) if number), len(given))
            return _Bound(low, _after(low, leading), pre)
        case _:
            return _Bound(low, _next(low, given), pre, without=sign == "!=")


def _next(low: Version, given: list[int]) -> Version | None:
    """The first version beyond all that `given` stands for."""
    return low._replace(pre=low.pre + ".0") if low.pre else _after(low, len(given))


def _after(low: Version, places: int) -> Version | None:
    """The lowest version, its pre-releases included, that differs upwards in one of the first `places`."""
    if not places:
        return None
    numbers = [low.major, low.minor, low.patch]
    major, minor, patch, *_ = [*numbers[: places - 1], numbers[places - 1] + 1, 0, 0]
    return Version(major, minor, patch, "0")
