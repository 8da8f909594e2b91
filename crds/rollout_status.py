"""What a Rollout's status says: Argo's fields, which clients read and people patch, and our own memory.

Every field has a default, so that `crds.meta.read_status` can leave out what people wrote wrongly.
"""

from __future__ import annotations

from typing import Any

import msgspec

from crds.meta import Condition
from crds.times import Time


class PauseCondition(msgspec.Struct, frozen=True, rename="camel"):
    """Why it waits: CanaryPauseStep, InconclusiveAnalysisRun, InconclusiveExperiment or BlueGreenPause."""

    reason: str = ""
    start_time: Time | None = None


class RunRef(msgspec.Struct, frozen=True, rename="camel"):
    """The AnalysisRun of now, and what it says."""

    name: str = ""
    status: str = ""
    message: str = ""


class WeightDestination(msgspec.Struct, frozen=True, rename="camel"):
    weight: int = 0
    service_name: str = ""
    pod_template_hash: str = ""


class Weights(msgspec.Struct, frozen=True, rename="camel"):
    """The shares last seen in the router; `verified` is None where the router cannot tell."""

    canary: WeightDestination = WeightDestination()
    stable: WeightDestination = WeightDestination()
    additional: tuple[WeightDestination, ...] = ()
    verified: bool | None = None


class CanaryStatus(msgspec.Struct, frozen=True, rename="camel"):
    current_step_analysis_run_status: RunRef | None = None
    current_background_analysis_run_status: RunRef | None = None
    current_experiment: str = ""
    weights: Weights | None = None
    stable_ping_pong: str = ""
    step_plugin_statuses: tuple[dict[str, Any], ...] = ()


class RolloutStatus(msgspec.Struct, frozen=True, rename="camel"):
    """`phase` is Healthy, Progressing, Paused or Degraded; `observedGeneration` is text, as Argo has it."""

    abort: bool = False
    aborted_at: Time | None = None
    pause_conditions: tuple[PauseCondition, ...] = ()
    controller_pause: bool = False
    promote_full: bool = False
    current_pod_hash: str = ""
    current_step_hash: str = ""
    current_step_index: int | None = None
    stable_rs: str = msgspec.field(name="stableRS", default="")
    replicas: int = 0
    updated_replicas: int = 0
    ready_replicas: int = 0
    available_replicas: int = 0
    hpa_replicas: int = msgspec.field(name="HPAReplicas", default=0)
    selector: str = ""
    collision_count: int | None = None
    observed_generation: str = ""
    workload_observed_generation: str = ""
    restarted_at: Time | None = None
    phase: str = ""
    message: str = ""
    conditions: tuple[Condition, ...] = ()
    canary: CanaryStatus = CanaryStatus()
    blue_green: dict[str, Any] = {}
    alb: dict[str, Any] = {}
    albs: tuple[dict[str, Any], ...] = ()
    duration: dict[str, Any] = {}
    tidegate: dict[str, Any] = {}
