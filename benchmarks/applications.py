"""What a hundred Applications of twenty objects cost at rest, and how soon a commit to one is applied.

Real git over HTTP, plain manifests, one repository; the CPU counted is the controller's, its renderers' and
that of each git it ran. No figure is asserted: the machine decides them too.

Run: .venv/bin/python -m tests.lab run -- .venv/bin/python -m benchmarks.applications
"""

from __future__ import annotations

import os
import statistics
import sys
import tempfile
import time
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from benchmarks.scale import Controller, Seen, machine
from tests.e2e.repository import WEBHOOK_PORT, Repository, named, written
from tests.e2e.scene import Scene
from tests.lab.kube import ApiError
from tests.lab.state import read_state
from tests.lab.waiting import until

Raw = dict[str, Any]
APPS, OBJECTS, COMMITS = 100, 20, 5
IDLE = 60.0
WAIT = 300.0
APPLICATIONS = "/apis/argoproj.io/v1alpha1/namespaces/argocd/applications"


def main() -> int:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        with Scene(read_state(), folder) as scene, Repository(folder) as repository:
            furnish(scene)
            files = {path: text for app in range(APPS) for path, text in manifests(app, "1")}
            commit = repository.commit(files)
            controller = Controller(
                scene, "", "--applications=argocd", f"--git-cache={folder / 'cache'}",
                f"--git-webhook-port={WEBHOOK_PORT}",
            )  # fmt: skip
            try:
                measured(scene, repository, controller, commit)
            finally:
                controller.end()
    return 0


def furnish(scene: Scene) -> None:
    scene.install()
    scene.deployed("deploy/namespace.yaml", "crds/gitops", "deploy/applications/namespace.yaml")
    until(lambda: _there(scene, APPLICATIONS), 30, "Applications to be served")
    scene.kube.apply(named("Namespace", "bench"))


def manifests(app: int, level: str) -> list[tuple[str, str]]:
    one = [named("ConfigMap", f"c-{app}-{place}", namespace="bench") for place in range(OBJECTS)]
    return [(f"services/app-{app}/all.yaml", written(*(raw | {"data": {"level": level}} for raw in one)))]


def measured(scene: Scene, repository: Repository, controller: Controller, commit: str) -> None:
    began = time.monotonic()
    for app in range(APPS):
        made = repository.directory(f"app-{app}", "bench")
        made["spec"]["project"] = "default"
        scene.kube.apply(made)
    until(lambda: all_at(scene, commit), WAIT, "all Applications to be synced", every=1.0)
    up = time.monotonic() - began
    taken = [one_commit(scene, repository, level) for level in range(2, 2 + COMMITS)]
    time.sleep(15)  # the last echoes
    load = os.getloadavg()[0]
    before, work = controller.seen(), family(controller.process.pid)
    time.sleep(IDLE)
    after, later = controller.seen(), family(controller.process.pid)
    told(up, taken, (before, after), ((later - work) / IDLE, load, controller.memory()))


def one_commit(scene: Scene, repository: Repository, level: int) -> float:
    """Seconds from the push to the last object of the one Application that it touches."""
    where = f"/api/v1/namespaces/bench/configmaps/c-7-{OBJECTS - 1}"
    began = time.monotonic()
    repository.push(dict(manifests(7, str(level))))
    until(lambda: _there(scene, where)["data"]["level"] == str(level), 60, "the commit to be applied")
    return time.monotonic() - began


def told(up: float, taken: list[float], looks: tuple[Seen, Seen], idle: tuple[float, float, float]) -> None:
    share, load, memory = idle
    sent = looks[1].ours - looks[0].ours
    print(f"{APPS} Applications of {OBJECTS} objects; {datetime.now(UTC):%Y-%m-%d}, {machine()}")
    print(f"  all synced from nothing after {up:.1f} s")
    print(f"  a commit to one applied after {statistics.median(taken):.2f} s, at most {max(taken):.2f} s")
    print(f"  at rest {share * 100:.1f} % of a core over {IDLE:.0f} s (load average {load:.1f})")
    print(f"  requests meanwhile: {dict(sent)}")
    print(f"  memory of the controller, the most held: {memory:.0f} MB")


def all_at(scene: Scene, commit: str) -> bool:
    every = [one.get("status", {}).get("sync", {}) for one in scene.kube.get(APPLICATIONS)["items"]]
    synced = [one for one in every if (one.get("status"), one.get("revision")) == ("Synced", commit)]
    return len(synced) == APPS


def family(pid: int) -> float:
    """CPU seconds of a process, of those it started and lives with, and of those that ended."""
    every = [_stat(path) for path in Path("/proc").glob("[0-9]*/stat")]
    parents = {one[0]: one[1] for one in every if one}
    spent = {one[0]: one[2] for one in every if one}
    mine = {pid}
    for _ in range(5):
        mine |= {child for child, parent in parents.items() if parent in mine}
    return sum(spent.get(one, 0.0) for one in mine)


def _stat(path: Path) -> tuple[int, int, float] | None:
    with suppress(OSError):
        fields = path.read_text().rpartition(")")[2].split()
        ticks = sum(int(field) for field in fields[11:15])
        return int(path.parent.name), int(fields[1]), ticks / os.sysconf("SC_CLK_TCK")
    return None


def _there(scene: Scene, where: str) -> Raw:
    with suppress(ApiError):
        found: Raw = scene.kube.get(where)
        return found
    return {}


if __name__ == "__main__":
    sys.exit(main())
