"""A cluster small enough to read: objects that are applied as they are, health as a test says it."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import datetime, timedelta
from functools import partial
from typing import Any

from msgspec.structs import replace

from crds.application import Application
from crds.application_policy import Retry
from crds.application_status import Operation, OperationState, SyncOperation
from crds.paths import get, put
from gitops.actions import Action, Apply, EnsureNamespace, Remove, Step, TakeOver
from gitops.compare import Answer, Predicted, Refused, Target, Unasked, Unserved
from gitops.ending import begun
from gitops.objects import Key, defines, group_version, key_of
from gitops.scene import Scene
from gitops.sync import step
from tests.gitops.examples import NOW, REVISION, app

Raw = dict[str, Any]
MOST = 60


class Stopped(Exception):
    """The controller died here."""


class Cluster:
    """Where a sync plays. `grown` gives an applied object its status; `refuses` are names not taken."""

    def __init__(self, application: Application | None = None, git: Iterable[Raw] = (), **sync: Any) -> None:
        self.application = application or app()
        self.git = tuple(git)
        self.objects: dict[Key, Raw] = {}
        self.ours: set[Key] = set()
        self.namespaces: dict[str, Raw] = {"production": {}}
        self.now: datetime = NOW
        self.state = begun(Operation(SyncOperation(revision=REVISION, prune=True, **sync)), NOW)
        self.grown: Callable[[Raw], Raw] = lambda raw: raw
        self.refuses: dict[str, str] = {}
        self.forbidden: dict[Key, str] = {}
        self.refusal = ""
        self.behind = ""
        self.log: list[str] = []
        self.dies: tuple[int, str] | None = None
        self.written = 0

    def has(self, *objects: Raw) -> Cluster:
        """These are there already, and ours."""
        for raw in objects:
            self._put(raw)
            self.ours.add(key_of(raw))
        return self

    def approved(self, at: str) -> Cluster:
        """A person says that deletions are meant."""
        meta = self.application.metadata
        said = {**meta.annotations, "argocd.argoproj.io/deletion-approved": at}
        self.application = replace(self.application, metadata=replace(meta, annotations=said))
        return self

    def scene(self) -> Scene:
        wanted = {key_of(raw) for raw in self.git}
        surplus = tuple(raw for key, raw in self.objects.items() if key in self.ours and key not in wanted)
        return Scene(
            self.application,
            self.state,
            REVISION,
            self.now,
            tuple(Target(raw, self.objects.get(key_of(raw)), self.answer(raw)) for raw in self.git),
            surplus,
            self.namespaces,
            self.forbidden,
            self.refusal,
            behind=self.behind,
        )

    def answer(self, raw: Raw) -> Answer:
        """What a dry run would say."""
        key = key_of(raw)
        if why := self.refuses.get(f"dry run of {key.name}"):
            return Refused(why)
        if key.namespace and key.namespace not in self.namespaces:
            return Unasked(f'namespaces "{key.namespace}" not found')
        if key.group == "shop.io" and not any(defines(one, *key[:2]) for one in self.objects.values()):
            return Unserved(key.kind)
        return Predicted((self.objects.get(key) or {}) | raw)

    def look(self) -> Step:
        """One look, and what comes of it."""
        found = step(self.scene())
        self.refusal = ""
        for action in found.actions:
            if isinstance(action, Apply) and (why := self.refuses.get(key_of(action.raw).name)):
                self.refusal = why
                return found
            self._write(partial(self._perform, action))
        if found.state != self.state:
            self._write(partial(setattr, self, "state", found.state))
        return found

    def run(self, looks: int = MOST) -> OperationState:
        """Looks until nothing more is to be done now."""
        for _ in range(looks):
            written = self.written
            if self.over:
                break
            self.look()
            if self.written == written and not self.refusal:
                break
        else:
            raise AssertionError(f"no end after {looks} looks: {self.state.message}")
        return self.state

    @property
    def over(self) -> bool:
        return self.state.phase in {"Succeeded", "Failed", "Error"}

    def pass_time(self, seconds: float) -> Cluster:
        self.now += timedelta(seconds=seconds)
        return self

    def _write(self, perform: Callable[[], None]) -> None:
        """Do it, or die before, or die behind it."""
        self.written += 1
        dies, self.dies = (
            (self.dies, None) if self.dies and self.dies[0] == self.written else (None, self.dies)
        )
        if dies and dies[1] == "before":
            raise Stopped
        perform()
        if dies:
            raise Stopped

    def _perform(self, action: Action) -> None:
        match action:
            case EnsureNamespace(name, labels, annotations):
                self.log.append(f"namespace {name}")
                self.namespaces[name] = {"metadata": {"labels": labels, "annotations": annotations}}
            case Apply(raw):
                self.log.append(f"apply {key_of(raw).kind}/{key_of(raw).name}")
                self.ours.add(key_of(raw))
                self._put(self.grown(raw))
            case TakeOver(key, managed_fields=fields):
                self.log.append(f"take over {key.kind}/{key.name}")
                self.objects[key] = put(self.objects[key], ("metadata", "managedFields"), list(fields))
            case Remove(key, propagation=propagation):
                self.log.append(f"remove {key.kind}/{key.name} {propagation}")
                self.objects.pop(key, None)

    def _put(self, raw: Raw) -> None:
        self.objects[key_of(raw)] = put(raw, ("metadata", "uid"), f"uid-{key_of(raw).name}")
        if get(raw, "kind") == "Namespace":
            self.namespaces[key_of(raw).name] = raw


def well(raw: Raw) -> Raw:
    """Grown up at once."""
    match group_version(raw)[0], raw["kind"]:
        case "apps", "Deployment":
            return raw | {"status": {"updatedReplicas": 2, "replicas": 2, "availableReplicas": 2}}
        case "batch", "Job":
            return raw | {"status": {"conditions": [{"type": "Complete", "status": "True"}]}}
        case "argoproj.io", "Rollout":
            return raw | {"status": {"phase": "Healthy"}}
        case "apiextensions.k8s.io", _:
            return raw | {"status": {"conditions": [{"type": "Established", "status": "True"}]}}
    return raw


def retried(cluster: Cluster, limit: int) -> Cluster:
    """With so many tries left."""
    operation = replace(cluster.state.operation, retry=Retry(limit))
    cluster.state = replace(cluster.state, operation=operation)
    return cluster
