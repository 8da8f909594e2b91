"""How a repository is entered, out of the Secrets and ConfigMaps that Argo CD keeps beside its Applications.

They are read when Git is asked; for reading, what was found serves all questions of the next minute, for a
hundred Applications would read it a hundred times at each commit. Who writes reads anew.
"""

from __future__ import annotations

import asyncio
import base64

from crds.paths import get
from crds.refs import CONFIG_MAP, SECRET, Kind
from tidegate.fetch.pages import listed
from tidegate.git.access import TYPE, WRITE, Access, Hosts, access_to, hosts_of, meant
from tidegate.git.address import Address
from tidegate.git.errors import Denied, GitError
from tidegate.kube import requests
from tidegate.kube.errors import KubeError, NotFound, accepted
from tidegate.kube.http import Sender
from tidegate.kube.requests import Selection
from tidegate.kube.store import Raw

HOSTS, CERTIFICATES = "argocd-ssh-known-hosts-cm", "argocd-tls-certs-cm"
KEY = "ssh-privatekey"
KEPT_SECONDS = 60.0
NO_WRITER = f"add a Secret for it with the label {TYPE}: {WRITE[0]}"


class Credentials:
    """Raises GitError where they cannot be read, Invalid where one is wrong."""

    def __init__(self, sender: Sender, namespace: str) -> None:
        self._sender = sender
        self._namespace = namespace
        self._kept: tuple[list[Raw], Hosts] = ([], Hosts())
        self._stale_at = 0.0
        self._reading = asyncio.Lock()

    async def __call__(self, address: Address) -> Access:
        """To read."""
        async with self._reading:
            now = asyncio.get_running_loop().time()
            if now >= self._stale_at:
                self._kept, self._stale_at = await self._read(address), now + KEPT_SECONDS
        return access_to(address, *self._kept)

    async def to_write(self, address: Address) -> Access:
        """To push, by what was given for that alone."""
        secrets, hosts = await self._read(address)
        if not meant(address, secrets, WRITE):
            raise Denied(f"nobody lets us write into {address.url}: {NO_WRITER}")
        return access_to(address, secrets, hosts, WRITE)

    async def signing_key(self, namespace: str, name: str) -> str:
        """The private key in a Secret of type kubernetes.io/ssh-auth, "" where there is none."""
        path = requests.path(SECRET.group, SECRET.version, SECRET.plural, namespace, name)
        try:
            secret = accepted(await self._sender.send(requests.get(path)))
        except NotFound:
            return ""
        except KubeError as problem:
            raise GitError(f"Secret {namespace}/{name} cannot be read: {problem}") from None
        return base64.b64decode(get(secret, "data", KEY, default="")).decode(errors="replace")

    async def _read(self, address: Address) -> tuple[list[Raw], Hosts]:
        try:
            secrets = await listed(self._sender, self._path(SECRET), Selection(labels=TYPE))
            return secrets, hosts_of(await self._config_map(HOSTS), await self._config_map(CERTIFICATES))
        except KubeError as problem:
            raise GitError(f"the credentials of {address.site} cannot be read: {problem}") from None

    async def _config_map(self, name: str) -> Raw | None:
        try:
            return accepted(await self._sender.send(requests.get(self._path(CONFIG_MAP, name))))
        except NotFound:
            return None

    def _path(self, kind: Kind, name: str = "") -> str:
        return requests.path(kind.group, kind.version, kind.plural, self._namespace, name)
