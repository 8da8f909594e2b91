"""The world a canary is decided on: what the user asked for, what stands, and what was remembered.

Everything here was observed or read back; nothing is intended. The words are the users': stable is the
revision that owns the traffic, the canary is the one that is let in.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from functools import cached_property

import msgspec

from crds.rollout import ReplicaProgressThreshold
from crds.steps import Step
from rollouts.memory import Blame, Memory
from rollouts.ratio import Limits


class Ask(msgspec.Struct, frozen=True):
    """What the spec asks for. Not `routed` means that the pods themselves are the shares.

    `history` is how many old revisions are kept. `delay` keeps old pods after promotion, of `delayed`
    revisions at most; `abort_delay` the canary after an abort (None: for ever). `window` is how many
    revisions may lie between for a rollback without steps. A canary with pods has `least_pods`; so many as
    `threshold` says count as all of them. `dynamic`: stable has no more pods than its share needs.
    `was_good`: a sync takes it back to a release that was good, so it walks no steps. `frozen` is why it is
    `paused`, where nobody has paused it.
    """

    name: str
    replicas: int
    steps: tuple[Step, ...]
    pod_hash: str
    step_hash: str
    routed: bool = True
    history: int = 10
    judged: bool = False
    paused: bool = False
    max_surge: int = 0
    max_unavailable: int = 0
    deadline: timedelta = timedelta(seconds=600)
    deadline_aborts: bool = False
    delay: timedelta = timedelta(seconds=30)
    abort_delay: timedelta | None = timedelta(seconds=30)
    settle: timedelta = timedelta(seconds=2)
    restart_at: datetime | None = None
    delayed: int | None = None
    window: int = 0
    least_pods: int = 0
    threshold: ReplicaProgressThreshold | None = None
    dynamic: bool = False
    canary_service: str = ""
    stable_service: str = ""
    was_good: bool = False
    frozen: str = ""

    @property
    def limits(self) -> Limits:
        return Limits(self.replicas, self.max_surge, self.max_unavailable)


class Pods(msgspec.Struct, frozen=True):
    """One ReplicaSet by its counts. `leave_at` is when it may be scaled to nothing (scale-down-deadline);
    `settled` says that the counts are those of what is desired now; `failure` why no pods can be made;
    `sized_for` how many replicas the Rollout had when it was last scaled (0: not known)."""

    name: str
    hash: str
    revision: int
    desired: int = 0
    replicas: int = 0
    ready: int = 0
    available: int = 0
    leave_at: datetime | None = None
    settled: bool = True
    uid: str = ""
    failure: Trouble | None = None
    created: datetime | None = None
    sized_for: int = 0

    def grown_to(self, replicas: int) -> int:
        """Its pods, or so many more as keep its part of a Rollout that has grown since."""
        return max(self.desired, -(-self.desired * replicas // self.sized_for) if self.sized_for else 0)

    @property
    def complete(self) -> bool:
        return self.available >= self.desired

    @property
    def usable(self) -> int:
        """Pods that count: available ones, and no more than will stay."""
        return min(self.available, self.desired)


class Aged(msgspec.Struct, frozen=True):
    """One pod from before the restart that was asked for."""

    name: str
    uid: str
    hash: str
    ready: bool = True


class Traffic(msgspec.Struct, frozen=True):
    """What the router says now: the canary's weight in percent and the revisions its two arms mean.

    `exact` when all its routes say just that; `where` names the place for people, `host` the Service.
    """

    weight: int
    stable: str
    canary: str
    exact: bool = True
    where: str = "the router"
    host: str = ""


class Service(msgspec.Struct, frozen=True):
    """A Service that a Rollout without a router names: the revision it means, "" for every pod, and whether
    we switched it before."""

    means: str
    ours: bool = True


class Services(msgspec.Struct, frozen=True):
    """None where it names none."""

    stable: Service | None = None
    canary: Service | None = None


class Trouble(msgspec.Struct, frozen=True):
    """Something that must be mended before traffic can move: a reason in one word, and object, field, fix."""

    reason: str
    message: str


class Run(msgspec.Struct, frozen=True):
    """An AnalysisRun. It `measures` once its counters' watermark is taken, and is `informed` when it was told
    since when the canary gets requests. `deaf` says why it gets no answers, while it gets none. A step's was
    started for the `steps` of this hash ("": it does not say). One that is `ending`
    was told to; one that was `stopped` so by us, as nobody asked for it on the way."""

    name: str
    phase: str
    revision: int = 0
    attempt: int = 0
    step: int | None = None
    steps: str = ""
    message: str = ""
    measures: bool = False
    informed: bool = False
    ending: bool = False
    stopped: bool = False
    deaf: str = ""

    @property
    def bad(self) -> bool:
        return self.phase in ("Failed", "Error")

    @property
    def good_so_far(self) -> bool:
        return self.phase in ("Running", "Successful")

    @property
    def over(self) -> bool:
        return self.phase in ("Failed", "Error", "Successful", "Inconclusive")


class World(msgspec.Struct, frozen=True, dict=True):
    """`traffic` None means: not known yet; `services` None: none to switch. `metrics` None means: the stable
    arm's series are there, or nobody asked; `asking` that the answer is on its way. `stuck` says why the
    canary's pods cannot start, where they cannot. `runs` are the AnalysisRuns that have not ended; `run` is
    this revision's and attempt's, as are the `step_runs` of its analysis steps.
    `late_at` is when pods that make no progress miss their deadline. `ignored` are fields of the spec that
    are passed over. `refused` is the write that the API server will not take, in its words.
    `caught_up_at` is when those who follow the routes should be back after the API server was away.
    `aged` are the pods from before the restart that was asked for; None means: not listed. So many `ready`
    ones were not going when they were. `blame` is known some time after a verdict.
    """

    ask: Ask
    memory: Memory
    pods: tuple[Pods, ...]
    traffic: Traffic | Trouble | None
    now: datetime
    services: Services | Trouble | None = None
    run: Run | None = None
    step_runs: tuple[Run, ...] = ()
    runs: tuple[Run, ...] = ()
    metrics: Trouble | None = None
    asking: bool = False
    stuck: str = ""
    ignored: tuple[str, ...] = ()
    refused: str = ""
    late_at: datetime | None = None
    aged: tuple[Aged, ...] | None = None
    ready: int | None = None
    caught_up_at: datetime | None = None
    blame: Blame | None = None

    def revision_of(self, pod_hash: str) -> Pods | None:
        return next((p for p in self.pods if p.hash == pod_hash), None) if pod_hash else None

    @cached_property
    def new(self) -> Pods | None:
        return self.revision_of(self.ask.pod_hash)

    @cached_property
    def revision(self) -> int:
        """The number of the asked-for revision: an older ReplicaSet that comes back gets the next one."""
        newest = max((p.revision for p in self.pods if p is not self.new), default=0)
        return max(self.new.revision if self.new else 0, newest + 1)

    @property
    def rolls_back(self) -> bool:
        """The asked-for revision was good before, or was made before the stable one, and fewer than
        `ask.window` between them."""
        if self.ask.was_good:
            return True
        new, stable = self.new, self.revision_of(self.memory.stable)
        first, last = new and new.created, stable and stable.created
        if not first or not last or first >= last:
            return False
        between = sum(1 for p in self.pods if p.created and first < p.created < last)
        return between < self.ask.window

    @property
    def is_back(self) -> bool:
        """A rollback within the window that has all its pods needs no more steps."""
        return self.rolls_back and self.available(self.new) >= self.ask.replicas

    @property
    def judged(self) -> bool:
        """An analysis is to judge the new revision; one that was stable a short while ago needs none."""
        return self.ask.judged and not self.rolls_back

    @property
    def late(self) -> bool:
        new = self.new
        return self.late_at is not None and self.now >= self.late_at and not (new and new.complete)

    @property
    def seen(self) -> Traffic | None:
        return self.traffic if isinstance(self.traffic, Traffic) else None

    def available(self, pods: Pods | None) -> int:
        return pods.usable if pods else 0
