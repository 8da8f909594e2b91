"""What Prometheus answers here: true counts where the mesh counts, and numbers where people say so.

PromQL is not played. A query is answered with the number given for its metric, and without one with a number
that its own condition takes for good; `said` tells beforehand which is which.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import datetime

from analysis.classic import Classic, measured
from analysis.counters import Unusable, parse
from analysis.instant import Instant
from analysis.run_spec import measurable, read_run
from analysis.statistical import Statistical
from crds.analysis import MetricResult
from crds.errors import Invalid
from crds.paths import get
from tidegate.cli.failure import Failure
from tidegate.kube.http import Request
from tidegate.planners.needs import Answer, Failed, Known, Query, Samples, SecretKey
from tidegate.sandbox.objects import Raw
from tidegate.sandbox.prometheus import Prometheus
from tidegate.sandbox.resources import ANALYSIS_RUNS, ANALYSIS_TEMPLATES, CLUSTER_ANALYSIS_TEMPLATES
from tidegate.sandbox.store import Store
from tidegate.simulate.plot import Behaviour, Plot

COUNTED = ("istio_requests_total", "envoy_cluster_upstream_rq", "envoy_cluster_upstream_rq_total")
OF_AN_IMAGE = 'sandbox_requests_total{{image="{image}"{only}}}'
ERRORS = ',code=~"5.."'
QUANTILE = "histogram_quantile"
NUMBERS = (0.0, 1.0, 100.0, 0.5, 0.99, 0.999, 0.01, 0.001, 10.0, 50.0, 99.0, 1e3, 1e6, -1.0)
"""Tried in this order until a condition takes one for good."""


class Answers:
    def __init__(self, plot: Plot, store: Store, prometheus: Prometheus) -> None:
        self._plot = plot
        self._store = store
        self._prometheus = prometheus

    async def samples(self, need: Samples) -> Answer:
        """Raw counters."""
        selector = need.selector if counter_of(need.selector) in COUNTED else self._translated(need.selector)
        query = {"query": f"{selector}[{round(need.window * 1000)}ms]", "time": str(need.at.timestamp())}
        found = parse(self._prometheus.handle(Request("GET", "/api/v1/query", query)).body)
        return Failed(found.why) if isinstance(found, Unusable) else Known(found)

    async def query(self, need: Query) -> Answer:
        """One number."""
        for metric in self._metrics():
            if isinstance(metric, Classic) and metric.provider.query == need.query:
                return answer(metric, self._plot.behaviour, need.at)
        return Failed("no analysis of this Rollout asks that")

    async def secret(self, _need: SecretKey) -> Answer:
        return Known("simulated")

    def _translated(self, selector: str) -> str:
        """What a counter that is not played would count: of the canary in a run, else of stable."""
        for metric in self._metrics():
            if isinstance(metric, Statistical) and selector in (metric.errors, metric.total):
                only = ERRORS if selector == metric.errors else ""
                return OF_AN_IMAGE.format(image=self._plot.image, only=only)
        return OF_AN_IMAGE.format(image=self._plot.before, only="")

    def _metrics(self) -> Iterator[Statistical | Classic]:
        for raw in self._store.every(ANALYSIS_RUNS):
            yield from measured_by(raw)


def measured_by(run: Raw) -> Iterator[Statistical | Classic]:
    """Its metrics; none of those that cannot be measured, which the controller names."""
    try:
        for index, metric in enumerate(read_run(run).spec.metrics):
            yield measurable(metric, f"spec.metrics[{index}]")
    except Invalid:
        return


def counter_of(selector: str) -> str:
    return (re.match(r"\s*([\w:]*)", selector) or [""])[0].strip()


def answer(metric: Classic, behaviour: Behaviour, at: datetime) -> Answer:
    given = behaviour.answers.get(metric.name)
    if given is None and QUANTILE in metric.provider.query:
        given = behaviour.latency
    for number in NUMBERS if given is None else (given,):
        for scalar in (False, True):
            seen = Instant((number,), scalar=scalar)
            phase = measured(metric, MetricResult(metric.name), seen, at).measurements[-1].phase
            if phase == "Successful" or (given is not None and phase != "Error"):
                return Known(seen)
    return Failed(f"no number is known that metric {metric.name!r} takes for good; give one by --answer")


def said(plot: Plot) -> Iterator[str]:
    """What is not played of the analyses, a sentence each. Failure where an answer is given to nobody."""
    asked, written = plot.behaviour, list(_written(plot))
    _for_nobody(asked, written)
    for metric in written:
        name, query = str(metric.get("name")), str(get(metric, "provider", "prometheus", "query", default=""))
        counter = str(get(metric, "statistics", "total", default=""))
        if name in asked.answers:
            yield f"metric {name} is answered with {asked.answers[name]:g}"
        elif QUANTILE in query and asked.latency is not None:
            yield f"metric {name} is answered with {asked.latency:g}, the latency given"
        elif query:
            how = f"no PromQL is played; say --answer {name}=NUMBER"
            yield f"metric {name} is answered as its condition likes it: {how}"
        if counter and counter_of(counter) not in COUNTED:
            yield f"metric {name} counts the canary's requests and errors, under whatever names"


def _for_nobody(asked: Behaviour, written: list[Raw]) -> None:
    known = {str(metric.get("name")) for metric in written if get(metric, "provider", "prometheus", "query")}
    if strange := set(asked.answers) - known:
        names = ", ".join(sorted(known)) or "none"
        raise Failure(f"no metric {min(strange)!r} asks a query; those that do: {names}")
    quantiles = [one for one in written if QUANTILE in str(get(one, "provider", "prometheus", default=""))]
    if asked.latency is not None and not quantiles:
        raise Failure(f"no metric asks for a latency by {QUANTILE}(); leave --latency out, or use --answer")


def _written(plot: Plot) -> Iterator[Raw]:
    for resource in (ANALYSIS_TEMPLATES, CLUSTER_ANALYSIS_TEMPLATES):
        for thing in plot.of(resource):
            yield from get(thing.raw, "spec", "metrics", default=[])
