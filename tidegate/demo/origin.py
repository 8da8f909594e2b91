"""A real Git: a bare repository that is served over HTTP, and a person's clone of it."""

from __future__ import annotations

import base64
import json
import secrets
import shutil
import subprocess
import sys
from collections.abc import Mapping
from http.server import BaseHTTPRequestHandler
from pathlib import Path

from tidegate.demo.git_server import Server

NAME = "infrastructure.git"
USER = "tidegate"
YOU = ("-c", "user.name=You", "-c", "user.email=you@example.com", "-c", "commit.gpgSign=false")


HOOK = """\
#!{python}
import contextlib, urllib.request
told = urllib.request.Request({where!r}, {told!r}, {{"Content-Type": "application/json"}})
with contextlib.suppress(OSError):  # a push does not fail where nobody hears of it
    urllib.request.urlopen(told, timeout=10).close()
"""


class Origin:
    """Use as a context manager. Everybody may read over HTTP; who pushes there says a password."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.clone = folder / "infrastructure"
        self._served = folder / "git"
        self._bare = self._served / NAME
        self._server = Server(self._served)
        self._server.refuse = self._refuses
        self.password = secrets.token_hex(8)

    def __enter__(self) -> Origin:
        self._served.mkdir()
        _git(self._served, "init", "--quiet", "--bare", "--initial-branch=main", NAME)
        for name, value in (("uploadpack.allowFilter", "true"), ("http.receivepack", "true")):
            _git(self._bare, "config", name, value)
        _git(self._folder, "clone", "--quiet", str(self._bare), str(self.clone))
        self._server.__enter__()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.__exit__()

    @property
    def url(self) -> str:
        return f"{self._server.url}/{NAME}"

    @property
    def head(self) -> str:
        """Of the branch that everybody pushes to."""
        return _git(self._bare, "rev-parse", "refs/heads/main")

    def tells(self, where: str) -> None:
        """Every push is told there, as a Git server's webhook does it."""
        told = json.dumps({"repository": {"clone_url": self.url}}).encode()
        hook = self._bare / "hooks" / "post-receive"
        hook.parent.mkdir(exist_ok=True)
        hook.write_text(HOOK.format(python=sys.executable, where=where, told=told))
        hook.chmod(0o700)

    def key(self) -> str:
        """A private key to sign with, "" where none can be made."""
        if not shutil.which("ssh-keygen"):
            return ""
        file = self._folder / "revert-key"
        words = ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", USER, "-f", str(file)]
        subprocess.run(words, check=True, capture_output=True)
        return file.read_text()

    def write(self, files: Mapping[str, str]) -> None:
        for name, text in files.items():
            path = self.clone / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)

    def edit(self, file: str, old: str, new: str) -> None:
        text = (self.clone / file).read_text()
        assert old in text, f"{file} has no {old!r}"
        self.write({file: text.replace(old, new)})

    def commit(self, message: str) -> str:
        """Its id, pushed."""
        _git(self.clone, "add", "--all")
        _git(self.clone, "commit", "--quiet", "-m", message)
        return self._pushed()

    def revert(self, commit: str) -> str:
        """Its id, pushed upon what others pushed."""
        _git(self.clone, "pull", "--quiet", "--rebase", "origin", "main")
        _git(self.clone, "revert", "--no-edit", commit)
        return self._pushed()

    def log(self, *words: str) -> str:
        """Of the branch that everybody pushes to."""
        return _git(self._bare, "log", *words, "refs/heads/main")

    def is_signed(self, commit: str) -> bool:
        return "gpgsig -----BEGIN SSH SIGNATURE-----" in _git(self._bare, "cat-file", "commit", commit)

    def _pushed(self) -> str:
        _git(self.clone, "push", "--quiet", "origin", "main")
        return _git(self.clone, "rev-parse", "HEAD")

    def _refuses(self, asked: BaseHTTPRequestHandler) -> bool:
        """Who would push and says no password, or a wrong one."""
        known = base64.b64encode(f"{USER}:{self.password}".encode()).decode()
        if "git-receive-pack" not in asked.path or asked.headers.get("Authorization") == f"Basic {known}":
            return False
        asked.send_response(401)
        asked.send_header("WWW-Authenticate", 'Basic realm="git"')
        asked.send_header("Content-Length", "0")
        asked.end_headers()
        return True


def _git(folder: Path, *words: str) -> str:
    done = subprocess.run(
        ["git", "-C", str(folder), *YOU, *words], capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise RuntimeError(f"git {' '.join(words)}: {done.stderr.strip()}")
    return done.stdout.strip()
