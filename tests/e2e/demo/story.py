"""The story, through Git: v1 stands, a good v2 walks with a person's consent, a bad v3 is caught, a v4 never
starts, and both are taken back.

It only acts and waits; what must have come of it is judged afterwards, from what the witness saw.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import yaml

from analysis.proportion import miss_probability, requests_to_catch
from crds.paths import put
from tests.e2e.demo.record import Past, Pushed, Reading, Record, Reverted
from tests.e2e.demo.witness import Witness
from tests.e2e.gitops import PRODUCTION, Gitops
from tests.e2e.repository import IMAGE
from tests.e2e.scene import BRIEF, NAMESPACE, Scene
from tests.lab import envoy
from tests.lab.load import Load
from tests.lab.waiting import until
from tidegate.cli.paper import Paper
from tidegate.views.seen import Ended, Gone, Released, Stood, Typed
from tidegate.views.timeline import BOLD

Raw = dict[str, Any]

RATE = 300
"""Requests a second, from the moment v1 stands to the end."""

ERROR_RATE = 0.3
LIMIT, ALPHA, MISS = 0.05, 0.05, 1e-6
HOLD = 15
"""Seconds of each timed step, where the brief has 5 and 10 minutes."""

LOOK = 3
"""Seconds between the analysis' looks, where the brief has 30."""

KNOWN = 12
"""Seconds of traffic before v2: the preflight asks for counters as of the last full ten seconds."""

LAG = 2 + LOOK
"""Seconds of a hold that cannot count, at most: the first scrapes, and the last look."""

CANARY = ("spec", "strategy", "canary")
FASTER = {
    (*CANARY, "steps", 0, "duration"): f"{HOLD}s",
    (*CANARY, "steps", 2, "duration"): f"{HOLD}s",
    (*CANARY, "analysis", "interval"): f"{LOOK}s",
    (*CANARY, "scaleDownDelaySeconds"): 5,
    (*CANARY, "abortScaleDownDelaySeconds"): 5,
}


class Story:
    def __init__(self, gitops: Gitops, record: Record, witness: Witness, paper: Paper) -> None:
        self.gitops, self.record, self.witness, self.paper = gitops, record, witness, paper
        self.scene = gitops.scene

    def play(self, load: Load) -> None:
        """Raises `Late` where a chapter does not come to its end."""
        self.v1_stands(load)
        self.good_v2_walks()
        self.bad_v3_is_caught()
        self.v4_never_starts()

    def v1_stands(self, load: Load) -> None:
        self.chapter("v1 stands, and users come")
        self.commit("v1", self.gitops.files(manifest(self.scene, "v1")), self.gitops.repository.commit)
        self.type("apply", "-f", "apps/app-of-apps.yaml")
        self.wait(60, "v1 to be Healthy", lambda past: stands(past, "v1"))
        stable = envoy.cluster_name("stable")
        until(lambda: len(envoy.endpoints(self.scene.state, stable)) == 10, 20, "Envoy to know v1's 10 pods")
        self.witness.load = load.start()
        self.wait(60, "users to be known to Prometheus", lambda past: answered(past) > KNOWN * RATE)

    def good_v2_walks(self) -> None:
        self.chapter("v2 is good: 10 %, hold, a person agrees, 50 %, hold, 100 %")
        self.release("v2")
        self.wait(90, "v2 to wait for a person", waits_for_a_person)
        self.type("argo", "rollouts", "promote", "api", "-n", NAMESPACE)
        self.wait(90, "v2 to be Healthy", lambda past: stands(past, "v2"))
        self.wait(60, "v1's pods to be gone", lambda past: gone(past, "v1", 10))
        self.wait(30, "both Applications to be Synced and Healthy", synced)

    def bad_v3_is_caught(self) -> None:
        self.chapter(f"v3 is bad: {100 * ERROR_RATE:.0f} % of its answers are 500, against a limit of 5 %")
        for line in odds():
            self.paper.say(f"          {line}")
        self.release("v3", ERROR_RATE=str(ERROR_RATE))
        self.is_taken_back("v3")

    def v4_never_starts(self) -> None:
        self.chapter("v4 crashes as it starts")
        self.release("v4", CRASH="1")
        self.is_taken_back("v4")

    def is_taken_back(self, version: str) -> None:
        self.wait(90, f"{version} to be Degraded", lambda past: degraded(past, version))
        self.wait(60, f"{version} to be reverted", lambda past: past.chapter(version).of(Reverted))
        self.wait(60, "v2 to be Healthy", lambda past: stands(past, "v2"))
        self.wait(60, f"{version}'s pods to be gone", lambda past: gone(past, version, 1))
        self.wait(30, "both Applications to be Synced and Healthy", synced)

    # -- what a person does, and what is waited for

    def chapter(self, title: str) -> None:
        self.paper.say(f"\n── {title} ──", BOLD)

    def release(self, version: str, **environment: str) -> None:
        """A commit of the parent's file, as the brief bumps tags."""
        files = {PRODUCTION: self.gitops.production(version, **environment)}
        self.commit(version, files, self.gitops.repository.push)

    def commit(self, version: str, files: dict[str, str], made: Callable[[dict[str, str], str], str]) -> None:
        self.record.note(lambda at: Released(at, version, f"{IMAGE}:{version}"))
        commit = made(files, f"api {version}")
        self.record.note(lambda at: Pushed(at, version, commit))

    def type(self, *words: str) -> None:
        self.record.note(lambda at: Typed(at, f"kubectl {' '.join(words)}"))
        done = self.scene.kubectl(*words, check=False, where=self.gitops.repository.folder)
        output = (done.stdout + done.stderr).strip()
        self.record.note(lambda at: Ended(at, done.returncode, output))

    def wait(self, seconds: float, what: str, holds: Any) -> None:
        until(lambda: holds(self.record.past), seconds, what, every=0.1)


def stands(past: Past, version: str) -> bool:
    last = past.of(Stood)[-1:]
    return [(e.version, e.current, e.phase) for e in last] == [(version, True, "Healthy")]


def degraded(past: Past, version: str) -> bool:
    return any((e.version, e.current, e.phase) == (version, True, "Degraded") for e in past.of(Stood))


def synced(past: Past) -> bool:
    """Both at the newest commit, a person's or the controller's, and Healthy."""
    made: list[Pushed | Reverted] = [*past.of(Pushed), *past.of(Reverted)]
    newest = max(made, key=lambda each: each.at).commit
    return past.synced(newest)


def waits_for_a_person(past: Past) -> bool:
    last = past.of(Stood)[-1:]
    return any(e.version == "v2" and e.current and e.step == 1 and e.pauses for e in last)


def answered(past: Past) -> int:
    return past.of(Reading)[-1].answers.total if past.of(Reading) else 0


def gone(past: Past, version: str, pods: int) -> bool:
    return len({each.pod for each in past.of(Gone) if each.hash == past.hashes.get(version)}) == pods


# -- what is played, and what is said of it


def manifest(scene: Scene, version: str) -> Raw:
    """The brief's Rollout, faster."""
    found = scene.rollout_manifest(version)
    for path, value in FASTER.items():
        found = put(found, path, value)
    return found


def shortened(brief: Raw, played: Raw) -> list[str]:
    """Where the strategy played is not the brief's: `steps.0.duration: 5m → 10s`."""
    before, after = dict(leaves(brief)), dict(leaves(played))
    return [
        f"{path}: {before.get(path, 'unset')} → {after[path]}"
        for path in after
        if before.get(path) != after[path]
    ]


def leaves(tree: Any, path: str = "") -> list[tuple[str, Any]]:
    if not isinstance(tree, dict | list):
        return [(path, tree)]
    items = tree.items() if isinstance(tree, dict) else enumerate(tree)
    return [leaf for key, value in items for leaf in leaves(value, f"{path}.{key}".lstrip("."))]


def shortenings(scene: Scene) -> list[str]:
    brief = yaml.safe_load(BRIEF.read_text())
    return shortened(brief["spec"]["strategy"]["canary"], manifest(scene, "v1")["spec"]["strategy"]["canary"])


def counted_on() -> int:
    """Requests v3 gets within the hold, all but certainly: 6 standard deviations below what is expected."""
    expected = RATE * 0.1 * (HOLD - LAG)
    return int(expected - 6 * (expected * 0.9) ** 0.5)


def odds() -> list[str]:
    enough, sure = requests_to_catch(ERROR_RATE, LIMIT, ALPHA, MISS), counted_on()
    missed = miss_probability(ERROR_RATE, LIMIT, ALPHA, sure)
    assert missed < MISS, f"{sure} requests are too few to be sure: raise RATE, HOLD or ERROR_RATE"
    return [
        f"{RATE} requests/s, 10 % of them to v3 for {HOLD} s: at least {sure} count.",
        f"Chance that these do not prove it: {missed:.0e} (below {MISS:.0e} from {enough} requests on).",
    ]
