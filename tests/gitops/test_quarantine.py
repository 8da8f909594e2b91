"""What becomes of a rejected release, phase by phase."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from msgspec.structs import replace

from crds.application_policy import GitBack, Quarantine, Rollback, SecretRef, Signing
from crds.application_rollback import KnownGood, RollbackStatus
from crds.application_source import Kustomize, Source
from gitops.objects import Key
from gitops.quarantine import turn
from gitops.rejection import Rejected
from gitops.reverts import Adopted, Declined, Failing, Hindered, Landed, Moved, Ready, Superseded, Unable
from gitops.rollback import Case, Memory, Phase, Push, Turn
from tests.gitops.examples import NOW

G, T, R = "9" * 40, "b" * 40, "e" * 40
GOOD, BAD = "good-rendering", "bad-rendering"
UNSIGNED = GitBack(signing=Signing(type="none"))
ON = Rollback(enabled=True, git=UNSIGNED)
ROLLOUT = Key("argoproj.io", "Rollout", "production", "api")
REJECTED = Rejected(ROLLOUT, "12 % errors", alone=True, stable="stable 0.4 % errors", shut=True)
READY = Ready(T, R, "refs/heads/main")


def case(**fields: Any) -> Case:
    """A release that was rejected, and one that was good before it."""
    known = {
        "application": "argocd/api-prod",
        "uid": "u",
        "policy": ON,
        "memory": Memory(goods=(KnownGood(G, GOOD, time=NOW),)),
        "head": T,
        "rendering": BAD,
        "now": NOW,
        "rejected": REJECTED,
    }
    return Case(**{**known, **fields})


def after(*looks: dict[str, Any], **fields: Any) -> tuple[Case, Turn]:
    """The case that is looked at when these looks were recorded one after the other."""
    here = case(**fields)
    for more in looks:
        here = replace(here, **more)
        here = replace(here, memory=turn(here).memory, landing=None)
    return here, turn(here)


COMMITTED: tuple[dict[str, Any], ...] = ({}, {"answer": READY})
PUSHED = (*COMMITTED, {"landing": Landed()})
ASIDE: dict[str, Any] = {"landing": Declined("read-only")}
BRANCHED = (*COMMITTED, ASIDE, {"landing": Landed()})
GAVE_UP: tuple[dict[str, Any], ...] = ({}, {"answer": Unable("a conflict in a.yaml")})


def phase(found: Turn) -> str:
    return found.memory.rollback.phase


def conditions(found: Turn) -> list[str]:
    return [kind for kind, _ in found.said]


def test_a_rejected_release_is_quarantined_before_anything_else_is_done() -> None:
    found = turn(case(answer=READY))
    assert (phase(found), found.restored, found.push) == ("Quarantined", False, None)
    assert [one.rendering for one in found.memory.bads] == [BAD]


def test_what_was_good_is_back_in_the_cluster_once_nothing_is_routed_to_the_bad_one() -> None:
    assert after({})[1].restored
    assert not after({}, rejected=replace(REJECTED, shut=False))[1].restored


@pytest.mark.parametrize(
    ("fields", "condition"),
    [
        ({"rejected": replace(REJECTED, alone=False)}, ["CommonModeSuspected"]),
        ({"rejected": replace(REJECTED, alone=None)}, ["RollbackHeld"]),
        ({"memory": Memory(goods=(KnownGood(T, BAD),))}, ["CommonModeSuspected"]),
        ({"memory": Memory()}, ["RollbackHeld"]),
        ({"frozen": "by eve"}, ["RollbackHeld"]),
        ({"policy": replace(ON, on_analysis_failure=False)}, ["RollbackHeld"]),
        ({"policy": Rollback()}, []),
        ({"rejected": None}, []),
    ],
    ids=[
        "stable is bad too",
        "stable is not known",
        "it was good",
        "nothing was good",
        "frozen",
        "not for this",
        "off",
        "fine",
    ],
)
def test_nothing_is_taken_back_without_a_reason(fields: dict[str, Any], condition: list[str]) -> None:
    found = turn(case(**fields))
    assert (phase(found), found.memory.bads, conditions(found)) == ("", (), condition)


def test_a_health_failure_is_heeded_by_its_own_switch() -> None:
    pods = replace(REJECTED, cause="pods")
    assert phase(turn(case(rejected=pods))) == "Quarantined"
    assert phase(turn(case(rejected=pods, policy=replace(ON, on_health_failure=False)))) == ""


def test_a_commit_is_recorded_before_it_is_pushed() -> None:
    here, _ = after({})
    found = turn(replace(here, answer=READY))
    assert (phase(found), found.memory.rollback.candidate, found.push) == ("Committed", R, None)


def test_whom_else_a_revert_changes_is_said_with_it() -> None:
    found = turn(replace(after({})[0], answer=replace(READY, also=("shop", "web"))))
    assert "It also changes Application shop, web, made" in dict(found.said)["RevertPending"]


def test_what_was_recorded_is_pushed_upon_the_head_it_was_made_for() -> None:
    assert after(*COMMITTED)[1].push == Push(R, "refs/heads/main", T)


def test_another_commit_is_recorded_anew_before_it_is_pushed() -> None:
    here, _ = after(*COMMITTED)
    found = turn(replace(here, answer=Ready("c" * 40, "f" * 40, "refs/heads/main")))
    assert (found.memory.rollback.candidate, found.push) == ("f" * 40, None)


def test_a_revert_that_is_in_git_is_waited_for() -> None:
    found = after(*PUSHED)[1]
    assert (phase(found), found.memory.rollback.pushed, found.push) == ("Pushed", R, None)


def test_what_a_person_can_mend_is_said_and_waited_for() -> None:
    here, found = after({}, {"answer": Hindered("no key to sign with")})
    assert (phase(found), dict(found.said)["RevertPending"]) == ("Quarantined", "no key to sign with")
    assert found.memory.rollback.message == "no key to sign with", "for those who come behind us to read"
    mended = turn(replace(here, answer=READY))
    assert (phase(mended), mended.memory.rollback.message) == ("Committed", "")


@pytest.mark.parametrize("signing", [Signing(), Signing("ssh"), Signing("ssh", SecretRef(""))])
def test_without_a_key_that_is_named_the_cluster_goes_back_and_git_waits_for_one(signing: Signing) -> None:
    here, found = after({}, policy=replace(ON, git=GitBack(signing=signing)))
    assert (phase(found), found.restored) == ("Quarantined", True)
    assert "spec.rollback.git.signing: no key" in dict(found.said)["RevertPending"]
    assert phase(turn(replace(here, policy=ON, answer=READY))) == "Committed"


@pytest.mark.parametrize("looks", [({},), COMMITTED])
def test_a_revert_that_is_there_already_is_adopted(looks: tuple[dict[str, Any], ...]) -> None:
    found = after(*looks, {"answer": Adopted("a" * 40)})[1]
    assert (phase(found), found.memory.rollback.pushed) == ("Pushed", "a" * 40)


@pytest.mark.parametrize("looks", [({},), COMMITTED, PUSHED])
def test_it_is_over_once_git_declares_what_was_good_and_that_is_synced(
    looks: tuple[dict[str, Any], ...],
) -> None:
    here, _ = after(*looks)
    back = replace(here, head=R, rendering=GOOD, rejected=None)
    assert phase(turn(back)) == "Pushed"
    found = turn(replace(back, synced=True))
    assert (phase(found), found.held) == ("Recovered", "")


@pytest.mark.parametrize("looks", [({},), COMMITTED, PUSHED])
def test_a_hotfix_that_races_supersedes_it(looks: tuple[dict[str, Any], ...]) -> None:
    here, _ = after(*looks)
    found = turn(replace(here, head="f" * 40, rendering="fixed", rejected=None))
    assert (phase(found), found.held, found.push) == ("Superseded", "", None)


@pytest.mark.parametrize("rendering", [GOOD, "older"])
@pytest.mark.parametrize("looks", [({},), COMMITTED, GAVE_UP])
def test_a_sync_to_another_commit_is_no_word_of_git(
    looks: tuple[dict[str, Any], ...], rendering: str
) -> None:
    here, before = after(*looks, {"answer": READY})
    elsewhere = replace(here, head=G, rendering=rendering, rejected=None, synced=True, elsewhere=True)
    found = turn(elsewhere)
    assert (found.memory, found.push) == (here.memory, before.push)
    assert turn(replace(elsewhere, retried=True)).memory == here.memory


BRANCH = Source("https://git.example.com/x", "services/api", "main")
TAGGED = replace(BRANCH, kustomize=Kustomize(images=("api:v2",)))
OF_PARENT = {"memory": Memory(goods=(KnownGood(G, GOOD, BRANCH),)), "source": TAGGED}


@pytest.mark.parametrize("looks", [({},), COMMITTED, PUSHED])
def test_half_of_a_revert_is_neither_synced_nor_taken_for_a_fix(looks: tuple[dict[str, Any], ...]) -> None:
    """Its files are back, and the parent has not brought back the source yet."""
    here, before = after(*looks, **OF_PARENT)
    found = turn(replace(here, head=R, rendering="half", rejected=None))
    assert phase(found) == phase(before)
    assert "waiting for the parent" in found.held
    brought = replace(here, head=R, rendering=GOOD, source=BRANCH, rejected=None, synced=True)
    assert phase(turn(brought)) == "Recovered"


@pytest.mark.parametrize("looks", [({},), COMMITTED, PUSHED, BRANCHED])
def test_a_fix_that_leaves_the_parent_alone_is_walked_once_the_parent_is_there(
    looks: tuple[dict[str, Any], ...],
) -> None:
    here, _ = after(*looks, **OF_PARENT)
    fixed = replace(here, head="f" * 40, rendering="fixed", rejected=None, declared=True)
    assert (phase(turn(fixed)), turn(fixed).held) == ("Superseded", "")


def test_a_fix_that_leaves_the_parent_alone_is_known_by_gits_answer() -> None:
    here, _ = after({}, **OF_PARENT)
    fixed = replace(here, head="f" * 40, rendering="fixed", rejected=None, answer=Superseded("f" * 40))
    assert (phase(turn(fixed)), turn(fixed).held) == ("Superseded", "")


def test_a_hotfix_that_git_tells_of_first_supersedes_it() -> None:
    assert phase(after({}, {"answer": Superseded("f" * 40)})[1]) == "Superseded"


def test_a_branch_that_moved_is_thought_through_again() -> None:
    here, _ = after(*COMMITTED)
    found = turn(replace(here, landing=Moved("c" * 40)))
    rollback = found.memory.rollback
    assert (rollback.phase, rollback.candidate, rollback.attempts) == ("Quarantined", "", 1)


def test_a_branch_that_always_moves_is_left_to_people() -> None:
    moved = ({"answer": READY}, {"landing": Moved("c" * 40)})
    found = after({}, *moved * 4)[1]
    assert (phase(found), "RevertGaveUp" in conditions(found)) == ("GaveUp", True)


def test_a_protected_branch_gets_a_branch_beside_it_and_words_for_the_next_step() -> None:
    here, found = after(*COMMITTED, {"landing": Declined("GH006: Protected branch")})
    assert found.push == Push(R, f"refs/heads/rollback/argocd-api-prod-{R[:7]}", "")
    found = turn(replace(here, landing=Landed()))
    assert phase(found) == "Branched"
    assert "open a pull request for it, and merge it" in dict(found.said)["RevertPending"]
    assert "GH006" in dict(found.said)["RevertPending"]


def test_a_server_that_takes_no_branch_at_all_is_left_to_people() -> None:
    assert phase(after(*COMMITTED, ASIDE, ASIDE)[1]) == "GaveUp"


def test_with_mode_push_a_protected_branch_is_left_to_people() -> None:
    found = after(
        *COMMITTED, {"landing": Declined("no")}, policy=replace(ON, git=replace(UNSIGNED, mode="push"))
    )[1]
    assert phase(found) == "GaveUp"


def test_with_mode_pull_request_the_branch_itself_is_never_pushed_to() -> None:
    found = after(*COMMITTED, policy=replace(ON, git=replace(UNSIGNED, mode="pullRequest")))[1]
    assert found.push == Push(R, f"refs/heads/rollback/argocd-api-prod-{R[:7]}", "")


def test_with_mode_pull_request_said_before_the_push_the_branch_itself_is_not_pushed_to_any_more() -> None:
    here, before = after(*COMMITTED)
    here = replace(here, policy=replace(ON, git=replace(UNSIGNED, mode="pullRequest")))
    found = turn(here)
    aside = turn(replace(here, memory=found.memory))
    assert (before.push is None, found.push) == (False, None)
    assert aside.push == Push(R, f"refs/heads/rollback/argocd-api-prod-{R[:7]}", "")


def test_with_mode_none_the_cluster_goes_back_and_git_is_not_asked() -> None:
    found = after(*COMMITTED, policy=replace(ON, git=GitBack(mode="none")))[1]
    assert (phase(found), found.restored, found.push) == ("Quarantined", True, None)


def test_a_push_without_an_answer_is_tried_again_ever_later() -> None:
    here, found = after(*COMMITTED, {"landing": Failing("timeout", 1)})
    assert (found.push, found.look_again) == (None, NOW + timedelta(seconds=2))
    later = replace(here, now=NOW + timedelta(seconds=2), landing=Failing("timeout", 1))
    assert turn(later).push == Push(R, "refs/heads/main", T, time=2)
    again = turn(replace(later, landing=Failing("timeout", 2)))
    assert again.memory.rollback.retry_at == NOW + timedelta(seconds=6)


def test_whoever_comes_next_counts_on_and_waits_as_long() -> None:
    """They have heard of no try before theirs."""
    tried = ({"landing": Failing("timeout", time)} for time in (1, 2, 3))
    here, _ = after(*COMMITTED, *tried)
    later = replace(here, now=NOW + timedelta(seconds=8))
    found = turn(replace(later, landing=Failing("timeout", turn(later).push.time)))  # type: ignore[union-attr]
    assert found.memory.rollback.retry_at == NOW + timedelta(seconds=8 + 16)


def test_the_branch_beside_begins_anew_with_its_tries() -> None:
    here, _ = after(*COMMITTED, {"landing": Failing("timeout", 1)})
    aside = replace(here, memory=turn(replace(here, **ASIDE)).memory)
    found = turn(aside)
    assert found.push
    assert (found.push.time, found.look_again) == (1, None)


def test_why_a_push_failed_is_said_for_as_long_as_it_does() -> None:
    here, _ = after(*COMMITTED, {"landing": Failing("add a Secret", 1)})
    for answer in (READY, Hindered("add a Secret")):
        found = turn(replace(here, answer=answer, landing=Failing("add a Secret", 1)))
        assert dict(found.said)["RevertPending"] == "add a Secret"


def test_what_cannot_be_reverted_is_said_and_stays_out_of_the_cluster() -> None:
    found = after(*GAVE_UP)[1]
    assert (phase(found), found.restored) == ("GaveUp", True)
    assert dict(found.said)["RevertGaveUp"] == "a conflict in a.yaml"


def test_what_could_not_be_reverted_is_over_once_people_have_mended_git() -> None:
    here, _ = after(*GAVE_UP)
    back = replace(here, head=R, rendering=GOOD, rejected=None)
    assert phase(turn(back)) == "GaveUp"
    assert phase(turn(replace(back, synced=True))) == "Recovered"
    assert phase(turn(replace(back, rendering="fixed"))) == "Superseded"


def test_what_was_rejected_is_not_synced_while_git_declares_it() -> None:
    found = after(*PUSHED)[1]
    assert "is quarantined: 12 % errors" in found.held
    assert "QuarantinedRevision" in conditions(found)


def test_a_revert_of_the_revert_is_held_and_not_reverted_again() -> None:
    here, _ = after(*PUSHED, {"head": R, "rendering": GOOD, "rejected": None, "synced": True})
    found = turn(replace(here, head="f" * 40, rendering=BAD, synced=False))
    assert (phase(found), found.push, "QuarantinedRevision" in conditions(found)) == ("Recovered", None, True)


def test_a_person_lifts_the_quarantine_by_its_revision_or_its_rendering() -> None:
    for name in (T, T[:7], BAD):
        found = after(*COMMITTED, {"released": name})[1]
        assert (found.memory.bads, found.push) == ((), None)
        assert found.memory.rollback.released_at == NOW


@pytest.mark.parametrize("looks", [({},), COMMITTED, GAVE_UP, BRANCHED])
def test_a_release_that_is_let_go_is_judged_anew(looks: tuple[dict[str, Any], ...]) -> None:
    here, _ = after(*looks, {"released": T})
    assert here.memory.rollback.phase == "Released"
    again = replace(here, released="", rejected=replace(REJECTED, since="later"))
    assert (phase(turn(again)), turn(again).restored) == ("Quarantined", False)


def test_a_retry_lets_the_release_walk_on_and_cancels_what_is_not_pushed() -> None:
    here, _ = after(*COMMITTED)
    found = turn(replace(here, rejected=None, retried=True))
    assert (phase(found), found.held, found.push) == ("Released", "", None)


def test_a_retry_that_comes_after_the_push_changes_nothing() -> None:
    here, _ = after(*PUSHED)
    assert phase(turn(replace(here, rejected=None, retried=True))) == "Pushed"


def test_what_a_person_let_go_after_the_push_is_not_overwritten_by_what_was_good() -> None:
    """The parent, synced by hand, has not brought the revert yet, say."""
    astray = {"astray": ("Rollout production/api",), "heals": True}
    here, _ = after(*PUSHED, {"astray": ()}, {"released": T}, {"released": "", "rejected": None, **astray})
    here, found = replace(here, now=NOW + timedelta(hours=1)), turn(here)
    for _ in range(2):
        here = replace(here, memory=(found := turn(here)).memory)
    assert (found.held, found.restored, found.memory.rollback.heals) == ("", False, 0)


def test_what_a_person_let_go_stays_so_when_another_commit_comes() -> None:
    here, _ = after({}, {"released": T})
    assert phase(turn(replace(here, released="", head="f" * 40))) == "Released"


def test_another_rollout_that_gets_nothing_any_more_brings_this_one_not_back() -> None:
    web = replace(REJECTED, rollout=ROLLOUT._replace(name="web"))
    assert not after({}, {"rejected": web})[1].restored


def test_a_release_that_is_rejected_once_more_is_another_rollback() -> None:
    here, _ = after({}, {"released": T})
    first = after({})[1].memory.rollback.id
    assert phase(turn(replace(here, released=""))) == "Released"
    found = turn(replace(here, released="", rejected=replace(REJECTED, since="later")))
    assert (phase(found), found.memory.rollback.id != first) == ("Quarantined", True)


STOPPED: tuple[dict[str, Any], ...] = (
    {"frozen": "by eve"},
    {"taken": "shop"},
    {"policy": Rollback()},
    {"refused": "application repo is not permitted in project 'shop'"},
)


@pytest.mark.parametrize("stopped", STOPPED)
def test_no_push_while_frozen_or_taken_or_switched_off_or_not_permitted(stopped: dict[str, Any]) -> None:
    here, _ = after(*COMMITTED)
    assert turn(replace(here, **stopped)).push is None
    assert phase(after({}, {"answer": READY, **stopped})[1]) == "Quarantined"


def test_without_hold_the_cluster_is_left_as_it_is() -> None:
    found = after({}, policy=replace(ON, quarantine=Quarantine(hold=False)))[1]
    assert (found.restored, found.held) == (False, "")


def test_a_release_that_is_well_is_remembered_as_good() -> None:
    here = case(rejected=None, well=True, memory=Memory())
    found = turn(here)
    assert [(one.revision, one.rendering) for one in found.memory.goods] == [(T, BAD)]
    assert turn(replace(here, memory=found.memory, now=NOW + timedelta(days=1))).memory == found.memory


def test_a_later_commit_that_declares_the_same_is_the_same_release() -> None:
    """Its parent may declare something else there already."""
    here = case(rejected=None, well=True, head=T, rendering=GOOD)
    assert [one.revision for one in turn(here).memory.goods] == [G]


def test_what_is_quarantined_is_not_remembered_as_good() -> None:
    here, _ = after({})
    assert [one.rendering for one in turn(replace(here, rejected=None, well=True)).memory.goods] == [GOOD]


def test_a_rollback_remembers_what_it_goes_back_to() -> None:
    rollback: RollbackStatus = turn(case()).memory.rollback
    assert (rollback.from_, rollback.good.revision, rollback.rollout) == (T, G, "Rollout production/api")
    assert rollback.phase == Phase.QUARANTINED
