"""What a lab tells its guests: one JSON file, named by TIDEGATE_LAB, with every address and path."""

from __future__ import annotations

import os
from pathlib import Path

import msgspec


class PartState(msgspec.Struct, frozen=True):
    """A process of the lab; `pid` as seen from inside."""

    pid: int
    argv: list[str]
    log: str
    env: dict[str, str] = {}


class State(msgspec.Struct, frozen=True):
    """URLs have no trailing slash and are good inside the lab's network namespace only."""

    folder: str
    logs: str
    kubeconfig: str
    apiserver: str
    token: str
    ca: str
    prometheus: str
    gateway: str
    """Envoy's listener; what it serves is told by the Host header."""
    gateway_object: str
    """What a VirtualService writes in `gateways` to be served there."""
    envoy_admin: str
    istiod: str
    kubectl: str
    netns: str
    """/proc/PID/ns/net, with PID as seen from outside the lab."""
    parts: dict[str, PartState]


class NoCluster(Exception):
    """The environment does not say where the cluster is; the message says what to do."""


def read_state(path: str | Path | None = None) -> State:
    """The lab we are in, or the one of that state file. Raises `NoCluster` outside of one."""
    found = path or os.environ.get("TIDEGATE_LAB")
    if not found:
        raise NoCluster("not inside the lab: start with `python -m tests.lab run -- CMD`")
    return msgspec.json.decode(Path(found).read_bytes(), type=State)


def write_state(state: State, parts: dict[str, PartState] | None = None) -> State:
    """Replace the file in one move, so that a reader sees the old state or the new."""
    new = msgspec.structs.replace(state, parts=state.parts if parts is None else parts)
    path = Path(new.folder) / "state.json"
    beside = path.with_suffix(".new")
    beside.write_bytes(msgspec.json.format(msgspec.json.encode(new)))
    beside.rename(path)
    return new
