"""Label and field selectors of lists and watches, as far as we send them."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping

from tidegate.sandbox.objects import Raw, labels_of
from tidegate.sandbox.refusals import unsupported

Matches = Callable[[Raw], bool]


def matcher(namespace: str, query: Mapping[str, str]) -> Matches:
    """Says whether an object belongs to the collection asked for."""
    terms = [_label_term(term) for term in _split(query.get("labelSelector", ""))]
    terms += [_field_term(term) for term in _split(query.get("fieldSelector", ""))]
    if namespace:
        terms.append(lambda raw: raw["metadata"].get("namespace") == namespace)
    return lambda raw: all(term(raw) for term in terms)


def _split(text: str) -> list[str]:
    """The terms between commas, but for those between the values of a set."""
    terms = re.findall(r"(?:[^,(]|\([^)]*\))+", text)
    if ",".join(terms) != text:
        raise unsupported(f"the selector {text}")
    return terms


def _label_term(term: str) -> Matches:
    if one := re.fullmatch(r"(\S+) (in|notin) \((.*)\)", term):
        return _set_term(*one.groups())
    for sign in ("!=", "==", "="):
        key, found, value = term.partition(sign)
        if found:
            return lambda raw: (labels_of(raw).get(key) == value) is (sign != "!=")
    if " " in term or "(" in term:
        raise unsupported(f"the selector {term}")
    if term.startswith("!"):
        return lambda raw: term[1:] not in labels_of(raw)
    return lambda raw: term in labels_of(raw)


def _set_term(key: str, operator: str, listed: str) -> Matches:
    values = [value.strip() for value in listed.split(",")]
    return lambda raw: (labels_of(raw).get(key) in values) is (operator == "in")


def _field_term(term: str) -> Matches:
    key, _, value = term.replace("==", "=").partition("=")
    if key not in ("metadata.name", "metadata.namespace") or key.endswith("!"):
        raise unsupported(f"the field selector {term}")
    return lambda raw: raw["metadata"].get(key.removeprefix("metadata."), "") == value
