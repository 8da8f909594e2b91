"""Eyes that are not ours: the official Kubernetes client watching, Envoy and git asked ten times a second."""

from __future__ import annotations

import threading
from collections.abc import Callable
from functools import partial
from typing import Any

from kubernetes import client, config, watch

from crds.paths import get
from tests.e2e.demo.record import Broke, Observed, Reading, Record, Reverted
from tests.e2e.repository import Repository
from tests.e2e.scene import HOST, NAMESPACE
from tests.lab import envoy
from tests.lab.load import Load, Tally
from tests.lab.state import State
from tests.lab.worlds import HASH
from tidegate.views.seen import Asked, Gone, Leaving, compared, judged, stood, told

Raw = dict[str, Any]
Read = Callable[[Raw, float], Observed | None]
CANARY = envoy.cluster_name("canary")
EVERY = 0.1


class Witness:
    """Notes into `record` from `start` until `stop`; `load` is asked for its tally once it is there."""

    def __init__(self, state: State, repository: Repository, record: Record) -> None:
        self.state, self.repository, self.record = state, repository, record
        self.load: Load | None = None
        self._stopped = threading.Event()
        self._polling: list[threading.Thread] = []

    def start(self) -> None:
        config.load_kube_config(self.state.kubeconfig)  # type: ignore[no-untyped-call]
        custom = client.CustomObjectsApi().list_namespaced_custom_object
        core = client.CoreV1Api()
        ours = ("argoproj.io", "v1alpha1", NAMESPACE)
        self._run(self._watch, compared, custom, *ours[:2], "argocd", "applications")
        self._run(self._watch, stood, custom, *ours, "rollouts")
        self._run(self._watch, judged, custom, *ours, "analysisruns")
        self._run(self._watch, asked, custom, "networking.istio.io", "v1", NAMESPACE, "virtualservices")
        self._run(self._watch, told, core.list_namespaced_event, NAMESPACE)
        self._run(self._watch, pod, core.list_namespaced_pod, NAMESPACE)
        self._polling = [self._run(self._read_git), self._run(self._read_envoy)]

    def stop(self) -> None:
        """No more is noted; a watch that nothing happens to ends with the process."""
        self._stopped.set()
        for each in self._polling:
            each.join()

    def _run(self, what: Callable[..., None], *told: Any) -> threading.Thread:
        thread = threading.Thread(target=self._guarded, args=(what, *told), daemon=True)
        thread.start()
        return thread

    def _guarded(self, what: Callable[..., None], *told: Any) -> None:
        try:
            what(*told)
        except Exception as error:
            words = f"{type(error).__name__}: {error}"
            if not self._stopped.is_set():
                self.record.note(lambda at: Broke(at, words))

    def _watch(self, read: Read, *listing: Any) -> None:
        latest: dict[str, Any] = {}
        for event in watch.Watch().stream(*listing):  # type: ignore[no-untyped-call]
            if self._stopped.is_set():
                return
            raw = {**event["raw_object"], "gone": event["type"] == "DELETED"}
            said = read(raw, 0.0)
            if said and latest.get(raw["metadata"]["uid"]) != said:
                latest[raw["metadata"]["uid"]] = said
                self.record.note(partial(read, raw))  # type: ignore[arg-type]

    def _read_git(self) -> None:
        known: set[str] = set()
        while not self._stopped.wait(EVERY):
            for commit in set(self.repository.reverts()) - known:
                known.add(commit)
                self.record.note(reverted(self.repository, commit))

    def _read_envoy(self) -> None:
        while not self._stopped.wait(EVERY):
            weight = envoy.weights(self.state, HOST).get(CANARY, 0)
            seen = envoy.cluster(self.state, CANARY)
            answers = self.load.tally() if self.load else Tally()
            self.record.note(partial(reading, weight, seen, answers))


def reverted(repository: Repository, commit: str) -> Callable[[float], Reverted]:
    """Its parent is the bad one, and the parent of that the good one."""
    restored = repository.differs(commit, f"{commit}~2") == ""
    message, signed = repository.message(commit), repository.is_signed(commit)
    return lambda at: Reverted(at, commit, message, signed, restored)


def reading(weight: int, seen: envoy.Cluster, answers: Tally, at: float) -> Reading:
    return Reading(at, weight, seen.total, seen.active, answers)


def asked(raw: Raw, at: float) -> Asked:
    routes = get(raw, "spec", "http", 0, "route")
    return Asked(
        at, sum(each.get("weight", 0) for each in routes if each["destination"]["subset"] == "canary")
    )


def pod(raw: Raw, at: float) -> Leaving | Gone | None:
    name, pod_hash = raw["metadata"]["name"], get(raw, "metadata", "labels", HASH, default="")
    if raw["gone"]:
        return Gone(at, name, pod_hash)
    return Leaving(at, name, pod_hash) if raw["metadata"].get("deletionTimestamp") else None
