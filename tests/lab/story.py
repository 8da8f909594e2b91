"""One pod's story on the fake node, told by small tasks: one a container, and one that writes the status.

What has happened is noted as `Played`; `playing.py` puts it into a kubelet's words.
"""

from __future__ import annotations

import asyncio
import itertools
import os
import subprocess
import sys
import traceback
from collections.abc import Coroutine
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec

from tests.lab import playing
from tests.lab.node_api import STRATEGIC, Api
from tests.lab.playing import Container, Ended, Played, Pod, Running
from tidegate.views.seen import version_of

APP = Path(__file__).with_name("app.py")
ANNOTATION = "lab.tidegate.dev/"


def setting(name: str, default: float) -> float:
    """A number of the whole lab, from the environment it was started in."""
    return float(os.environ.get(f"TIDEGATE_LAB_{name}") or default)


class Story:
    """One pod from binding to its end."""

    def __init__(self, api: Api, logs: Path, pod: Pod, address: str) -> None:
        self.api, self.logs, self.pod, self.address = api, logs, pod, address
        self.began = datetime.now(UTC)
        self.played = [Played() for _ in pod["spec"]["containers"]]
        self.processes: dict[int, subprocess.Popen[bytes]] = {}
        self.changed = asyncio.Event()
        self.ending = False
        self.lives = [begun(self.live(index)) for index in range(len(self.played))]
        self.tasks = [begun(self.publish())]

    @property
    def path(self) -> str:
        return f"/api/v1/namespaces/{self.pod['metadata']['namespace']}/pods/{self.pod['metadata']['name']}"

    def seen(self, pod: Pod) -> None:
        """The API server's newest version of the pod."""
        self.pod = newest(self.pod, pod)
        self.changed.set()
        if pod["metadata"].get("deletionTimestamp") and not self.ending:
            self.ending = True
            self.tasks.append(begun(self.end()))

    def forget(self) -> None:
        """The pod is gone from the API server, in whatever way."""
        for task in [*self.tasks, *self.lives]:
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
                status, answer = await self.api.call("PATCH", f"{self.path}/status", patch, STRATEGIC)
                if status == 200:
                    self.pod = newest(self.pod, answer)
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

    async def one_run(self, index: int, container: Container) -> Ended:
        """From the start of the command to its end."""
        real = playing.is_app(container["image"])
        began = datetime.now(UTC)
        exited = self.spawn(index, container) if real else self.pretend(container)
        self.now(index, state=Running(began))
        probing = begun(self.probe(index, container, real))
        self.tasks.append(probing)
        code = await exited
        self.processes.pop(index, None)
        probing.cancel()
        self.tasks.remove(probing)
        ended = Ended(code, began, datetime.now(UTC))
        self.now(index, state=ended, ready=False)
        return ended

    async def back_off(self, index: int, container: Container, ended: Ended) -> None:
        played = self.played[index]
        wait = playing.back_off(played.restarts)
        if wait:
            waiting = playing.crash_backed_off(self.pod, container["name"], wait)
            self.now(index, state=waiting, last=ended)
        await asyncio.sleep(wait.total_seconds() * setting("BACKOFF_SCALE", 0.1))
        self.now(index, last=ended, restarts=played.restarts + 1)

    def spawn(self, index: int, container: Container) -> asyncio.Future[int]:
        """The lab's app as a process on the pod's address; the answer is its exit code."""
        metadata = self.pod["metadata"]
        environment = {
            "LAB_POD": metadata["name"],
            "LAB_IP": self.address,
            "LAB_PORTS": ",".join(str(port) for port in playing.ports(container)),
            "LAB_VERSION": version_of(container["image"]),
            **playing.environment(self.pod, container, self.address),
        }
        log = self.logs / f"{metadata['namespace']}_{metadata['name']}_{container['name']}.log"
        with log.open("ab") as out:
            process = subprocess.Popen(
                [sys.executable, "-I", "-S", str(APP)], env=environment, stdout=out, stderr=out,
                stdin=subprocess.DEVNULL, start_new_session=True,
            )  # fmt: skip
        self.processes[index] = process
        return exit_of(process)

    async def pretend(self, container: Container) -> int:
        """A played command: fails at once, does its job and ends, or runs until it is told to go."""
        if playing.crashes(container):
            await asyncio.sleep(0.1)
            return 1
        if self.pod["spec"].get("restartPolicy", "Always") != "Always":
            await asyncio.sleep(self.annotated("run-for", 1.0))
            return 0
        return await asyncio.Future()

    async def probe(self, index: int, container: Container, real: bool) -> None:
        """Ready by the readiness probe, times scaled by TIDEGATE_LAB_PROBE_SCALE; without one, at once."""
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

    async def ask(self, container: Container, probe: dict[str, Any]) -> bool:
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
        for index, life in enumerate(self.lives):
            self.ask_to_end(index, life)
        if not self.processes:
            await asyncio.sleep(min(grace, self.annotated("stop-delay", 0.2)))
        await asyncio.wait(self.lives, timeout=grace)
        for process in self.processes.values():
            process.kill()
        uid = self.pod["metadata"]["uid"]
        options = {"gracePeriodSeconds": 0, "preconditions": {"uid": uid}}
        await self.api.call("DELETE", self.path, options)

    def ask_to_end(self, index: int, life: asyncio.Task[None]) -> None:
        """A process is told; what is only played, or waits to start again, just stops."""
        if process := self.processes.get(index):
            process.terminate()
        else:
            life.cancel()


def begun(story: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
    """A task whose failure, a fault of ours, is printed into the node's log when it happens."""
    task = asyncio.create_task(story)
    task.add_done_callback(tell)
    return task


def tell(task: asyncio.Task[None]) -> None:
    if not task.cancelled() and (fault := task.exception()):
        traceback.print_exception(fault)


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


def newest(one: Pod, other: Pod) -> Pod:
    """Our own writes come back late by the watch: never go back to an older version."""
    return max(one, other, key=lambda pod: int(pod["metadata"]["resourceVersion"]))
