"""A cluster on loopback: the sandbox with its mesh behind real HTTP, and the controller as a real process."""

from __future__ import annotations

import asyncio
import base64
import json
import os
import socket
import sys
from collections import Counter
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from tidegate.demo.origin import USER, Origin
from tidegate.git.kustomize import kubectl
from tidegate.kube import requests
from tidegate.sandbox.face import face
from tidegate.sandbox.mesh import Mesh
from tidegate.sandbox.players import SECOND
from tidegate.sandbox.prometheus import Prometheus
from tidegate.sandbox.resources import Resource
from tidegate.sandbox.store import Store
from tidegate.sandbox.traffic import Labels, Traffic

Raw = dict[str, Any]
TICK = 0.25
HOME = "tidegate"
APPLICATIONS = "argocd"
PROMETHEUS = "/prometheus"
KUBECONFIG = """\
apiVersion: v1
kind: Config
current-context: demo
contexts: [{{name: demo, context: {{cluster: demo, user: you, namespace: production}}}}]
clusters: [{{name: demo, cluster: {{server: "{server}"}}}}]
users: [{{name: you, user: {{}}}}]
"""


class Cluster:
    """Use as an asynchronous context manager. `users` sends them, so many a second."""

    def __init__(self, folder: Path, errors: Mapping[str, float]) -> None:
        self._folder = folder
        self.store = Store(lambda: datetime.now(UTC))
        counted: Counter[tuple[str, Labels]] = Counter()
        self.traffic = Traffic(self.store, "production", "api", 0.0, errors, counters=counted)
        prometheus = Prometheus(counted)
        self._mesh = Mesh(self.store, (self.traffic,), prometheus, scrape=SECOND)
        self._prometheus = prometheus
        self.controller: asyncio.subprocess.Process | None = None
        self.webhook = _free_port()

    async def __aenter__(self) -> Cluster:
        for name in (HOME, APPLICATIONS):
            self.store.handle(requests.create("/api/v1/namespaces", {"metadata": {"name": name}}))
        self._face = await face(self.store, {PROMETHEUS: self._prometheus.handle})
        self._folder.joinpath("kubeconfig").write_text(KUBECONFIG.format(server=self.server))
        self._nature = asyncio.create_task(self._tick())
        return self

    async def __aexit__(self, *_: object) -> None:
        if self.controller and self.controller.returncode is None:
            self.controller.terminate()
            await self.controller.wait()
        self._nature.cancel()
        await asyncio.gather(self._nature, return_exceptions=True)
        await self._face.cleanup()

    @property
    def server(self) -> str:
        port: int = self._face.addresses[0][1]
        return f"http://127.0.0.1:{port}"

    @property
    def died(self) -> bool:
        return self.controller is not None and self.controller.returncode is not None

    @property
    def log(self) -> Path:
        return self._folder / "controller.log"

    def secrets(self, origin: Origin, key: str) -> Path:
        """A file with what a revert is pushed and signed with."""
        label = {"argocd.argoproj.io/secret-type": "repository-write"}
        entry = {"url": origin.url, "username": USER, "password": origin.password}
        made = [_secret("write-access", "Opaque", entry, label)]
        if key:
            made.append(_secret("revert-key", "kubernetes.io/ssh-auth", {"ssh-privatekey": key}, {}))
        file = self._folder / "secrets.yaml"
        file.write_text("---\n".join(json.dumps(one) + "\n" for one in made))
        return file

    def users(self, rate: float) -> None:
        self.traffic.rate = rate

    async def start(self) -> None:
        """The controller, as `tidegate controller` starts it anywhere."""
        flags = (
            "--metrics-port=0",
            "--healthz-port=0",
            f"--applications={APPLICATIONS}",
            f"--git-cache={self._folder / 'mirrors'}",
            f"--git-webhook-port={self.webhook}",
        )
        command = (sys.executable, "-m", "tidegate", "controller", *flags)
        environment = {**self._environment(), "POD_NAMESPACE": HOME}
        environment["ARGO_ROLLOUTS_PROMETHEUS_ADDRESS"] = f"{self.server}{PROMETHEUS}"
        with self.log.open("wb") as log:
            self.controller = await asyncio.create_subprocess_exec(
                *command, stdout=log, stderr=log, env=environment
            )

    async def kubectl(self, *words: str) -> tuple[int, str]:
        """The real one: exit code and output."""
        run = await asyncio.create_subprocess_exec(
            kubectl(),
            *words,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
            env=self._environment(),
        )
        output, _ = await run.communicate()
        return run.returncode or 0, output.decode().strip()

    def find(self, resource: Resource, namespace: str, name: str) -> Raw:
        return self.store.find(resource, namespace, name) or {}

    def _environment(self) -> dict[str, str]:
        """Plugins of kubectl lie beside our Python."""
        beside = str(Path(sys.executable).parent)
        path = os.pathsep.join((beside, os.environ.get("PATH", "")))
        config = str(self._folder / "kubeconfig")
        return {**os.environ, "KUBECONFIG": config, "HOME": str(self._folder), "PATH": path}

    async def _tick(self) -> None:
        """A stall slows time instead of tearing a gap."""
        loop = asyncio.get_running_loop()
        last = loop.time()
        while True:
            await asyncio.sleep(TICK)
            span, last = min(loop.time() - last, 1.0), loop.time()
            self._mesh.tick(datetime.now(UTC), timedelta(seconds=span))


def _secret(name: str, kind: str, data: Mapping[str, str], labels: Mapping[str, str]) -> Raw:
    encoded = {key: base64.b64encode(text.encode()).decode() for key, text in data.items()}
    meta = {"name": name, "namespace": APPLICATIONS, "labels": dict(labels)}
    return {"apiVersion": "v1", "kind": "Secret", "type": kind, "metadata": meta, "data": encoded}


def _free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        port: int = found.getsockname()[1]
        return port
