"""What ssh is told: a script stands for it, which notes its arguments and serves the repository itself."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest

from tests.tidegate.git.origin import Origin
from tidegate.git.access import Access
from tidegate.git.address import read
from tidegate.git.command import Remote
from tidegate.git.mirror import Mirror

SSH = """#!/bin/sh
for word in "$@"; do
  case "$last" in -i) cat "$word" > {notes}/key; stat -c %a "$word" > {notes}/mode;; esac
  case "$word" in UserKnownHostsFile=*) cat "${{word#*=}}" > {notes}/known;; esac
  last="$word"
done
echo "$@" > {notes}/words
exec sh -c "$last"
"""


@pytest.fixture
def notes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "notes"
    folder.mkdir()
    (folder / "ssh").write_text(SSH.format(notes=folder))
    (folder / "ssh").chmod(stat.S_IRWXU)
    monkeypatch.setenv("PATH", f"{folder}:/usr/local/bin:/usr/bin:/bin")
    monkeypatch.setenv("SSH_AUTH_SOCK", "/somebody/elses")
    return folder


def look(origin: Origin, cache: Path, access: Access) -> str:
    remote = Remote(read(f"git@git.example.com:{origin.folder}"), access)
    return getattr(Mirror(cache, remote).heads(["main"])["main"], "commit", "")


def test_the_key_is_a_file_for_us_alone_and_hosts_must_be_known(
    origin: Origin, notes: Path, tmp_path: Path
) -> None:
    commit = origin.commit()
    access = Access(ssh_key="PRIVATE", known_hosts="git.example.com ssh-ed25519 AAAA\n")
    assert look(origin, tmp_path / "cache", access) == commit
    words = (notes / "words").read_text()
    assert (notes / "key").read_text() == "PRIVATE\n"
    assert (notes / "mode").read_text() == "600\n"
    assert (notes / "known").read_text() == access.known_hosts
    assert {"BatchMode=yes", "StrictHostKeyChecking=yes", "IdentityAgent=none"} <= set(words.split())
    assert ("PRIVATE" in words, "git@git.example.com" in words) == (False, True)


def test_only_a_secret_that_says_insecure_trusts_any_host(
    origin: Origin, notes: Path, tmp_path: Path
) -> None:
    origin.commit()
    look(origin, tmp_path / "cache", Access(ssh_key="PRIVATE", insecure=True))
    assert "StrictHostKeyChecking=no" in (notes / "words").read_text()
