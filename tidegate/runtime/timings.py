"""How long releases took, as histograms: observed when a status says that one has ended or was overtaken."""

from __future__ import annotations

from collections.abc import Hashable
from datetime import datetime

from prometheus_client import CollectorRegistry, Histogram

from crds.paths import get
from crds.refs import ROLLOUT, ref_of, shard_of
from crds.times import parse
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
        was, now_is = (get(raw, "status", "duration", default={}) for raw in (before, after))
        if was == now_is or was.get("finishedAt") or not was.get("rolloutStartedAt"):
            return
        if now_is.get("rolloutStartedAt") != was["rolloutStartedAt"]:
            if end := now_is.get("rolloutStartedAt"):
                self._observe(after, {**was, "finishedAt": end, "completionStatus": SUPERSEDED})
        elif now_is.get("finishedAt"):
            self._observe(after, now_is)

    def _observe(self, raw: Raw, duration: Raw) -> None:
        meta = raw["metadata"]
        labels = (meta.get("namespace", ""), meta["name"], duration.get("completionStatus", ""))
        whole = (_time(duration, "finishedAt") - _time(duration, "rolloutStartedAt")).total_seconds()
        waited = float(duration.get("totalManualPauseDurationSeconds", 0))
        if since := duration.get("manualPauseStartedAt"):
            waited += (_time(duration, "finishedAt") - parse(since)).total_seconds()
        for metric, seconds in (
            (self._whole, whole),
            (self._walk, max(0.0, whole - waited)),
            (self._waited, waited),
        ):
            self._lingering.series(key_of(ref_of(ROLLOUT, raw)), metric, labels).observe(seconds)


def _time(duration: Raw, field: str) -> datetime:
    return parse(duration[field])
