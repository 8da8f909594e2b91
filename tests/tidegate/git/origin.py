"""A real repository to read from, and what lies in it."""

from __future__ import annotations

import subprocess
from pathlib import Path

from tidegate.demo.git_server import Server
from tidegate.git.address import read as address
from tidegate.git.command import Remote

__all__ = ["FILE", "WHO", "Origin", "Server", "config_map", "deployment"]

WHO = ("-c", "user.name=Ada", "-c", "user.email=ada@example.com", "-c", "commit.gpgSign=false")
FILE = ("file",)


class Origin:
    """A working folder whose commits others fetch."""

    def __init__(self, folder: Path, filters: bool = True) -> None:
        self.folder = folder
        folder.mkdir(parents=True)
        self.git("init", "--quiet", "--initial-branch=main")
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
