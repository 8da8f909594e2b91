"""What is wrong with a Rollout beyond its types: each check names the field and what to write instead.

`problems` are mistakes: nothing moves until an edit. Messages are our own; the condition's frame around
them is Argo's. What we cannot act on yet is in `crds.support`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

from crds.analysis import Metric, RolloutAnalysis, Statistics
from crds.errors import Invalid
from crds.paths import get, show
from crds.rollout import STEPS, Canary, Istio, Rollout, VirtualService, surge
from crds.steps import Pause, RunAnalysis, SetCanaryScale, SetWeight, Step, read_step
from crds.times import duration
from crds.validate_held import held_problems

CANARY = "spec.strategy.canary"
ISTIO = f"{CANARY}.trafficRouting.istio"
Problems = Iterator[Invalid]


def problems(rollout: Rollout) -> tuple[Invalid, ...]:
    """Every mistake in the spec, in reading order; empty where there is none."""
    return (
        *_numbers(rollout),
        *_selector(rollout),
        *_template(rollout),
        *_strategy(rollout),
        *(_canary(rollout, rollout.canary) if rollout.canary else ()),
        *held_problems(rollout),
    )


def _numbers(rollout: Rollout) -> Problems:
    spec = rollout.spec
    for name, value in (
        ("replicas", spec.replicas),
        ("minReadySeconds", spec.min_ready_seconds),
        ("revisionHistoryLimit", spec.revision_history_limit),
    ):
        if value < 0:
            yield Invalid(f"spec.{name}", f"{value} is below 0; write 0 or more")
    if spec.progress_deadline_seconds <= spec.min_ready_seconds:
        yield Invalid(
            "spec.progressDeadlineSeconds",
            f"{spec.progress_deadline_seconds} must be more than minReadySeconds ({spec.min_ready_seconds})",
        )


def _selector(rollout: Rollout) -> Problems:
    if rollout.spec.workload_ref:
        return
    selector, labels = rollout.spec.selector, get(rollout.spec.template, "metadata", "labels", default={})
    if selector is None or selector.empty:
        yield Invalid("spec.selector", "selects nothing; write matchLabels that the template's labels carry")
    elif not isinstance(labels, dict):
        yield Invalid("spec.template.metadata.labels", "are no mapping; write each as name: value")
    elif not selector.matches(labels):
        yield Invalid("spec.selector", "does not match spec.template.metadata.labels; make them agree")


def _template(rollout: Rollout) -> Problems:
    template = rollout.spec.template
    if rollout.spec.workload_ref:
        if template:
            yield Invalid("spec.template", "stands beside workloadRef; keep one of the two")
        return
    yield from _containers(get(template, "spec", "containers", default=[]))
    policy = get(template, "spec", "restartPolicy", default="Always")
    if policy != "Always":
        yield Invalid("spec.template.spec.restartPolicy", f"{policy} is not possible here; write Always")


def _containers(containers: Any) -> Problems:
    if not isinstance(containers, list):
        yield Invalid("spec.template.spec.containers", "is no list; write a list of containers")
        return
    if not containers:
        yield Invalid("spec.template.spec.containers", "is empty; a pod needs a container")
    for index, container in enumerate(containers):
        for field in ("name", "image"):
            if not get(container, field):
                where = show("spec", "template", "spec", "containers", index, field)
                yield Invalid(where, "is missing; add it")
    yield from _twice([str(get(one, "name")) for one in containers], "spec.template.spec.containers")


def _strategy(rollout: Rollout) -> Problems:
    strategy = rollout.spec.strategy
    if (strategy.canary is None) == (strategy.blue_green is None):
        yield Invalid("spec.strategy", "must have exactly one of canary and blueGreen")


def _canary(rollout: Rollout, canary: Canary) -> Problems:
    yield from _pods(rollout, canary)
    yield from _pods_of_steps(canary)
    for index, raw in enumerate(canary.steps):
        yield from _step(raw, index, _heaviest(canary))
    yield from _routing(canary)
    yield from _delays(rollout, canary)
    if canary.analysis:
        yield from _analysis(canary.analysis, f"{CANARY}.analysis")


def _pods(rollout: Rollout, canary: Canary) -> Problems:
    try:
        surge(rollout)
    except Invalid as problem:
        yield problem
    written = (("maxSurge", canary.max_surge), ("maxUnavailable", canary.max_unavailable))
    for name, value in written:
        if isinstance(value, int) and value < 0:
            yield Invalid(f"{CANARY}.{name}", f"{value} is below 0; write 0 or more")
    if all(value in {0, "0", "0%"} for _, value in written):
        yield Invalid(f"{CANARY}.maxSurge", "and maxUnavailable are both 0, so no pod could be replaced")


def _heaviest(canary: Canary) -> int:
    routing = canary.traffic_routing
    return 100 if routing is None or routing.max_traffic_weight is None else routing.max_traffic_weight


def _step(raw: dict[str, object], index: int, heaviest: int) -> Problems:
    try:
        step = read_step(raw, *STEPS, index)
    except Invalid as problem:
        yield problem
        return
    yield from _step_values(step, show(*STEPS, index), heaviest)


def _step_values(step: Step, path: str, heaviest: int) -> Problems:
    match step:
        case SetWeight(weight) if not 0 <= weight <= heaviest:
            yield Invalid(f"{path}.setWeight", f"{weight} is no share; write 0 to {heaviest}")
        case SetWeight(hold=timedelta() as hold) if hold < timedelta(0):
            yield Invalid(f"{path}.duration", "is below 0; write how long to hold, like 5m")
        case Pause(timedelta() as pause) if pause < timedelta(0):
            yield Invalid(f"{path}.pause.duration", "is below 0; write how long to wait, like 5m")
        case SetCanaryScale():
            yield from _scale(step, f"{path}.setCanaryScale", heaviest)
        case RunAnalysis(analysis):
            yield from _analysis(analysis, f"{path}.analysis")


def _scale(scale: SetCanaryScale, path: str, heaviest: int) -> Problems:
    said = (scale.weight is not None, scale.replicas is not None, scale.match_traffic_weight)
    if sum(said) != 1:
        yield Invalid(path, "must say exactly one of weight, replicas and matchTrafficWeight")
    if scale.weight is not None and not 0 <= scale.weight <= heaviest:
        yield Invalid(f"{path}.weight", f"{scale.weight} is no share; write 0 to {heaviest}")
    if scale.replicas is not None and scale.replicas < 0:
        yield Invalid(f"{path}.replicas", f"{scale.replicas} is below 0; write 0 or more")


def _pods_of_steps(canary: Canary) -> Problems:
    """Numbers of canary pods beside the weights: a step's, the least, and those that are enough."""
    if canary.traffic_routing is None:
        for index, raw in enumerate(canary.steps):
            if raw.get("setCanaryScale") is not None:
                where = show(*STEPS, index, "setCanaryScale")
                yield Invalid(where, "needs trafficRouting, for without it the pods are the share; remove it")
    least, threshold = canary.min_pods_per_replica_set, canary.replica_progress_threshold
    if least is not None and least < 0:
        yield Invalid(f"{CANARY}.minPodsPerReplicaSet", f"{least} is below 0; write 0 or more")
    where = f"{CANARY}.replicaProgressThreshold.value"
    if threshold and threshold.value < 0:
        yield Invalid(where, f"{threshold.value} is below 0; write 0 or more")
    if threshold and threshold.type == "Percent" and threshold.value > 100:
        yield Invalid(where, f"{threshold.value} is no share; write 0 to 100")


def _routing(canary: Canary) -> Problems:
    if canary.canary_service and canary.canary_service == canary.stable_service:
        yield Invalid(f"{CANARY}.stableService", "is the same Service as canaryService; name two")
    routing = canary.traffic_routing
    if routing is None:
        return
    if routing.max_traffic_weight is not None and not (routing.nginx or routing.plugins):
        where = f"{CANARY}.trafficRouting.maxTrafficWeight"
        yield Invalid(where, "is for nginx and plugins only; remove it")
    subsets = routing.istio is not None and routing.istio.destination_rule is not None
    services = canary.canary_service and canary.stable_service
    if set(routing.routers) - {"plugins"} and not (services or subsets or canary.ping_pong):
        what = "canaryService and stableService must both be named"
        yield Invalid(CANARY, f"{what}, or for Istio trafficRouting.istio.destinationRule")
    if routing.istio:
        yield from _istio(routing.istio)


def _istio(istio: Istio) -> Problems:
    if istio.virtual_service and istio.virtual_services:
        yield Invalid(f"{ISTIO}.virtualServices", "stands beside virtualService; keep one of the two")
    elif not istio.all:
        yield Invalid(
            f"{ISTIO}.virtualService", "is missing; name the VirtualService that splits the traffic"
        )
    if istio.virtual_service:
        yield from _virtual_service(istio.virtual_service, f"{ISTIO}.virtualService")
    for index, one in enumerate(istio.virtual_services):
        yield from _virtual_service(one, f"{ISTIO}.virtualServices[{index}]")
    yield from _twice([one.name for one in istio.virtual_services], f"{ISTIO}.virtualServices")
    yield from _subsets(istio)


def _virtual_service(service: VirtualService, path: str) -> Problems:
    if not service.name:
        yield Invalid(f"{path}.name", "is empty; name the VirtualService")
    yield from _twice(list(service.routes), f"{path}.routes")


def _subsets(istio: Istio) -> Problems:
    rule = istio.destination_rule
    if rule is None:
        return
    for field, name in (
        ("name", rule.name),
        ("canarySubsetName", rule.canary_subset_name),
        ("stableSubsetName", rule.stable_subset_name),
    ):
        if not name:
            yield Invalid(f"{ISTIO}.destinationRule.{field}", "is empty; write a name")
    if rule.canary_subset_name == rule.stable_subset_name:
        where = f"{ISTIO}.destinationRule.stableSubsetName"
        yield Invalid(where, f"{rule.stable_subset_name!r} is the canary's subset too; name two")


def _delays(rollout: Rollout, canary: Canary) -> Problems:
    where = f"{CANARY}.scaleDownDelaySeconds"
    if canary.scale_down_delay_seconds is not None and canary.traffic_routing is None:
        yield Invalid(where, "needs trafficRouting; remove it")
    if canary.dynamic_stable_scale and canary.traffic_routing is None:
        yield Invalid(f"{CANARY}.dynamicStableScale", "needs trafficRouting; remove it")
    if canary.dynamic_stable_scale and canary.scale_down_delay_seconds is not None:
        yield Invalid(where, "cannot stand beside dynamicStableScale; remove one")
    limit, history = canary.scale_down_delay_revision_limit, rollout.spec.revision_history_limit
    if limit is not None and limit > history:
        what = f"{history} is below scaleDownDelayRevisionLimit ({limit})"
        yield Invalid("spec.revisionHistoryLimit", f"{what}; keep at least as many")


def _analysis(analysis: RolloutAnalysis, path: str) -> Problems:
    if not (analysis.templates or analysis.metrics):
        yield Invalid(path, "names neither templates nor metrics; name what is measured")
    yield from _span(analysis.interval, f"{path}.interval")
    for index, metric in enumerate(analysis.metrics):
        yield from metric_problems(metric, f"{path}.metrics[{index}]", inline=True)
    yield from _twice([metric.name for metric in analysis.metrics], f"{path}.metrics")


def metric_problems(metric: Metric, path: str, *, inline: bool = False) -> Problems:
    """What is wrong with one metric at `path`; `inline` metrics are shares judged by the sequential test."""
    if not metric.name:
        yield Invalid(f"{path}.name", "is empty; name the metric")
    yield from _span(metric.interval, f"{path}.interval")
    yield from _range(metric, path, share=inline or _is_share(metric.statistics))
    if inline and metric.threshold_range is None:
        yield Invalid(f"{path}.thresholdRange", "is missing; write the limit, like {max: 0.05} for 5 %")
    if metric.statistics:
        yield from _statistics(metric, metric.statistics, f"{path}.statistics")


def _is_share(statistics: Statistics | None) -> bool:
    return statistics is not None and statistics.test in {"proportion", "latency"}


def _range(metric: Metric, path: str, *, share: bool) -> Problems:
    limits, where = metric.threshold_range, f"{path}.thresholdRange"
    if limits is None:
        return
    low, high = limits.min, limits.max
    if low is None and high is None:
        yield Invalid(where, "has neither min nor max; write the limit, like {max: 0.05} for 5 %")
    elif low is not None and high is not None and low > high:
        yield Invalid(where, f"min {low:g} is above max {high:g}; nothing could pass")
    if share and high is not None and not 0 < high < 1:
        yield Invalid(f"{where}.max", f"{high:g} is no share between 0 and 1; write 0.05 for 5 %")


def _statistics(metric: Metric, statistics: Statistics, path: str) -> Problems:
    for name, value in (
        ("alpha", statistics.alpha),
        ("passAlpha", statistics.pass_alpha),
        ("power", statistics.power),
    ):
        if not 0 < value < 1:
            yield Invalid(f"{path}.{name}", f"{value:g} is no probability; write one between 0 and 1")
    if not (statistics.errors and statistics.total):
        yield Invalid(path, "needs errors and total, two selectors of raw counters")
    if isinstance(statistics.dispersion, int | float) and statistics.dispersion < 1:
        yield Invalid(f"{path}.dispersion", f"{statistics.dispersion:g} is below 1; write auto, or 1 or more")
    if metric.failure_limit not in {0, "0"}:
        where = path.removesuffix("statistics") + "failureLimit"
        yield Invalid(where, "does not go with statistics, whose evidence already adds up; remove it")
    yield from _span(statistics.no_data.grace, f"{path}.noData.grace")


def _span(written: int | str | None, path: str) -> Problems:
    if written is None or "{{" in str(written):
        return
    try:
        span = duration(written, path)
    except Invalid as problem:
        yield problem
        return
    if span <= timedelta(0):
        yield Invalid(path, f"{written} is no time to wait; write a duration like 30s")


def _twice(names: list[str], path: str) -> Problems:
    for name, times in Counter(names).items():
        if times > 1:
            yield Invalid(path, f"name {name!r} {times} times; each once")
