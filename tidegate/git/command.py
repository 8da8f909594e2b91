"""The git binary, run so that nothing of its host steers it: no configuration, prompts, hooks or helpers.

Credentials go by environment and by files only we may read, never by arguments; every run has a deadline,
after which it and all it started are killed.
"""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import msgspec

from tidegate.git import running
from tidegate.git.access import Access
from tidegate.git.address import PROTOCOLS, Address
from tidegate.git.errors import Damaged, Denied, GitError, NoRevision, Unreachable

READ_SECONDS = 30.0
"""For a command that asks no network."""
EXCERPT = 300
STALLED_SECONDS = 20
"""Without a byte from a server, after which git itself gives up, even if nobody is left to kill it."""

_ALWAYS = {
    "core.hooksPath": os.devnull,
    "core.askPass": "",
    "core.fsmonitor": "false",
    "credential.helper": "",
    "gc.auto": "0",
    "maintenance.auto": "false",
    "protocol.version": "2",
    "fetch.recurseSubmodules": "false",
    "transfer.bundleURI": "false",
    "http.lowSpeedLimit": "1",
    "http.lowSpeedTime": str(STALLED_SECONDS),
    "safe.directory": "*",
}
_SAY = r'printf "username=%s\npassword=%s\n" "$TIDEGATE_USERNAME" "$TIDEGATE_PASSWORD"'
_ANSWER = f'!f() {{ test "$1" = get && {_SAY}; }}; f'
_DENIED = re.compile(
    r"authentication failed|could not read username|permission denied|access denied|returned error: 40[13]"
    r"|invalid username or|not authorized|terminal prompts disabled|host key verification failed",
    re.IGNORECASE,
)
_MOVED = re.compile(r"returned error: 30[1278]|unable to update url base from redirection", re.IGNORECASE)
_GONE = re.compile(
    r"couldn't find remote ref|not our ref|no such remote ref|unadvertised object", re.IGNORECASE
)
_DAMAGED = re.compile(
    r"not a git repository|is corrupt|bad object|object file .* is empty|unable to read|invalid index-pack"
    r"|packfile .* cannot be accessed|pack has bad object|loose object|missing blob|bad config|bad tree"
    r"|mismatched algorithms",
    re.IGNORECASE,
)

_TOOK = re.compile(r" after \d+ (?:ms|milliseconds)\b")


class Remote(msgspec.Struct, frozen=True):
    """A repository, how it is entered, and by which protocols."""

    address: Address
    access: Access = Access()
    protocols: tuple[str, ...] = PROTOCOLS

    @property
    def url(self) -> str:
        return self.address.url


class Job(msgspec.Struct, frozen=True):
    """One run. `held` are descriptors it inherits: a lock stays held until the last of its processes ends."""

    arguments: tuple[str, ...]
    seconds: float = READ_SECONDS
    given: bytes = b""
    held: tuple[int, ...] = ()


class Making(msgspec.Struct, frozen=True):
    """What the making of a commit needs beside its arguments."""

    settings: dict[str, str] = {}
    environment: dict[str, str] = {}


def ask(remote: Remote, job: Job, folder: Path | None = None) -> bytes:
    """Run git towards the remote, called `origin`. Raises GitError, naming the repository and the fix."""
    with _credentials(remote) as (settings, environment):
        done = _run(job, _ALWAYS | settings, environment, folder)
    if done.returncode:
        raise _why(remote, done.said, job)
    return done.stdout


def tried(remote: Remote, job: Job, folder: Path) -> tuple[int, str]:
    """The same for what may well be refused: the exit code, and all that was said."""
    with _credentials(remote) as (settings, environment):
        done = _run(job, _ALWAYS | settings, environment, folder)
    return done.returncode, done.said


def read(folder: Path, *arguments: str, given: bytes = b"", made: Making | None = None) -> bytes:
    """Run git on a mirror; nothing is asked of a network. Raises Damaged or GitError."""
    job, made = Job(arguments, given=given), made or Making()
    environment = {"GIT_ALLOW_PROTOCOL": "none"} | made.environment
    done = _run(job, _ALWAYS | made.settings, environment, folder)
    if done.returncode:
        said = _said(done.said)
        raise (Damaged if _DAMAGED.search(said) else GitError)(f"git {arguments[0]}: {said}")
    return done.stdout


class _Done(msgspec.Struct, frozen=True):
    returncode: int
    stdout: bytes
    stderr: bytes

    @property
    def said(self) -> str:
        """The same words for the same trouble: who shows them writes them once."""
        return _TOOK.sub("", self.stderr.decode(errors="replace"))


def _run(job: Job, settings: Mapping[str, str], more: Mapping[str, str], folder: Path | None) -> _Done:
    place, mine = [] if folder is None else [f"--git-dir={folder}"], running.mine()
    mine.check()
    process = subprocess.Popen(
        ["git", *place, *job.arguments],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=_environment(settings) | dict(more),
        cwd=folder or tempfile.gettempdir(),
        start_new_session=True,
        pass_fds=job.held,
    )
    try:
        with mine.holding(process):
            out, err = process.communicate(job.given, job.seconds)
    except subprocess.TimeoutExpired:
        return _Done(-1, b"", f"no answer within {job.seconds:g} s".encode())
    finally:
        _end(process)
    return _Done(process.returncode, out, err)


def _end(process: subprocess.Popen[bytes]) -> None:
    running.kill(process)
    process.wait()
    for pipe in (process.stdin, process.stdout, process.stderr):
        if pipe:
            pipe.close()


def _environment(settings: Mapping[str, str]) -> dict[str, str]:
    pairs = list(settings.items())
    numbered = {f"GIT_CONFIG_KEY_{i}": key for i, (key, _) in enumerate(pairs)}
    numbered |= {f"GIT_CONFIG_VALUE_{i}": value for i, (_, value) in enumerate(pairs)}
    return numbered | {
        "GIT_CONFIG_COUNT": str(len(pairs)),
        "GIT_CONFIG_NOSYSTEM": "1",
        "GIT_CONFIG_GLOBAL": os.devnull,
        "GIT_ATTR_NOSYSTEM": "1",
        "GIT_TERMINAL_PROMPT": "0",
        "GIT_ASKPASS": "",
        "GIT_LITERAL_PATHSPECS": "1",
        "GIT_NO_REPLACE_OBJECTS": "1",
        "GIT_OPTIONAL_LOCKS": "0",
        "HOME": os.devnull,
        "LC_ALL": "C",
        "PATH": os.environ.get("PATH", os.defpath),
    }


@contextmanager
def _credentials(remote: Remote) -> Iterator[tuple[dict[str, str], dict[str, str]]]:
    """Settings and environment; what must be a file is one of ours, for as long as the command runs."""
    with tempfile.TemporaryDirectory(prefix="tidegate-git-") as name:
        folder, access, site = Path(name), remote.access, remote.address.site
        settings = {"remote.origin.url": remote.url}
        environment = {"GIT_ALLOW_PROTOCOL": ":".join(remote.protocols)}
        if access.bearer:
            # git would send the header along to wherever it is redirected.
            settings["http.followRedirects"] = "false"
            settings[f"http.{site}/.extraHeader"] = f"Authorization: Bearer {access.bearer}"
        elif access.password or access.username:
            settings[f"credential.{site}.helper"] = _ANSWER
            environment |= {"TIDEGATE_USERNAME": access.username, "TIDEGATE_PASSWORD": access.password}
        settings |= _transport(access, folder)
        environment["GIT_SSH_COMMAND"] = _ssh(access, folder)
        environment |= {"no_proxy": access.no_proxy} if access.no_proxy else {}
        yield settings, environment


def _transport(access: Access, folder: Path) -> dict[str, str]:
    files = {"sslCAInfo": access.ca, "sslCert": access.client_cert, "sslKey": access.client_key}
    settings = {f"http.{key}": str(_file(folder / key, text)) for key, text in files.items() if text}
    settings |= {"http.proxy": access.proxy} if access.proxy else {}
    return settings | ({"http.sslVerify": "false"} if access.insecure else {})


def _ssh(access: Access, folder: Path) -> str:
    known = _file(folder / "known_hosts", access.known_hosts)
    options = {
        "BatchMode": "yes",
        "IdentitiesOnly": "yes",
        "IdentityAgent": "none",
        "StrictHostKeyChecking": "no" if access.insecure else "yes",
        "UserKnownHostsFile": os.devnull if access.insecure else str(known),
        "GlobalKnownHostsFile": os.devnull,
        "ConnectTimeout": str(STALLED_SECONDS),
        "ServerAliveInterval": str(STALLED_SECONDS),
    }
    key = _file(folder / "key", access.ssh_key.strip() + "\n") if access.ssh_key else Path(os.devnull)
    words = ["ssh", "-F", os.devnull, "-i", str(key)]
    return shlex.join(words + [word for name, value in options.items() for word in ("-o", f"{name}={value}")])


def _file(path: Path, text: str) -> Path:
    path.touch(0o600)
    path.write_text(text)
    return path


def _why(remote: Remote, stderr: str, job: Job) -> GitError:
    said = _said(stderr)
    if _DENIED.search(said):
        return Denied(
            f"{remote.url} refuses us: {said}; is there a Secret for it with the label "
            "argocd.argoproj.io/secret-type: repository, and may its user read?"
        )
    if _MOVED.search(said):
        return Denied(
            f"{remote.url} sends us elsewhere, where credentials are not shown: {said}; write that address"
        )
    if _GONE.search(said):
        return NoRevision(f"{remote.url}: {said}")
    if _DAMAGED.search(said) and job.arguments[0] != "ls-remote":
        return Damaged(f"the mirror of {remote.url}: {said}")
    if "not found" in said.lower() or "does not appear to be a git repository" in said:
        return Denied(f"{remote.url} is not there, or not for us: {said}; check repoURL and its Secret")
    return Unreachable(f"{remote.url}: {said}")


def _said(stderr: str) -> str:
    """The lines that tell, in one."""
    lines = [line.strip() for line in stderr.splitlines() if line.strip()]
    telling = [line for line in lines if line.startswith(("fatal:", "error:", "remote:", "ERROR"))] or lines
    return "; ".join(telling)[:EXCERPT] or "no reason given"
