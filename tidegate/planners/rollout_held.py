"""A Rollout that is held, for its spec is wrong or asks for what is not acted on yet.

Its condition names field and fix, and nothing moves. But an abort is heard: its canary may have had traffic
when the spec was edited.
"""

from __future__ import annotations

from contextlib import suppress
from datetime import datetime
from typing import Any

import msgspec

from crds import paths
from crds.errors import Invalid
from crds.meta import read_status
from crds.patches import merge_diff
from crds.refs import ROLLOUT, ref_of
from crds.rollout import Rollout
from crds.rollout_status import RolloutStatus
from rollouts.conditions import Says
from rollouts.status import held
from tidegate.planners.needs import Answers, Need, Object
from tidegate.planners.plan import Event, JsonPatch, Plan, Record
from tidegate.planners.rollout_traffic import istio_of, taken_away
from traffic.istio import Istio

Raw = dict[str, Any]


class Held(msgspec.Struct, frozen=True):
    """Why, and where an abort can take the canary's traffic away, if it can be told from the spec."""

    says: Says
    istio: Istio | None = None


def router(rollout: Rollout) -> Istio | None:
    """Where all traffic may go to stable at any time: not where that may have shrunk (dynamicStableScale)."""
    with suppress(Invalid):
        return None if rollout.canary and rollout.canary.dynamic_stable_scale else istio_of(rollout)
    return None


def held_needs(here: Held, raw: Raw) -> tuple[Need, ...]:
    """What an abort must see; nothing else is asked."""
    return tuple(Object(ref) for ref in here.istio.refs) if here.istio and _status(raw).abort else ()


def held_plan(here: Held, raw: Raw, answers: Answers, now: datetime) -> Plan:
    """What is wrong, beside an abort's way."""
    status = _status(raw)
    moved = taken_away(here.istio, status.stable_rs, answers) if here.istio and status.abort else ()
    plan = hold(raw, here.says, now)
    words = f"aborted, though it is held: all traffic to stable; {here.says.message}"
    return msgspec.structs.replace(
        plan,
        writes=(*moved, *plan.writes),
        why=words if status.abort else plan.why,
        events=(*(_told(raw, patch) for patch in moved), *plan.events),
    )


def hold(raw: Raw, problem: Says, now: datetime) -> Plan:
    """The status that tells of it."""
    was: Raw = paths.get(raw, "status", default={})
    now_is = held(problem, _status(raw), was, now) | {
        "observedGeneration": str(paths.get(raw, "metadata", "generation", default=0))
    }
    written = recorded(raw, was, now_is)
    events = (Event(raw, problem.type, problem.message, warning=True),) if written else ()
    return Plan(written, why=problem.message, events=events)


def recorded(raw: Raw, was: Raw, now_is: Raw) -> tuple[Record, ...]:
    """The write that makes the one status of the other, on the version that was planned on."""
    patch = merge_diff(was, now_is)
    version = raw["metadata"]["resourceVersion"]
    return (Record(ref_of(ROLLOUT, raw), patch, version),) if patch else ()


def _status(raw: Raw) -> RolloutStatus:
    return read_status(paths.get(raw, "status"), RolloutStatus)


def _told(raw: Raw, patch: JsonPatch) -> Event:
    return Event(raw, "Updated VirtualService", f"{patch.ref}: aborted: its canary gets nothing")
