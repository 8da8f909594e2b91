from __future__ import annotations

from pathlib import Path

import pytest

from tests.tidegate.git.origin import Bare, Origin
from tidegate.git.mirror import Mirror


@pytest.fixture
def mirror(tmp_path: Path, origin: Origin) -> Mirror:
    return Mirror(tmp_path / "cache", origin.remote)


@pytest.fixture
def here(tmp_path: Path, bare: Bare) -> Mirror:
    """A mirror of it."""
    return Mirror(tmp_path / "cache", bare.remote)
