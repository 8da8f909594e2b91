"""`python -m tests.e2e.demo.users FOLDER`, for `--keep`: until the lab ends, users go on asking, and the
repository in the folder is served as before."""

from __future__ import annotations

import signal
import sys
from pathlib import Path

from tests.e2e.demo.story import RATE
from tests.e2e.repository import GIT_PORT
from tests.e2e.scene import HOST
from tests.lab.load import Load
from tests.lab.state import read_state
from tests.tidegate.git.origin import Server

if __name__ == "__main__":
    with Server(Path(sys.argv[1]), port=GIT_PORT), Load(read_state().gateway, HOST, RATE):
        signal.pause()
