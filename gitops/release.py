"""The release that an Application is at, as the state machine of quarantine and revert sees it.

It says nothing for Applications that hold no Rollout: nobody judges those.
"""

from __future__ import annotations

from typing import Any

import msgspec
from msgspec.structs import replace

from crds.application import Application
from crds.application_rollback import RELEASE, KnownGood
from crds.application_source import normalised
from crds.application_status import ApplicationStatus
from crds.meta import read_status
from gitops.compare import Comparison, Predicted, Target, synced
from gitops.objects import Key
from gitops.quarantine import turn
from gitops.rejection import ROLLOUT, Rejected, at_rest, heeded, rejected, retried
from gitops.reverts import Answer, Landing
from gitops.rollback import UNMENDED, Case, Memory, Turn

Raw = dict[str, Any]


class Release(msgspec.Struct, frozen=True):
    """What is known beside the world: the digest of what the revision declares, "" while not known; `good`
    what the good release would be in the cluster; and what Git and other Applications say of a revert.

    `kept` is what the revision declares as the good release does, None while nobody can tell; `unready` what
    a revert would lack.
    `declared`: the Application itself is as the revision declares it, not as an older one did.
    """

    rendering: str = ""
    good: tuple[Target, ...] = ()
    answer: Answer | None = None
    landing: Landing | None = None
    taken: str = ""
    frozen: str = ""
    declared: bool = True
    kept: frozenset[Key] | None = frozenset()
    unready: str = ""


class _Remembered(msgspec.Struct, frozen=True):
    """Of `status.tidegate`, the part that is ours here."""

    good: tuple[KnownGood, ...] = ()


class Seen(msgspec.Struct, frozen=True):
    """One look: the Application at `head`, its objects, and how they compare; `idle`: no operation runs.

    `elsewhere`: what was asked for is at this `head`, which is not where Git's is. `refused`: why its project
    lets it use neither this repository nor this destination.
    """

    application: Application
    head: str
    targets: tuple[Target, ...]
    comparison: Comparison | None
    release: Release
    now: Any
    idle: bool = True
    elsewhere: bool = False
    refused: str = ""


def released(seen: Seen) -> Turn:
    """What becomes of the release in this look."""
    rollouts = tuple(one for one in seen.targets if one.key[:2] == ROLLOUT)
    memory = remembered(seen.application.status)
    if not rollouts and memory == Memory():
        return Turn(memory)
    return turn(_case(seen, rollouts, memory))


def remembered(status: ApplicationStatus) -> Memory:
    goods = read_status(status.tidegate, _Remembered).good
    return Memory(status.rollback, goods, status.quarantined_revisions)


def written(status: ApplicationStatus, memory: Memory) -> ApplicationStatus:
    """The status with this memory in it."""
    if memory == remembered(status):
        return status
    goods = msgspec.to_builtins(memory.goods)
    return replace(
        status,
        rollback=memory.rollback,
        quarantined_revisions=memory.bads,
        last_known_good=memory.goods[-1] if memory.goods else KnownGood(),
        tidegate={**status.tidegate, **({"good": goods} if goods else {})},
    )


def asked_to_release(application: Application) -> str:
    return application.metadata.annotations.get(RELEASE, "")


def _case(seen: Seen, rollouts: tuple[Target, ...], memory: Memory) -> Case:
    """What differs from Git is no verdict on what Git declares."""
    application, source = seen.application, seen.application.spec.source
    declared = tuple(one.live for one in rollouts if one.live is not None and synced(one))
    in_sync = seen.comparison is not None and not seen.comparison.pending
    in_sync = in_sync and seen.comparison is not None and seen.comparison.status == "Synced"
    return Case(
        application=f"{application.metadata.namespace}/{application.name}",
        uid=application.metadata.uid,
        policy=application.rollback,
        memory=memory,
        head=seen.head,
        rendering=seen.release.rendering,
        now=seen.now,
        source=normalised(source) if source else None,
        declared=seen.release.declared,
        elsewhere=seen.elsewhere,
        rejected=_rejected(declared, application),
        retried=retried(declared, memory.rollback.rollout),
        synced=in_sync,
        well=in_sync and seen.idle and seen.release.declared and _well(seen, rollouts),
        answer=seen.release.answer,
        landing=seen.release.landing,
        taken=seen.release.taken,
        frozen=seen.release.frozen,
        released=asked_to_release(application),
        astray=_astray(seen.release.good),
        unready=seen.release.unready,
        heals=bool(application.automated and application.automated.self_heal),
        refused=seen.refused,
    )


def _astray(good: tuple[Target, ...]) -> tuple[str, ...] | None:
    """What is not as it is given back; None while that is not known of all."""
    if not good or not all(isinstance(one.answer, Predicted) for one in good):
        return None
    return tuple(str(one.key) for one in good if not synced(one))


def _rejected(raws: tuple[Raw, ...], application: Application) -> Rejected | None:
    """Of several the one that is being taken back, else one that is to be."""
    rollback, every = application.status.rollback, (rejected(raw) for raw in raws)
    own = rollback.rollout if rollback.phase in UNMENDED else ""

    def behind(one: Rejected) -> tuple[bool, bool]:
        return str(one.rollout) != own, not heeded(application.rollback, one)

    return min((one for one in every if one), key=behind, default=None)


def _well(seen: Seen, rollouts: tuple[Target, ...]) -> bool:
    healthy = seen.comparison is not None and seen.comparison.health.status == "Healthy"
    return healthy and bool(rollouts) and all(one.live is not None and at_rest(one.live) for one in rollouts)
