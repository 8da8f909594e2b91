"""What must have been seen, each with its evidence: pure, from what was noted alone."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import groupby
from typing import NamedTuple

from tidegate.demo.story import V1, V2, V3, Found
from tidegate.views.seen import Asked, Judged, Observed, Released, Stood


class Fact(NamedTuple):
    name: str
    holds: bool
    evidence: str


def facts(seen: Sequence[Observed], found: Found, unserved: int, died: bool) -> Iterator[Fact]:
    good, bad = chapter(seen, V2), chapter(seen, V3)
    walked, caught = weights(good), weights(bad)
    yield Fact(f"{V2} walked 10, 50, 100 and back to 0", walked == [10, 50, 100, 0], shown(walked))
    yield Fact(f"{V2} is stable and Healthy", healthy(good, V2), last(good))
    yield Fact(f"{V3} got 10 % and no more, then nothing", caught == [10, 0], shown(caught))
    yield verdict(bad)
    yield from taken_back(bad, found)
    back = weights(chapter(seen, V1))
    seconds = f"{found.returned:.1f} s; {shown(back)}"
    swift = 0 < found.returned < 15 and back in ([], [100, 0])
    yield Fact(f"a person's revert had {V1} stable within 15 s, without its steps", swift, seconds)
    for version, at in found.live.items():
        took = at - max(moment for moment in found.commits.values() if moment <= at)
        yield Fact(f"{version} was applied within 3 s of its push", took < 3, f"{took:.1f} s")
    healing = found.healed - found.drifted
    yield Fact("the drift was healed", 0 < healing < 30, f"after {healing:.1f} s, kubectl's own time in it")
    yield Fact("no request found nobody to answer it", unserved == 0, f"{unserved} did")
    yield Fact("every command did what it was told to", not any(found.exits), f"exit codes {found.exits}")
    yield Fact("one controller lived through it all", not died, "it ended" if died else "one process")


def taken_back(bad: Sequence[Observed], found: Found) -> Iterator[Fact]:
    back, pushed = found.back - found.aborted, found.pushed - found.aborted
    yield Fact(f"{V2} was back in the cluster within 5 s of the verdict", 0 < back < 5, f"{back:.1f} s")
    yield Fact("its revert was in Git within 10 s of the verdict", 0 < pushed < 10, f"{pushed:.1f} s")
    signed = "signed" if found.signed else "not signed"
    yield Fact("there is one revert commit", len(found.reverts) == 1, f"{', '.join(found.reverts)}: {signed}")
    yield Fact(f"{V2} is stable and Healthy again, without its steps", healthy(bad, V2), last(bad))


def chapter(seen: Sequence[Observed], version: str) -> list[Observed]:
    """From a version's release until the next one's."""
    starts = [at for at, one in enumerate(seen) if isinstance(one, Released)]
    for start, end in zip(starts, [*starts[1:], len(seen)], strict=False):
        if isinstance(one := seen[start], Released) and one.version == version:
            return list(seen[start:end])
    return []


def weights(seen: Sequence[Observed]) -> list[int]:
    """Each once, as they came."""
    return [weight for weight, _ in groupby(one.weight for one in seen if isinstance(one, Asked))]


def verdict(seen: Sequence[Observed]) -> Fact:
    failed = [one for one in seen if isinstance(one, Judged) and one.phase == "Failed"]
    given = [one.at for one in seen if isinstance(one, Asked) and one.weight]
    off = [
        one.at
        for one in seen
        if isinstance(one, Asked) and not one.weight and failed and one.at >= failed[0].at
    ]
    if not (failed and given and off):
        return Fact(f"{V3} was judged", False, "no verdict")
    late, gone = failed[0].at - given[0], off[0] - failed[0].at
    words = f"{late:.1f} s after its first request; off {1000 * gone:.0f} ms later"
    return Fact(f"{V3} was judged, and its traffic taken off within 1 s", gone < 1, words)


def healthy(seen: Sequence[Observed], version: str) -> bool:
    stood = [one for one in seen if isinstance(one, Stood) and one.current]
    return bool(stood) and (stood[-1].version, stood[-1].phase) == (version, "Healthy")


def last(seen: Sequence[Observed]) -> str:
    stood = [one for one in seen if isinstance(one, Stood)][-1:]
    return f"{stood[0].version} {stood[0].phase} {stood[0].message}".strip() if stood else "nothing was seen"


def shown(seen: list[int]) -> str:
    return " → ".join(map(str, seen)) or "no weight was seen"
