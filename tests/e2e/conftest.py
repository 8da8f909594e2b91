"""One scene for a module: the lab is made once, the world in it by each story."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.scene import Scene
from tests.lab.state import read_state


@pytest.fixture
def scene(tmp_path: Path) -> Iterator[Scene]:
    with Scene(read_state(), tmp_path) as made:
        made.install()
        yield made
