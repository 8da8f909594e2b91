"""The scene every end-to-end story plays in: the brief's api on a real control plane, and our controller.

Durations of the brief are shortened here and nowhere else; `SHORTENED` says by what. Everything is read back
through the API server with a client that is not ours.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import yaml

from tests.lab.kube import ApiError, Kube
from tests.lab.state import State
from tests.lab.waiting import Late, until
from tests.lab.worlds import HOST, NAMESPACE, kube, make, mesh_of

Raw = dict[str, Any]

ROOT = Path(__file__).parents[2]
BRIEF = ROOT / "examples" / "api" / "rollout.yaml"
SHORTENED = {"5m": "8s", "10m": "5s", "30s": "1s"}
CONTROLLER_NAMESPACE = "default"
LEASE = f"/apis/coordination.k8s.io/v1/namespaces/{CONTROLLER_NAMESPACE}/leases/argo-rollouts-controller-lock"
ENVOY = 'envoy_cluster_upstream_rq{envoy_cluster_name=~"outbound[|][0-9]+[|]{{subset}}[|]{{service}}[.].*"'


class Scene:
    """`folder` takes the logs; `edit` changes the brief's Rollout before it is applied, where a story needs
    it. Use as a context manager: what was started is ended."""

    def __init__(self, state: State, folder: Path) -> None:
        self.state = state
        self.folder = folder
        self.kube: Kube = kube(state)
        self.edit: Callable[[Raw], None] = lambda _manifest: None
        self.running: list[subprocess.Popen[bytes]] = []
        self._started = 0

    def __enter__(self) -> Scene:
        return self

    def __exit__(self, *_: object) -> None:
        for process in self.running:
            process.kill()
            process.wait()
        self.kube.close()

    def install(self) -> None:
        """The mesh round api, and where its error rate is counted, too."""
        self.define()
        make(self.kube, [*mesh_of(), self.catalogue()])

    def define(self) -> None:
        """The CRDs of this checkout; nothing is left of earlier stories."""
        kubectl = [self.state.kubectl, "--kubeconfig", self.state.kubeconfig]
        subprocess.run([*kubectl, "apply", "-f", str(ROOT / "crds")], check=True, capture_output=True)
        established = ["wait", "--for=condition=established", "--timeout=30s", "crd", "--all"]
        subprocess.run([*kubectl, *established], check=True, capture_output=True)
        self._clear()

    def _clear(self) -> None:
        until(lambda: self._asked(path("rollouts")), 30, "rollouts to be served")
        self.kube.delete(path("rollouts"))
        self.kube.delete(path("analysisruns"))
        for kind, group in (("analysisruns", ""), ("replicasets", "apps/v1"), ("pods", "v1")):
            where = path(kind, group=group) if group else path(kind)
            until(lambda where=where: self._none(where), 60, f"no {kind}")  # type: ignore[misc]
        with suppress(ApiError):
            self.kube.delete(LEASE)

    def _asked(self, collection: str) -> bool:
        with suppress(ApiError):
            return bool(self.kube.get(collection))
        return False

    def _none(self, collection: str) -> bool:
        """Nothing is left there, as far as the API server, which may just have learned the kind, can tell."""
        with suppress(ApiError):
            return not self.kube.get(collection)["items"]
        return False

    def catalogue(self, home: str = CONTROLLER_NAMESPACE) -> Raw:
        """The metrics catalogue of the lab: Envoy's own counters stand in for Istio's telemetry."""
        entry = {
            "errors": f'{ENVOY},envoy_response_code=~"5.."}}',
            "total": f"{ENVOY}}}",
            "address": self.state.prometheus,
        }
        return {
            "apiVersion": "v1",
            "kind": "ConfigMap",
            "metadata": {"name": "tidegate-metrics", "namespace": home},
            "data": {"error-rate": yaml.safe_dump(entry)},
        }

    def controller(
        self,
        *flags: str,
        kubeconfig: Path | None = None,
        home: str = CONTROLLER_NAMESPACE,
        inside: tuple[str, ...] = (),
    ) -> subprocess.Popen[bytes]:
        """A controller process of its own, logging to `folder`; it leads once its Lease at `home` lets it.

        `inside` is a command that runs the controller's, where it is not to run as it is.
        """
        self._started += 1
        command = [sys.executable, "-m", "tidegate", "controller", "--metrics-port=0", "--healthz-port=0"]
        environment = {
            **os.environ,
            "KUBECONFIG": str(kubeconfig or self.state.kubeconfig),
            "POD_NAMESPACE": home,
        }
        with (self.folder / f"controller-{self._started}.log").open("wb") as log:
            process = subprocess.Popen(
                [*inside, *command, *flags], stdout=log, stderr=log, env=environment, cwd=ROOT
            )
        self.running.append(process)
        return process

    def as_deployed(self) -> Path:
        """A kubeconfig of the service account that deploy/ makes, in its namespace."""
        account = "/api/v1/namespaces/argo-rollouts/serviceaccounts/tidegate/token"
        asked = {"apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest", "spec": {}}
        token = self.kube.call("POST", account, asked)["status"]["token"]
        config = yaml.safe_load(Path(self.state.kubeconfig).read_text())
        config["users"][0]["user"] = {"token": token}
        config["contexts"][0]["context"]["namespace"] = "argo-rollouts"
        written = self.folder / "as-tidegate"
        written.write_text(yaml.safe_dump(config))
        return written

    def deployed(self, *files: str) -> None:
        """Apply these files of deploy/, and the catalogue beside the controller."""
        kubectl = [self.state.kubectl, "--kubeconfig", self.state.kubeconfig]
        for name in files:
            subprocess.run([*kubectl, "apply", "-f", str(ROOT / name)], check=True, capture_output=True)
        self.kube.apply(self.catalogue("argo-rollouts"))

    def kill(self, process: subprocess.Popen[bytes]) -> None:
        """SIGKILL; its Lease is left behind, and the next controller waits it out."""
        process.send_signal(signal.SIGKILL)
        process.wait()
        self.running.remove(process)

    def rollout_manifest(self, version: str, **environment: str) -> Raw:
        """The brief's Rollout with its durations shortened, an image version and the app's environment."""
        text = BRIEF.read_text()
        for written, short in SHORTENED.items():
            text = text.replace(f": {written}", f": {short}")
        manifest: Raw = yaml.safe_load(text)
        container = manifest["spec"]["template"]["spec"]["containers"][0]
        container["image"] = f"myregistry/api:{version}"
        if environment:
            container["env"] = [{"name": key, "value": value} for key, value in environment.items()]
        self.edit(manifest)
        return manifest

    def release(self, version: str, **environment: str) -> None:
        """Apply the Rollout, as `kubectl apply` would."""
        self.kube.apply(self.rollout_manifest(version, **environment))

    def rollout(self) -> Raw:
        found: Raw = self.kube.get(path("rollouts", "api"))
        return found

    def status(self) -> Raw:
        status: Raw = self.rollout().get("status", {})
        return status

    def analysis_runs(self) -> list[Raw]:
        found: list[Raw] = self.kube.get(path("analysisruns"))["items"]
        return found

    def weights(self) -> tuple[int, int]:
        """(stable, canary), as the VirtualService says."""
        service = self.kube.get(path("virtualservices", "api", group="networking.istio.io/v1"))
        stable, canary = service["spec"]["http"][0]["route"]
        return stable["weight"], canary["weight"]

    def pods(self, pod_hash: str) -> list[Raw]:
        selector = f"rollouts-pod-template-hash={pod_hash}"
        found: list[Raw] = self.kube.get(path("pods", group="v1"), labelSelector=selector)["items"]
        return found

    def cli(self, *words: str, check: bool = True) -> subprocess.CompletedProcess[str]:
        """`kubectl argo rollouts WORDS -n production`, as a person types it."""
        return self.kubectl("argo", "rollouts", *words, "-n", NAMESPACE, check=check)

    def kubectl(
        self, *words: str, check: bool = True, where: Path | None = None
    ) -> subprocess.CompletedProcess[str]:
        """With our plugin on its PATH, in a folder."""
        search = os.pathsep.join((str(Path(sys.executable).parent), os.environ["PATH"]))
        environment = {**os.environ, "KUBECONFIG": self.state.kubeconfig, "PATH": search}
        command = [self.state.kubectl, *words]
        return subprocess.run(
            command, check=check, capture_output=True, text=True, env=environment, cwd=where
        )

    def wait(self, seconds: float, what: str, holds: Callable[[Raw], Any]) -> Raw:
        """The status once `holds` says so. Raises `Late` with what was waited for and what stood instead."""
        last: Raw = {}

        def ask() -> Raw | None:
            last.clear()
            last.update(self._status_or_nothing())
            return last if holds(last) else None

        try:
            return dict(until(ask, seconds, what))
        except Late as late:
            raise Late(f"{late}; the last status was {last}") from None

    def healthy(self, version: str, seconds: float = 60) -> Raw:
        """The status once this version is stable, alone and healthy."""
        return self.wait(seconds, f"{version} to be healthy", lambda s: self._is_healthy(s, version))

    def _status_or_nothing(self) -> Raw:
        try:
            return self.status()
        except ApiError:
            return {}

    def _is_healthy(self, status: Raw, version: str) -> bool:
        rollout = self.rollout()
        image = rollout["spec"]["template"]["spec"]["containers"][0]["image"]
        seen = status.get("observedGeneration") == str(rollout["metadata"]["generation"])
        return seen and status.get("phase") == "Healthy" and str(image).endswith(f":{version}")

    def at_pause(self, pod_hash: str = "", seconds: float = 60) -> Raw:
        """The status once the walk stands at the brief's `pause: {}`, of this revision if one is named."""
        return self.wait(
            seconds,
            "the pause at 10 %",
            lambda s: s.get("currentStepIndex") == 1 and s.get("controllerPause")
            and pod_hash in s.get("currentPodHash", ""),
        )  # fmt: skip


def quick(manifest: Raw) -> None:
    """For stories that need not be the brief's to the second: pods are ready at once and leave soon."""
    probe = manifest["spec"]["template"]["spec"]["containers"][0]["readinessProbe"]
    probe |= {"initialDelaySeconds": 1, "periodSeconds": 1}
    manifest["spec"]["strategy"]["canary"] |= {"scaleDownDelaySeconds": 4, "abortScaleDownDelaySeconds": 4}


def condition(status: Raw, kind: str) -> Raw:
    """The condition of this type; {} where there is none."""
    return next((c for c in status.get("conditions", []) if c["type"] == kind), {})


def path(plural: str, name: str = "", group: str = "argoproj.io/v1alpha1") -> str:
    root = f"/api/{group}" if group == "v1" else f"/apis/{group}"
    return f"{root}/namespaces/{NAMESPACE}/{plural}" + (f"/{name}" if name else "")


__all__ = ["HOST", "NAMESPACE", "Raw", "Scene", "condition", "path", "quick"]
