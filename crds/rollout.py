"""The Rollout: the nouns of progressive delivery, as users write them.

All of Argo's fields, and the brief's forms. Typed is what is decided on; the pod template, routers other
than Istio, blueGreen and experiments stay as written. Steps are kept as written too, because their hash
covers every word of them; `steps` turns them into a closed set.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Annotated, Any, Literal

import msgspec

from crds import times
from crds.analysis import RolloutAnalysis
from crds.errors import Invalid
from crds.meta import LabelSelector, Metadata, ObjectMeta, read, read_status
from crds.paths import drop, get
from crds.rollout_status import RolloutStatus
from crds.steps import Step, WrittenStep, read_step

IntOrString = int | str
STEPS = ("spec", "strategy", "canary", "steps")
MOST_DIGITS = 9
SHOWN = 40


class TLSRoute(msgspec.Struct, frozen=True, rename="camel"):
    port: int = 0
    sni_hosts: tuple[str, ...] = ()


class TCPRoute(msgspec.Struct, frozen=True, rename="camel"):
    port: int = 0


class VirtualService(msgspec.Struct, frozen=True, rename="camel"):
    """`name` may be `name.namespace`; no `routes` means the only http route there is."""

    name: str
    routes: tuple[str, ...] = ()
    tls_routes: tuple[TLSRoute, ...] = ()
    tcp_routes: tuple[TCPRoute, ...] = ()


class DestinationRule(msgspec.Struct, frozen=True, rename="camel"):
    """Subset-level routing; subsets left unnamed (the brief's form) are `canary` and `stable`."""

    name: str
    canary_subset_name: str = "canary"
    stable_subset_name: str = "stable"
    additional_subset_names: tuple[Any, ...] = ()


class Istio(msgspec.Struct, frozen=True, rename="camel"):
    virtual_service: VirtualService | None = None
    virtual_services: tuple[VirtualService, ...] = ()
    destination_rule: DestinationRule | None = None

    @property
    def all(self) -> tuple[VirtualService, ...]:
        """The VirtualServices, whichever of the two fields names them."""
        return self.virtual_services or tuple(one for one in (self.virtual_service,) if one)


class ManagedRoute(msgspec.Struct, frozen=True, rename="camel"):
    name: str


class TrafficRouting(msgspec.Struct, frozen=True, rename="camel"):
    """Who splits the traffic. `maxTrafficWeight` is the denominator of weights (nginx and plugins only)."""

    istio: Istio | None = None
    nginx: dict[str, Any] | None = None
    alb: dict[str, Any] | None = None
    smi: dict[str, Any] | None = None
    ambassador: dict[str, Any] | None = None
    app_mesh: dict[str, Any] | None = None
    traefik: dict[str, Any] | None = None
    apisix: dict[str, Any] | None = None
    plugins: dict[str, Any] = {}
    managed_routes: tuple[ManagedRoute, ...] = ()
    max_traffic_weight: int | None = None

    @property
    def routers(self) -> tuple[str, ...]:
        """The names of the routers asked for, as written; several may be."""
        said = {
            "istio": self.istio is not None,
            "nginx": self.nginx is not None,
            "alb": self.alb is not None,
            "smi": self.smi is not None,
            "ambassador": self.ambassador is not None,
            "appMesh": self.app_mesh is not None,
            "traefik": self.traefik is not None,
            "apisix": self.apisix is not None,
            "plugins": bool(self.plugins),
        }
        return tuple(name for name, asked in said.items() if asked)


class PingPong(msgspec.Struct, frozen=True, rename="camel"):
    ping_service: str = ""
    pong_service: str = ""


class ReplicaProgressThreshold(msgspec.Struct, frozen=True, rename="camel"):
    """When so many pods (or percent of them) are available, a step counts as reached."""

    type: Literal["Percent", "Pods"]
    value: int


class Canary(msgspec.Struct, frozen=True, rename="camel"):
    """`steps` are as written; read them through `crds.rollout.steps`."""

    canary_service: str = ""
    stable_service: str = ""
    steps: tuple[dict[str, Any], ...] = ()
    traffic_routing: TrafficRouting | None = None
    max_surge: IntOrString = "25%"
    max_unavailable: IntOrString = "25%"
    analysis: RolloutAnalysis | None = None
    anti_affinity: dict[str, Any] | None = None
    canary_metadata: Metadata | None = None
    stable_metadata: Metadata | None = None
    scale_down_delay_seconds: int | None = None
    scale_down_delay_revision_limit: int | None = None
    abort_scale_down_delay_seconds: int | None = None
    dynamic_stable_scale: bool = False
    ping_pong: PingPong | None = None
    min_pods_per_replica_set: int | None = None
    replica_progress_threshold: ReplicaProgressThreshold | None = None

    @property
    def scale_down_delay(self) -> timedelta:
        """How long old pods stay after a promotion: 30 s with a traffic router; 0 without, or where stable
        has shrunk by then."""
        if self.traffic_routing is None or self.dynamic_stable_scale:
            return timedelta(0)
        return times.seconds(30 if (given := self.scale_down_delay_seconds) is None else given)

    @property
    def abort_scale_down_delay(self) -> timedelta | None:
        """How long canary pods stay after an abort; None means for ever (written as 0).

        Where stable shrinks they go with their traffic, unless it is said how long they stay.
        """
        unsaid = self.abort_scale_down_delay_seconds is None
        if self.traffic_routing is None or (self.dynamic_stable_scale and unsaid):
            return timedelta(0)
        seconds = 30 if (given := self.abort_scale_down_delay_seconds) is None else given
        return times.seconds(seconds) if seconds else None


class Strategy(msgspec.Struct, frozen=True, rename="camel"):
    canary: Canary | None = None
    blue_green: dict[str, Any] | None = None


class WorkloadRef(msgspec.Struct, frozen=True, rename="camel"):
    api_version: str = ""
    kind: str = ""
    name: str = ""
    scale_down: str = "never"


class RollbackWindow(msgspec.Struct, frozen=True, rename="camel"):
    revisions: int | None = None


class RunHistory(msgspec.Struct, frozen=True, rename="camel"):
    """How many finished AnalysisRuns are kept."""

    successful_run_history_limit: int = 5
    unsuccessful_run_history_limit: int = 5


class RolloutSpec(msgspec.Struct, frozen=True, rename="camel"):
    """`template` is as written: its hash and its words matter, not its types."""

    replicas: int = 1
    selector: LabelSelector | None = None
    template: dict[str, Any] = {}
    workload_ref: WorkloadRef | None = None
    min_ready_seconds: int = 0
    strategy: Strategy = Strategy()
    revision_history_limit: int = 10
    paused: bool = False
    progress_deadline_seconds: int = 600
    progress_deadline_abort: bool = False
    restart_at: Annotated[datetime, msgspec.Meta(tz=True)] | None = None
    analysis: RunHistory = RunHistory()
    rollback_window: RollbackWindow | None = None


class Rollout(msgspec.Struct, frozen=True, rename="camel"):
    spec: RolloutSpec
    metadata: ObjectMeta = ObjectMeta()
    status: RolloutStatus = RolloutStatus()

    @property
    def canary(self) -> Canary | None:
        return self.spec.strategy.canary


def parse(raw: dict[str, Any]) -> Rollout:
    """The Rollout in `raw`, with what of its status can be read. Invalid where the spec has a wrong type."""
    rollout = read(drop(raw, ("status",)), Rollout)
    for index, step in enumerate(_written_steps(rollout)):
        read(step, WrittenStep, *STEPS, index)
    return msgspec.structs.replace(rollout, status=read_status(get(raw, "status"), RolloutStatus))


def steps(rollout: Rollout) -> tuple[Step, ...]:
    """The canary's steps as a closed set; Invalid names the step that says nothing or two things."""
    written = enumerate(_written_steps(rollout))
    return tuple(read_step(step, *STEPS, index) for index, step in written)


def _written_steps(rollout: Rollout) -> tuple[dict[str, Any], ...]:
    return rollout.canary.steps if rollout.canary else ()


def surge(rollout: Rollout) -> tuple[int, int]:
    """maxSurge and maxUnavailable in pods: surge rounds up, unavailable down (1 if both come to 0).

    More than all pods is never unavailable. Invalid where one is neither a number nor a percentage.
    """
    canary, replicas = rollout.canary or Canary(), rollout.spec.replicas
    more = -(-_hundredths(canary.max_surge, replicas, "maxSurge") // 100)
    fewer = _hundredths(canary.max_unavailable, replicas, "maxUnavailable") // 100
    return more, min(fewer if more or fewer else 1, replicas)


def _hundredths(written: IntOrString, replicas: int, field: str) -> int:
    """Of a pod: a share of whole pods is rarely whole."""
    if isinstance(written, int):
        return written * 100
    number = written.removesuffix("%")
    if number == written or not number.isdecimal() or len(number) > MOST_DIGITS:
        raise Invalid(
            f"spec.strategy.canary.{field}",
            f"{written[:SHOWN]!r} is neither a number of pods nor a share like 25%",
        )
    return int(number) * replicas
