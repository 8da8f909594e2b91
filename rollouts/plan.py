"""What should happen to a canary: one look at the world, one decision.

Remember what is seen, move traffic one rung, size the revisions, and start or stop the analysis. Nothing
here writes, waits or asks; `tidegate/planners/rollout.py` turns the decision into writes.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from msgspec.structs import replace

from rollouts.actions import Action, Decision, ExpectTraffic, StartAnalysis, StopAnalysis
from rollouts.by_ratio import size_by_ratio
from rollouts.history import forget
from rollouts.memory import Memory, Reason
from rollouts.news import tell
from rollouts.orders import canary_pods, enough, step_weight
from rollouts.progress import at_analysis, on_the_way, remember, this_run, this_step_run
from rollouts.replicas import size
from rollouts.restart import evictions, note_restart, restart_looks
from rollouts.services import switch
from rollouts.settling import settled_at, settling, weight_settled
from rollouts.shift import aim, shift
from rollouts.world import Run, World

ASK_AGAIN = timedelta(seconds=10)


def plan(world: World) -> Decision:
    """Traffic first, then pods, then the analysis: an abort's first write takes the traffic away."""
    memory = note_restart(world, notice_edits(world, remember(world)))
    rung = shift(world, memory) if world.ask.routed else switch(world, memory)
    sizing = size(world, memory) if world.ask.routed else size_by_ratio(world, memory)
    moves = (rung.action,) if rung.action else ()
    actions = (
        *moves,
        *sizing.actions,
        *analysis(world, memory),
        *forget(world, memory),
        *evictions(world, memory),
    )
    return Decision(
        actions=actions,
        memory=memory,
        why=_why(world, memory, rung.why, actions),
        look_again=_next_look(world, memory, sizing.look_again),
        told=tell(world, memory, actions),
    )


def notice_edits(world: World, memory: Memory) -> Memory:
    """Weights that were noted as they should be, still should, and are not: someone else moved them.

    Told for the rest of the step, or at rest until they have settled, though they are set back at once.
    """
    seen, before = world.seen, world.memory.traffic
    at_rest = not on_the_way(world.ask, memory)
    if _left_behind(world, memory) or (at_rest and weight_settled(world, memory)):
        memory = replace(memory, edited="")
    if seen is None or before is None:
        return memory
    wanted, then = (aim(world, one, seen).weight for one in (memory, world.memory))
    was_right = before.exact and before.weight == wanted == then
    if not was_right or (seen.exact and seen.weight == wanted):
        return memory
    return replace(
        memory,
        edited=f"{seen.where} gave the canary {seen.weight} % where {wanted} % was set; it is set back. "
        "Leave these weights to the Rollout, or abort or promote it instead.",
    )


def _left_behind(world: World, memory: Memory) -> bool:
    """The step in which something was noticed is over."""
    return (memory.step, memory.pod_hash) != (world.memory.step, world.memory.pod_hash)


def analysis(world: World, memory: Memory) -> tuple[Action, ...]:
    """Runs that judge nothing any more end; the background's begins before the first request."""
    judging = on_the_way(world.ask, memory) and not memory.abort and not memory.promote_full
    found = (this_run(world, memory) if world.judged else None, this_step_run(world, memory))
    judges = [run for run in found if run] if judging else []
    names = [run.name for run in judges]
    unasked = judging and not world.judged
    ended = (run for run in world.runs if run.name not in names)
    stopped = tuple(StopAnalysis(run.name, unasked and run.step is None) for run in ended)
    return (*stopped, *_begun(world, memory), *_informed(world, memory, judges)) if judging else stopped


def _begun(world: World, memory: Memory) -> tuple[StartAnalysis, ...]:
    """The runs that are to judge and are not there."""
    new = world.new
    if new is None or world.ask.paused or world.asking or (world.metrics and not memory.overridden):
        return ()
    start = StartAnalysis(new.hash, world.revision, memory.attempt)
    due = []
    if world.judged and this_run(world, memory) is None and _ready_to_measure(world, memory):
        due.append(start)
    if at_analysis(world.ask, memory) and this_step_run(world, memory) is None:
        due.append(replace(start, step=memory.step))
    return tuple(due)


def _informed(world: World, memory: Memory, judges: list[Run]) -> tuple[ExpectTraffic, ...]:
    since = _given_requests_since(world, memory)
    return tuple(ExpectTraffic(run.name, since) for run in judges if since and not (run.informed or run.over))


def _given_requests_since(world: World, memory: Memory) -> datetime | None:
    if not world.ask.routed:
        return world.now if world.available(world.new) else None
    noted = memory.traffic
    given = noted is not None and noted.weight > 0 and noted.canary == world.ask.pod_hash
    return noted.weight_since if noted and given else None


def _ready_to_measure(world: World, memory: Memory) -> bool:
    """Requests are about to come, and the pods and arms they would come to are there."""
    return step_weight(world.ask, memory) > 0 and (not world.ask.routed or _arms_stand(world, memory))


def _arms_stand(world: World, memory: Memory) -> bool:
    """The router means the two revisions, and the canary's pods are there."""
    seen, needed = world.seen, enough(world.ask, canary_pods(world.ask, memory))
    right = seen is not None and (seen.stable, seen.canary) == (memory.stable, world.ask.pod_hash)
    return right and world.available(world.new) >= needed


def _next_look(world: World, memory: Memory, deadline: datetime | None) -> datetime | None:
    """The first moment at which time alone changes the decision."""
    moments = [deadline] if deadline else []
    moments += settling(world, memory)
    if served := memory.served:
        moments.append(settled_at(world, served.since))
    step = world.ask.steps[memory.step] if memory.step < len(world.ask.steps) else None
    length = getattr(step, "duration", getattr(step, "hold", None))
    paused = memory.paused_for(Reason.STEP)
    if paused and length is not None:
        moments.append(paused.since + length)
    if world.late_at:
        moments.append(world.late_at)
    moments += restart_looks(world, memory)
    if memory.paused_for(Reason.METRICS):
        moments.append(world.now + ASK_AGAIN)
    return min((m for m in moments if m > world.now), default=None)


def _why(world: World, memory: Memory, rung: str, actions: tuple[Action, ...]) -> str:
    if memory.abort:
        return f"aborted: {memory.verdict or 'by a person'}" + (f"; {rung}" if rung else "")
    if rung:
        return rung
    if memory.pauses:
        return f"paused: {memory.pauses[0].reason}"
    if actions:
        return "sizing the revisions"
    return "" if not on_the_way(world.ask, memory) else "waiting for pods"
