"""YAML as the API server's clients read it: keys are text, times are text, and no key stands twice.

What a stranger wrote is read here, so a document that would grow without bound, or nests so deep that the
parser would take the process with it, is an error with its line before anything is built of it.
"""

from __future__ import annotations

import re
from collections.abc import Hashable, Iterator
from typing import Any, NamedTuple

import yaml

MOST_DEEP = 100
MOST_CHARACTERS = 16 * 2**20
"""Of a text, once each alias is written out as often as it is used."""

_MERGE = "tag:yaml.org,2002:merge"
_OURS = {"int", "float", "timestamp"}
_INT = re.compile(r"[-+]?(0b[01_]+|0x[0-9a-fA-F_]+|0[0-7_]*|[1-9][0-9_]*)$")
_FLOAT = re.compile(
    r"[-+]?(\.[0-9]+|[0-9][0-9_]*(\.[0-9_]*)?)([eE][-+]?[0-9]+)?$|[-+]?\.(inf|Inf|INF)$|\.(nan|NaN|NAN)$"
)
_NESTING = re.compile(r"^[ \-?]*", re.MULTILINE)


class Document(NamedTuple):
    line: int
    value: Any


def documents(text: str) -> Iterator[Any]:
    """Every document that is not empty. Raises YAMLError."""
    return (one.value for one in located(text))


def located(text: str) -> Iterator[Document]:
    """Every document that is not empty, and the line it starts at. Raises YAMLError."""
    _shallow(text)
    loader = _Loader(text)
    written = 0
    while loader.check_node():
        node = loader.get_node()
        written += _check(node, MOST_CHARACTERS - written)
        value = _built(loader, node)
        if value is not None:
            yield Document(node.start_mark.line + 1, value)


def _built(loader: _Loader, document: yaml.Node) -> Any:
    """PyYAML's own constructors stumble over `0x_`, `!!bool perhaps` and a number of 5000 digits."""
    try:
        return loader.construct_document(document)
    except (ValueError, KeyError, AttributeError) as problem:
        raise _wrong(f"a value in it is none of its type: {problem}", document.start_mark) from None


def line_of(problem: yaml.YAMLError) -> int | None:
    """Where it went wrong, from 1; None where the parser does not say."""
    mark = getattr(problem, "problem_mark", None) or getattr(problem, "context_mark", None)
    return None if mark is None else mark.line + 1


class _Loader(getattr(yaml, "CSafeLoader", yaml.SafeLoader)):  # type: ignore[misc]  # C where PyYAML has it
    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        """By text from the start: to Python, 1 and true are one key."""
        self.flatten_mapping(node)
        return {
            _text(self.construct_object(key, deep=True)): self.construct_object(value, deep=deep)
            for key, value in node.value
        }


_Loader.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in known if tag.rpartition(":")[2] not in _OURS]
    for first, known in yaml.SafeLoader.yaml_implicit_resolvers.items()
}
# 8080:53 is text, and 1e3 a number: YAML 1.1 and PyYAML say otherwise.
_Loader.add_implicit_resolver("tag:yaml.org,2002:int", _INT, list("-+0123456789"))
_Loader.add_implicit_resolver("tag:yaml.org,2002:float", _FLOAT, list("-+0123456789."))


def _text(key: Any) -> str:
    if key is None:
        return "null"
    return str(key).lower() if isinstance(key, bool) else str(key)


def _shallow(text: str) -> None:
    """The parser recurses in C and dies of too deep a document, so its events are counted first.

    Only where the text could nest so deep at all: counting takes as long as reading.
    """
    longest = max(map(len, _NESTING.findall(text)), default=0)
    if longest + text.count("[") + text.count("{") < MOST_DEEP:
        return
    depth = 0
    for event in yaml.parse(text, _Loader):
        if isinstance(event, yaml.CollectionStartEvent):
            depth += 1
        elif isinstance(event, yaml.CollectionEndEvent):
            depth -= 1
        if depth > MOST_DEEP:
            raise _wrong(f"nests deeper than {MOST_DEEP} levels", event.start_mark)


def _check(document: yaml.Node, most: int) -> int:
    """Its length, written out. YAMLError where a key stands twice, or aliases multiply or hold themselves."""
    sizes: dict[int, int] = {}
    open_nodes: set[int] = set()
    stack: list[tuple[yaml.Node, bool]] = [(document, False)]
    while stack:
        node, seen = stack.pop()
        children = _children(node)
        if seen:
            open_nodes.discard(id(node))
            own = len(node.value) if isinstance(node, yaml.ScalarNode) else 0
            sizes[id(node)] = size = 2 + own + sum(sizes[id(child)] for child in children)
            if size > most:
                problem = f"it grows to more than {MOST_CHARACTERS >> 20} MiB, its aliases written out"
                raise _wrong(problem, node.start_mark)
        elif id(node) in open_nodes:
            raise _wrong("an alias stands within what it names", node.start_mark)
        elif id(node) not in sizes:
            _unique_keys(node)
            open_nodes.add(id(node))
            stack.append((node, True))
            stack.extend((child, False) for child in children)
    return sizes[id(document)]


def _children(node: yaml.Node) -> list[yaml.Node]:
    if isinstance(node, yaml.MappingNode):
        return [part for pair in node.value for part in pair]
    return node.value if isinstance(node, yaml.SequenceNode) else []


def _unique_keys(node: yaml.Node) -> None:
    if not isinstance(node, yaml.MappingNode):
        return
    seen: dict[Hashable, Any] = {}
    for key, _ in node.value:
        if key.tag == _MERGE:
            continue
        if not isinstance(key, yaml.ScalarNode):
            raise _wrong("a key must be a text", key.start_mark)
        if key.value in seen:
            problem = f"the key {key.value!r} stands twice; keep one"
            raise yaml.MarkedYAMLError(None, seen[key.value], problem, key.start_mark)
        seen[key.value] = key.start_mark


def _wrong(problem: str, mark: Any) -> yaml.YAMLError:
    return yaml.MarkedYAMLError(problem=problem, problem_mark=mark)
