"""What a Rollout's conditions, phase and message say, in Argo's words: one world, one fact."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from msgspec.structs import replace

from crds.analysis import RolloutAnalysis
from crds.meta import Condition, read_status
from crds.rollout import ReplicaProgressThreshold
from crds.rollout_status import RolloutStatus
from crds.steps import RunAnalysis, SetWeight, Step
from crds.times import rfc3339
from rollouts.conditions import conditions, phase
from rollouts.memory import Memory, Paused, Reason
from rollouts.plan import plan
from rollouts.status import report
from rollouts.world import Pods, Trouble, World
from tests.rollouts.worlds import BRIEF, START, ask, noted, pods, world

LONG_AGO = START - timedelta(hours=1)
PAUSED = {"pauses": (Paused(Reason.STEP, START),), "controller_pause": True}
NOT_THERE = Trouble("VirtualServiceNotFound", "VirtualService api does not exist; create it")


def was(reason: str, status: str = "True", kind: str = "Progressing") -> Condition:
    return Condition(kind, status, reason, "as it was", LONG_AGO, LONG_AGO)


def said(seen: World, *old: Condition, progressed: bool = False) -> tuple[Condition, ...]:
    return conditions(seen, plan(seen).memory, old, progressed)


def progressing(seen: World, *old: Condition, progressed: bool = False) -> tuple[str, str, str]:
    found = next(c for c in said(seen, *old, progressed=progressed) if c.type == "Progressing")
    return found.status, found.reason, found.message


def shown(seen: World, *old: Condition) -> tuple[str, str]:
    memory = plan(seen).memory
    return phase(seen, memory, conditions(seen, memory, old, False))


def begun(**changes: Any) -> World:
    """The first look at a new template."""
    return replace(world(), memory=Memory(pod_hash="old", stable="old", traffic=noted()), **changes)


def test_a_new_replica_set_is_told_of_with_its_creation() -> None:
    got = progressing(begun(pods=(pods("old", 10),)), was("NewReplicaSetAvailable"))
    assert got == ("True", "NewReplicaSetCreated", 'Created new replica set "api-new"')


def test_a_replica_set_that_is_not_accepted_is_named_with_the_servers_words() -> None:
    got = progressing(begun(pods=(pods("old", 10),), refused="Create of it: denied by policy"))
    assert got == (
        "False",
        "ReplicaSetCreateError",
        'Failed to create new replica set "api-new": Create of it: denied by policy',
    )


def test_a_replica_set_that_was_there_before_any_condition_is_found() -> None:
    assert progressing(world()) == ("True", "FoundNewReplicaSet", 'Found new replica set "api-new"')


@pytest.mark.parametrize("reason", ["NewReplicaSetCreated", "FoundNewReplicaSet", "ReplicaSetUpdated"])
def test_what_was_said_stays_until_pods_arrive(reason: str) -> None:
    assert was(reason) in said(world(), was(reason))


@pytest.mark.parametrize("reason", ["NewReplicaSetCreated", "RolloutResumed", "ProgressDeadlineExceeded"])
def test_pods_that_arrive_are_progress(reason: str) -> None:
    got = progressing(world(), was(reason), progressed=True)
    assert got == ("True", "ReplicaSetUpdated", 'ReplicaSet "api-new" is progressing.')


def test_progress_renews_the_time_that_the_deadline_counts_from() -> None:
    got = next(c for c in said(world(), was("ReplicaSetUpdated"), progressed=True) if c.type == "Progressing")
    assert (got.last_update_time, got.last_transition_time) == (START, LONG_AGO)


def test_missing_the_deadline_is_said_and_degrades() -> None:
    late = world(available=0, late_at=START)
    assert progressing(late, was("ReplicaSetUpdated")) == (
        "False",
        "ProgressDeadlineExceeded",
        'ReplicaSet "api-new" has timed out progressing.',
    )
    assert shown(late)[0] == "Degraded"


@pytest.mark.parametrize(("steps", "aborts"), [(BRIEF, True), ((RunAnalysis(RolloutAnalysis()),), False)])
def test_no_deadline_counts_at_an_analysis_step(steps: tuple[Step, ...], aborts: bool) -> None:
    late = world(available=0, late_at=START, ask=ask(steps=steps, deadline_aborts=True))
    assert plan(late).memory.abort == aborts
    assert (progressing(late, was("ReplicaSetUpdated"))[0] == "False") == aborts


def test_a_step_that_is_done_is_progress() -> None:
    before = {"conditions": [{"type": "Progressing", "status": "True", "reason": "ReplicaSetUpdated"}]}
    counts = {"currentPodHash": "new", "updatedReplicas": 1, "availableReplicas": 11}
    seen = world(weight=10, ask=ask(steps=(SetWeight(10), SetWeight(50))))
    status = report(seen, plan(seen).memory, read_status({**before, **counts}, RolloutStatus), {})
    told = next(one for one in status["conditions"] if one["type"] == "Progressing")
    assert (status["currentStepIndex"], told["lastUpdateTime"]) == (1, rfc3339(START))


def test_a_paused_rollout_is_neither_progressing_nor_late() -> None:
    seen = world(available=0, late_at=START, weight=10, memory={**PAUSED, "step": 1})
    assert progressing(seen, was("ReplicaSetUpdated")) == ("Unknown", "RolloutPaused", "Rollout is paused")


def test_what_was_paused_is_resumed() -> None:
    got = progressing(world(memory={"step": 2}), was("RolloutPaused", "Unknown"))
    assert got == ("Unknown", "RolloutResumed", "Rollout is resumed")


def test_what_was_aborted_is_retried() -> None:
    got = progressing(world(memory={"aborted_at": START}), was("RolloutAborted", "False"))
    assert got == ("Unknown", "RolloutRetry", "Retrying Rollout after abort")


def test_another_template_after_an_abort_is_no_retry() -> None:
    got = progressing(begun(), was("RolloutAborted", "False"), progressed=True)
    assert got[1] == "ReplicaSetUpdated"


def test_an_abort_names_the_revision_and_what_is_against_it() -> None:
    got = progressing(world(memory={"abort": True, "verdict": "12 % errors"}))
    assert got == ("False", "RolloutAborted", "Rollout aborted update to revision 2: 12 % errors")


def test_a_promoted_rollout_has_progressed() -> None:
    done = replace(world(canary=10), memory=Memory("new", "steps", 4, "new", traffic=noted()))
    got = progressing(done, was("ReplicaSetUpdated"))
    assert got == ("True", "NewReplicaSetAvailable", 'ReplicaSet "api-new" has successfully progressed.')


def promoted(available: int, *older: Pods, **changes: Any) -> World:
    """At rest on `new`, which should have ten pods."""
    memory = Memory("new", "steps", 4, "new", traffic=noted())
    return replace(world(), memory=memory, pods=(*older, pods("new", 10, available)), **changes)


def test_a_promoted_revision_that_lost_pods_is_not_available() -> None:
    got = progressing(promoted(9), was("NewReplicaSetAvailable"))
    assert got == ("True", "ReplicaSetNotAvailable", 'ReplicaSet "api-new" is not available.')


def test_as_many_pods_as_are_enough_are_available() -> None:
    most = ask(threshold=ReplicaProgressThreshold("Percent", 90))
    assert progressing(promoted(9, ask=most))[1] == "NewReplicaSetAvailable"


def test_pods_lost_at_rest_that_do_not_come_back_in_time_degrade() -> None:
    assert shown(promoted(9, late_at=START), was("ReplicaSetNotAvailable"))[0] == "Degraded"


def test_no_deadline_counts_while_older_pods_wait_for_their_end() -> None:
    waiting = promoted(9, pods("old", 10, leave_at=START), late_at=START)
    assert progressing(waiting, was("ReplicaSetNotAvailable"))[1] == "ReplicaSetNotAvailable"


def test_a_condition_of_the_same_status_and_reason_is_left_as_it_is() -> None:
    old = was("AvailableReason", kind="Available")
    assert old in said(world(), old)


def test_a_replaced_condition_goes_to_the_end_and_keeps_its_transition_while_its_status_stays() -> None:
    old = (was("Other", kind="Available"), was("RolloutPaused", "False", "Paused"))
    got = said(world(), *old)
    assert got[0] == old[1]
    moved = next(c for c in got if c.type == "Available")
    assert (moved.reason, moved.last_transition_time) == ("AvailableReason", LONG_AGO)


def test_pods_that_cannot_be_made_are_told_in_their_replica_sets_words() -> None:
    broken = pods("new", 1, 0, revision=2, failure=Trouble("FailedCreate", "exceeded quota"))
    got = said(world(pods=(pods("old", 10), broken)))
    assert [(c.reason, c.message) for c in got if c.type == "ReplicaFailure"] == [
        ("FailedCreate", "exceeded quota")
    ]


def test_a_replica_failure_goes_with_its_cause() -> None:
    assert all(c.type != "ReplicaFailure" for c in said(world(), was("FailedCreate", kind="ReplicaFailure")))


def test_a_step_pause_says_its_reason_and_nothing_else() -> None:
    seen = world(weight=10, memory={**PAUSED, "step": 1}, traffic=NOT_THERE)
    assert shown(seen) == ("Paused", "CanaryPauseStep")


def test_a_person_pausing_comes_before_the_steps_own_pause() -> None:
    seen = world(weight=10, ask=ask(paused=True), memory={**PAUSED, "step": 1})
    assert shown(seen) == ("Paused", "manually paused")


def test_trouble_with_the_router_is_named_while_nothing_else_is() -> None:
    assert shown(world(traffic=NOT_THERE)) == (
        "Progressing",
        "VirtualServiceNotFound: VirtualService api does not exist; create it",
    )


def unrouted(new: int, old: int, **changes: Any) -> World:
    sets = (pods("old", old), pods("new", new, revision=2))
    return world(ask=ask(routed=False, replicas=4), pods=sets, traffic=None, **changes)


def test_without_a_router_old_pods_are_waited_for() -> None:
    done = unrouted(4, 1, memory={"step": 4})
    done = replace(done, memory=replace(done.memory, stable="new"))
    assert shown(done) == ("Progressing", "old replicas are pending termination")


def test_a_canary_that_is_smaller_than_the_spec_needs_more_pods() -> None:
    assert shown(unrouted(0, 4)) == ("Progressing", "more replicas need to be updated")


def test_pods_that_are_not_available_yet_are_waited_for() -> None:
    sets = (pods("old", 0), pods("new", 4, 2, revision=2))
    got = world(ask=ask(routed=False, replicas=4, steps=BRIEF), pods=sets, traffic=None)
    assert shown(got) == ("Progressing", "updated replicas are still becoming available")


def test_a_full_size_canary_that_is_not_promoted_waits_for_its_steps() -> None:
    assert shown(world(canary=10)) == ("Progressing", "waiting for all steps to complete")
