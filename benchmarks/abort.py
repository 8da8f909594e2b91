"""How long a bad canary keeps its traffic after a person has said stop: 50 aborts on the real line.

Measured from the API server's answer to the abort patch to the VirtualService's change, as a watch sees it.
Argo Rollouts, on the same kind of lab: 145 ms in the median.

Run: .venv/bin/python -m tests.lab run -- .venv/bin/python -m benchmarks.abort
"""

from __future__ import annotations

import sys
import tempfile
import time
from pathlib import Path
from statistics import median

from tests.e2e.scene import Raw, Scene, path, quick
from tests.e2e.witness import Saw, Watch
from tests.lab.state import read_state
from tests.lab.waiting import until

RUNS = 50
PEER = 0.145
BUDGET = 0.100
STATUS = path("rollouts", "api") + "/status"
SERVICES = path("virtualservices", group="networking.istio.io/v1")


def main() -> int:
    with tempfile.TemporaryDirectory() as folder, Scene(read_state(), Path(folder)) as scene:
        standing(scene)
        with Watch(scene.kube, SERVICES) as routes:
            taken = sorted(aborted(scene, routes) for _ in range(RUNS))
    middle = median(taken)
    print(f"abort to VirtualService, {RUNS} runs: p50 {middle * 1000:.0f} ms, p90 {taken[-6] * 1000:.0f} ms, "
          f"worst {taken[-1] * 1000:.0f} ms; Argo Rollouts {PEER * 1000:.0f} ms")  # fmt: skip
    return 0 if middle <= BUDGET else 1


def standing(scene: Scene) -> None:
    """v1 healthy, v2 let in at 10 % and waiting for a person."""
    scene.install()
    scene.edit = paused_at_ten
    scene.controller()
    scene.release("v1")
    scene.healthy("v1")
    scene.release("v2")
    at_ten(scene)


def paused_at_ten(manifest: Raw) -> None:
    quick(manifest)
    canary = manifest["spec"]["strategy"]["canary"]
    canary["steps"] = [{"setWeight": 10}, {"pause": {}}]
    canary["abortScaleDownDelaySeconds"] = 600
    del canary["analysis"]


def aborted(scene: Scene, routes: Watch) -> float:
    """Seconds of one abort; afterwards the canary is back at 10 %."""
    seen = len(routes.saw)
    scene.kube.merge(STATUS, {"status": {"abort": True}})
    answered = time.monotonic()
    change = until(lambda: first_at_nothing(routes.saw[seen:]), 10, "traffic to leave", every=0.01)
    scene.wait(10, "the abort to be told", lambda s: s.get("abortedAt"))
    scene.kube.merge(STATUS, {"status": {"abort": None}})
    until(lambda: scene.weights() == (90, 10), 60, "10 % again")
    at_ten(scene)
    return change.at - answered


def first_at_nothing(saw: list[Saw]) -> Saw | None:
    return next((one for one in saw if one.object["spec"]["http"][0]["route"][1]["weight"] == 0), None)


def at_ten(scene: Scene) -> None:
    scene.wait(60, "10 %", lambda s: s.get("currentStepIndex") == 1 and s.get("controllerPause"))


if __name__ == "__main__":
    sys.exit(main())
