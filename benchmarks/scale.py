"""What an update costs when many Rollouts are updated at once: time, API requests, CPU and memory.

Each has 2 replicas and the steps 20 %, 1 s, 60 %, 1 s; its pods are played by the lab. Requests are counted
by the controller's own metric, and those to kinds that nobody else writes also by the API server's. An update
ends when the pods of the old revision are gone. No figure is asserted: the machine decides them too.

Run: .venv/bin/python -m tests.lab run -- .venv/bin/python -m benchmarks.scale --rollouts 50 --router istio
     --profile FILE writes a cProfile of the controller; its CPU then counts for nothing
"""

from __future__ import annotations

import argparse
import os
import platform
import re
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.request import urlopen

import msgspec

from tests.e2e.scene import ROOT, Scene
from tests.e2e.witness import Watch
from tests.lab import worlds
from tests.lab.state import read_state
from tests.lab.waiting import until

Raw = dict[str, Any]
Counts = Counter[tuple[str, ...]]

NAMESPACE = "bench"
ROLLOUTS = f"/apis/argoproj.io/v1alpha1/namespaces/{NAMESPACE}/rollouts"
SETS = f"/apis/apps/v1/namespaces/{NAMESPACE}/replicasets"
IDLE = 20.0
WAIT = 900.0
PEER = {
    "none": ("36 s, 85 s with its default limits", "28-34", "54-82", "112-124"),
    "istio": ("54 s", "40-44", "75-106", "146"),
}
"""Argo Rollouts (master, August 2026, two cores), N = 200: until Healthy, requests, CPU in ms, MB."""

PEER_IDLE = "700-3500"
SAMPLE = re.compile(r"^(\w+){(.*)} (\S+)$")
LABEL = re.compile(r'(\w+)="([^"]*)"')


class Seen(msgspec.Struct, frozen=True):
    """What has been spent so far: CPU in seconds, looks at Rollouts, requests by (kind, verb), and those as
    the API server counts them."""

    cpu: float
    rounds: int
    ours: Counts
    theirs: Counts


class Controller:
    """Our controller, alone in a process; its CPU and memory are read from /proc."""

    def __init__(self, scene: Scene, profile: str, *flags: str) -> None:
        self.port = _free_port()
        self._api = scene.kube
        measured = ["-m", "cProfile", "-o", profile] if profile else []
        command = [sys.executable, *measured, "-m", "tidegate", "controller"]
        command += [f"--metrics-port={self.port}", "--healthz-port=0", *flags]
        environment = {**os.environ, "KUBECONFIG": scene.state.kubeconfig}
        with (scene.folder / "controller.log").open("wb") as log:
            self.process = subprocess.Popen(command, stdout=log, stderr=log, env=environment, cwd=ROOT)

    def end(self) -> None:
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(30)

    def seen(self) -> Seen:
        with urlopen(f"http://127.0.0.1:{self.port}/metrics", timeout=30) as page:
            text = page.read().decode()
        ours = summed(text, "controller_clientset_k8s_request_total", ("kind", "verb"))
        rounds = summed(text, "rollout_reconcile_count", ())[()]
        told = ("resource", "subresource", "verb")
        theirs = summed(self._api.call("GET", "/metrics"), "apiserver_request_total", told)
        return Seen(self._cpu(), rounds, ours, theirs)

    def memory(self) -> float:
        """The most it ever held, in MB."""
        status = Path(f"/proc/{self.process.pid}/status").read_text()
        return int(status.partition("VmHWM:")[2].split()[0]) / 1024

    def _cpu(self) -> float:
        fields = Path(f"/proc/{self.process.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def summed(text: str, metric: str, by: tuple[str, ...]) -> Counts:
    """A metric of Prometheus' text format, summed by some of its labels."""
    found: Counts = Counter()
    for line in text.splitlines():
        if line.startswith(metric) and (sample := SAMPLE.match(line)):
            labels = dict(LABEL.findall(sample[2]))
            found[tuple(labels.get(each, "") for each in by)] += int(float(sample[3]))
    return found


def main() -> int:
    options = parser().parse_args()
    with tempfile.TemporaryDirectory() as folder, Scene(read_state(), Path(folder)) as scene:
        scene.install()
        names = [f"app-{number:04}" for number in range(options.rollouts)]
        furnish(scene, names, options.router)
        with running(scene, options.profile, f"--events={options.events}") as controller:
            release(scene, names, options.router, "v1")
            healthy(scene, controller, len(names))
            measured(scene, controller, names, options.router)
    return 0


def parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.scale", description=__doc__)
    parser.add_argument("--rollouts", type=int, default=50)
    parser.add_argument("--router", choices=tuple(PEER), default="none")
    parser.add_argument("--events", choices=("all", "milestones"), default="all")
    parser.add_argument("--profile", default="", metavar="FILE")
    return parser


@contextmanager
def running(scene: Scene, profile: str, *flags: str) -> Iterator[Controller]:
    controller = Controller(scene, profile, *flags)
    try:
        yield controller
    finally:
        controller.end()
        if controller.process.returncode:
            print((scene.folder / "controller.log").read_text()[-4000:], file=sys.stderr)


def measured(scene: Scene, controller: Controller, names: list[str], router: str) -> None:
    """One update of all, and the quiet after it."""
    time.sleep(5)  # the first release's last echoes
    before, began, load = controller.seen(), time.monotonic(), os.getloadavg()[0]
    release(scene, names, router, "v2")
    sent = time.monotonic() - began
    healthy(scene, controller, len(names))
    walked, then = time.monotonic() - began, controller.seen()
    until(lambda: _pods_of_one_revision(scene), WAIT, "the old pods to be gone", every=1.0)
    time.sleep(8)  # the last counts are told a moment later
    until(lambda: rests(controller), WAIT, "the last Events to be told")
    after = controller.seen()
    time.sleep(IDLE)
    later = controller.seen()
    told(names, router, (before, then, after, later), controller.memory(), (sent, walked, load))


def rests(controller: Controller) -> bool:
    """Whether nothing but Leases is written for two seconds."""
    before = controller.seen().ours
    time.sleep(2)
    return set(controller.seen().ours - before) <= {("leases", "Update")}


def told(names: list[str], router: str, looks: tuple[Seen, ...], memory: float,
         times: tuple[float, float, float]) -> None:  # fmt: skip
    count, (before, then, after, later), (sent, walked, load) = len(names), looks, times
    ours, theirs = after.ours - before.ours, after.theirs - before.theirs
    status = theirs["rollouts", "status", "PATCH"]
    gets = sum(number for (_, verb), number in ours.items() if verb == "Get")
    events, soon = ours["events", "Create"], (then.ours - before.ours)["events", "Create"]
    peer = PEER[router]
    rows = [
        ("until all Healthy", f"{walked:.1f} s", peer[0]),
        ("  Events told by then", f"{soon / count:.1f} of {events / count:.1f}", ""),
        ("API requests per update", f"{sum(ours.values()) / count:.1f}", peer[1]),
        ("  of which status writes", f"{status / count:.1f}", ""),
        ("  of which GET", f"{gets / count:.2f}", ""),
        ("controller CPU per update", f"{(after.cpu - before.cpu) / count * 1000:.0f} ms", f"{peer[2]} ms"),
        ("memory, the most held", f"{memory:.0f} MB", f"{peer[3]} MB"),
        (f"requests in {IDLE:.0f} s after", f"{sum((later.ours - after.ours).values())}", PEER_IDLE),
        (f"CPU in {IDLE:.0f} s after", f"{(later.cpu - after.cpu) * 1000:.0f} ms", ""),
    ]
    print(f"{count} Rollouts at once, router {router}; {datetime.now(UTC):%Y-%m-%d}, {machine()}")
    loads = f"load average {load:.1f} before, {os.getloadavg()[0]:.1f} after"
    print(
        f"{loads}; all sent in {sent:.1f} s; {(after.rounds - before.rounds) / count:.0f} rounds per update"
    )
    print(f"{'':<28}{'Tidegate':>12}   Argo Rollouts at 200")
    for row in rows:
        print("{:<28}{:>12}   {}".format(*row))
    print("\nrequests per update, by kind and verb")
    for (kind, verb), number in sorted(ours.items(), key=lambda each: -each[1]):
        print(f"  {kind:<18}{verb:<8}{number / count:6.2f}")
    print("idle: ", dict(later.ours - after.ours))
    print("the API server's count per update of what only Rollouts' controllers write")
    for (kind, part, verb), number in sorted(theirs.items()):
        if verb in ("PATCH", "POST", "APPLY", "GET") and kind in WATCHED and number >= count / 10:
            print(f"  {'/'.join(filter(None, (kind, part))):<18}{verb:<8}{number / count:6.2f}")


WATCHED = (
    "rollouts",
    "replicasets",
    "virtualservices",
    "destinationrules",
    "services",
    "analysisruns",
    "events",
)


def machine() -> str:
    cpu = Path("/proc/cpuinfo").read_text().partition("model name")[2].partition(":")[2].partition("\n")[0]
    return f"{os.cpu_count()} cores ({cpu.strip() or platform.machine()}), Python {platform.python_version()}"


def furnish(scene: Scene, names: list[str], router: str) -> None:
    """The namespace, and with Istio each Rollout's Service, DestinationRule and VirtualService."""
    first, *_ = worlds.mesh_of("app", NAMESPACE)
    worlds.make(scene.kube, [first])
    if router == "istio":
        meshes = [worlds.mesh_of(name, NAMESPACE, f"{name}.example.com")[1:] for name in names]
        with ThreadPoolExecutor(8) as pool:
            list(pool.map(scene.kube.apply, [each for mesh in meshes for each in mesh]))


def release(scene: Scene, names: list[str], router: str, version: str) -> None:
    """Apply all Rollouts with this version of their image, eight at a time."""
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda name: scene.kube.apply(rollout(name, router, version)), names))


def rollout(name: str, router: str, version: str) -> Raw:
    steps: list[Raw] = [{"setWeight": 20}, {"pause": {"duration": 1}}, {"setWeight": 60}]
    canary: Raw = {"steps": [*steps, {"pause": {"duration": 1}}]}
    if router == "istio":
        rule = {"name": name, "canarySubsetName": "canary", "stableSubsetName": "stable"}
        service = {"name": name, "routes": ["primary"]}
        canary["trafficRouting"] = {"istio": {"virtualService": service, "destinationRule": rule}}
    container = {"name": "main", "image": f"registry.example/played:{version}"}
    return {
        "apiVersion": "argoproj.io/v1alpha1", "kind": "Rollout",
        "metadata": {"name": name, "namespace": NAMESPACE},
        "spec": {
            "replicas": 2, "selector": {"matchLabels": {"app": name}}, "strategy": {"canary": canary},
            "template": {"metadata": {"labels": {"app": name}}, "spec": {"containers": [container]}},
        },
    }  # fmt: skip


def healthy(scene: Scene, controller: Controller, count: int) -> None:
    """Until every Rollout is Healthy on the generation that is asked for; watched, since to list them over
    and over would cost the API server more than some of the updates."""
    states: dict[str, bool] = {}
    with Watch(scene.kube, ROLLOUTS) as watch:
        read = 0

        def all_are() -> bool:
            nonlocal read
            if controller.process.poll() is not None:
                sys.exit("the controller ended by itself")
            unread = watch.saw[read:]
            read += len(unread)
            states.update({saw.object["metadata"]["name"]: _is_healthy(saw.object) for saw in unread})
            return sum(states.values()) == count

        until(all_are, WAIT, f"{count} Rollouts to be Healthy", every=0.2)
    scene.kube.close()  # idle for so long, its connection may have been given up by the API server


def _is_healthy(raw: Raw) -> bool:
    status = raw.get("status") or {}
    seen = status.get("observedGeneration") == str(raw["metadata"]["generation"])
    return seen and status.get("phase") == "Healthy"


def _pods_of_one_revision(scene: Scene) -> bool:
    found = scene.kube.get(SETS, resourceVersion="0")["items"]
    owners = [each["metadata"]["ownerReferences"][0]["uid"] for each in found if each["spec"]["replicas"]]
    return len(owners) == len(set(owners))


def _free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        port: int = found.getsockname()[1]
    return port


if __name__ == "__main__":
    sys.exit(main())
