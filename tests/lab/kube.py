"""The lab's own small client of the API server: Tidegate's must not be what tests Tidegate."""

from __future__ import annotations

import http.client
import json
import socket
import ssl
import threading
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any
from urllib.parse import urlencode, urlsplit

import yaml

from tests.lab.waiting import deadline

KINDS = {
    "Namespace": "namespaces",
    "Node": "nodes",
    "ClusterRole": "clusterroles",
    "ClusterRoleBinding": "clusterrolebindings",
    "CustomResourceDefinition": "customresourcedefinitions",
}
"""Cluster-scoped kinds; every other kind is namespaced and its plural is the kind in lower case plus s."""

PLURALS = {"Ingress": "ingresses", "NetworkPolicy": "networkpolicies", "Gateway": "gateways"}


class ApiError(Exception):
    def __init__(self, status: int, body: Any) -> None:
        super().__init__(f"{status}: {body.get('message') if isinstance(body, dict) else body}")
        self.status = status
        self.body = body


class Kube:
    """One kept connection per thread. `server` is an https URL, `ca` a PEM file, `token` a bearer token."""

    def __init__(self, server: str, ca: str, token: str) -> None:
        url = urlsplit(server)
        self._address = (url.hostname or "127.0.0.1", url.port or 443)
        self._tls = ssl.create_default_context(cafile=ca)
        self._headers = {"Authorization": f"Bearer {token}", "Accept": "application/json"}
        self._local = threading.local()
        self._made: list[http.client.HTTPSConnection] = []

    def __enter__(self) -> Kube:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the connections of all threads; none may be in use."""
        for each in self._made:
            each.close()

    @classmethod
    def from_kubeconfig(cls, path: str | Path) -> Kube:
        """Reads the forms the lab and kind write: a CA file or none of it inline, and a token."""
        config = yaml.safe_load(Path(path).read_text())
        cluster, user = config["clusters"][0]["cluster"], config["users"][0]["user"]
        return cls(cluster["server"], cluster["certificate-authority"], user["token"])

    def call(self, method: str, path: str, body: Any = None, content: str = "application/json") -> Any:
        """The decoded answer. Raises `ApiError` from status 400 on, OSError when there is no answer."""
        status, raw = self._exchange(
            method, path, None if body is None else json.dumps(body).encode(), content
        )
        answer = json.loads(raw) if raw.startswith(b"{") else raw.decode()
        if status >= 400:
            raise ApiError(status, answer)
        return answer

    def get(self, path: str, **query: str) -> Any:
        return self.call("GET", f"{path}?{urlencode(query)}" if query else path)

    def create(self, thing: dict[str, Any]) -> Any:
        return self.call("POST", collection(thing), thing)

    def ensure(self, thing: dict[str, Any]) -> Any:
        """Create it, or leave what is already there."""
        try:
            return self.create(thing)
        except ApiError as error:
            if error.status != 409:
                raise
            return self.get(address(thing))

    def apply(self, thing: dict[str, Any]) -> Any:
        """Server-side apply, forced, as field manager `lab`."""
        path = f"{address(thing)}?fieldManager=lab&force=true"
        return self.call("PATCH", path, thing, "application/apply-patch+yaml")

    def merge(self, path: str, patch: Any) -> Any:
        return self.call("PATCH", path, patch, "application/merge-patch+json")

    def delete(self, path: str) -> Any:
        return self.call("DELETE", path)

    def watch(self, path: str, version: str) -> Lines:
        """What happens to a collection after resourceVersion `version`, on a connection of its own."""
        host, port = self._address
        connection = http.client.HTTPSConnection(host, port, timeout=deadline(600), context=self._tls)
        query = urlencode({"watch": "true", "resourceVersion": version})
        connection.request("GET", f"{path}?{query}", headers=self._headers)
        return Lines(connection)

    def _exchange(self, method: str, path: str, body: bytes | None, content: str) -> tuple[int, bytes]:
        connection = self._connection()
        try:
            connection.request(method, path, body, {**self._headers, "Content-Type": content})
            answer = connection.getresponse()
            return answer.status, answer.read()
        except (OSError, http.client.HTTPException):
            connection.close()
            self._local.connection = None
            raise

    def _connection(self) -> http.client.HTTPSConnection:
        found: http.client.HTTPSConnection | None = getattr(self._local, "connection", None)
        if found is None:
            host, port = self._address
            found = http.client.HTTPSConnection(host, port, timeout=30, context=self._tls)
            self._local.connection = found
            self._made.append(found)
        return found


class Lines:
    """The lines of one endless answer; iterate in one thread, and `stop` from another."""

    def __init__(self, connection: http.client.HTTPSConnection) -> None:
        self._connection = connection
        self._socket = connection.sock
        self._answer = connection.getresponse()

    def __iter__(self) -> Iterator[bytes]:
        with self._answer, suppress(OSError, http.client.HTTPException):
            yield from self._answer
        self._connection.close()

    def stop(self) -> None:
        with suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)


def collection(thing: dict[str, Any]) -> str:
    """The path that lists things of this kind, in this thing's namespace."""
    version, kind = thing["apiVersion"], thing["kind"]
    root = f"/apis/{version}" if "/" in version else f"/api/{version}"
    if kind in KINDS:
        return f"{root}/{KINDS[kind]}"
    plural = PLURALS.get(kind, kind.lower() + "s")
    return f"{root}/namespaces/{thing['metadata'].get('namespace', 'default')}/{plural}"


def address(thing: dict[str, Any]) -> str:
    return f"{collection(thing)}/{thing['metadata']['name']}"
