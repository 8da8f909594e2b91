"""What a Rollout remembers between looks: the part of its status that decisions read back.

The rest of the status (counts, conditions, phase) is made anew from the world each time. People write here
too: `abort`, `promoteFull`, `pauseConditions` and `currentStepIndex` are their words.
"""

from __future__ import annotations

from enum import StrEnum

import msgspec

from crds.times import Time


class Reason(StrEnum):
    """Why a Rollout is paused. The first two are Argo's; MetricsNotReady is ours."""

    STEP = "CanaryPauseStep"
    INCONCLUSIVE = "InconclusiveAnalysisRun"
    METRICS = "MetricsNotReady"


class Paused(msgspec.Struct, frozen=True):
    reason: str
    since: Time


class Noted(msgspec.Struct, frozen=True):
    """What the router was seen to say, and since when: the weight and the arms settle apart.

    None means: by somebody before us, who may have noted it long before or after it came to be.
    """

    weight: int
    stable: str
    canary: str
    exact: bool
    weight_since: Time | None = None
    arms_since: Time | None = None


class Meant(msgspec.Struct, frozen=True):
    """The revision that the stable Service of a Rollout without a router was seen to mean, and since when."""

    stable: str
    since: Time


class Walked(msgspec.Struct, frozen=True, rename="camel"):
    """When a step began, and once it is over, what the analysis had to say by then."""

    began: Time
    evidence: str = ""


class Blame(msgspec.Struct, frozen=True):
    """Whether the release `alone` is to blame for its verdict: stable was well over the same checks.

    `cause` is analysis or pods; `stable` says in words how the stable pods were.
    """

    cause: str
    alone: bool
    stable: str


class Memory(msgspec.Struct, frozen=True):
    """`held_for` are the reasons we last paused for: a person who clears the pauses answers these.

    `attempt` counts the walks of one revision that are judged apart, as a person's retries are; `overridden`
    says that a person let it go on although its metrics are not there. `verdict` is the bad news about this
    revision, in words, and `blame` how stable was meanwhile; `edited` tells of weights that someone else
    moved during this step. `walked` are the steps of this attempt, by index.
    """

    pod_hash: str = ""
    step_hash: str = ""
    step: int = 0
    stable: str = ""
    pauses: tuple[Paused, ...] = ()
    controller_pause: bool = False
    held_for: tuple[str, ...] = ()
    abort: bool = False
    aborted_at: Time | None = None
    promote_full: bool = False
    restarted_at: Time | None = None
    attempt: int = 0
    verdict: str = ""
    blame: Blame | None = None
    overridden: bool = False
    edited: str = ""
    walked: tuple[Walked, ...] = ()
    traffic: Noted | None = None
    served: Meant | None = None

    def paused_for(self, reason: str) -> Paused | None:
        return next((p for p in self.pauses if p.reason == reason), None)

    @property
    def released(self) -> bool:
        """A person cleared the pauses: we had set `controllerPause`, and the conditions are gone."""
        return self.controller_pause and not self.pauses
