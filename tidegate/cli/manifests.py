"""YAML as the API server's clients read it: keys are text, times are text, and no key stands twice."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import yaml

MERGE = "tag:yaml.org,2002:merge"
TIME = "tag:yaml.org,2002:timestamp"


class _Loader(yaml.SafeLoader):
    """Raises YAMLError naming the line of a key that stands twice: of two, one would be lost unseen."""

    def compose_mapping_node(self, anchor: Any) -> yaml.MappingNode:
        node = super().compose_mapping_node(anchor)
        keys = [key for key, _ in node.value if key.tag != MERGE]
        for key in keys:
            if [one.value for one in keys].count(key.value) > 1:
                problem = f"the key {key.value!r} stands twice; keep one"
                raise yaml.constructor.ConstructorError(None, None, problem, key.start_mark)
        return node

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        return {_text(key): value for key, value in super().construct_mapping(node, deep).items()}


_Loader.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in known if tag != TIME]
    for first, known in yaml.SafeLoader.yaml_implicit_resolvers.items()
}


def _text(key: Any) -> str:
    return str(key).lower() if isinstance(key, bool) else str(key)


def documents(text: str) -> Iterator[Any]:
    """Every document that is not empty. Raises YAMLError."""
    yield from (one for one in yaml.load_all(text, _Loader) if one is not None)
