"""AnalysisTemplate, ClusterAnalysisTemplate and AnalysisRun: what is measured, and what came of it.

Argo's fields, and two additions to a metric: the brief's `thresholdRange` and our `statistics` block.
Providers stay as written; their own code reads them. Limits may be numbers or text, as in Argo, because
templates write them as `"{{args.count}}"`.
"""

from __future__ import annotations

from typing import Any, Literal

import msgspec

from crds.meta import Metadata, ObjectMeta, read, read_status
from crds.paths import drop, get
from crds.times import Time

IntOrString = int | str
Outcome = Literal["Successful", "Failed", "Inconclusive"]


class ThresholdRange(msgspec.Struct, frozen=True, rename="camel"):
    """The values that are good, both ends included; an end left out is open."""

    min: float | None = None
    max: float | None = None


class Baseline(msgspec.Struct, frozen=True, rename="camel"):
    """The stable arm's counters; they add the relative test: canary over stable at most `maxRatio`."""

    errors: str = ""
    total: str = ""
    max_ratio: float = 1.25


class DetectableEffect(msgspec.Struct, frozen=True, rename="camel"):
    """The smallest regression that must not pass early, as a ratio to the baseline."""

    ratio: float = 2.0


class NoData(msgspec.Struct, frozen=True, rename="camel"):
    """What it means when `total` has no series for longer than `grace`."""

    grace: IntOrString = "3m"
    then: Outcome = "Inconclusive"


class Statistics(msgspec.Struct, frozen=True, rename="camel"):
    """The sequential test of a metric. `errors` and `total` are raw counter selectors.

    `alpha` bounds the chance of an abort of a canary within its limits over the whole rollout, `passAlpha`
    that of an early success of one at or over `detectableEffect`. `minRequests` gates a pass, never a fail.
    """

    test: Literal["proportion", "ratio", "latency", "mean"] = "proportion"
    errors: str = ""
    total: str = ""
    baseline: Baseline | None = None
    alpha: float = 0.05
    pass_alpha: float = 0.05
    detectable_effect: DetectableEffect = DetectableEffect()
    power: float = 0.8
    min_requests: int = 100
    dispersion: Literal["auto"] | float = "auto"
    early_success: bool = False
    on_horizon: Outcome = "Inconclusive"
    no_data: NoData = NoData()


class Metric(msgspec.Struct, frozen=True, rename="camel"):
    """One measurement, taken `count` times (for ever without), `interval` apart."""

    name: str
    interval: IntOrString | None = None
    initial_delay: IntOrString | None = None
    count: IntOrString | None = None
    success_condition: str = ""
    failure_condition: str = ""
    failure_limit: IntOrString = 0
    inconclusive_limit: IntOrString = 0
    consecutive_error_limit: IntOrString = 4
    consecutive_success_limit: IntOrString = 0
    provider: dict[str, Any] = {}
    threshold_range: ThresholdRange | None = None
    statistics: Statistics | None = None


class FieldRef(msgspec.Struct, frozen=True, rename="camel"):
    field_path: str


class SecretKeyRef(msgspec.Struct, frozen=True, rename="camel"):
    name: str
    key: str


class ValueFrom(msgspec.Struct, frozen=True, rename="camel"):
    """Where an argument's value comes from; the pod hashes only in a Rollout, secrets only in a template."""

    pod_template_hash_value: Literal["Stable", "Latest"] | None = None
    field_ref: FieldRef | None = None
    secret_key_ref: SecretKeyRef | None = None


class Argument(msgspec.Struct, frozen=True, rename="camel"):
    name: str
    value: str | None = None
    value_from: ValueFrom | None = None


class DryRun(msgspec.Struct, frozen=True, rename="camel"):
    """Metrics that are measured and never judged; the name may be a pattern, `*` means all."""

    metric_name: str


class MeasurementRetention(msgspec.Struct, frozen=True, rename="camel"):
    metric_name: str
    limit: int = 10


class TemplateRef(msgspec.Struct, frozen=True, rename="camel"):
    template_name: str = ""
    cluster_scope: bool = False


class TTLStrategy(msgspec.Struct, frozen=True, rename="camel"):
    """Seconds after which a completed run is deleted."""

    seconds_after_completion: int | None = None
    seconds_after_failure: int | None = None
    seconds_after_success: int | None = None


class RolloutAnalysis(msgspec.Struct, frozen=True, rename="camel"):
    """An analysis as a Rollout asks for it: Argo's templates, or the brief's inline metrics.

    `startingStep` is meant for background analysis only. Inline: `interval` is the cadence of all checks;
    `threshold` (failed checks before rollback) is superseded by the sequential test.
    """

    templates: tuple[TemplateRef, ...] = ()
    args: tuple[Argument, ...] = ()
    dry_run: tuple[DryRun, ...] = ()
    measurement_retention: tuple[MeasurementRetention, ...] = ()
    analysis_run_metadata: Metadata = Metadata()
    starting_step: int | None = None
    interval: IntOrString | None = None
    threshold: IntOrString | None = None
    metrics: tuple[Metric, ...] = ()


class TemplateSpec(msgspec.Struct, frozen=True, rename="camel"):
    metrics: tuple[Metric, ...] = ()
    args: tuple[Argument, ...] = ()
    dry_run: tuple[DryRun, ...] = ()
    measurement_retention: tuple[MeasurementRetention, ...] = ()
    templates: tuple[TemplateRef, ...] = ()


class RunSpec(msgspec.Struct, frozen=True, rename="camel"):
    metrics: tuple[Metric, ...] = ()
    args: tuple[Argument, ...] = ()
    terminate: bool = False
    dry_run: tuple[DryRun, ...] = ()
    measurement_retention: tuple[MeasurementRetention, ...] = ()
    ttl_strategy: TTLStrategy | None = None


class Measurement(msgspec.Struct, frozen=True, rename="camel"):
    phase: str = ""
    value: str = ""
    message: str = ""
    started_at: Time | None = None
    finished_at: Time | None = None
    resume_at: Time | None = None
    metadata: dict[str, str] = {}


class MetricResult(msgspec.Struct, frozen=True, rename="camel"):
    name: str
    phase: str = ""
    message: str = ""
    measurements: tuple[Measurement, ...] = ()
    count: int = 0
    successful: int = 0
    failed: int = 0
    inconclusive: int = 0
    error: int = 0
    consecutive_error: int = 0
    consecutive_success: int = 0
    dry_run: bool = False
    metadata: dict[str, str] = {}


class RunSummary(msgspec.Struct, frozen=True, rename="camel"):
    """How many metrics ended how."""

    count: int = 0
    successful: int = 0
    failed: int = 0
    inconclusive: int = 0
    error: int = 0


class RunStatus(msgspec.Struct, frozen=True, rename="camel"):
    """`phase`: "", Pending, Running, Successful, Failed, Error or Inconclusive. `tidegate` is our memory."""

    phase: str = ""
    message: str = ""
    metric_results: tuple[MetricResult, ...] = ()
    run_summary: RunSummary = RunSummary()
    dry_run_summary: RunSummary | None = None
    started_at: Time | None = None
    completed_at: Time | None = None
    tidegate: dict[str, Any] = {}


class AnalysisTemplate(msgspec.Struct, frozen=True, rename="camel"):
    spec: TemplateSpec
    metadata: ObjectMeta = ObjectMeta()


class ClusterAnalysisTemplate(msgspec.Struct, frozen=True, rename="camel"):
    spec: TemplateSpec
    metadata: ObjectMeta = ObjectMeta()


class AnalysisRun(msgspec.Struct, frozen=True, rename="camel"):
    spec: RunSpec
    metadata: ObjectMeta = ObjectMeta()
    status: RunStatus = RunStatus()


def parse_template(raw: dict[str, Any]) -> AnalysisTemplate:
    return read(raw, AnalysisTemplate)


def parse_cluster_template(raw: dict[str, Any]) -> ClusterAnalysisTemplate:
    return read(raw, ClusterAnalysisTemplate)


def parse_run(raw: dict[str, Any]) -> AnalysisRun:
    """A run with what of its status can be read; Invalid where its spec has a wrong type."""
    run = read(drop(raw, ("status",)), AnalysisRun)
    return msgspec.structs.replace(run, status=read_status(get(raw, "status"), RunStatus))
