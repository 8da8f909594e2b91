"""The lab's node: binds pods, plays them as a kubelet would, and runs the lab's app as real processes.

One task watches pods; each pod has a `Story`, told by small tasks: one for each container, one that writes the
status when it changed, and one that ends it all when the pod is deleted.
"""

from __future__ import annotations

import asyncio
import itertools
import json
import os
import signal
import ssl
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import aiohttp
import msgspec
import yaml

from tests.lab import playing
from tests.lab.playing import NODE, NODE_ADDRESS, Ended, Played, Pod, Running

APP = Path(__file__).with_name("app.py")
ANNOTATION = "lab.tidegate.dev/"
STRATEGIC = "application/strategic-merge-patch+json"


def setting(name: str, default: float) -> float:
    """A number of the whole lab, from the environment it was started in."""
    return float(os.environ.get(f"TIDEGATE_LAB_{name}") or default)


class Api:
    """The few calls a node makes."""

    def __init__(self, folder: Path) -> None:
        config = yaml.safe_load((folder / "kubeconfig").read_text())
        cluster, user = config["clusters"][0]["cluster"], config["users"][0]["user"]
        tls = ssl.create_default_context(cafile=cluster["certificate-authority"])
        self.session = aiohttp.ClientSession(
            cluster["server"],
            headers={"Authorization": f"Bearer {user['token']}", "User-Agent": "lab-node"},
            connector=aiohttp.TCPConnector(ssl=tls, limit=50),
            read_bufsize=2**22,
        )

    async def call(
        self, method: str, path: str, body: Any = None, content: str = "application/json"
    ) -> tuple[int, Any]:
        """Status and decoded body; retried while there is no answer, since a node does not give up."""
        while True:
            with suppress(aiohttp.ClientError, TimeoutError):
                headers = {"Content-Type": content}
                data = None if body is None else json.dumps(body)
                async with self.session.request(method, path, data=data, headers=headers) as answer:
                    return answer.status, await answer.json()
            await asyncio.sleep(0.5)

    async def pods(self) -> AsyncIterator[tuple[str, Pod]]:
        """Every pod as ("ADDED" | "MODIFIED" | "DELETED", pod), for ever; ("LISTED", list) after each relist."""
        while True:
            _, listed = await self.call("GET", "/api/v1/pods")
            yield "LISTED", listed
            with suppress(aiohttp.ClientError, TimeoutError):
                async for event in self._watched(listed["metadata"]["resourceVersion"]):
                    if event["type"] == "ERROR":
                        break
                    yield event["type"], event["object"]

    async def _watched(self, version: str) -> AsyncIterator[dict[str, Any]]:
        query = {"watch": "1", "resourceVersion": version}
        no_limit = aiohttp.ClientTimeout(total=None)
        async with self.session.get("/api/v1/pods", params=query, timeout=no_limit) as answer:
            async for line in answer.content:
                yield json.loads(line)


class Story:
    """One pod from binding to its end."""

    def __init__(self, node: Node, pod: Pod, address: str) -> None:
        self.node, self.pod, self.address = node, pod, address
        self.began = datetime.now(UTC)
        self.played = [Played() for _ in pod["spec"]["containers"]]
        self.processes: dict[int, subprocess.Popen[bytes]] = {}
        self.changed = asyncio.Event()
        self.ending = False
        self.tasks = [asyncio.create_task(self.publish())]
        self.tasks += [asyncio.create_task(self.live(index)) for index in range(len(self.played))]

    @property
    def path(self) -> str:
        return f"/api/v1/namespaces/{self.pod['metadata']['namespace']}/pods/{self.pod['metadata']['name']}"

    def seen(self, pod: Pod) -> None:
        """The API server's newest version of the pod."""
        self.pod = pod
        self.changed.set()
        if pod["metadata"].get("deletionTimestamp") and not self.ending:
            self.ending = True
            self.tasks.append(asyncio.create_task(self.end()))

    def forget(self) -> None:
        """The pod is gone from the API server, in whatever way."""
        for task in self.tasks:
            task.cancel()
        for process in self.processes.values():
            process.kill()

    def annotated(self, name: str, default: float) -> float:
        """A number this pod's annotation `lab.tidegate.dev/NAME` gives, in seconds."""
        given = self.pod["metadata"].get("annotations") or {}
        return float(given.get(ANNOTATION + name, default))

    # -- what is told

    def now(self, index: int, **what: Any) -> None:
        """Something happened to a container."""
        self.played[index] = msgspec.structs.replace(self.played[index], **what)
        self.changed.set()

    async def publish(self) -> None:
        """Write the status whenever it differs from what the API server has."""
        while True:
            await self.changed.wait()
            self.changed.clear()
            said = playing.status(self.pod, self.address, self.began, tuple(self.played), datetime.now(UTC))
            if not playing.said_already(self.pod, said):
                patch = {"metadata": {"uid": self.pod["metadata"]["uid"]}, "status": said}
                status, answer = await self.node.api.call("PATCH", f"{self.path}/status", patch, STRATEGIC)
                if status == 200 and newer(answer, self.pod):
                    self.pod = answer
                elif status not in (404, 409):
                    print(f"{self.path}: status refused with {status}: {answer}", flush=True)

    # -- what happens

    async def live(self, index: int) -> None:
        """One container, through all its starts."""
        container = self.pod["spec"]["containers"][index]
        if playing.unpullable(container["image"]):
            return await self.fail_to_pull(index, container["image"])
        await asyncio.sleep(self.annotated("start-delay", setting("START_DELAY", 0.3)))
        while not self.ending:
            ended = await self.one_run(index, container)
            if self.ending or not playing.starts_again(self.pod, ended.code):
                return None
            await self.back_off(index, container, ended)
        return None

    async def fail_to_pull(self, index: int, image: str) -> None:
        """For ever, each try failing as the one before; the waits grow as those between crashes do."""
        for tries in itertools.count(1):
            self.now(index, state=playing.pull_failed(image))
            await asyncio.sleep(0.5)
            self.now(index, state=playing.pull_backed_off(image))
            await asyncio.sleep(playing.back_off(tries).total_seconds() * setting("BACKOFF_SCALE", 0.1))

    async def one_run(self, index: int, container: dict[str, Any]) -> Ended:
        """From the start of the command to its end."""
        real = playing.is_app(container["image"])
        began = datetime.now(UTC)
        exited = self.spawn(index, container) if real else self.pretend(container)
        self.now(index, state=Running(began))
        probing = asyncio.create_task(self.probe(index, container, real))
        self.tasks.append(probing)
        code = await exited
        probing.cancel()
        self.tasks.remove(probing)
        ended = Ended(code, began, datetime.now(UTC))
        self.now(index, state=ended, ready=False)
        return ended

    async def back_off(self, index: int, container: dict[str, Any], ended: Ended) -> None:
        played = self.played[index]
        wait = playing.back_off(played.restarts)
        if wait:
            waiting = playing.crash_backed_off(self.pod, container["name"], wait)
            self.now(index, state=waiting, last=ended)
        await asyncio.sleep(wait.total_seconds() * setting("BACKOFF_SCALE", 0.1))
        self.now(index, last=ended, restarts=played.restarts + 1)

    def spawn(self, index: int, container: dict[str, Any]) -> asyncio.Future[int]:
        """The lab's app as a process on the pod's address; the answer is its exit code."""
        metadata = self.pod["metadata"]
        environment = {
            "LAB_POD": metadata["name"],
            "LAB_IP": self.address,
            "LAB_PORTS": ",".join(str(port) for port in playing.ports(container)),
            "LAB_VERSION": playing.tag(container["image"]),
            **playing.environment(self.pod, container, self.address),
        }
        log = self.node.logs / f"{metadata['namespace']}_{metadata['name']}_{container['name']}.log"
        with log.open("ab") as out:
            process = subprocess.Popen(
                [sys.executable, "-I", "-S", str(APP)], env=environment, stdout=out, stderr=out,
                stdin=subprocess.DEVNULL, start_new_session=True,
            )  # fmt: skip
        self.processes[index] = process
        return exit_of(process)

    async def pretend(self, container: dict[str, Any]) -> int:
        """A played command: fails at once, does its job and ends, or runs until it is told to go."""
        if playing.crashes(container):
            await asyncio.sleep(0.1)
            return 1
        if self.pod["spec"].get("restartPolicy", "Always") != "Always":
            await asyncio.sleep(self.annotated("run-for", 1.0))
            return 0
        return await asyncio.Future()

    async def probe(self, index: int, container: dict[str, Any], real: bool) -> None:
        """Ready by the readiness probe, its times scaled by TIDEGATE_LAB_PROBE_SCALE; without one, at once."""
        probe = container.get("readinessProbe") or {}
        scale = setting("PROBE_SCALE", 0.1)
        await asyncio.sleep(probe.get("initialDelaySeconds", 0) * scale)
        count = 0
        while probe and real:
            passed = await self.ask(container, probe)
            count = max(count, 0) + 1 if passed else min(count, 0) - 1
            if count >= probe.get("successThreshold", 1):
                self.now(index, ready=True)
            if -count >= probe.get("failureThreshold", 3):
                self.now(index, ready=False)
            await asyncio.sleep(probe.get("periodSeconds", 10) * scale)
        self.now(index, ready=True)

    async def ask(self, container: dict[str, Any], probe: dict[str, Any]) -> bool:
        """The probe, really asked at the pod's address. `exec` is not played and passes."""
        port, limit = playing.probe_port(container), probe.get("timeoutSeconds", 1)
        if port is None:
            return True
        path = (probe["httpGet"].get("path") or "/") if "httpGet" in probe else None
        try:
            async with asyncio.timeout(limit):
                return await asked(self.address, port, path)
        except (OSError, TimeoutError, ValueError, IndexError):
            return False

    # -- the end

    async def end(self) -> None:
        """SIGTERM, the grace the API server granted, SIGKILL; only then is the pod's object let go."""
        grace = self.pod["metadata"].get("deletionGracePeriodSeconds", 30)
        for process in self.processes.values():
            process.terminate()
        with suppress(TimeoutError):
            async with asyncio.timeout(grace):
                await self.stopped()
        for process in self.processes.values():
            process.kill()
        uid = self.pod["metadata"]["uid"]
        options = {
            "kind": "DeleteOptions",
            "apiVersion": "v1",
            "gracePeriodSeconds": 0,
            "preconditions": {"uid": uid},
        }
        await self.node.api.call("DELETE", self.path, options)

    async def stopped(self) -> None:
        """Until every process has ended; a played pod takes a moment too."""
        if not self.processes:
            await asyncio.sleep(self.annotated("stop-delay", 0.2))
        while any(process.poll() is None for process in self.processes.values()):
            await asyncio.sleep(0.05)


class Node:
    def __init__(self, folder: Path) -> None:
        self.api = Api(folder)
        self.logs = folder / "logs" / "pods"
        self.stories: dict[str, Story] = {}
        self.addresses = pod_addresses()

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
        await self.api.call("PATCH", f"/api/v1/nodes/{NODE}", clean, "application/merge-patch+json")
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
            task = asyncio.create_task(self.bind(pod))
            task.add_done_callback(lambda done: done.exception())

    def begin(self, pod: Pod) -> None:
        if (pod.get("status") or {}).get("phase") in ("Succeeded", "Failed"):
            return
        story = Story(self, pod, next(self.addresses))
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


def newer(one: Pod, other: Pod) -> bool:
    return int(one["metadata"]["resourceVersion"]) > int(other["metadata"]["resourceVersion"])


def pod_addresses() -> Iterator[str]:
    """All of 10.244.0.0/16 in turn: an address comes back only after 60,000 others."""
    while True:
        for third, fourth in itertools.product(range(1, 256), range(1, 255)):
            yield f"10.244.{third}.{fourth}"


def exit_of(process: subprocess.Popen[bytes]) -> asyncio.Future[int]:
    """Told by the kernel, without a thread for each process."""
    loop = asyncio.get_running_loop()
    exited: asyncio.Future[int] = loop.create_future()
    descriptor = os.pidfd_open(process.pid)

    def ended() -> None:
        loop.remove_reader(descriptor)
        os.close(descriptor)
        code = process.wait()
        if not exited.done():
            exited.set_result(code if code >= 0 else 128 - code)

    loop.add_reader(descriptor, ended)
    return exited


async def asked(host: str, port: int, path: str | None) -> bool:
    """Connect, and with a path ask it by HTTP: 200 to 399 is yes."""
    reader, writer = await asyncio.open_connection(host, port)
    try:
        if path is None:
            return True
        writer.write(f"GET {path} HTTP/1.1\r\nHost: {host}\r\nUser-Agent: kube-probe/lab\r\n\r\n".encode())
        line = await reader.readline()
        return 200 <= int(line.split()[1]) < 400
    finally:
        writer.close()


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
