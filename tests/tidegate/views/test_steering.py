"""The patches a word becomes are those users' other tools send, and a word without effect is refused."""

from __future__ import annotations

from typing import Any

import pytest

from tests.tidegate.views.worlds import NOW, paused, promoted, rollout
from tidegate.views.steering import VERBS, Refused, SteerPatch, Verb, patch_for, unified

Raw = dict[str, Any]
UNPAUSE = SteerPatch({"spec": {"paused": False}})


def status(**fields: Any) -> SteerPatch:
    return SteerPatch({"status": fields}, "status")


def refusal(verb: Verb, raw: Raw) -> str:
    with pytest.raises(Refused) as refused:
        patch_for(verb, raw)
    return str(refused.value)


def test_promote_ends_a_pause() -> None:
    assert patch_for("promote", paused(currentStepIndex=1)) == (status(pauseConditions=None),)


def test_promote_ends_the_hold_of_a_weight_step() -> None:
    assert patch_for("promote", paused(currentStepIndex=0)) == (status(pauseConditions=None),)


def test_promote_of_a_canary_that_is_not_paused_skips_its_step() -> None:
    want = (status(pauseConditions=None, currentStepIndex=3),)
    assert patch_for("promote", rollout(currentStepIndex=2)) == want


def test_promote_never_points_past_the_end_of_the_steps() -> None:
    want = (status(pauseConditions=None, currentStepIndex=4),)
    assert patch_for("promote", rollout(currentStepIndex=4)) == want


def test_promote_takes_an_inconclusive_analysis_for_good_and_goes_on() -> None:
    canary = {"currentStepAnalysisRunStatus": {"name": "api-new-2-1", "status": "Inconclusive"}}
    want = (status(pauseConditions=None, controllerPause=False, currentStepIndex=2),)
    assert patch_for("promote", paused(currentStepIndex=1, canary=canary)) == want


def test_promote_said_twice_does_not_skip_the_approval_behind_the_pause() -> None:
    assert "promoted a moment ago" in refusal("promote", paused(pauseConditions=None))


def test_promote_also_lifts_the_pause_of_the_spec() -> None:
    raw = paused(currentStepIndex=1)
    raw["spec"]["paused"] = True
    assert patch_for("promote", raw) == (UNPAUSE, status(pauseConditions=None))


def test_promote_of_a_rollout_that_only_its_spec_pauses_skips_no_step() -> None:
    assert patch_for("promote", rollout(spec={"paused": True}, currentStepIndex=2)) == (UNPAUSE,)


def test_promote_of_a_promoted_rollout_only_lifts_the_pause_of_its_spec() -> None:
    raw = promoted()
    raw["spec"]["paused"] = True
    assert patch_for("promote", raw) == (UNPAUSE,)


def test_promote_of_a_promoted_rollout_is_refused() -> None:
    assert refusal("promote", promoted()) == (
        "rollout 'api' is fully promoted already: there is nothing to promote."
    )


def test_promote_of_an_aborted_rollout_names_retry() -> None:
    assert "kubectl argo rollouts retry rollout api -n production" in refusal("promote", rollout(abort=True))


def test_promote_without_steps_names_full_promotion() -> None:
    raw = rollout(spec={"strategy": {"canary": {}}})
    assert "kubectl argo rollouts promote api -n production --full" in refusal("promote", raw)


def test_promote_of_an_unpaused_blue_green_names_full_promotion() -> None:
    raw = rollout(spec={"strategy": {"blueGreen": {"activeService": "api"}}})
    assert "--full" in refusal("promote", raw)


@pytest.mark.parametrize("verb", ["promote", "promote-full", "abort"])
def test_a_change_the_controller_has_not_seen_is_no_finished_one(verb: Verb) -> None:
    assert "has not seen that yet" in refusal(verb, promoted(observedGeneration="1"))


def test_full_promotion_is_one_flag() -> None:
    assert patch_for("promote-full", rollout()) == (status(promoteFull=True),)


def test_full_promotion_of_a_paused_spec_lifts_the_pause_first() -> None:
    raw = rollout(spec={"paused": True})
    assert patch_for("promote-full", raw) == (UNPAUSE, status(promoteFull=True))


def test_full_promotion_of_an_aborted_rollout_names_retry() -> None:
    assert "retry rollout api" in refusal("promote-full", rollout(abort=True))


def test_skipping_a_step_sets_the_next_ones_number() -> None:
    assert patch_for("skip-step", paused(currentStepIndex=1)) == (status(currentStepIndex=2),)


def test_skipping_all_steps_sets_how_many_there_are() -> None:
    assert patch_for("skip-steps", paused(currentStepIndex=1)) == (status(currentStepIndex=4),)


@pytest.mark.parametrize("raw", [promoted(), rollout(abort=True), rollout(spec={"strategy": {"canary": {}}})])
def test_where_no_step_is_under_way_none_is_skipped(raw: Raw) -> None:
    assert "kubectl" in refusal("skip-step", raw) or "nothing to promote" in refusal("skip-step", raw)


def test_abort_is_one_flag() -> None:
    assert patch_for("abort", rollout()) == (status(abort=True),)


def test_abort_may_be_said_twice() -> None:
    assert patch_for("abort", rollout(abort=True)) == (status(abort=True),)


def test_abort_acts_while_an_autoscaler_edits_the_spec() -> None:
    assert patch_for("abort", rollout(observedGeneration="1")) == (status(abort=True),)


def test_abort_of_a_promoted_rollout_is_refused() -> None:
    assert "nothing to abort" in refusal("abort", promoted())


def test_retry_takes_the_abort_back() -> None:
    assert patch_for("retry", rollout(abort=True)) == (status(abort=False),)


def test_retry_of_a_rollout_not_aborted_says_what_it_is() -> None:
    assert "it is not aborted, it is Progressing" in refusal("retry", rollout())


def test_pause_holds_the_spec() -> None:
    assert patch_for("pause", rollout()) == (SteerPatch({"spec": {"paused": True}}),)


def test_restart_replaces_pods_older_than_now() -> None:
    want = SteerPatch({"spec": {"restartAt": "2026-03-15T10:30:00Z"}})
    assert patch_for("restart", rollout(), NOW) == (want,)


def test_without_a_status_subresource_everything_goes_in_one_patch() -> None:
    patches = patch_for(
        "promote", paused(currentStepIndex=1) | {"spec": rollout(spec={"paused": True})["spec"]}
    )
    assert unified(patches) == {"spec": {"paused": False}, "status": {"pauseConditions": None}}


@pytest.mark.parametrize("verb", VERBS)
def test_no_word_changes_the_rollout_it_looks_at(verb: Verb) -> None:
    raw = rollout(abort=verb == "retry")
    patch_for(verb, raw, NOW)
    assert raw == rollout(abort=verb == "retry")
