"""AnalysisRuns and templates as figures, read off the store at the scrape, under Argo's names."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from crds.paths import get
from crds.refs import ANALYSIS_RUN, ANALYSIS_TEMPLATE, CLUSTER_ANALYSIS_TEMPLATE, Kind, shard_of
from tidegate.kube.store import Raw, Store

NAMED = ("namespace", "name")


class AnalysisFigures(Collector):
    def __init__(self, store: Store, instance: str) -> None:
        self._store = store
        self._instance = instance

    def describe(self) -> Iterable[GaugeMetricFamily]:
        return ()

    def collect(self) -> Iterator[GaugeMetricFamily]:
        runs = [raw for raw in self._of(ANALYSIS_RUN) if shard_of(raw) == self._instance]
        templates = (*self._of(ANALYSIS_TEMPLATE), *self._of(CLUSTER_ANALYSIS_TEMPLATE))
        phases = [((*_named(raw), _phase(raw)), 1.0) for raw in runs]
        yield _family("analysis_run_info", "AnalysisRuns", (*NAMED, "phase"), phases)
        yield _family("analysis_run_phase", "AnalysisRuns by phase", (*NAMED, "phase"), phases)
        results = [((*_named(raw), *labels), 1.0) for raw in runs for labels in _results(raw)]
        labels = (*NAMED, "metric", "type", "phase", "dry_run")
        yield _family("analysis_run_metric_phase", "What a run's metrics came to", labels, results)
        types = [((*_named(raw), *labels), 1.0) for raw in runs for labels in _metrics(raw)]
        yield _family("analysis_run_metric_type", "Who is asked", (*NAMED, "metric", "type"), types)
        named = [(_named(raw), 1.0) for raw in templates]
        yield _family("analysis_template_info", "AnalysisTemplates", NAMED, named)
        asked = [((*_named(raw), *labels), 1.0) for raw in templates for labels in _metrics(raw)]
        yield _family("analysis_template_metric_info", "Their metrics", (*NAMED, "metric", "type"), asked)

    def _of(self, kind: Kind) -> tuple[Raw, ...]:
        return self._store.listed(kind) if self._store.watches(kind) else ()


def _family(
    name: str, about: str, labels: tuple[str, ...], samples: Iterable[tuple[tuple[str, ...], float]]
) -> GaugeMetricFamily:
    family = GaugeMetricFamily(name, about, labels=labels)
    for values, figure in dict(samples).items():
        family.add_metric(values, figure)
    return family


def _named(raw: Raw) -> tuple[str, str]:
    return get(raw, "metadata", "namespace", default=""), get(raw, "metadata", "name", default="")


def _phase(raw: Raw) -> str:
    return str(get(raw, "status", "phase", default="Pending"))


def _results(raw: Raw) -> Iterator[tuple[str, str, str, str]]:
    types = dict(_metrics(raw))
    for one in get(raw, "status", "metricResults", default=()):
        name, dry = one.get("name", ""), str(bool(one.get("dryRun"))).lower()
        yield name, types.get(name, ""), one.get("phase", ""), dry


def _metrics(raw: Raw) -> Iterator[tuple[str, str]]:
    for one in get(raw, "spec", "metrics", default=()):
        yield one.get("name", ""), next(iter(one.get("provider") or ()), "catalogue")
