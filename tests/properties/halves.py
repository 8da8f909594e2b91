"""Who has seen less does no more: a look once again, with one of those that were asked not answering yet.

So it is just after a start, when each kind is first listed in its own time, and while something is slow. A
half look may wait, and say so. It writes nothing that a full one would not, and remembers nothing else: what
it leaves of the object itself is as it was, or as a full look has it, at once or once that has recorded what
it found. Of conditions it says none that is neither there nor said by a full look.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime
from functools import partial
from operator import eq
from typing import Any, NamedTuple

from crds.refs import Kind
from tidegate.planners.needs import (
    Answer,
    Answers,
    Arrival,
    Need,
    Noticed,
    Object,
    Outline,
    Owned,
    Pending,
    Pruned,
    Reached,
    Refusal,
)
from tidegate.planners.plan import MergePatch, Plan, Record, Write
from tidegate.runtime.reconcile import Planner
from tidegate.sandbox.patches import merged

Raw = dict[str, Any]
ROUNDS = 32
NEXT = 3
"""A full look may record first what it does then."""
SAID_ANEW = frozenset({"message", "reconciledAt"})
WAITS = "RevertPending"
"""A condition whose message tells what is waited for."""


class Look(NamedTuple):
    """What a planner is given."""

    raw: Raw
    answers: Answers
    now: datetime


class Out(NamedTuple):
    """Whose answers are out."""

    name: str
    hides: Callable[[Need], bool]


def overdone(planner: Planner, look: Look, full: Plan, turn: int | None = None) -> Iterator[str]:
    """What half looks would do that the full one does not: all of them, or the one whose `turn` it is."""
    ways = list(outs(look))
    chosen = ways if turn is None else [ways[turn % len(ways)]]
    for out in chosen:
        half = planner.plan(look.raw, seen(planner, look, out.hides), look.now)
        if half != full:
            yield from (f"without {out.name}: {text}" for text in _more(planner, look, full, half))


def outs(look: Look) -> Iterator[Out]:
    """Each who was asked, each single question that is fetched, and all that is fetched."""
    names = set(map(source, look.answers)) - {"", look.raw["kind"]}  # nobody plans what was not listed
    yield from (Out(name, _asked(name)) for name in sorted(names))
    yield from (Out(str(one)[:100], partial(eq, one)) for one in look.answers if _is_fetched(one))
    yield Out("all that is fetched", _is_fetched)


def _asked(name: str) -> Callable[[Need], bool]:
    return lambda need: source(need) == name


def source(need: Need) -> str:
    """Whom it is asked: all that comes from there may be out; "" where a process knows it by itself."""
    match need:
        case Object((Kind(kind=kind), _, _)) | Owned(Kind(kind=kind)) | Outline(Kind(kind=kind)):
            return kind
        case Refusal() | Pruned() | Noticed() | Reached() | Arrival():
            return ""
        case _:
            return type(need).__name__


def _is_fetched(need: Need) -> bool:
    return source(need) == type(need).__name__


def seen(planner: Planner, look: Look, hides: Callable[[Need], bool]) -> Answers:
    """The answers of a look at which some are out, and with them what is asked only after them."""
    found: dict[Need, Answer] = {}
    for _ in range(ROUNDS):
        needs = planner.needs(look.raw, found, look.now)
        if all(need in found for need in needs):
            return {need: found[need] for need in needs}
        out: Answer = Pending()
        found |= {need: out if hides(need) else look.answers.get(need, out) for need in needs}
    raise AssertionError("the needs do not come to an end")


def _more(planner: Planner, look: Look, full: Plan, half: Plan) -> Iterator[str]:
    fulls = list(_from(planner, look, full))
    written = [write for _, plan in fulls for write in plan.writes]
    for write in half.writes:
        if not _records(look.raw, write) and write not in written:
            yield f"{type(write).__name__} {write.ref} for {half.why!r}, not for {full.why!r}"
    yield from _differences(left(look.raw, half), [look.raw, *(left(raw, plan) for raw, plan in fulls)])


def _from(planner: Planner, look: Look, plan: Plan) -> Iterator[tuple[Raw, Plan]]:
    """The full look, and those after it while they do nothing but record."""
    for _ in range(NEXT):
        yield look.raw, plan
        if not plan.writes or not all(_records(look.raw, write) for write in plan.writes):
            return
        look = look._replace(raw=left(look.raw, plan))
        plan = planner.plan(look.raw, seen(planner, look, lambda _need: False), look.now)


def left(raw: Raw, plan: Plan) -> Raw:
    """The object itself after the plan."""
    for write in plan.writes:
        if isinstance(write, Record):
            raw = {**raw, "status": merged(raw.get("status") or {}, write.patch)}
        elif isinstance(write, MergePatch) and _records(raw, write):
            raw = merged(raw, write.body)
    return raw


def _records(raw: Raw, write: Write) -> bool:
    """Whether it writes into the object itself."""
    own = (raw["kind"], raw["metadata"].get("namespace", ""), raw["metadata"]["name"])
    ref = write.ref
    return isinstance(write, Record | MergePatch) and (ref.kind.kind, ref.namespace, ref.name) == own


def _differences(half: Any, others: list[Any], where: str = "") -> Iterator[str]:
    """What is like none of the others."""
    name = where.rpartition(".")[2]
    if half in others or name in SAID_ANEW:
        return
    if name == "conditions":
        new = _said(half) - {WAITS}.union(*map(_said, others))
        yield from (f"says {one}" for one in sorted(new))
    elif isinstance(half, dict):
        parts = [one if isinstance(one, dict) else {} for one in others]
        for key in half.keys() | set().union(*parts):
            yield from _differences(half.get(key), [one.get(key) for one in parts], f"{where}.{key}")
    else:
        yield f"{where} is {half!r}, which is none of {others}"


def _said(conditions: Any) -> set[str]:
    """The types of those that hold."""
    return {one["type"] for one in conditions or () if one.get("status", "True") == "True"}
