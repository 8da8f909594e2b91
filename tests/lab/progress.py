"""What a long build tells a waiting person: which part, how far, how long still."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager


class Progress:
    """`parts` are (name, typical seconds on two cores), scaled by how this machine has compared so far."""

    def __init__(self, parts: list[tuple[str, float]]) -> None:
        self._typical = dict(parts)
        self._took: dict[str, float] = {}
        self._began = self._part_began = self._said = time.monotonic()
        self._part = ""
        self._expected = self._compiled = 0

    @contextmanager
    def part(self, name: str) -> Iterator[None]:
        self._part, self._part_began = name, time.monotonic()
        self._expected = self._compiled = 0
        self._say(f"{name} …")
        yield
        self._took[name] = time.monotonic() - self._part_began
        self._say(f"{name} done in {self._took[name]:.0f} s")

    def expect(self, packages: int) -> None:
        """So many packages more have to be compiled in the current part."""
        self._expected += packages

    def compiled(self, line: str) -> bool:
        """Counts a line of `go build -v`; False if the line is something else, such as an error."""
        if line.startswith("go: downloading"):
            return True
        is_package = " " not in line.strip() and not line.startswith("#")
        self._compiled += is_package
        if is_package and time.monotonic() - self._said > 5:
            self._say(f"{self._part}: {self._compiled} of {self._expected} packages")
        return is_package

    def left(self) -> float:
        """Seconds to go: this part by its own pace, the later ones by their typical times, scaled."""
        later = [name for name in self._typical if name not in self._took and name != self._part]
        return self._left_of_part() + self._scale() * sum(self._typical[name] for name in later)

    def end(self) -> None:
        if self._took:
            print(f"lab: built in {time.monotonic() - self._began:.0f} s", flush=True)

    def _left_of_part(self) -> float:
        if self._part in self._took or self._part not in self._typical:
            return 0
        spent = time.monotonic() - self._part_began
        if self._compiled < 20:
            return max(0.0, self._scale() * self._typical[self._part] - spent)
        return spent / self._compiled * max(0, self._expected - self._compiled)

    def _scale(self) -> float:
        """How much slower this machine has been than the typical one, by the parts that took long enough."""
        slow = [name for name, took in self._took.items() if self._typical[name] >= 30 and took >= 1]
        return sum(self._took[n] for n in slow) / sum(self._typical[n] for n in slow) if slow else 1.0

    def _say(self, what: str) -> None:
        self._said = time.monotonic()
        left = f", about {minutes(self.left())} left" if self.left() >= 1 else ""
        number = min(len(self._took) + (self._part not in self._took), len(self._typical))
        print(f"lab: [{number}/{len(self._typical)}] {what}{left}", flush=True, file=sys.stdout)


def minutes(seconds: float) -> str:
    return f"{seconds:.0f} s" if seconds < 90 else f"{seconds / 60:.0f} min"
