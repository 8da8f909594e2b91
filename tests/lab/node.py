"""The lab's node: registers itself, binds every pod that is due, and has a `Story` played for each.

Not restartable: a node that dies forgets which processes were whose.
"""

from __future__ import annotations

import asyncio
import itertools
import signal
import sys
from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from tests.lab import playing
from tests.lab.node_api import MERGE, STRATEGIC, Api
from tests.lab.playing import NODE, NODE_ADDRESS, Pod
from tests.lab.story import Story, begun


class Node:
    def __init__(self, folder: Path) -> None:
        self.api = Api(folder)
        self.logs = folder / "logs" / "pods"
        self.stories: dict[str, Story] = {}
        self.addresses = pod_addresses()
        self.bindings: set[asyncio.Task[None]] = set()

    async def run(self) -> None:
        await self.register()
        async for kind, thing in self.api.pods():
            if kind == "LISTED":
                await self.relisted(thing)
            elif kind == "DELETED":
                self.gone(thing["metadata"]["uid"])
            elif kind in ("ADDED", "MODIFIED"):
                self.seen(thing)

    async def register(self) -> None:
        """A Ready node with room for everything. The not-ready taint, which a node-lifecycle controller would
        take away, is taken away by us."""
        await self.api.call("POST", "/api/v1/nodes", NODE_MANIFEST)
        clean = {"spec": {"taints": None}}
        await self.api.call("PATCH", f"/api/v1/nodes/{NODE}", clean, MERGE)
        status = {"status": node_status(datetime.now(UTC))}
        await self.api.call("PATCH", f"/api/v1/nodes/{NODE}/status", status, STRATEGIC)

    async def relisted(self, listed: dict[str, Any]) -> None:
        there = {pod["metadata"]["uid"] for pod in listed["items"]}
        for uid in set(self.stories) - there:
            self.gone(uid)
        for pod in listed["items"]:
            self.seen(pod)

    def seen(self, pod: Pod) -> None:
        story = self.stories.get(pod["metadata"]["uid"])
        if story:
            story.seen(pod)
        elif pod["spec"].get("nodeName") == NODE:
            self.begin(pod)
        elif schedulable(pod):
            self.bindings.add(task := begun(self.bind(pod)))
            task.add_done_callback(self.bindings.discard)

    def begin(self, pod: Pod) -> None:
        if (pod.get("status") or {}).get("phase") in ("Succeeded", "Failed"):
            return
        story = Story(self.api, self.logs, pod, next(self.addresses))
        self.stories[pod["metadata"]["uid"]] = story
        story.seen(pod)

    def gone(self, uid: str) -> None:
        if story := self.stories.pop(uid, None):
            story.forget()

    async def bind(self, pod: Pod) -> None:
        name, namespace = pod["metadata"]["name"], pod["metadata"]["namespace"]
        binding = {"apiVersion": "v1", "kind": "Binding", "metadata": {"name": name},
                   "target": {"apiVersion": "v1", "kind": "Node", "name": NODE}}  # fmt: skip
        await self.api.call("POST", f"/api/v1/namespaces/{namespace}/pods/{name}/binding", binding)


def schedulable(pod: Pod) -> bool:
    """Unbound, and asking for nothing this node lacks: a pod with a nodeSelector stays Pending."""
    spec = pod["spec"]
    return not (spec.get("nodeName") or spec.get("schedulingGates") or spec.get("nodeSelector")
                or pod["metadata"].get("deletionTimestamp"))  # fmt: skip


def pod_addresses() -> Iterator[str]:
    """All of 10.244.0.0/16 in turn: an address comes back only after 60,000 others."""
    while True:
        for third, fourth in itertools.product(range(1, 256), range(1, 255)):
            yield f"10.244.{third}.{fourth}"


NODE_MANIFEST = {
    "apiVersion": "v1",
    "kind": "Node",
    "metadata": {"name": NODE, "labels": {"kubernetes.io/hostname": NODE, "kubernetes.io/os": "linux"}},
    "spec": {"podCIDR": "10.244.0.0/16"},
}


def node_status(now: datetime) -> dict[str, Any]:
    when = playing.stamp(now)
    room = {"cpu": "1000", "memory": "1000Gi", "pods": "10000", "ephemeral-storage": "1000Gi"}
    ready = {"type": "Ready", "status": "True", "reason": "LabReady", "lastHeartbeatTime": when,
             "lastTransitionTime": when}  # fmt: skip
    return {
        "capacity": room,
        "allocatable": room,
        "addresses": [{"type": "InternalIP", "address": NODE_ADDRESS}],
        "conditions": [ready],
    }


async def main(folder: Path) -> None:
    running = asyncio.create_task(Node(folder).run())
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, running.cancel)
    with suppress(asyncio.CancelledError):
        await running


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1])))
