"""Reads a Rollout and what was found around it into the world that `rollouts.plan` decides on.

Every answer that is missing or wrong becomes a fact: not known yet, trouble with its fix, or a default.
"""

from __future__ import annotations

import json
from contextlib import suppress
from datetime import datetime, timedelta
from functools import cached_property
from typing import Any

import msgspec
from msgspec.structs import replace

from analysis.run import EXPECTS_TRAFFIC
from crds import ephemeral, paths, times
from crds.analysis import RolloutAnalysis
from crds.meta import Condition
from crds.refs import ANALYSIS_RUN, HASH_LABEL, REPLICA_SET, Ref
from crds.returns import is_marked
from crds.rollout import Rollout, parse, steps, surge
from crds.steps import Step
from crds.times import parse as parse_time
from rollouts.conditions import EXPECTING, FAILURE, LATE
from rollouts.podhash import malformed, pod_template_hash, step_hash
from rollouts.settling import CATCH_UP
from rollouts.status import progressed, remembered
from rollouts.stuck import why_stuck
from rollouts.world import Ask, Pods, Run, Trouble, World
from tidegate.planners.needs import Answers, Defaulted, Known, Need, Object, Owned, Reached, known
from tidegate.planners.needs import Pods as PodsNeed
from tidegate.planners.rollout_note import note_need, note_of
from tidegate.planners.rollout_traffic import istio_of, services, services_of, traffic
from traffic.arms import Arms
from traffic.istio import Istio

Raw = dict[str, Any]

REVISION = "rollout.argoproj.io/revision"
HISTORY = "rollout.argoproj.io/revision-history"
DESIRED = "rollout.argoproj.io/desired-replicas"
ATTEMPT = "tidegate.dev/attempt"
STEPS = "tidegate.dev/steps"
STOPPED = "tidegate.dev/stopped"
STEP_INDEX = "step-index"
LEAVE_AT = "scale-down-deadline"
DEAF = 2
LET_IT_ANSWER = "let it answer, or correct its address or selectors in the metrics catalogue"
PATIENCE = timedelta(seconds=10)
PODS_EVERY = timedelta(seconds=5)


class Given(msgspec.Struct, frozen=True, dict=True):
    """A Rollout as parsed, once for all its looks: its hashes, its steps, and where its traffic is split."""

    raw: Raw
    rollout: Rollout
    istio: Istio | None
    arms: Arms
    steps: tuple[Step, ...]
    pod_hash: str
    step_hash: str
    dropped: tuple[str, ...] = ()
    """Quantities of the template that are none, by their paths."""

    @property
    def namespace(self) -> str:
        return self.rollout.metadata.namespace

    @property
    def name(self) -> str:
        return self.rollout.metadata.name

    @property
    def leaving(self) -> bool:
        """Somebody deletes it, and it is still there until a finalizer is done."""
        return self.rollout.metadata.deletion_timestamp is not None

    @property
    def analysis(self) -> RolloutAnalysis | None:
        return self.rollout.canary.analysis if self.rollout.canary else None

    @property
    def routes(self) -> tuple[Ref, ...]:
        """What says where requests go."""
        return self.istio.refs if self.istio else self.arms.refs

    @cached_property
    def own(self) -> tuple[Need, ...]:
        uid = self.rollout.metadata.uid
        return (
            Owned(REPLICA_SET, self.namespace, uid),
            Owned(REPLICA_SET, self.namespace, ""),
            Owned(ANALYSIS_RUN, self.namespace, uid),
            note_need(self.rollout.metadata),
            *(Object(ref) for ref in self.routes),
            *(Reached(kind) for kind in sorted({ref.kind for ref in self.routes})),
        )


def given(raw: Raw) -> Given:
    """Raises Invalid where the spec cannot be read. Its pods do without the quantities that are none."""
    rollout = parse(raw)
    template, dropped = rollout.spec.template, tuple(malformed(rollout.spec.template))
    for path in dropped:
        template = paths.drop(template, path)
    rollout = replace(rollout, spec=replace(rollout.spec, template=template))
    istio = istio_of(rollout)
    return Given(
        raw=raw,
        rollout=rollout,
        istio=istio,
        arms=istio.arms if istio else services_of(rollout),
        steps=steps(rollout),
        pod_hash=pod_template_hash(rollout.spec.template, rollout.status.collision_count),
        step_hash=step_hash(list(rollout.canary.steps)) if rollout.canary else "",
        dropped=tuple(paths.show("spec", "template", *path) for path in dropped),
    )


def own(given: Given) -> tuple[Need, ...]:
    """What every look at a Rollout needs."""
    return given.own


def look(given: Given, answers: Answers, now: datetime) -> World:
    """The world without what only some looks need: metrics and pods are added by the planner."""
    sets = replica_sets(given, answers)
    status = given.rollout.status
    ask = _ask(given, answers, sets)
    memory = remembered(status)
    if note := note_of(given.rollout.metadata, answers):
        memory = replace(memory, traffic=note.traffic)
    found = known(answers, own(given)[2], ())
    world = World(
        ask=ask,
        memory=memory,
        pods=tuple(_pods(raw) for raw in sets),
        traffic=traffic(given.istio, given.rollout, answers) if given.istio else None,
        services=None if given.istio else services(given.rollout, given.arms, answers),
        now=now,
        runs=tuple(run for run in map(_run, found) if not run.over),
        stuck=_stuck(answers),
        caught_up_at=_caught_up_at(given, answers, now),
    )
    newest_first = sorted(found, key=_age, reverse=True)  # Argo numbers a retry's run, and says no more of it
    mine = [_run(raw) for raw in newest_first if hash_of(raw) == ask.pod_hash]
    asked = (world.revision, memory.attempt)
    current = [run for run in mine if (run.revision, run.attempt) == asked]
    of_steps = tuple(run for run in current if run.step is not None)
    background = (run for run in current if run.step is None)
    return replace(world, run=next(background, None), step_runs=of_steps, late_at=late_at(given, world))


def _caught_up_at(given: Given, answers: Answers, now: datetime) -> datetime | None:
    """After the API server was away: for the kind that it has answered for the shortest time."""
    asked = (known(answers, need) for need in own(given) if isinstance(need, Reached))
    return max((now - since + CATCH_UP for since in asked if since is not None), default=None)


def replica_sets(given: Given, answers: Answers) -> tuple[Raw, ...]:
    """The Rollout's own ReplicaSets that carry a hash, oldest revision first."""
    raws = [raw for raw in known(answers, own(given)[0], ()) if hash_of(raw)]
    return tuple(sorted(raws, key=lambda raw: (revision(raw), raw["metadata"]["name"])))


def orphans(given: Given, answers: Answers) -> tuple[Raw, ...]:
    """ReplicaSets without an owner that the Rollout's selector matches, and that carry a hash."""
    wanted = given.rollout.spec.selector
    found = known(answers, own(given)[1], ())
    return tuple(raw for raw in found if wanted and hash_of(raw) and wanted.matches(_labels(raw)))


def defaults(given: Given, answers: Answers) -> tuple[Need, ...]:
    """The template as the API server would store it; asked where no ReplicaSet carries its hash and one has
    the same images, which no default alters.

    That recognises the pods of a Rollout that was undone, or was run by a controller with another hash.
    """
    found, template = known(answers, own(given)[0], ()), given.rollout.spec.template
    if any(hash_of(raw) == given.pod_hash for raw in found):
        return ()
    images = _images(template)
    if not any(hash_of(raw) and _images(_template(raw)) == images for raw in found):
        return ()
    return (Defaulted(given.namespace, json.dumps(template, sort_keys=True)),)


def _images(template: Raw) -> list[Any]:
    return [one.get("image") for one in paths.get(template, "spec", "containers", default=())]


def pods_of(given: Given, world: World) -> tuple[Need, ...]:
    """The new pods themselves, when they have been expected in vain for a while."""
    new, since = world.new, pods_asked_from(given, world)
    if new is None or since is None or world.now < since:
        return ()
    return (pods_need(given, world.now, PODS_EVERY, new.hash),)


def pods_asked_from(given: Given, world: World) -> datetime | None:
    """When new pods that make no progress will have been expected for longer than patience."""
    new, since = world.new, _progress_at(given)
    rests = world.memory.abort or world.memory.stable == world.ask.pod_hash
    expected = new is not None and not new.complete and not rests
    return since + PATIENCE if since and expected else None


def late_at(given: Given, world: World) -> datetime | None:
    """When the lack of progress becomes a missed deadline; None while nothing is expected of the pods.

    Progress that no status tells of yet, a new revision above all, begins it anew.
    """
    progressing, since = _progressing(given), _progress_at(given)
    if since is None or progressing is None:
        return None
    if progressed(world, given.rollout.status):
        return world.now + world.ask.deadline
    return since + (timedelta() if progressing.reason == LATE else world.ask.deadline)


def _progressing(given: Given) -> Condition | None:
    return next((c for c in given.rollout.status.conditions if c.type == "Progressing"), None)


def _progress_at(given: Given) -> datetime | None:
    progressing = _progressing(given)
    waits = progressing and progressing.reason in (*EXPECTING, LATE)
    return progressing.last_update_time if progressing and waits else None


def pods_need(
    given: Given, now: datetime, every: timedelta, pod_hash: str = "", seen: tuple[str, ...] = ()
) -> PodsNeed:
    """The pods of the Rollout, or of one revision: the same question for `every`, and for what was `seen`."""
    labels = dict(paths.get(given.raw, "spec", "selector", "matchLabels", default={}))
    labels |= {HASH_LABEL: pod_hash} if pod_hash else {}
    seconds = every.total_seconds()
    at = datetime.fromtimestamp(now.timestamp() // seconds * seconds, now.tzinfo)
    return PodsNeed(given.namespace, tuple(sorted(labels.items())), at, seen)


def _stuck(answers: Answers) -> str:
    asked = (need for need in answers if isinstance(need, PodsNeed) and HASH_LABEL in dict(need.labels))
    pods = [answers[need] for need in asked]
    return why_stuck(pods[0].value) if pods and isinstance(pods[0], Known) else ""


def _ask(given: Given, answers: Answers, sets: tuple[Raw, ...]) -> Ask:
    spec, canary = given.rollout.spec, given.rollout.canary
    assert canary is not None, "given() found its traffic routing"
    return Ask(
        name=given.name,
        replicas=spec.replicas,
        steps=given.steps,
        pod_hash=_recognised(given, answers, sets) or given.pod_hash,
        step_hash=given.step_hash,
        routed=given.istio is not None,
        history=spec.revision_history_limit,
        judged=given.analysis is not None,
        paused=spec.paused,
        max_surge=surge(given.rollout)[0],
        max_unavailable=surge(given.rollout)[1],
        deadline=times.seconds(spec.progress_deadline_seconds),
        deadline_aborts=spec.progress_deadline_abort,
        delay=canary.scale_down_delay,
        abort_delay=canary.abort_scale_down_delay,
        restart_at=spec.restart_at.replace(microsecond=0) if spec.restart_at else None,
        delayed=canary.scale_down_delay_revision_limit,
        window=(spec.rollback_window.revisions or 0) if spec.rollback_window else 0,
        least_pods=(canary.min_pods_per_replica_set or 0) if given.istio else 0,
        threshold=canary.replica_progress_threshold,
        dynamic=canary.dynamic_stable_scale,
        canary_service=canary.canary_service,
        stable_service=canary.stable_service,
        was_good=is_marked(given.raw),
    )


def _recognised(given: Given, answers: Answers, sets: tuple[Raw, ...]) -> str:
    """The hash of a ReplicaSet whose stored template is the asked-for one with defaults filled in."""
    asked = defaults(given, answers)
    wanted = known(answers, asked[0]) if asked else None
    same = [raw for raw in sets if wanted is not None and _bare(raw) == wanted]
    return hash_of(same[-1]) if same else ""


def _bare(replica_set: Raw) -> Raw:
    """A ReplicaSet's template as its author wrote it."""
    template = ephemeral.without(_template(replica_set), ephemeral.given(replica_set))
    return paths.drop(template, ("metadata", "labels", HASH_LABEL))  # type: ignore[no-any-return]


def _template(replica_set: Raw) -> Raw:
    template: Raw = paths.get(replica_set, "spec", "template", default={})
    return template


def _pods(raw: Raw) -> Pods:
    created = paths.get(raw, "metadata", "creationTimestamp")
    return Pods(
        name=raw["metadata"]["name"],
        hash=hash_of(raw),
        revision=revision(raw),
        desired=paths.get(raw, "spec", "replicas", default=1),
        sized_for=_count(raw, DESIRED),
        replicas=paths.get(raw, "status", "replicas", default=0),
        ready=paths.get(raw, "status", "readyReplicas", default=0),
        available=paths.get(raw, "status", "availableReplicas", default=0),
        leave_at=_leave_at(raw),
        settled=observed(raw),
        uid=paths.get(raw, "metadata", "uid", default=""),
        failure=_failure(raw),
        created=parse_time(created) if created else None,
    )


def _leave_at(raw: Raw) -> datetime | None:
    """What nobody can read is no deadline."""
    with suppress(ValueError):
        written = parse_time(str(paths.get(raw, "metadata", "annotations", LEAVE_AT, default="")))
        return written if written.tzinfo else None
    return None


def _failure(raw: Raw) -> Trouble | None:
    said = paths.get(raw, "status", "conditions", default=[])
    found = next((c for c in said if c.get("type") == FAILURE and c.get("status") == "True"), None)
    return Trouble(found.get("reason", ""), found.get("message", "")) if found else None


def observed(raw: Raw) -> bool:
    generation = paths.get(raw, "metadata", "generation", default=0)
    return bool(paths.get(raw, "status", "observedGeneration", default=0) >= generation)


def revision(raw: Raw) -> int:
    """The revision that a ReplicaSet or an AnalysisRun carries; 0 where it carries none that can be read."""
    return _count(raw, REVISION)


def _count(raw: Raw, annotation: str) -> int:
    """The number in an annotation; 0 where there is none that can be read."""
    written = str(paths.get(raw, "metadata", "annotations", annotation, default="0"))
    return int(written) if written.isdecimal() else 0


def _labels(raw: Raw) -> dict[str, str]:
    return paths.get(raw, "metadata", "labels", default={})  # type: ignore[no-any-return]


def hash_of(raw: Raw) -> str:
    """The revision that a pod, a ReplicaSet or a run belongs to; "" where it does not say."""
    return str(paths.get(raw, "metadata", "labels", HASH_LABEL, default=""))


def _run(raw: Raw) -> Run:
    phase = paths.get(raw, "status", "phase", default="")
    step = str(paths.get(raw, "metadata", "labels", STEP_INDEX, default=""))
    return Run(
        name=raw["metadata"]["name"],
        phase=phase,
        revision=revision(raw),
        attempt=_count(raw, ATTEMPT),
        step=int(step) if step.isdecimal() else None,
        steps=str(paths.get(raw, "metadata", "annotations", STEPS, default="")),
        message=paths.get(raw, "status", "message", default=""),
        measures=phase in ("Running", "Successful"),
        informed=paths.get(raw, "metadata", "annotations", EXPECTS_TRAFFIC) is not None,
        ending=bool(paths.get(raw, "spec", "terminate")),
        stopped=paths.get(raw, "metadata", "annotations", STOPPED) is not None,
        deaf=_deaf(raw),
    )


def _age(raw: Raw) -> tuple[str, int, str]:
    """By when it was made, and by its number where that is the same."""
    name: str = raw["metadata"]["name"]
    return (paths.get(raw, "metadata", "creationTimestamp", default=""), len(name), name)


def _deaf(raw: Raw) -> str:
    """Which metric of a run has had no answer more than once in a row, why, and the fix."""
    results = paths.get(raw, "status", "metricResults", default=[])
    for result in results if paths.get(raw, "status", "phase") == "Running" else ():
        if result.get("phase") == "Running" and result.get("consecutiveError", 0) >= DEAF:
            return f"{result['name']}: {result.get('message', '')}; {LET_IT_ANSWER}"
    return ""
