"""Repositories that a person pushes to, with and without a server."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.tidegate.git.origin import Bare, Origin


@pytest.fixture
def origin(tmp_path: Path) -> Origin:
    return Origin(tmp_path / "origin")


@pytest.fixture
def bare(tmp_path: Path) -> Bare:
    return Bare(tmp_path / "person")
