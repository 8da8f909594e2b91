"""The step engine: what is remembered after this look, given what was remembered and what is seen now.

Each function answers one question and returns the memory with the answer in it. Order matters and is the
order of `remember`: a new revision forgets the old one's pauses before anyone's words are heard, people are
heard before verdicts, and verdicts come before steps.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import assert_never

from msgspec.structs import replace

from crds.steps import (
    Experiment,
    Pause,
    Plugin,
    RunAnalysis,
    SetCanaryScale,
    SetHeaderRoute,
    SetMirrorRoute,
    SetWeight,
    Step,
)
from crds.times import next_second
from rollouts.memory import Meant, Memory, Paused, Reason, Walked
from rollouts.orders import canary_pods, enough, step_weight
from rollouts.ratio import Split, approximate
from rollouts.settling import arms_settled, note_services, note_traffic, weight_settled
from rollouts.world import Ask, Run, Trouble, World


def remember(world: World) -> Memory:
    """The memory after looking at `world`; looking again at the same world changes nothing more."""
    memory = not_ahead(world.memory, world.now)
    memory = note_services(world, note_traffic(memory, world.traffic, world.now))
    memory = recognise_stable(world, memory)
    memory = begin_revision(world, memory)
    if not on_the_way(world.ask, memory):
        return at_rest(world.ask, first_deployed(world, memory))
    memory = hear_people(world, memory)
    memory = judge(world, memory)
    return note_steps(world, walk(world, memory))


def on_the_way(ask: Ask, memory: Memory) -> bool:
    """There is a stable revision and another is to take its place."""
    return bool(memory.stable) and memory.stable != ask.pod_hash


def this_run(world: World, memory: Memory) -> Run | None:
    """The run that judges this revision and attempt; what an earlier one said is no news of this one, nor is
    one of a judge that was sent away, for nobody asked for it any more."""
    run, asked = world.run, (world.revision, memory.attempt)
    return run if run and (run.revision, run.attempt) == asked and not run.stopped else None


def this_step_run(world: World, memory: Memory) -> Run | None:
    """The run of the analysis step that the walk stands at; one that answered for other steps is none."""
    asked = (world.revision, memory.attempt, memory.step)
    found = _runs_of_steps(world)
    return next((run for run in found if (run.revision, run.attempt, run.step) == asked), None)


def _runs_of_steps(world: World) -> tuple[Run, ...]:
    """Those of the steps as they are written now."""
    return tuple(run for run in world.step_runs if run.steps in ("", world.ask.step_hash))


def at_analysis(ask: Ask, memory: Memory) -> bool:
    """The walk stands at an analysis step."""
    return memory.step < len(ask.steps) and isinstance(ask.steps[memory.step], RunAnalysis)


def not_ahead(memory: Memory, now: datetime) -> Memory:
    """The clock was set back: a pause that would begin in the future begins now, and is as long as asked."""
    latest, served = next_second(now), memory.served
    if served and served.since > now:
        memory = replace(memory, served=Meant(served.stable, now))
    if all(p.since <= latest for p in memory.pauses):
        return memory
    return replace(memory, pauses=tuple(Paused(p.reason, min(p.since, latest)) for p in memory.pauses))


def recognise_stable(world: World, memory: Memory) -> Memory:
    """A status that was lost, or names a ReplicaSet that is gone: the revision the stable arm means, or the
    stable Service, and that has pods, is stable. The way to another one begins anew.

    One that is being deployed for the first time is so once the router has settled on it (`first_deployed`).
    """
    if world.revision_of(memory.stable):
        return memory
    memory = replace(memory, stable="")
    means = world.seen.stable if world.seen else memory.served.stable if memory.served else ""
    if memory.pod_hash and means == world.ask.pod_hash:
        return memory
    serving = world.revision_of(means)
    return replace(memory, stable=serving.hash, step=0) if serving and serving.desired else memory


def begin_revision(world: World, memory: Memory) -> Memory:
    """A new pod template starts from nothing; new steps start at the first, but a bad verdict stands.

    A rollback within the window to pods that are still there skips the steps, and so does a return to a
    release that was good.
    """
    ask, new = world.ask, world.new
    there = ask.was_good or (new is not None and new.desired > 0)
    step = len(ask.steps) if there and world.rolls_back else 0
    if memory.pod_hash != ask.pod_hash:
        return Memory(
            pod_hash=ask.pod_hash,
            step_hash=ask.step_hash,
            step=step,
            stable=memory.stable,
            restarted_at=ask.restart_at,
            traffic=memory.traffic,
            served=memory.served,
        )
    if memory.step_hash == ask.step_hash:
        return memory
    fresh = replace(
        _unpaused(memory),
        step_hash=ask.step_hash,
        step=step,
        promote_full=False,
        restarted_at=ask.restart_at,
    )
    if memory.verdict:
        return fresh
    attempt = memory.attempt + _leaves_its_judge(world)
    return replace(fresh, abort=False, aborted_at=None, attempt=attempt)


def _leaves_its_judge(world: World) -> bool:
    """The run that judged the walk so far has ended or is about to, by an abort perhaps."""
    return world.run is not None and (world.run.over or world.run.ending)


def at_rest(ask: Ask, memory: Memory) -> Memory:
    """First deployment, fully promoted, or back to stable: no step is under way, nothing can be aborted."""
    return replace(
        _unpaused(memory),
        step=len(ask.steps),
        abort=False,
        aborted_at=None,
        promote_full=False,
        verdict="",
        blame=None,
    )


def first_deployed(world: World, memory: Memory) -> Memory:
    """Without a stable revision, the new one is stable once the router was seen to mean its pods."""
    noted, new = memory.traffic, world.ask.pod_hash
    if not world.ask.routed:
        return replace(memory, stable=memory.stable or (new if _complete(world) else ""))
    if memory.stable or noted is None or noted.stable != new or not arms_settled(world, memory):
        return memory
    return replace(memory, stable=new) if reached(world, memory, 0) and _complete(world) else memory


def hear_people(world: World, memory: Memory) -> Memory:
    """`abort: false` after an abort is a retry; a step that was set begins, the end at most, judged anew;
    cleared pauses answer what we had paused for."""
    memory = replace(memory, step=min(memory.step, len(world.ask.steps)))
    if memory.aborted_at and not memory.abort:
        return replace(
            _unpaused(memory),
            step=0,
            aborted_at=None,
            verdict="",
            blame=None,
            attempt=memory.attempt + 1,
            overridden=False,
        )
    if memory.walked and memory.step != len(memory.walked) - 1:
        memory = replace(
            _stepped(memory, memory.step), attempt=memory.attempt + _judged_before(world, memory)
        )
    if not memory.released or memory.abort:
        return memory
    answered = memory.held_for
    return replace(
        _unpaused(memory),
        step=min(memory.step + (Reason.STEP in answered), len(world.ask.steps)),
        attempt=memory.attempt + (Reason.INCONCLUSIVE in answered),
        overridden=memory.overridden or Reason.METRICS in answered,
    )


def _judged_before(world: World, memory: Memory) -> bool:
    """Steps that a person goes back to have been analysed: what was said of them then is no answer now."""
    return any(run.step is not None and run.step >= memory.step for run in _runs_of_steps(world))


def judge(world: World, memory: Memory) -> Memory:
    """A bad verdict aborts; so does a person. `promoteFull` is a person who has decided against verdicts,
    until an abort withdraws it: a retry is to walk the steps."""
    if not memory.abort and not memory.promote_full:
        verdict = bad_news(world, memory)
        memory = replace(memory, abort=bool(verdict), verdict=verdict)
    if memory.abort:
        since = memory.aborted_at or world.now
        blame = memory.blame or (world.blame if memory.verdict else None)
        return replace(_unpaused(memory), step=0, promote_full=False, aborted_at=since, blame=blame)
    return memory


def bad_news(world: World, memory: Memory) -> str:
    """Why this revision must not get traffic, in words; "" while nothing is known against it."""
    for kind, run in (
        ("Step-based", this_step_run(world, memory)),
        ("Background", this_run(world, memory)),
    ):
        if run and run.bad:
            return f"{kind} analysis phase error/failed: {run.message}"
    if world.stuck:
        return world.stuck
    if late(world, memory) and world.ask.deadline_aborts:
        return f"no progress for {int(world.ask.deadline.total_seconds())} s (progressDeadlineAbort)"
    return ""


def late(world: World, memory: Memory) -> bool:
    """Pods make no progress for too long; nobody counts that while an analysis step is waited for."""
    return world.late and not at_analysis(world.ask, memory)


def walk(world: World, memory: Memory) -> Memory:
    """As many steps forward as are complete; each change of step or pause is remembered."""
    if memory.abort or world.ask.paused:
        return memory
    if memory.promote_full or world.is_back:
        return _promoted(world, replace(_unpaused(memory), step=len(world.ask.steps)))
    memory = _hold(memory, Reason.INCONCLUSIVE, _inconclusive(world, memory), world.now)
    memory = _hold(memory, Reason.METRICS, _blind(world, memory), world.now)
    while memory.step < len(world.ask.steps) and not _held_by_analysis(memory):
        after = attend(world, memory, world.ask.steps[memory.step])
        if after.step == memory.step:
            return after
        memory = after
    return _promoted(world, memory)


def note_steps(world: World, memory: Memory) -> Memory:
    """When each step of this attempt began, and what was known when it ended."""
    before = world.memory
    same = (before.pod_hash, before.attempt) == (
        memory.pod_hash,
        memory.attempt,
    ) and before.step <= memory.step
    walked = before.walked if same else ()
    if len(walked) > memory.step:
        return replace(memory, walked=walked[: memory.step + 1])
    run = this_run(world, memory)
    if walked:
        walked = (*walked[:-1], replace(walked[-1], evidence=run.message if run else ""))
    more = (Walked(world.now),) * (memory.step + 1 - len(walked))
    return replace(memory, walked=(*walked, *more))


def attend(world: World, memory: Memory, step: Step) -> Memory:
    """The memory after giving this step its due: the next step if it is complete."""
    match step:
        case SetWeight(hold=hold):
            if not reached(world, memory, step_weight(world.ask, memory)):
                return memory
            return _wait(world, memory, hold) if hold else _next(memory)
        case Pause(duration=duration):
            return _wait(world, memory, duration)
        case SetCanaryScale():
            return _next(memory) if scaled(world, memory) else memory
        case RunAnalysis():
            run, waived = this_step_run(world, memory), world.metrics is not None and memory.overridden
            return _next(memory) if waived or (run and run.phase == "Successful") else memory
        case Experiment() | SetHeaderRoute() | SetMirrorRoute() | Plugin():
            return memory  # held as Unsupported before any decision is asked for
        case never:
            assert_never(never)


def reached(world: World, memory: Memory, weight: int) -> bool:
    """The router was seen to say this weight for the two revisions, long enough, and the pods are there."""
    noted, ask = memory.traffic, world.ask
    if not ask.routed:
        readable = not isinstance(world.services, Trouble)
        return readable and _stands_at(world, memory, approximate(weight, ask.limits))
    if noted is None or not noted.exact or noted.weight != weight or not weight_settled(world, memory):
        return False
    if weight and (noted.stable, noted.canary) != (memory.stable, ask.pod_hash):
        return False
    return world.available(world.new) >= enough(ask, canary_pods(ask, memory) if weight else 0)


def scaled(world: World, memory: Memory) -> bool:
    """Both revisions have just the pods that the step orders, the canary's available."""
    ask = world.ask
    if not ask.routed:
        return _stands_at(world, memory, approximate(step_weight(ask, memory), ask.limits))
    stable = world.revision_of(memory.stable)
    kept = stable.desired if ask.dynamic and stable else ask.replicas
    return _stands_at(world, memory, Split(canary_pods(ask, memory), kept))


def _stands_at(world: World, memory: Memory, wanted: Split) -> bool:
    """Both revisions have just these pods, the canary's available; by pod counts nothing else serves."""
    new, stable = world.new, world.revision_of(memory.stable)
    desired, available = (new.desired, new.available) if new else (0, 0)
    kept = (stable.desired, stable.replicas) if stable else (0, 0)
    others = sum(p.available for p in world.pods if p not in (new, stable))
    return (
        desired == wanted.canary >= available >= enough(world.ask, wanted.canary)
        and kept == (wanted.stable,) * 2
        and (world.ask.routed or not others)
    )


def _complete(world: World) -> bool:
    return world.available(world.new) >= world.ask.replicas


def _promoted(world: World, memory: Memory) -> Memory:
    """All traffic was seen on the new revision, settled, and its pods are all there: it is stable now.

    Where no pods are asked for, there is no traffic to wait for.
    """
    everything = 100 if world.ask.replicas else 0
    if memory.step < len(world.ask.steps) or not reached(world, memory, everything):
        return memory
    return at_rest(world.ask, replace(memory, stable=world.ask.pod_hash))


def _inconclusive(world: World, memory: Memory) -> bool:
    runs = (this_run(world, memory), this_step_run(world, memory))
    return any(run is not None and run.phase == "Inconclusive" for run in runs)


def _blind(world: World, memory: Memory) -> bool:
    """No one would see the canary's errors; while that is being asked, the last answer holds."""
    run = this_run(world, memory)
    if run and run.deaf:
        return not memory.overridden
    unseen = world.metrics is not None or (world.asking and memory.paused_for(Reason.METRICS) is not None)
    awaited = _awaits_background(world, memory, run) or _awaits_step(world, memory)
    return unseen and awaited and not memory.overridden


def _awaits_background(world: World, memory: Memory, run: Run | None) -> bool:
    """Requests are ordered, and no run answers for them, or the router sends none yet."""
    idle = world.ask.routed and (memory.traffic is None or memory.traffic.weight == 0)
    return world.judged and step_weight(world.ask, memory) > 0 and (run is None or idle)


def _awaits_step(world: World, memory: Memory) -> bool:
    return at_analysis(world.ask, memory) and this_step_run(world, memory) is None


def _held_by_analysis(memory: Memory) -> bool:
    return any(p.reason != Reason.STEP for p in memory.pauses)


def _hold(memory: Memory, reason: Reason, holds: bool, now: datetime) -> Memory:
    """Pause for `reason` while it holds; when it no longer does, the pause ends by itself."""
    paused = memory.paused_for(reason)
    if holds and not paused:
        return _pausing(memory, (*memory.pauses, Paused(reason, now)))
    if paused and not holds:
        return _pausing(memory, tuple(p for p in memory.pauses if p is not paused))
    return memory


def _pausing(memory: Memory, pauses: tuple[Paused, ...]) -> Memory:
    reasons = tuple(p.reason for p in pauses)
    return replace(memory, pauses=pauses, controller_pause=bool(pauses), held_for=reasons)


def _unpaused(memory: Memory) -> Memory:
    return _pausing(memory, ())


def _wait(world: World, memory: Memory, duration: timedelta | None) -> Memory:
    paused = memory.paused_for(Reason.STEP)
    if paused is None:
        return _pausing(memory, (*memory.pauses, Paused(Reason.STEP, next_second(world.now))))
    if duration is not None and world.now >= paused.since + duration:
        return _next(memory)
    return memory


def _next(memory: Memory) -> Memory:
    return _stepped(memory, memory.step + 1)


def _stepped(memory: Memory, step: int) -> Memory:
    """At a step that has just begun: another's pause is not its own."""
    left = tuple(p for p in memory.pauses if p.reason != Reason.STEP)
    return replace(_pausing(memory, left), step=step)
