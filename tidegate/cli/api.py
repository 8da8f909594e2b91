"""What the commands ask of the API server, in their own words; one namespace at a time."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Protocol

from crds.meta import LabelSelector, read
from crds.patches import merged
from crds.paths import get
from crds.refs import ANALYSIS_RUN, APPLICATION, CONFIG_MAP, HASH_LABEL, POD, REPLICA_SET, ROLLOUT, Kind
from tidegate.kube import requests
from tidegate.kube.errors import NotFound, accepted
from tidegate.kube.http import Request, Response
from tidegate.kube.requests import ALL, Selection
from tidegate.planners.settings import Settings
from tidegate.views.family import Parts, pod_hash
from tidegate.views.steering import SteerPatch, unified

Raw = dict[str, Any]

WATCH_SECONDS = 86400


class Line(Protocol):
    """A synchronous sender: tidegate.kube.sync's, or a test's."""

    def send(self, request: Request) -> Response: ...

    def watch(self, request: Request) -> Iterator[Raw]: ...


class Api:
    """Reads and patches Rollouts and what they own; raises KubeError."""

    def __init__(self, line: Line, namespace: str) -> None:
        self.line = line
        self.namespace = namespace

    def rollout(self, name: str) -> Raw:
        return self._read(ROLLOUT, name)

    def rollouts(self, name: str = "", *, everywhere: bool = False) -> tuple[tuple[Raw, ...], str]:
        """All there are, or the one of that name; and the version from which to follow `events`."""
        return self._pages(_collection(ROLLOUT, self._scope(everywhere)), _named(name))

    def events(self, version: str, name: str = "", *, everywhere: bool = False) -> Iterator[Raw]:
        """What becomes of `rollouts` after that version, until the server has had enough."""
        path = _collection(ROLLOUT, self._scope(everywhere))
        for event in self.line.watch(requests.watch(path, version, _named(name), WATCH_SECONDS)):
            if event["type"] == "ERROR":
                return
            if event["type"] != "BOOKMARK":
                yield event

    def application(self, name: str) -> Raw:
        return self._read(APPLICATION, name)

    def applications(self) -> tuple[Raw, ...]:
        return self._list(APPLICATION)

    def change(self, application: Raw, body: Raw) -> Raw:
        """The Application after a merge patch; Conflict where somebody wrote since it was read."""
        held = merged(body, {"metadata": {"resourceVersion": application["metadata"]["resourceVersion"]}})
        path = self._path(APPLICATION, application["metadata"]["name"])
        return accepted(self.line.send(requests.merge_patch(path, held)))

    def annotate_settings(self, name: str, text: str | None) -> None:
        """An annotation of the ConfigMap beside the controller, which is made if it is not there."""
        catalogue = Settings().catalogue
        meta = {"name": catalogue, "annotations": {name: text}}
        path = self._path(CONFIG_MAP, catalogue)
        try:
            accepted(self.line.send(requests.merge_patch(path, {"metadata": meta})))
        except NotFound:
            if text is not None:
                body = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": meta}
                accepted(self.line.send(requests.create(self._path(CONFIG_MAP), body)))

    def parts(self, rollout: Raw) -> Parts:
        """What the Rollout may own, asked for by its selector and its revisions."""
        own = _selected(rollout)
        sets = self.replica_sets(rollout)
        hashes = ",".join(sorted({pod_hash(one) for one in sets} - {""}))
        runs = self._list(ANALYSIS_RUN, Selection(f"{HASH_LABEL} in ({hashes})")) if hashes else ()
        return Parts(sets, self._list(POD, own), runs)

    def replica_sets(self, rollout: Raw) -> tuple[Raw, ...]:
        """Those that its selector means."""
        return self._list(REPLICA_SET, _selected(rollout))

    def analysis_run(self, name: str) -> Raw:
        return self._read(ANALYSIS_RUN, name)

    def analysis_runs(self) -> tuple[Raw, ...]:
        return self._list(ANALYSIS_RUN)

    def changes(self, rollout: Raw) -> Iterator[Raw]:
        """The Rollout after each change, until it is deleted or the server has had enough."""
        meta = rollout["metadata"]
        for event in self.events(get(meta, "resourceVersion", default=""), meta["name"]):
            if event["type"] == "DELETED":
                return
            yield event["object"]

    def steer(self, rollout: Raw, patches: tuple[SteerPatch, ...], *, unread: bool) -> None:
        """Send the patches; as one to the object itself where the server knows no status subresource.

        Unless `unread` is fine, they hold only for the Rollout as it was read; Conflict where it moved on.
        """
        path = self._path(ROLLOUT, rollout["metadata"]["name"])
        version = None if unread else get(rollout, "metadata", "resourceVersion")
        try:
            written = version
            for patch in patches:
                written = self._patch(f"{path}/{patch.subresource}".rstrip("/"), patch.body, written)
        except NotFound:
            self._patch(path, unified(patches), version)

    def retemplate(self, name: str, operations: list[Raw]) -> None:
        """Send a JSON Patch of the pod template."""
        accepted(self.line.send(requests.json_patch(self._path(ROLLOUT, name), operations)))

    def replace(self, rollout: Raw) -> None:
        """Write a Rollout as it stands here; Conflict where somebody wrote since it was read."""
        path = self._path(ROLLOUT, rollout["metadata"]["name"])
        accepted(self.line.send(requests.replace(path, rollout)))

    def terminate(self, run: str) -> None:
        """Have an AnalysisRun end now."""
        self._patch(self._path(ANALYSIS_RUN, run), {"spec": {"terminate": True}}, None)

    def _patch(self, path: str, body: Raw, version: str | None) -> str | None:
        """The version after the patch, where one was asked for."""
        held = body | {"metadata": {"resourceVersion": version}} if version else body
        answer = accepted(self.line.send(requests.merge_patch(path, held)))
        return get(answer, "metadata", "resourceVersion") if version else None

    def _read(self, kind: Kind, name: str) -> Raw:
        return accepted(self.line.send(requests.get(self._path(kind, name))))

    def _list(self, kind: Kind, selection: Selection = ALL) -> tuple[Raw, ...]:
        return self._pages(self._path(kind), selection)[0]

    def _pages(self, path: str, selection: Selection) -> tuple[tuple[Raw, ...], str]:
        """A collection whole, and its version."""
        found, token = [], ""
        while True:
            page = accepted(self.line.send(requests.page(path, selection, token=token)))
            found += get(page, "items", default=[])
            token = get(page, "metadata", "continue", default="")
            if not token:
                return tuple(found), get(page, "metadata", "resourceVersion", default="")

    def _scope(self, everywhere: bool) -> str:
        return "" if everywhere else self.namespace

    def _path(self, kind: Kind, name: str = "") -> str:
        return requests.path(kind.group, kind.version, kind.plural, self.namespace, name)


def _collection(kind: Kind, namespace: str) -> str:
    return requests.path(kind.group, kind.version, kind.plural, namespace)


def _named(name: str) -> Selection:
    return Selection(fields=f"metadata.name={name}") if name else ALL


def _selected(rollout: Raw) -> Selection:
    """What its selector means."""
    return Selection(
        str(read(get(rollout, "spec", "selector", default={}), LabelSelector, "spec", "selector"))
    )
