"""How a repository is entered, out of the Secrets and ConfigMaps that Argo CD keeps beside its Applications.

They are read when Git is asked, and never kept: a credential that was changed is used at the next question.
"""

from __future__ import annotations

from crds.refs import CONFIG_MAP, SECRET, Kind
from tidegate.fetch.pages import listed
from tidegate.git.access import TYPE, Access, access_to, hosts_of
from tidegate.git.address import Address
from tidegate.git.errors import GitError
from tidegate.kube import requests
from tidegate.kube.errors import KubeError, NotFound, accepted
from tidegate.kube.http import Sender
from tidegate.kube.requests import Selection
from tidegate.kube.store import Raw

HOSTS, CERTIFICATES = "argocd-ssh-known-hosts-cm", "argocd-tls-certs-cm"


class Credentials:
    """Raises GitError where they cannot be read, Invalid where one is wrong."""

    def __init__(self, sender: Sender, namespace: str) -> None:
        self._sender = sender
        self._namespace = namespace

    async def __call__(self, address: Address) -> Access:
        try:
            secrets = await listed(self._sender, self._path(SECRET), Selection(labels=TYPE))
            hosts = hosts_of(await self._config_map(HOSTS), await self._config_map(CERTIFICATES))
        except KubeError as problem:
            raise GitError(f"the credentials of {address.site} cannot be read: {problem}") from None
        return access_to(address, secrets, hosts)

    async def _config_map(self, name: str) -> Raw | None:
        try:
            return accepted(await self._sender.send(requests.get(self._path(CONFIG_MAP, name))))
        except NotFound:
            return None

    def _path(self, kind: Kind, name: str = "") -> str:
        return requests.path(kind.group, kind.version, kind.plural, self._namespace, name)
