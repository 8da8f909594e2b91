"""The key that reverts are signed with."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest


@pytest.fixture
def key(tmp_path: Path) -> str:
    words = ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(tmp_path / "key")]
    subprocess.run(words, check=True, capture_output=True)
    return (tmp_path / "key").read_text()
