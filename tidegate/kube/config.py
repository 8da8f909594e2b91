"""Where the API server is and how we prove who we are: kubeconfig files, or the pod's service account.

Standard library and PyYAML only, because the command line pays for every import at each key press.
"""

from __future__ import annotations

import base64
import json
import os
import ssl
import subprocess
import tempfile
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import urlsplit

IN_CLUSTER = Path("/var/run/secrets/kubernetes.io/serviceaccount")
TOKEN_FILE_SECONDS = 3600.0
FOR_EVER = float("inf")
PLUGIN_SECONDS = 60.0


class ConfigError(Exception):
    """No usable way to an API server; the text says which file and field to mend."""


class Proof(NamedTuple):
    """What a request carries, and until when (monotonic seconds); PEM where a plugin gave a certificate."""

    header: str = ""
    until: float = FOR_EVER
    certificate: str = ""
    key: str = ""


class Credentials:
    """Remembers a proof until it is stale. `current` does no I/O; `renew` may read a file or run a plugin."""

    def __init__(self, fetch: Callable[[], Proof]) -> None:
        self._fetch = fetch
        self._proof: Proof | None = None

    def current(self) -> Proof | None:
        proof = self._proof
        return proof if proof and time.monotonic() < proof.until else None

    def renew(self) -> Proof:
        self._proof = _sendable(self._fetch())
        return self._proof

    def forget(self) -> None:
        """The server answered 401: what we hold is no longer taken."""
        self._proof = None


def _sendable(proof: Proof) -> Proof:
    """What no HTTP header can hold is named without being shown."""
    if proof.header.isascii() and proof.header.isprintable():
        return proof
    raise ConfigError(
        "the token of the kubeconfig holds a line break or another sign that no token has; log in again"
    )


@dataclass(frozen=True)
class Overrides:
    """What a command line says over a kubeconfig: other entries of it, and their fields by its names."""

    cluster: str = ""
    user: str = ""
    of_cluster: Mapping[str, Any] = field(default_factory=dict)
    of_user: Mapping[str, Any] = field(default_factory=dict)
    timeout: float = 0.0


NONE = Overrides()


@dataclass(frozen=True)
class Connection:
    """A server to talk to. `ca`, `certificate` and `key` are PEM texts; no `ca` means the system's.

    `acting` are headers that say in whose place we ask; a `timeout` of 0 leaves it to each request.
    """

    server: str
    credentials: Credentials = field(default_factory=lambda: Credentials(Proof))
    namespace: str = "default"
    ca: str = ""
    insecure: bool = False
    certificate: str = ""
    key: str = ""
    tls_name: str = ""
    acting: tuple[tuple[str, str], ...] = ()
    timeout: float = 0.0

    def tls(self) -> ssl.SSLContext | None:
        """A context that trusts the cluster's CA alone: the system's cost 34 ms to load. None for http."""
        if not self.server.startswith("https:"):
            return None
        try:
            return self._context()
        except (ssl.SSLError, ValueError) as problem:
            fix = "write PEM into certificate-authority, client-certificate and client-key"
            raise ConfigError(
                f"the certificates for {self.server} cannot be read: {problem}; {fix}"
            ) from None

    def _context(self) -> ssl.SSLContext:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        if self.insecure:
            context.check_hostname = False
            context.verify_mode = ssl.CERT_NONE
        elif self.ca:
            context.load_verify_locations(cadata=self.ca)
        else:
            context.load_default_certs()
        self._show_certificate(context)
        return context

    def _show_certificate(self, context: ssl.SSLContext) -> None:
        proof = self.credentials.current() or self.credentials.renew()
        certificate, key = self.certificate or proof.certificate, self.key or proof.key
        if not certificate:
            return
        with tempfile.NamedTemporaryFile("w", suffix=".pem") as pem:  # OpenSSL takes a key from a file alone
            pem.write(f"{certificate}\n{key}\n")
            pem.flush()
            context.load_cert_chain(pem.name)


def load(context: str = "", environ: Mapping[str, str] = os.environ, said: Overrides = NONE) -> Connection:
    """What KUBECONFIG names, else the pod's service account, else ~/.kube/config. Raises ConfigError."""
    named = [Path(p) for p in environ.get("KUBECONFIG", "").split(os.pathsep) if p]
    if named:
        return from_files(named, context, said)
    in_pod = environ.get("KUBERNETES_SERVICE_HOST") and (IN_CLUSTER / "token").exists()
    if in_pod and not (context or said.cluster or said.user or said.of_cluster):
        return _spoken_for(in_cluster(environ, IN_CLUSTER), said)
    return from_files([Path(environ.get("HOME", "~")).expanduser() / ".kube" / "config"], context, said)


def in_cluster(environ: Mapping[str, str] = os.environ, folder: Path = IN_CLUSTER) -> Connection:
    host, port = environ["KUBERNETES_SERVICE_HOST"], environ.get("KUBERNETES_SERVICE_PORT", "443")
    return Connection(
        server=f"https://{f'[{host}]' if ':' in host else host}:{port}",
        credentials=Credentials(lambda: _token_file(folder / "token")),
        namespace=(folder / "namespace").read_text().strip(),
        ca=(folder / "ca.crt").read_text(),
    )


def _spoken_for(pod: Connection, said: Overrides) -> Connection:
    """The pod's own way in, in another's place or by another's token."""
    own, user = pod.credentials, said.of_user
    credentials = Credentials(lambda: _prove(user)) if _prove(user) != Proof() else own
    return replace(pod, credentials=credentials, acting=_acting(user), timeout=said.timeout)


def from_files(files: list[Path], context: str = "", said: Overrides = NONE) -> Connection:
    """The first file that has an entry of a name wins, as with kubectl; what was `said` goes over it."""
    alone = "server" in said.of_cluster and not context
    entries = _Entries(files, may_be_absent=alone)
    context = context or entries.current_context
    chosen = {} if alone and not context else entries.named("contexts", context)
    cluster, user = _cluster(entries, chosen, said), _user(entries, chosen, said)
    return Connection(
        server=cluster["server"].rstrip("/"),
        credentials=Credentials(lambda: _prove(user)),
        namespace=chosen.get("namespace") or "default",
        ca=_pem(cluster, "certificate-authority"),
        insecure=bool(cluster.get("insecure-skip-tls-verify")),
        certificate=_pem(user, "client-certificate"),
        key=_pem(user, "client-key"),
        tls_name=cluster.get("tls-server-name") or "",
        acting=_acting(user),
        timeout=said.timeout,
    )


def _cluster(entries: _Entries, chosen: Mapping[str, Any], said: Overrides) -> dict[str, Any]:
    name = said.cluster or str(chosen.get("cluster") or "")
    written = entries.named("clusters", name) if name or "server" not in said.of_cluster else {}
    cluster = _over(written, said.of_cluster)
    if not _is_address(cluster.get("server")):
        fix = f"write one like https://10.0.0.1:6443, not {cluster.get('server')!r}"
        raise ConfigError(f"cluster {name!r} in {entries.files} has no server to talk to; {fix}")
    return cluster


def _user(entries: _Entries, chosen: Mapping[str, Any], said: Overrides) -> dict[str, Any]:
    name = said.user or chosen.get("user")
    return _over(entries.named("users", name) if name else {}, said.of_user)


LEFT_BEHIND = {
    "server": ("tls-server-name",),
    "insecure-skip-tls-verify": ("certificate-authority", "certificate-authority-data"),
    "certificate-authority": ("certificate-authority-data",),
    "token": ("exec", "tokenFile", "username"),
    "username": ("exec", "tokenFile", "token"),
    "client-certificate": ("client-certificate-data",),
    "client-key": ("client-key-data",),
}
"""What a field that is said on the command line leaves of an entry no more, as with kubectl."""


def _over(written: Mapping[str, Any], said: Mapping[str, Any]) -> dict[str, Any]:
    gone = {other for name in said for other in LEFT_BEHIND.get(name, ())}
    return {**{name: value for name, value in written.items() if name not in gone}, **said}


def _acting(user: Mapping[str, Any]) -> tuple[tuple[str, str], ...]:
    """In whose place: `as` and its kin, which kubectl has as flags too."""
    groups = user.get("as-groups")
    said = (
        ("Impersonate-User", user.get("as")),
        ("Impersonate-Uid", user.get("as-uid")),
        *(("Impersonate-Group", group) for group in (groups if isinstance(groups, list) else ())),
    )
    return tuple((name, str(value)) for name, value in said if value)


def _is_address(written: Any) -> bool:
    try:
        parts = urlsplit(written)
        plain = written.isprintable() and " " not in written
        return parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0 and plain
    except (ValueError, TypeError, AttributeError):
        return False


class _Entries:
    """The named entries of several kubeconfig files, relative paths in them made absolute."""

    def __init__(self, files: list[Path], *, may_be_absent: bool = False) -> None:
        self.files = ", ".join(str(f) for f in files)
        self._read = [(f, _yaml(f)) for f in files if f.exists()]
        if not self._read and not may_be_absent:
            raise ConfigError(
                f"no kubeconfig: {self.files} does not exist; set KUBECONFIG, or log in to a cluster"
            )
        self.current_context = next(
            (d["current-context"] for _, d in self._read if d.get("current-context")), ""
        )

    def named(self, section: str, name: str) -> dict[str, Any]:
        singular, others = section.removesuffix("s"), []
        for file, document in self._read:
            entries = document.get(section)
            for entry in entries if isinstance(entries, list) else ():
                found = (entry.get(singular) or {}) if isinstance(entry, dict) else None
                if not isinstance(found, dict):
                    continue
                if entry.get("name") == name:
                    return _absolute(found, file.parent)
                others.append(str(entry.get("name")))
        known = ", ".join(others) or "none"
        if section == "contexts" and not name:
            raise ConfigError(
                f"{self.files} has no current-context; name one with --context; there are: {known}"
            )
        raise ConfigError(f"{self.files}: no {singular} named {name!r}; there are: {known}")


def _yaml(file: Path) -> dict[str, Any]:
    import yaml

    try:
        document = yaml.load(file.read_text(), getattr(yaml, "CSafeLoader", yaml.SafeLoader))
    except OSError as problem:
        raise ConfigError(f"{file}: {problem.strerror}") from problem
    except (ValueError, yaml.YAMLError) as problem:
        raise ConfigError(f"{file}: {problem}") from problem
    return document if isinstance(document, dict) else {}


def _absolute(entry: dict[str, Any], folder: Path) -> dict[str, Any]:
    files = ("certificate-authority", "client-certificate", "client-key", "tokenFile")
    return {k: str(folder / v) if k in files and v else v for k, v in entry.items()}


def _pem(entry: Mapping[str, Any], field: str) -> str:
    if inline := entry.get(f"{field}-data"):
        return _decoded(inline, f"{field}-data")
    if file := entry.get(field):
        return _text(Path(file))
    return ""


def _decoded(inline: Any, field: str) -> str:
    try:
        return base64.b64decode("".join(str(inline).split()), validate=True).decode()
    except ValueError:
        raise ConfigError(
            f"{field} of the kubeconfig is no base64 of a PEM; log in to the cluster again"
        ) from None


def _text(file: Path) -> str:
    try:
        return file.read_text()
    except OSError as problem:
        raise ConfigError(f"{file}: {problem.strerror}") from problem


def _prove(user: Mapping[str, Any]) -> Proof:
    if plugin := user.get("exec"):
        return _run_plugin(plugin)
    if file := user.get("tokenFile"):
        return _token_file(Path(file))
    if token := user.get("token"):
        return Proof(f"Bearer {token}")
    if name := user.get("username"):
        return Proof("Basic " + base64.b64encode(f"{name}:{user.get('password', '')}".encode()).decode())
    return Proof()


def _token_file(file: Path) -> Proof:
    return Proof(f"Bearer {_text(file).strip()}", time.monotonic() + TOKEN_FILE_SECONDS)


def _run_plugin(plugin: Any) -> Proof:
    """Run a client.authentication.k8s.io plugin; `status.expirationTimestamp` bounds what it gave."""
    if not isinstance(plugin, dict) or not plugin.get("command"):
        raise ConfigError("the kubeconfig's user.exec names no command; add it, or log in another way")
    command, environ = _invocation(plugin)
    try:
        ran = subprocess.run(command, env=environ, stdout=subprocess.PIPE, timeout=PLUGIN_SECONDS, check=True)
        status = dict(json.loads(ran.stdout)["status"])
        until = _monotonic(status.get("expirationTimestamp"))
    except FileNotFoundError as problem:
        hint = plugin.get("installHint") or "install it, or log in another way"
        raise ConfigError(f"credential plugin {command[0]!r} is not installed; {hint}") from problem
    except (subprocess.SubprocessError, OSError, ValueError, KeyError, TypeError) as problem:
        raise ConfigError(f"credential plugin {command[0]!r} gave no credential: {problem}") from problem
    token = status.get("token")
    return Proof(
        f"Bearer {token}" if token else "",
        until,
        status.get("clientCertificateData") or "",
        status.get("clientKeyData") or "",
    )


def _invocation(plugin: dict[str, Any]) -> tuple[list[str], dict[str, str]]:
    """The plugin's command line and environment."""
    asked = {"apiVersion": plugin.get("apiVersion"), "kind": "ExecCredential", "spec": {"interactive": False}}
    try:
        command = [str(word) for word in (plugin["command"], *(plugin.get("args") or ()))]
        given = {str(one["name"]): str(one["value"]) for one in plugin.get("env") or ()}
    except (KeyError, TypeError):
        raise ConfigError(
            "user.exec of the kubeconfig is not understood; write args as a list of words,"
            " and env as a list of {name: N, value: V}"
        ) from None
    return command, {**os.environ, **given, "KUBERNETES_EXEC_INFO": json.dumps(asked)}


def _monotonic(expires: str | None) -> float:
    if not expires:
        return FOR_EVER
    return time.monotonic() + (datetime.fromisoformat(expires) - datetime.now(UTC)).total_seconds() - 10
