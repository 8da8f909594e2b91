"""Which AnalysisRuns have had their time: by their own time to live, and by how many a Rollout keeps."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

import msgspec

from analysis.check import OVER
from crds import times
from crds.analysis import AnalysisRun

KEPT = 5
"""How many a Rollout keeps of each, unless it says so."""


def expires(run: AnalysisRun) -> datetime | None:
    """When a completed run is deleted by its `ttlStrategy`; None where it has none, or has not ended.

    What is said of its outcome goes before `secondsAfterCompletion`.
    """
    strategy, ended = run.spec.ttl_strategy, run.status.completed_at
    if strategy is None or ended is None:
        return None
    good = run.status.phase == "Successful"
    own = strategy.seconds_after_success if good else strategy.seconds_after_failure
    seconds = strategy.seconds_after_completion if own is None else own
    return None if seconds is None else times.after(ended, times.seconds(seconds))


class Past(msgspec.Struct, frozen=True):
    """A run of a Rollout: whether the canary is still judged by it, and the ReplicaSet it judged kept."""

    name: str
    created: datetime
    phase: str
    needed: bool = False
    revision_kept: bool = True


def surplus(runs: Iterable[Past], successful: int = KEPT, unsuccessful: int = KEPT) -> tuple[str, ...]:
    """The names of completed runs beyond the newest `successful` and `unsuccessful` ones, oldest first, after
    those of revisions that are forgotten.

    Runs that are still needed, or have not ended, are neither deleted nor counted.
    """
    ended = [run for run in runs if not run.needed and run.phase in OVER]
    ended.sort(key=lambda run: (run.created, run.name))
    lost = [run.name for run in ended if not run.revision_kept]
    good = [run.name for run in ended if run.revision_kept and run.phase == "Successful"]
    bad = [run.name for run in ended if run.revision_kept and run.phase != "Successful"]
    return (*lost, *good[: max(0, len(good) - successful)], *bad[: max(0, len(bad) - unsuccessful)])
