"""What the user does not want to be drift: `ignoreDifferences`, by JSON pointer or by who manages a field.

What is ignored is copied from the live object into what is applied, so that it is neither shown nor
overwritten; identity and status are never copied.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from crds.application_policy import IgnoredDifference
from crds.paths import drop, put
from gitops.fields import GONE, Steps, at, owned, reserved, resolved
from gitops.objects import key_of

Raw = dict[str, Any]


def kept(wanted: Raw, live: Raw, ignored: Iterable[IgnoredDifference]) -> Raw:
    """`wanted` with what is ignored as it is in `live`; also away where that has it not."""
    for one in ignored:
        if not _means(one, wanted):
            continue
        for text in one.json_pointers:
            wanted = _copied(wanted, live, tuple(pointer(text)))
        for steps in owned(live, one.managed_fields_managers):
            wanted = _copied(wanted, live, steps)
    return wanted


def pointer(text: str) -> Iterator[str]:
    """The steps of a JSON pointer (RFC 6901)."""
    for token in text.split("/")[1:]:
        yield "f:" + token.replace("~1", "/").replace("~0", "~")


def _means(one: IgnoredDifference, raw: Raw) -> bool:
    key = key_of(raw)
    return (
        one.group in {"*", key.group}
        and one.kind in {"*", key.kind}
        and one.name in {"", key.name}
        and one.namespace in {"", key.namespace}
    )


def _copied(wanted: Raw, live: Raw, steps: Steps) -> Raw:
    here, there = resolved(wanted, steps), resolved(live, steps)
    if here is None or not here or reserved(here):
        return wanted
    found = GONE if there is None else at(live, there)
    if found is GONE:
        gone: Raw = drop(wanted, here) if isinstance(here[-1], str) else wanted
        return gone
    same: Raw = put(wanted, here, found)
    return same
