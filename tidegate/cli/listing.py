"""`list rollouts`: all Rollouts one a line, and with --watch another line for each change."""

from __future__ import annotations

import sys
import time
from argparse import Namespace
from collections.abc import Iterator
from datetime import UTC, datetime
from itertools import chain
from typing import Any

from crds.paths import get
from crds.times import rfc3339
from tidegate.cli.api import Api
from tidegate.cli.live import LOOK_SECONDS, SILENT
from tidegate.kube.errors import Gone, Unreachable
from tidegate.views.listing import listing

Raw = dict[str, Any]
Event = tuple[Raw, str]
"""A Rollout, and a word for its status where its own says nothing more."""


def list_rollouts(api: Api, asked: Namespace) -> None:
    """Those of the namespace, or of all; `--name` and NAME mean one."""
    asked.name = asked.name or asked.only
    found, version = api.rollouts(asked.name, everywhere=asked.all_namespaces)
    if not found and not asked.watch:
        print(_nothing(api, asked), file=sys.stderr)
        return
    lines, last = listing(found, everywhere=asked.all_namespaces), dict[str, str]()
    _say(lines.header, "TIMESTAMP", asked)
    for rollout, status in chain(((one, "") for one in found), _changes(api, asked, version)):
        key, line = get(rollout, "metadata", "uid", default=""), lines.line(rollout, status)
        if last.get(key) != line:
            last[key] = line
            _say(line, rfc3339(datetime.now(UTC)), asked)


def _nothing(api: Api, asked: Namespace) -> str:
    where = "any namespace" if asked.all_namespaces else f"namespace {api.namespace!r}"
    return f"No rollouts{f' named {asked.name!r}' if asked.name else ''} found in {where}."


def _changes(api: Api, asked: Namespace, version: str) -> Iterator[Event]:
    """What becomes of them, for as long as somebody looks."""
    while asked.watch:
        try:
            for event in api.events(version, asked.name, everywhere=asked.all_namespaces):
                yield event["object"], "Deleted" if event["type"] == "DELETED" else ""
        except Unreachable:
            print(SILENT, file=sys.stderr)
        except Gone:  # too old a version to go on from
            pass
        version = ""  # from here on: all there are, then their changes
        time.sleep(LOOK_SECONDS)


def _say(line: str, stamp: str, asked: Namespace) -> None:
    print(f"{stamp:<20}  {line}" if asked.timestamps else line, flush=True)
