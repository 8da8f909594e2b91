"""The figures at :8090/metrics, under the names that dashboards made for Argo Rollouts ask for.

What can be read off the objects is read at the scrape; only rounds, events and requests are counted.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Iterator

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    PlatformCollector,
    ProcessCollector,
    disable_created_metrics,
    generate_latest,
)
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from crds.paths import get
from crds.refs import (
    ANALYSIS_RUN,
    APPLICATION,
    DESTINATION_RULE,
    POD,
    ROLLOUT,
    SERVICE,
    Kind,
    Ref,
    ref_of,
    shard_of,
)
from tidegate import VERSION
from tidegate.kube.http import Request
from tidegate.kube.store import Raw, Store
from tidegate.planners.plan import Event, Write
from tidegate.runtime.analysis_metrics import AnalysisFigures
from tidegate.runtime.lingering import Key, Lingering, key_of
from tidegate.runtime.queue_metrics import QueueFigures
from tidegate.runtime.timings import Timings

# Else each counter has a second series with its birthday.
disable_created_metrics()  # type: ignore[no-untyped-call]

PHASES = {"Healthy": "Completed", "Paused": "Paused", "Degraded": "Error"}
ROUTERS = {"istio": "Istio"}
NO_ROUTERS = ("managedRoutes", "maxTrafficWeight")
REPLICAS = {
    "available": "availableReplicas",
    "desired": "replicas",
    "updated": "updatedReplicas",
}
SECONDS = (0.005, 0.01, 0.05, 0.15, 0.25, 0.5, 1.0)

QUEUED = (ROLLOUT, ANALYSIS_RUN, SERVICE, DESTINATION_RULE, APPLICATION)


class Requests(Collector):
    """Requests to the API server; `seen` is the sender's hook. A request without an answer has status 0.

    Pods have no name here: nobody tells when they are gone.
    """

    def __init__(self, lingering: Lingering | None = None) -> None:
        self.lingering = lingering or Lingering()
        labels = ("kind", "namespace", "name", "verb", "status_code")
        self._count = Counter(
            "controller_clientset_k8s_request", "Requests to the API server", labels, registry=None
        )

    def seen(self, request: Request, status: int) -> None:
        key = _parts(request.path)
        verb = _verb(request, key.name)
        key = key._replace(name="") if key.plural == POD.plural else key
        self.lingering.series(key, self._count, (*key, verb, str(status))).inc()

    def collect(self) -> Iterable[Metric]:
        return self._count.collect()


class Metrics:
    """One registry for one controller. `conflict` says which stranger holds our Lease, "" for none;
    `instance` whose Rollouts and runs are told of."""

    def __init__(
        self, store: Store, requests: Requests, conflict: Callable[[], str], instance: str = ""
    ) -> None:
        self.registry = CollectorRegistry()
        ProcessCollector(registry=self.registry)
        PlatformCollector(registry=self.registry)
        self.registry.register(_Objects(store, instance))
        self.registry.register(AnalysisFigures(store, instance))
        self._lingering = requests.lingering
        self._timings = Timings(store, self.registry, self._lingering, instance)
        self.queue = QueueFigures(QUEUED, self.registry)
        store.changed.append(self._changed)
        named = ("namespace", "name")
        self._rounds = {
            ROLLOUT: self._histogram("rollout_reconcile", "Rounds over Rollouts, in seconds", named),
            ANALYSIS_RUN: self._histogram("analysis_run_reconcile", "Rounds over AnalysisRuns", named),
        }
        # Gauges, because Argo's names lack the _total that this library gives every Counter.
        self._errors = {
            ROLLOUT: self._gauge("rollout_reconcile_error", "Failed rounds over Rollouts", named),
            ANALYSIS_RUN: self._gauge("analysis_run_reconcile_error", "Failed rounds over runs", named),
        }
        told = (*named, "type", "reason")
        self._events = Counter("rollout_events", "Events told", told, registry=self.registry)
        self.registry.register(requests)
        self._gauge("argo_rollouts_controller_info", "This controller", ("version",)).labels(VERSION).set(1)
        held = "Writes that observe mode held back"
        self._held_back = Counter("tidegate_would_do", held, ("verb", "kind"), registry=self.registry)
        foreign = self._gauge("tidegate_controller_conflict", "1 while another controller holds our Lease")
        foreign.set_function(lambda: 1.0 if conflict() else 0.0)

    def text(self) -> bytes:
        """Prometheus' text format 0.0.4."""
        return generate_latest(self.registry)

    def round(self, key: Ref, seconds: float, failed: bool) -> None:
        if key.kind not in self._rounds:  # Argo has no figures of them
            return
        named = (key.namespace, key.name)
        self._lingering.series(key_of(key), self._rounds[key.kind], named).observe(seconds)
        if failed:
            self._lingering.series(key_of(key), self._errors[key.kind], named).inc()

    def gone(self, key: Ref) -> None:
        """Forget the figures of an object that was deleted, or is another's now, when they were scraped."""
        self._lingering.gone(key_of(key))

    def told(self, event: Event) -> None:
        named = _named(event.about)
        key = Key(f"{get(event.about, 'kind', default='').lower()}s", *named)
        labels = (*named, "Warning" if event.warning else "Normal", event.reason)
        self._lingering.series(key, self._events, labels).inc()

    def _changed(self, kind: Hashable, before: Raw | None, after: Raw | None) -> None:
        if before is not None and after is None and isinstance(kind, Kind):
            self.gone(ref_of(kind, before))

    def would(self, write: Write) -> None:
        """Hears of a write that observe mode holds back."""
        self._held_back.labels(type(write).__name__, write.ref.kind.kind).inc()

    def _histogram(self, name: str, about: str, labels: tuple[str, ...]) -> Histogram:
        return Histogram(name, about, labels, buckets=SECONDS, registry=self.registry)

    def _gauge(self, name: str, about: str, labels: tuple[str, ...] = ()) -> Gauge:
        return Gauge(name, about, labels, registry=self.registry)


class _Objects(Collector):
    """Rollouts as they stand in the store."""

    def __init__(self, store: Store, instance: str) -> None:
        self._store = store
        self._instance = instance

    def describe(self) -> Iterable[GaugeMetricFamily]:
        return ()

    def collect(self) -> Iterator[GaugeMetricFamily]:
        rollouts = self._of(ROLLOUT)
        info = GaugeMetricFamily(
            "rollout_info",
            "Rollouts",
            labels=("namespace", "name", "strategy", "traffic_router", "phase"),
        )
        phase = GaugeMetricFamily(
            "rollout_phase", "Rollouts by phase", labels=("namespace", "name", "strategy", "phase")
        )
        for raw in rollouts:
            named = _named(raw)
            info.add_metric((*named, _strategy(raw), _router(raw), rollout_phase(raw)), 1)
            phase.add_metric((*named, _strategy(raw), rollout_phase(raw)), 1)
        yield from (info, phase)
        yield from (_replicas(rollouts, *field) for field in REPLICAS.items())
        yield _unavailable(rollouts)

    def _of(self, kind: object) -> tuple[Raw, ...]:
        listed = self._store.listed(kind) if self._store.watches(kind) else ()
        return tuple(raw for raw in listed if shard_of(raw) == self._instance)


def rollout_phase(raw: Raw) -> str:
    """Argo's word for metrics, which is not `status.phase`."""
    conditions = {c.get("type"): c for c in get(raw, "status", "conditions", default=())}
    if get(conditions, "InvalidSpec", "status") == "True":
        return "InvalidSpec"
    if get(raw, "status", "abort"):
        return "Abort"
    if get(conditions, "Progressing", "reason") == "ProgressDeadlineExceeded":
        return "Timeout"
    return PHASES.get(get(raw, "status", "phase", default=""), "Progressing")


def _replicas(rollouts: Iterable[Raw], figure: str, field: str) -> GaugeMetricFamily:
    family = GaugeMetricFamily(
        f"rollout_info_replicas_{figure}", f"Pods of a Rollout, {figure}", labels=("namespace", "name")
    )
    for raw in rollouts:
        source, unwritten = ("spec", 1) if figure == "desired" else ("status", 0)
        family.add_metric(_named(raw), float(get(raw, source, field, default=unwritten)))
    return family


def _unavailable(rollouts: Iterable[Raw]) -> GaugeMetricFamily:
    family = GaugeMetricFamily(
        "rollout_info_replicas_unavailable", "Pods of a Rollout, unavailable", labels=("namespace", "name")
    )
    for raw in rollouts:
        there, up = (get(raw, "status", f, default=0) for f in ("replicas", "availableReplicas"))
        family.add_metric(_named(raw), float(max(0, there - up)))
    return family


def _named(raw: Raw) -> tuple[str, str]:
    return get(raw, "metadata", "namespace", default=""), get(raw, "metadata", "name", default="")


def _strategy(raw: Raw) -> str:
    return "blueGreen" if get(raw, "spec", "strategy", "blueGreen") is not None else "canary"


def _router(raw: Raw) -> str:
    routing = get(raw, "spec", "strategy", "canary", "trafficRouting", default={})
    return next((ROUTERS.get(key, key) for key in routing if key not in NO_ROUTERS), "")


def _parts(path: str) -> Key:
    """Whom a request's path names; a status subresource counts as its object."""
    pieces = path.strip("/").split("/")
    pieces = pieces[3:] if pieces[0] == "apis" else pieces[2:]
    namespace = ""
    if pieces and pieces[0] == "namespaces" and len(pieces) > 2:
        namespace, pieces = pieces[1], pieces[2:]
    return Key(pieces[0] if pieces else "", namespace, pieces[1] if len(pieces) > 1 else "")


def _verb(request: Request, name: str) -> str:
    if request.method == "GET":
        return "Watch" if request.query.get("watch") else "Get" if name else "List"
    return {"POST": "Create", "PUT": "Update", "PATCH": "Patch", "DELETE": "Delete"}[request.method]
