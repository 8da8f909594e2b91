"""Asks a real API server: `python -m tests.lab run -- .venv/bin/python -m tests.contracts.record`.

Needs KUBECONFIG. Puts our CRDs in place, plays every case in a fresh namespace and writes the answers down.
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import yaml

from tests.contracts.cases import CASES, NAMESPACE, Case, Raw
from tests.contracts.play import RECORDED, play, recorded, written
from tests.lab.waiting import until
from tidegate.kube.config import load
from tidegate.kube.errors import ApiError, NotFound
from tidegate.kube.http import Request, Response
from tidegate.kube.sync import SyncSender

CRDS = Path(__file__).parents[2] / "crds"
DEFINITIONS = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"
NAMESPACES = "/api/v1/namespaces"
CREATED = 201


class Blocking:
    """A synchronous sender where an asynchronous one is asked for; one case is played at a time anyway."""

    def __init__(self, sender: SyncSender) -> None:
        self._sender = sender

    async def send(self, request: Request) -> Response:
        return self._sender.send(request)

    async def watch(self, request: Request) -> AsyncIterator[dict[str, Any]]:
        for line in self._sender.watch(request):
            yield line


def answers() -> Iterator[tuple[Case, str]]:
    """Each case with what the real API server answered, as it is written down."""
    with SyncSender(load(), "tidegate/contracts") as sender:
        _install_crds(sender)
        _fresh_namespace(sender)
        for case in CASES:
            yield case, written(asyncio.run(play(case, Blocking(sender))))


def main() -> int:
    RECORDED.mkdir(exist_ok=True)
    stale = set(RECORDED.glob("*.json"))
    for case, text in answers():
        recorded(case).write_text(text)
        stale.discard(recorded(case))
    for file in stale:
        file.unlink()
    print(f"contracts: {len(CASES)} cases recorded")
    return 0


def _install_crds(sender: SyncSender) -> None:
    for file in sorted(CRDS.rglob("*.yaml")):
        for definition in yaml.safe_load_all(file.read_text()):
            _put_definition(sender, definition)


def _name(raw: Raw) -> str:
    name: str = raw["metadata"]["name"]
    return name


def _put_definition(sender: SyncSender, definition: Raw) -> None:
    answer = sender.send(Request("POST", DEFINITIONS, body=definition))
    if answer.status != CREATED and answer.body.get("reason") != "AlreadyExists":
        raise ApiError(answer)
    name = _name(definition)
    until(lambda: _served(sender, name), 20, f"{name} to be served")


def _served(sender: SyncSender, name: str) -> bool:
    definition = sender.accepted(Request("GET", f"{DEFINITIONS}/{name}"))
    conditions = definition.get("status", {"conditions": []}).get("conditions") or []
    established = any(c["type"] == "Established" and c["status"] == "True" for c in conditions)
    spec = definition["spec"]
    path = f"/apis/{spec['group']}/{spec['versions'][0]['name']}/{spec['names']['plural']}"
    return established and sender.send(Request("GET", path)).status == 200


def _fresh_namespace(sender: SyncSender) -> None:
    sender.send(Request("DELETE", f"{NAMESPACES}/{NAMESPACE}"))
    until(lambda: _gone(sender), 60, f"the namespace {NAMESPACE} of an earlier recording to go")
    sender.accepted(Request("POST", NAMESPACES, body={"metadata": {"name": NAMESPACE}}))


def _gone(sender: SyncSender) -> bool:
    try:
        sender.accepted(Request("GET", f"{NAMESPACES}/{NAMESPACE}"))
    except NotFound:
        return True
    return False


if __name__ == "__main__":
    sys.exit(main())
