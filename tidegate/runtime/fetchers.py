"""Answers to needs that no watch covers, asked of the API server when a planner wants them."""

from __future__ import annotations

import base64
import json

from crds.paths import get
from crds.refs import POD, SECRET
from tidegate.fetch.pages import listed
from tidegate.kube import requests
from tidegate.kube.errors import KubeError, NotFound, Unprocessable, accepted
from tidegate.kube.http import Sender
from tidegate.kube.requests import Selection
from tidegate.planners.needs import Absent, Answer, Defaulted, Failed, Known, Pods, SecretKey


class PodFetcher:
    """Known value: the matching pods by name."""

    def __init__(self, sender: Sender) -> None:
        self._sender = sender

    async def __call__(self, need: Pods) -> Answer:
        path = requests.path(POD.group, POD.version, POD.plural, need.namespace)
        selection = Selection(labels=",".join(f"{key}={value}" for key, value in need.labels))
        try:
            found = await listed(self._sender, path, selection)
        except KubeError as problem:
            return Failed(str(problem))
        return Known(tuple(sorted(found, key=lambda pod: pod["metadata"]["name"])))


class DefaultsFetcher:
    """Known value: the pod template as the API server would store it; nothing is written. Absent: it would
    not, for the template is not valid."""

    def __init__(self, sender: Sender) -> None:
        self._sender = sender

    async def __call__(self, need: Defaulted) -> Answer:
        body = {
            "apiVersion": "v1",
            "kind": "PodTemplate",
            "metadata": {"name": "tidegate-dry-run"},
            "template": json.loads(need.template),
        }
        path = requests.path("", "v1", "podtemplates", need.namespace)
        try:
            stored = accepted(await self._sender.send(requests.create(path, body, dry_run=True)))
        except Unprocessable:
            return Absent()
        except KubeError as problem:
            return Failed(str(problem))
        return Known(stored["template"])


class SecretFetcher:
    """Known value: the text under the key. Needs the permission to get just this Secret."""

    def __init__(self, sender: Sender) -> None:
        self._sender = sender

    async def __call__(self, need: SecretKey) -> Answer:
        path = requests.path(SECRET.group, SECRET.version, SECRET.plural, need.namespace, need.name)
        try:
            secret = accepted(await self._sender.send(requests.get(path)))
        except NotFound:
            return Absent()
        except KubeError as problem:
            return Failed(str(problem))
        written = get(secret, "data", need.key)
        if written is None:
            return Absent()
        try:
            return Known(base64.b64decode(written).decode())
        except ValueError:
            return Failed(f"{need.key} of Secret {need.namespace}/{need.name} is no text")
