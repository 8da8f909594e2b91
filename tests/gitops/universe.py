"""An Application in an API server of a few lines: its own object is JSON, its cluster a `Cluster`.

Git is a rendering by revision; a dry run answers what an apply would make of the live object.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from datetime import datetime, timedelta
from functools import partial
from typing import Any

from msgspec.structs import replace

from crds.application import Application, parse
from crds.appproject import EVERYTHING, AppProject
from gitops.actions import Action, Apply, EnsureNamespace, Remove
from gitops.compare import Predicted, Target, Unasked, to_send
from gitops.objects import Key, desired, key_of
from gitops.plan import Decision, Rendering, World, asked_revision, plan, record
from gitops.releases import moving
from gitops.tracking import tracked_by
from tests.crds.applications import merged
from tests.gitops.clusters import Stopped, well
from tests.gitops.examples import NOW, REVISION

Raw = dict[str, Any]


class Universe:
    """`git` holds the rendering of each revision; `head` is the one that the target names."""

    def __init__(self, raw: Raw, rendered: Iterable[Raw]) -> None:
        self.raw = raw
        self.git: dict[str, tuple[Raw, ...]] = {REVISION: tuple(rendered)}
        self.head = REVISION
        self.objects: dict[Key, Raw] = {}
        self.namespaces: dict[str, Raw] = {}
        self.project: AppProject | None = AppProject(EVERYTHING)
        self.others: tuple[Application, ...] = ()
        self.now: datetime = NOW
        self.grown: Callable[[Raw], Raw] = well
        self.trouble = Rendering()
        self.log: list[str] = []
        self.written = 0
        self.dies: tuple[int, str] | None = None

    @property
    def application(self) -> Application:
        return parse(self.raw)

    def world(self) -> World:
        application = self.application
        revision = asked_revision(application) or self.head
        wanted = [desired(raw, application.name, "production", _spaced(raw)) for raw in self.git[revision]]
        keys = {key_of(raw) for raw in wanted}
        extras = [
            raw
            for key, raw in self.objects.items()
            if key not in keys and tracked_by(raw) == application.name
        ]
        rendering = replace(self.trouble, revision=revision, head=self.head)
        return World(
            application,
            rendering,
            self.now,
            project=self.project,
            others=self.others,
            targets=tuple(self._target(raw, wanted) for raw in wanted),
            extras=tuple(extras),
            namespaces=self.namespaces,
        )

    def _target(self, raw: Raw, wanted: list[Raw]) -> Target:
        live = self.objects.get(key_of(raw))
        ignored = self.application.spec.ignore_differences
        sent, guard = to_send(raw, live, ignored, moving([*wanted, *self.objects.values()]))
        namespace = key_of(raw).namespace
        if namespace and namespace not in self.namespaces:
            return Target(sent, live, Unasked(f'namespaces "{namespace}" not found'), guard)
        return Target(sent, live, Predicted(merged(live or {}, sent)), guard)

    def look(self) -> Decision:
        world = self.world()
        found = plan(world)
        for action in found.actions:
            self._write(partial(self._perform, action))
        if body := record(self.raw, world, found):
            self._write(partial(self._patch, body))
        return found

    def run(self, looks: int = 60) -> Decision:
        """Looks until nothing more is written."""
        for _ in range(looks):
            written = self.written
            found = self.look()
            if self.written == written:
                return found
        raise AssertionError(f"still writing after {looks} looks: {found.why}")

    def pass_time(self, seconds: float) -> Universe:
        self.now += timedelta(seconds=seconds)
        return self

    def edit(self, key: Key, change: Raw) -> None:
        """By hand, as kubectl does it."""
        self.objects[key] = merged(self.objects[key], change)

    def moved(self, path: str, *rendered: Raw) -> None:
        """Its source lies elsewhere by now, and declares this."""
        self.raw = merged(self.raw, {"spec": {"source": {"path": path}}})
        self.git[self.head] = rendered

    def _patch(self, body: Raw) -> None:
        self.raw = json.loads(json.dumps(_clean(merged(self.raw, body))))

    def _perform(self, action: Action) -> None:
        match action:
            case EnsureNamespace(name):
                self.log.append(f"namespace {name}")
                self.namespaces[name] = {}
            case Apply(raw):
                self.log.append(f"apply {key_of(raw).kind}/{key_of(raw).name}")
                grown = self.grown(merged(self.objects.get(key_of(raw), {}), raw))
                self.objects[key_of(raw)] = merged(
                    grown, {"metadata": {"resourceVersion": str(self.written)}}
                )
            case Remove(key):
                self.log.append(f"remove {key.kind}/{key.name}")
                self.objects.pop(key, None)

    def _write(self, perform: Callable[[], None]) -> None:
        """Do it, or die before, or die behind it."""
        self.written += 1
        dies = self.dies if self.dies and self.dies[0] == self.written else None
        if dies:
            self.dies = None
        if dies and dies[1] == "before":
            raise Stopped
        perform()
        if dies:
            raise Stopped


def _spaced(raw: Raw) -> bool:
    return raw["kind"] not in {"Namespace", "CustomResourceDefinition", "ClusterRole"}


def _clean(tree: Any) -> Any:
    if isinstance(tree, dict):
        return {key: _clean(value) for key, value in tree.items() if value is not None}
    return tree
