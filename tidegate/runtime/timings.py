"""How long releases took, as histograms: observed when a status says that one has ended or was overtaken."""

from __future__ import annotations

from collections.abc import Hashable

from msgspec.structs import replace
from prometheus_client import CollectorRegistry, Histogram

from crds.meta import read_status
from crds.paths import get
from crds.refs import ROLLOUT, ref_of, shard_of
from rollouts.duration import Duration
from tidegate.kube.store import Raw, Store
from tidegate.runtime.lingering import Lingering, key_of

SECONDS = (10.0, 30.0, 60.0, 300.0, 600.0, 1800.0, 3600.0, 14400.0, 86400.0)
LABELS = ("namespace", "name", "status")
SUPERSEDED = "Superseded"


class Timings:
    """`rollout_duration_seconds`, of it the walk itself, and the part that people were waited for."""

    def __init__(
        self, store: Store, registry: CollectorRegistry, lingering: Lingering, instance: str
    ) -> None:
        def histogram(name: str, about: str) -> Histogram:
            return Histogram(name, about, LABELS, buckets=SECONDS, registry=registry)

        self._whole = histogram("rollout_duration_seconds", "From the new revision to its end")
        self._walk = histogram("rollout_progression_duration_seconds", "Of these, without manual pauses")
        self._waited = histogram("rollout_manual_pause_duration_seconds", "Of these, in manual pauses")
        self._lingering = lingering
        self._instance = instance
        store.changed.append(self._changed)

    def _changed(self, kind: Hashable, before: Raw | None, after: Raw | None) -> None:
        if kind != ROLLOUT or before is None or after is None or shard_of(after) != self._instance:
            return
        was, now_is = map(_duration, (before, after))
        if was == now_is or was.finished_at or was.rollout_started_at is None:
            return
        if now_is.rollout_started_at != was.rollout_started_at:
            self._observe(
                after, replace(was, finished_at=now_is.rollout_started_at, completion_status=SUPERSEDED)
            )
        else:
            self._observe(after, now_is)

    def _observe(self, raw: Raw, duration: Duration) -> None:
        began, ended = duration.rollout_started_at, duration.finished_at
        if began is None or ended is None:
            return
        meta = raw["metadata"]
        labels = (meta.get("namespace", ""), meta["name"], duration.completion_status)
        whole = (ended - began).total_seconds()
        waited = float(duration.total_manual_pause_duration_seconds)
        if since := duration.manual_pause_started_at:
            waited += (ended - since).total_seconds()
        for metric, seconds in (
            (self._whole, whole),
            (self._walk, max(0.0, whole - waited)),
            (self._waited, waited),
        ):
            self._lingering.series(key_of(ref_of(ROLLOUT, raw)), metric, labels).observe(seconds)


def _duration(raw: Raw) -> Duration:
    """What people wrote there wrongly counts as not written."""
    return read_status(get(raw, "status", "duration"), Duration)
