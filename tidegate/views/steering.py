"""What a person's word (promote, abort, retry) means as patches: one place for CLI, dashboard and tests.

The patches are those of Argo Rollouts' own plugin, so that either plugin steers either controller. A word
that could change nothing is refused, with the one that would.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any, Literal, NoReturn, assert_never, get_args

import msgspec

from crds.paths import get
from crds.times import rfc3339

Raw = dict[str, Any]
Promotion = Literal["promote", "promote-full", "skip-step", "skip-steps"]
Verb = Promotion | Literal["abort", "retry", "pause", "restart"]
VERBS: tuple[Verb, ...] = tuple(verb for part in get_args(Verb) for verb in get_args(part))


class SteerPatch(msgspec.Struct, frozen=True):
    """One RFC 7386 merge patch; `subresource` is "status", or "" for the object itself."""

    body: Raw
    subresource: str = ""


class Refused(Exception):
    """The word would change nothing; the text says why and what to do instead."""


def patch_for(verb: Verb, rollout: Raw, now: datetime | None = None) -> tuple[SteerPatch, ...]:
    """The patches to send, in order. Refused where nothing would change.

    `now` is for restart alone: pods made before it are replaced, once it has come.
    """
    match verb:
        case "promote" | "promote-full" | "skip-step" | "skip-steps":
            return _promotion(verb, rollout)
        case "abort":
            return _abort(rollout)
        case "retry":
            return _retry(rollout)
        case "pause":
            return (SteerPatch({"spec": {"paused": True}}),)
        case "restart":
            return _restart(now)
        case never:
            assert_never(never)


def unified(patches: tuple[SteerPatch, ...]) -> Raw:
    """One body for an API server that knows no status subresource."""
    body: Raw = {}
    for patch in patches:
        for part, fields in patch.body.items():
            body[part] = {**body.get(part, {}), **fields}
    return body


def observed(rollout: Raw) -> bool:
    """Whether the controller has seen the newest spec; Argo keeps observedGeneration as a string."""
    generation = get(rollout, "metadata", "generation")
    return generation is None or str(generation) == str(get(rollout, "status", "observedGeneration"))


def fully_promoted(rollout: Raw) -> bool:
    """Whether the revision that is wanted is the stable one."""
    current = get(rollout, "status", "currentPodHash")
    return current is not None and current == get(rollout, "status", "stableRS")


def unpausing(rollout: Raw) -> bool:
    """Whether a person has ended a pause and the controller has not acted on it yet."""
    status = get(rollout, "status")
    return bool(get(status, "controllerPause")) and not get(status, "pauseConditions")


def _promotion(verb: Promotion, rollout: Raw) -> tuple[SteerPatch, ...]:
    _refuse_aborted(rollout)
    match verb:
        case "promote":
            return _promote(rollout)
        case "promote-full":
            return _promote_full(rollout)
        case "skip-step":
            return _skip(rollout, _next_step(rollout))
        case "skip-steps":
            return _skip(rollout, len(_steps(rollout)))
        case never:
            assert_never(never)


def _promote(rollout: Raw) -> tuple[SteerPatch, ...]:
    if get(rollout, "status", "pauseConditions"):
        return _unpaused(rollout) + _status(_cleared_pause(rollout))
    if get(rollout, "spec", "paused"):  # the step it stands at has not been walked yet
        return _unpaused(rollout)
    if fully_promoted(rollout):
        _refuse_promoted(rollout)
    if unpausing(rollout):
        _refuse_repeated(rollout)
    if not _steps(rollout):
        _refuse_stepless(rollout)
    return _status({"pauseConditions": None, "currentStepIndex": _next_step(rollout)})


def _cleared_pause(rollout: Raw) -> Raw:
    if not _inconclusive(rollout):
        return {"pauseConditions": None}
    return {"pauseConditions": None, "controllerPause": False, "currentStepIndex": _next_step(rollout)}


def _skip(rollout: Raw, step: int) -> tuple[SteerPatch, ...]:
    """To this step at once, as the plugin's older flags have it; spec.paused holds it there."""
    if fully_promoted(rollout):
        _refuse_promoted(rollout)
    if not _steps(rollout):
        _refuse_stepless(rollout)
    return _status({"currentStepIndex": step})


def _promote_full(rollout: Raw) -> tuple[SteerPatch, ...]:
    if fully_promoted(rollout):
        return _unpaused(rollout) or _refuse_promoted(rollout)
    return _unpaused(rollout) + _status({"promoteFull": True})


def _abort(rollout: Raw) -> tuple[SteerPatch, ...]:
    if fully_promoted(rollout):
        refuse_unseen(rollout)
        raise Refused(
            f"{named(rollout)} has nothing to abort: its newest revision is fully promoted."
            f" To go back: kubectl argo rollouts undo {address(rollout)}, or where Git declares it git revert"
        )
    return _status({"abort": True})


def _retry(rollout: Raw) -> tuple[SteerPatch, ...]:
    if not get(rollout, "status", "abort"):
        phase = get(rollout, "status", "phase", default="Unknown")
        raise Refused(
            f"{named(rollout)} has nothing to retry: it is not aborted, it is {phase}."
            f" See: kubectl argo rollouts get rollout {address(rollout)}"
        )
    return _status({"abort": False})


def _restart(now: datetime | None) -> tuple[SteerPatch, ...]:
    if now is None:
        raise TypeError("restart needs `now`: pods made before it are replaced")
    return (SteerPatch({"spec": {"restartAt": rfc3339(now)}}),)


def _refuse_aborted(rollout: Raw) -> None:
    if get(rollout, "status", "abort"):
        raise Refused(
            f"{named(rollout)} is aborted: all traffic stays on stable."
            f" To walk the steps again: kubectl argo rollouts retry rollout {address(rollout)}"
        )


def _refuse_promoted(rollout: Raw) -> NoReturn:
    refuse_unseen(rollout)
    raise Refused(f"{named(rollout)} is fully promoted already: there is nothing to promote.")


def refuse_unseen(rollout: Raw) -> None:
    """Refused while the controller has not seen the newest spec."""
    if not observed(rollout):
        raise Refused(
            f"{named(rollout)} was changed and its controller has not seen that yet."
            " Say it again in a moment; if this stays so, see whether the controller runs."
        )


def _refuse_repeated(rollout: Raw) -> NoReturn:
    raise Refused(
        f"{named(rollout)} was promoted a moment ago and its controller has not acted yet;"
        " once more would skip a step. If this stays so, see whether the controller runs."
    )


def _refuse_stepless(rollout: Raw) -> NoReturn:
    raise Refused(
        f"{named(rollout)} is not paused and has no canary steps to skip."
        f" To go all the way now: kubectl argo rollouts promote {address(rollout)} --full"
    )


def _unpaused(rollout: Raw) -> tuple[SteerPatch, ...]:
    return (SteerPatch({"spec": {"paused": False}}),) if get(rollout, "spec", "paused") else ()


def _status(fields: Raw) -> tuple[SteerPatch, ...]:
    return (SteerPatch({"status": fields}, "status"),)


def _next_step(rollout: Raw) -> int:
    return int(min(get(rollout, "status", "currentStepIndex", default=0) + 1, len(_steps(rollout))))


def _steps(rollout: Raw) -> tuple[Raw, ...]:
    return tuple(get(rollout, "spec", "strategy", "canary", "steps", default=()))


def _inconclusive(rollout: Raw) -> bool:
    run = get(rollout, "status", "canary", "currentStepAnalysisRunStatus", "status")
    return run == "Inconclusive" and bool(get(rollout, "status", "controllerPause"))


def named(rollout: Raw) -> str:
    """As messages name it."""
    return f"rollout '{get(rollout, 'metadata', 'name')}'"


def address(rollout: Raw) -> str:
    """As command lines name it."""
    return f"{get(rollout, 'metadata', 'name')} -n {get(rollout, 'metadata', 'namespace', default='default')}"
