"""Views as text, laid out as people know it from `kubectl argo rollouts get rollout`."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from msgspec.structs import replace

from tidegate.views.family import Node
from tidegate.views.rollout import RolloutView
from tidegate.views.status import marked

_COLOURS = {"✔": 32, "◌": 34, "◷": 34, "॥": 36, "✖": 31, "⚠": 33, "?": 33, "•": 90}
_PAINTED = re.compile(
    rf"([{''.join(map(re.escape, _COLOURS))}]) \w+|\((?:canary|stable|active|preview)[^)]*\)"
)
_RUNS = ("Pod", "✔ Running")
_SUMMARY = ("NAME", "STRATEGY", "STEP", "SET WEIGHT", "READY", "UPDATED", "UP-TO-DATE", "AVAILABLE")


def screen(view: RolloutView, height: int | None = None) -> str:
    """The whole view: the summary line, the header block, what is wrong, and the tree.

    Where that is more than `height` lines, pods that run are counted instead of named.
    """
    text = _with_tree(view, view.tree)
    return text if height is None or text.count("\n") <= height else _with_tree(view, _folded(view.tree))


def _with_tree(view: RolloutView, tree: Node) -> str:
    blocks = (table((_SUMMARY, _summary(view))), "\n".join(_header(view)), table(_rows(tree)))
    return "\n\n".join(blocks) + "\n"


def _folded(node: Node) -> Node:
    well = [one for one in node.below if (one.kind, one.status) == _RUNS]
    kept = tuple(_folded(one) for one in node.below if one not in well)
    counted = (Node(f"□ {len(well)} pod{'s' * (len(well) > 1)}", *_RUNS),) if well else ()
    return replace(node, below=(*kept, *counted))


def one_line(view: RolloutView) -> str:
    """The view where there is room for a line only."""
    weight = "" if view.set_weight is None else f", weight {view.actual_weight} of {view.set_weight} asked"
    step = f", step {view.step}" if view.step else ""
    pods = f"{view.replicas.ready}/{view.replicas.desired} ready, {view.replicas.updated} updated"
    return f"{view.name} {view.standing.line}{step}{weight}, {pods}"


def _summary(view: RolloutView) -> tuple[str, ...]:
    counts = view.replicas
    ready = f"{counts.ready}/{counts.desired}"
    # Deployments say UP-TO-DATE and Rollouts say Updated, both for the pods of the newest revision.
    pods = (ready, str(counts.updated), str(counts.updated), str(counts.available))
    return (view.name, view.strategy, view.step or "-", _percent(view.set_weight), *pods)


def _percent(weight: int | None) -> str:
    return "-" if weight is None else str(weight)


def _header(view: RolloutView) -> Iterator[str]:
    yield from field("Name", view.name)
    yield from field("Namespace", view.namespace)
    yield from field("Status", marked(view.standing.phase))
    yield from field("Message", view.standing.message)
    yield from field("Next", view.next)
    yield from field("Strategy", view.strategy)
    yield from field("  Step", view.step)
    if view.set_weight is not None:
        yield from field("  SetWeight", str(view.set_weight))
        yield from field("  ActualWeight", str(view.actual_weight))
    images = (f"{one.name} ({', '.join(one.roles)})" if one.roles else one.name for one in view.images)
    yield from field("Images", *images)
    yield "Replicas:"
    for key in ("desired", "current", "updated", "ready", "available"):
        yield from field(f"  {key.capitalize()}", str(getattr(view.replicas, key)))
    yield from field("Conditions", *(f"{one.type}: {one.message}" for one in view.conditions))


def field(name: str, *values: str) -> Iterator[str]:
    """`Name:` and its values from column 17 on, one a line; nothing where there is no value."""
    labels = [f"{name}:"] + [""] * len(values)
    for label, value in zip(labels, filter(None, values), strict=False):
        yield f"{label:<17}{value}"


def _rows(tree: Node) -> Iterator[tuple[str, ...]]:
    yield ("NAME", "KIND", "STATUS", "AGE", "INFO")
    yield _row(tree, "")
    yield from _below(tree, "")


def _below(node: Node, indent: str) -> Iterator[tuple[str, ...]]:
    for child in node.below:
        last = child is node.below[-1]
        yield _row(child, indent + ("└──" if last else "├──"))
        yield from _below(child, indent + ("   " if last else "│  "))


def _row(node: Node, lead: str) -> tuple[str, ...]:
    return (lead + node.name, node.kind, node.status, node.age, node.info)


def table(rows: Iterable[tuple[str, ...]]) -> str:
    """Rows in columns two spaces apart, the first row being the header."""
    lines = list(rows)
    widths = columns(lines)
    return "\n".join(aligned(line, widths) for line in lines)


def columns(rows: Iterable[tuple[str, ...]]) -> tuple[int, ...]:
    """The width of each column."""
    return tuple(max(map(len, column)) for column in zip(*rows, strict=True))


def aligned(row: tuple[str, ...], widths: tuple[int, ...]) -> str:
    """A row in columns of these widths."""
    return "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()


def coloured(text: str) -> str:
    """The text with its glyphs and roles in ANSI colours; widths are as before."""
    return _PAINTED.sub(_paint, text)


def _paint(found: re.Match[str]) -> str:
    colour = _COLOURS.get(found[1], 35 if "canary" in found[0] else 32)
    return f"\033[{colour}m{found[0]}\033[0m"
