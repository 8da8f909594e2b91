"""A real repository to read from, and what lies in it."""

from __future__ import annotations

import subprocess
from pathlib import Path

from tidegate.demo.git_server import Server
from tidegate.git.access import Access
from tidegate.git.address import Address
from tidegate.git.address import read as address
from tidegate.git.command import Remote

__all__ = ["FILE", "WHO", "Bare", "Origin", "Server", "anyone", "config_map", "deployment"]

WHO = ("-c", "user.name=Ada", "-c", "user.email=ada@example.com", "-c", "commit.gpgSign=false")
FILE = ("file",)


class Origin:
    """A working folder whose commits others fetch."""

    def __init__(self, folder: Path, filters: bool = True, ids: str = "sha1") -> None:
        self.folder = folder
        folder.mkdir(parents=True)
        self.git("init", "--quiet", "--initial-branch=main", f"--object-format={ids}")
        self.git("config", "uploadpack.allowFilter", str(filters).lower())

    @property
    def url(self) -> str:
        return f"file://{self.folder}"

    @property
    def remote(self) -> Remote:
        return Remote(address(self.url, FILE), protocols=FILE)

    def git(self, *words: str) -> str:
        done = subprocess.run(
            ["git", "-C", str(self.folder), *WHO, *words], capture_output=True, text=True, check=False
        )
        assert not done.returncode, done.stderr
        return done.stdout.strip()

    def write(self, files: dict[str, str | bytes]) -> None:
        for name, text in files.items():
            path = self.folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(text if isinstance(text, bytes) else text.encode())

    def commit(self, files: dict[str, str | bytes] | None = None, message: str = "a change") -> str:
        """Its id."""
        self.write(files or {})
        self.git("add", "--all")
        self.git("commit", "--quiet", "--allow-empty", "-m", message)
        return self.git("rev-parse", "HEAD")

    def link(self, name: str, target: str) -> None:
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.symlink_to(target)


class Bare(Origin):
    """The same, whose server others may push to: `folder` is a person's clone of it."""

    def __init__(self, folder: Path, filters: bool = True) -> None:
        super().__init__(folder, filters)
        self.server = folder.parent / f"{folder.name}.git"
        self.git("clone", "--quiet", "--bare", str(folder), str(self.server))
        self.serve("config", "uploadpack.allowFilter", str(filters).lower())
        self.git("remote", "add", "origin", str(self.server))

    @property
    def url(self) -> str:
        return f"file://{self.server}"

    def serve(self, *words: str) -> str:
        """Run git on the server."""
        done = subprocess.run(
            ["git", f"--git-dir={self.server}", *words], capture_output=True, text=True, check=False
        )
        assert not done.returncode, done.stderr
        return done.stdout.strip()

    def commit(self, files: dict[str, str | bytes] | None = None, message: str = "a change") -> str:
        """Pushed, upon what is there."""
        if self.git("ls-remote", "origin", "refs/heads/main"):
            self.git("pull", "--quiet", "--rebase", "--autostash", "origin", "main")
        made = super().commit(files, message)
        self.git("push", "--quiet", "origin", "main")
        return made

    def revert(self, *which: str) -> str:
        """As a person takes commits back, the last one by default; pushed."""
        self.git("revert", "--no-edit", *(which or ("HEAD",)))
        self.git("push", "--quiet", "origin", "HEAD")
        return self.git("rev-parse", "HEAD")

    @property
    def tip(self) -> str:
        return self.serve("rev-parse", "refs/heads/main")

    def hook(self, name: str, script: str) -> None:
        """Of the server: `pre-receive` refuses where it fails."""
        path = self.server / "hooks" / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(f"#!/bin/sh\n{script}\n")
        path.chmod(0o700)


def config_map(name: str, **data: str) -> str:
    lines = [f"  {key}: {value!r}" for key, value in data.items()]
    return "\n".join(
        ["apiVersion: v1", "kind: ConfigMap", f"metadata: {{name: {name}}}", "data:", *lines, ""]
    )


def deployment(name: str, image: str) -> str:
    return f"""
apiVersion: apps/v1
kind: Deployment
metadata: {{name: {name}}}
spec:
  replicas: 1
  selector: {{matchLabels: {{app: {name}}}}}
  template:
    metadata: {{labels: {{app: {name}}}}}
    spec:
      containers:
      - name: {name}
        image: {image}
"""


async def anyone(_: Address) -> Access:
    """Nobody asks for credentials."""
    return Access()
