"""What a Git server is shown and how it is known, out of Argo CD's repository Secrets.

A Secret `repository` is for one address, `repo-creds` for all below a prefix, the longest of which wins. Who
reads is never shown what is for writing, `repository-write` and `repo-write-creds`, nor the other way round.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterable
from typing import Any

import msgspec

from crds.errors import Invalid
from crds.paths import get
from crds.repositories import same
from tidegate.git.address import Address, begins

TYPE = "argocd.argoproj.io/secret-type"
READ = ("repository", "repo-creds")
WRITE = ("repository-write", "repo-write-creds")
NOT_ACTED_ON = (
    "githubAppID",
    "gcpServiceAccountKey",
    "useAzureWorkloadIdentity",
    "azureServicePrincipalClientId",
)

Raw = dict[str, Any]


class Access(msgspec.Struct, frozen=True):
    """Nothing in it is ever an argument of a command, or part of a message."""

    username: str = ""
    password: str = ""
    bearer: str = ""
    ssh_key: str = ""
    known_hosts: str = ""
    ca: str = ""
    client_cert: str = ""
    client_key: str = ""
    proxy: str = ""
    no_proxy: str = ""
    insecure: bool = False

    def __repr__(self) -> str:
        return "Access(…)"


Purpose = tuple[str, str]
"""The types of Secret for one repository, and for all below a prefix."""


class Hosts(msgspec.Struct, frozen=True):
    """Whom to trust: `argocd-ssh-known-hosts-cm`, and `argocd-tls-certs-cm` by host."""

    known_hosts: str = ""
    certificates: dict[str, str] = {}


def hosts_of(ssh: Raw | None, tls: Raw | None) -> Hosts:
    """What the two ConfigMaps hold; without the first no host is known, and ssh refuses all."""
    return Hosts(get(ssh, "data", "ssh_known_hosts", default=""), get(tls, "data", default={}))


def access_to(
    address: Address, secrets: Iterable[Raw], hosts: Hosts | None = None, to: Purpose = READ
) -> Access:
    """What these Secrets hold for the repository. Raises Invalid, naming the Secret."""
    hosts = hosts or Hosts()
    fields = _merged(address.url, [secret for secret in secrets if _kind(secret) in to], to)
    host = address.site.rpartition("://")[2].rpartition("@")[2].partition(":")[0]
    return Access(
        username=fields.get("username", address.user),
        password=fields.get("password", address.password),
        bearer=fields.get("bearerToken", ""),
        ssh_key=fields.get("sshPrivateKey", ""),
        known_hosts=hosts.known_hosts,
        ca=hosts.certificates.get(host, ""),
        client_cert=fields.get("tlsClientCertData", ""),
        client_key=fields.get("tlsClientCertKey", ""),
        proxy=fields.get("proxy", ""),
        no_proxy=fields.get("noProxy", ""),
        insecure="true" in (fields.get("insecure"), fields.get("insecureIgnoreHostKey")),
    )


def meant(address: Address, secrets: Iterable[Raw], to: Purpose) -> bool:
    """Whether any of these Secrets is for the repository."""
    return any(
        (_kind(one) == to[0] and same(_value(one, "url"), address.url))
        or (_kind(one) == to[1] and begins(address.url, _value(one, "url")))
        for one in secrets
    )


def _merged(url: str, secrets: list[Raw], to: Purpose) -> dict[str, str]:
    """A repository's own fields, over those of the template where it has no credentials itself."""
    own = next((s for s in secrets if _kind(s) == to[0] and same(_value(s, "url"), url)), None)
    fitting = [s for s in secrets if _kind(s) == to[1] and begins(url, _value(s, "url"))]
    template = max(fitting, key=lambda s: len(_value(s, "url")), default=None)
    fields = _fields(own) if own else {}
    if template and not fields.keys() & {"username", "password", "bearerToken", "sshPrivateKey"}:
        fields = _fields(template) | fields
    return fields


def _fields(secret: Raw) -> dict[str, str]:
    fields = {key: _value(secret, key) for key in get(secret, "data", default={})}
    for key in NOT_ACTED_ON:
        if fields.get(key) not in (None, "", "false"):
            raise Invalid(
                f"{_name(secret)}.data.{key}",
                "is not known here; sign in by username and password, bearerToken or sshPrivateKey",
            )
    return {key: value for key, value in fields.items() if value}


def _kind(secret: Raw) -> str:
    return str(get(secret, "metadata", "labels", TYPE, default=""))


def _value(secret: Raw, key: str) -> str:
    written = get(secret, "data", key, default="")
    try:
        return base64.b64decode(written, validate=True).decode()
    except (binascii.Error, ValueError):
        raise Invalid(f"{_name(secret)}.data.{key}", "is no base64 of a text") from None


def _name(secret: Raw) -> str:
    return f"Secret {get(secret, 'metadata', 'namespace', default='')}/{get(secret, 'metadata', 'name')}"
