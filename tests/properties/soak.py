"""The histories of `test_histories` for as long as one likes: `make soak`, with STEPS and SEED.

A history that breaks a law is shrunk and printed by hypothesis; the seed of its round is printed before it.
`python -m tests.properties.soak STEPS` ends with 0 once so many steps were made.
"""

from __future__ import annotations

import logging
import os
import sys
import time
from typing import Any

from hypothesis import seed, settings
from hypothesis.stateful import run_state_machine_as_test

from tests.properties import witness
from tests.properties.test_histories import Histories

HISTORIES = 50
STEPS_EACH = 24


class Counted(Histories):
    """Counts its steps, the one that lets a world come to rest included."""

    steps = 0

    def check_invariants(self, settings: Any, output: Any, runtimes: Any) -> None:
        Counted.steps += 1
        super().check_invariants(settings, output, runtimes)


def main(words: list[str]) -> int:
    logging.getLogger("tidegate").setLevel(logging.ERROR)  # lost answers are warned of by the thousand
    witness.SELDOM = 1
    wanted = int(words[0]) if words else 1_000_000
    first = int(os.environ.get("SEED", time.time_ns() % 1_000_000))
    began, number = time.monotonic(), first
    while Counted.steps < wanted:
        print(
            f"seed {number}: {Counted.steps} of {wanted} steps, {time.monotonic() - began:.0f} s", flush=True
        )
        one_round(number)
        number += 1
    seconds = time.monotonic() - began
    print(f"{Counted.steps} steps in {seconds:.0f} s, seeds {first} to {number - 1}: the laws hold")
    return 0


def one_round(number: int) -> None:
    """So many histories of one seed; raises what broke."""
    chosen = settings(
        Histories.TestCase.settings,
        max_examples=HISTORIES,
        stateful_step_count=STEPS_EACH,
        derandomize=False,
        deadline=None,
        database=None,
        print_blob=True,
    )
    run_state_machine_as_test(seed(number)(Counted), settings=chosen)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
