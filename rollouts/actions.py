"""What can be decided for a Rollout, in the users' words; tidegate/planners turns each into a write."""

from __future__ import annotations

from datetime import datetime

import msgspec

from rollouts.memory import Memory


class CreateReplicaSet(msgspec.Struct, frozen=True):
    hash: str
    revision: int


class Forget(msgspec.Struct, frozen=True):
    """Delete the ReplicaSet of an old revision that has no pods."""

    name: str
    uid: str


class Scale(msgspec.Struct, frozen=True):
    name: str
    replicas: int
    was: int


class Evict(msgspec.Struct, frozen=True):
    """Ask for the end of one pod, as far as disruption budgets allow it."""

    name: str
    uid: str


class LeaveAt(msgspec.Struct, frozen=True):
    """Sets the scale-down deadline of a ReplicaSet, or takes it away (None)."""

    name: str
    at: datetime | None


class Route(msgspec.Struct, frozen=True):
    """Give the canary this weight in percent, stable the rest."""

    weight: int


class Point(msgspec.Struct, frozen=True):
    """Make the router's arms mean these revisions; "" leaves an arm as it is."""

    stable: str
    canary: str


class StartAnalysis(msgspec.Struct, frozen=True):
    """The run in the background of all steps, or (`step`) that of one analysis step."""

    hash: str
    revision: int
    attempt: int
    step: int | None = None


class Renumber(msgspec.Struct, frozen=True):
    """An older ReplicaSet is the newest again: it takes the next revision number."""

    name: str
    revision: int


class ExpectTraffic(msgspec.Struct, frozen=True):
    """Tell the run since when the canary has been given requests."""

    run: str
    since: datetime


class StopAnalysis(msgspec.Struct, frozen=True):
    """`unasked`: on the way, for nobody asks for it any more. It is not to come back."""

    run: str
    unasked: bool = False


OnPods = CreateReplicaSet | Renumber | Forget | Scale | LeaveAt | Evict
OnTraffic = Route | Point
OnAnalysis = StartAnalysis | ExpectTraffic | StopAnalysis
Action = OnPods | OnTraffic | OnAnalysis


class Told(msgspec.Struct, frozen=True):
    """Something that happened and that people want to hear of, by Argo's reason."""

    reason: str
    message: str
    warning: bool = False


class Decision(msgspec.Struct, frozen=True):
    """`memory` is what was observed and is to be remembered; at `look_again` time decides something."""

    actions: tuple[Action, ...]
    memory: Memory
    why: str
    look_again: datetime | None = None
    told: tuple[Told, ...] = ()
