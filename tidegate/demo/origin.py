"""A real Git: a bare repository that is served over HTTP, and a person's clone of it."""

from __future__ import annotations

import json
import subprocess
import urllib.request
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

from tidegate.demo.git_server import Server

NAME = "infrastructure.git"
YOU = ("-c", "user.name=You", "-c", "user.email=you@example.com", "-c", "commit.gpgSign=false")


class Origin:
    """Use as a context manager. Whom a push is told of is said by `tell`, as a Git server's webhook does."""

    def __init__(self, folder: Path) -> None:
        self.clone = folder / "infrastructure"
        self._served = folder / "git"
        self._server = Server(self._served)
        self.tell = ""

    def __enter__(self) -> Origin:
        self._served.mkdir()
        bare = self._served / NAME
        _git(self._served, "init", "--quiet", "--bare", "--initial-branch=main", NAME)
        _git(bare, "config", "uploadpack.allowFilter", "true")
        _git(self._served.parent, "clone", "--quiet", str(bare), str(self.clone))
        self._server.__enter__()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.__exit__()

    @property
    def url(self) -> str:
        return f"{self._server.url}/{NAME}"

    @property
    def head(self) -> str:
        return _git(self.clone, "rev-parse", "HEAD")

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
        _git(self.clone, "revert", "--no-edit", commit)
        return self._pushed()

    def _pushed(self) -> str:
        _git(self.clone, "push", "--quiet", "origin", "main")
        if self.tell:
            told = json.dumps({"repository": {"clone_url": self.url}}).encode()
            asked = urllib.request.Request(self.tell, told, {"Content-Type": "application/json"})
            with suppress(OSError):  # a push does not fail where nobody hears of it
                urllib.request.urlopen(asked, timeout=10).close()
        return self.head


def _git(folder: Path, *words: str) -> str:
    done = subprocess.run(
        ["git", "-C", str(folder), *YOU, *words], capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise RuntimeError(f"git {' '.join(words)}: {done.stderr.strip()}")
    return done.stdout.strip()
