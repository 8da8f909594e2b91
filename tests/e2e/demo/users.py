"""`python -m tests.e2e.demo.users`: users who go on asking until the lab ends, for `--keep`."""

from __future__ import annotations

import signal

from tests.e2e.demo.story import RATE
from tests.e2e.scene import HOST
from tests.lab.load import Load
from tests.lab.state import read_state

if __name__ == "__main__":
    with Load(read_state().gateway, HOST, RATE):
        signal.pause()
