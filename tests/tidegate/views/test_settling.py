"""How waiting for an Application ends: by its status, and where the branch moved on by what followed."""

from __future__ import annotations

from typing import Any

import pytest

from tests.gitops.examples import raw_app
from tidegate.views.settling import overtaken, settled

Raw = dict[str, Any]
GOOD, MINE, NEXT, REVERT, LATER = (letter * 40 for letter in "abcde")
WHY = "12 % errors"
ENTERED = {GOOD: "10:00", MINE: "10:10", NEXT: "10:20", REVERT: "10:30", LATER: "10:40"}


def at(clock: str) -> str:
    return f"2026-03-15T{clock}:00Z"


def deployed(*revisions: str) -> list[Raw]:
    return [{"id": n, "revision": one, "deployedAt": at(ENTERED[one])} for n, one in enumerate(revisions)]


def app(
    revision: str,
    *history: str,
    sync: str = "Synced",
    health: str = "Healthy",
    entries: list[Raw] | None = None,
    **status: Any,
) -> Raw:
    return raw_app(
        status={
            "sync": {"status": sync, "revision": revision},
            "health": {"status": health},
            "operationState": {"phase": "Succeeded"},
            "history": entries or deployed(*history),
            "tidegate": {"good": [{"revision": GOOD, "time": at("10:01")}]},
            **status,
        }
    )


def rejected(revision: str, clock: str, phase: str, **rollback: Any) -> Raw:
    """What the status says once this release was rejected."""
    held = {"revision": revision, "rendering": "digest", "reason": WHY, "since": at(clock)}
    said = {"phase": phase, "from": revision, "reason": WHY, "since": at(clock), **rollback}
    return {"quarantinedRevisions": [held], "rollback": said}


RECOVERED = rejected(MINE, "10:12", "Recovered", pushed=REVERT, message=f"at {REVERT}")


def test_a_release_that_was_taken_back_stays_a_failure_until_another_is_deployed() -> None:
    assert settled(app(REVERT, GOOD, MINE, **RECOVERED)).problem == f"{MINE[:10]} was rejected: {WHY}"
    assert settled(app(REVERT, GOOD, MINE, REVERT, **RECOVERED)).problem
    assert settled(app(LATER, GOOD, MINE, REVERT, LATER, **RECOVERED)).problem == ""


def test_a_merge_that_ended_it_is_no_other_release() -> None:
    merged = rejected(MINE, "10:12", "Recovered", pushed=REVERT, message=f"at {NEXT}")
    assert settled(app(NEXT, GOOD, MINE, NEXT, **merged)).problem


def test_the_revert_itself_is_well() -> None:
    found = settled(app(REVERT, GOOD, MINE, **RECOVERED), REVERT[:7])
    assert (found.done, found.problem) == (True, "")


def test_a_revision_that_was_overtaken_is_judged_by_what_followed() -> None:
    well = settled(app(NEXT, GOOD, MINE, NEXT), MINE)
    assert (well.done, well.problem) == (True, "")
    assert not settled(app(NEXT, GOOD, MINE, NEXT, health="Progressing"), MINE).done
    bad = settled(app(NEXT, GOOD, MINE, NEXT, health="Degraded"), MINE[:7])
    assert bad.problem.startswith(f"{MINE[:7]} was overtaken by {NEXT[:10]}: Degraded")
    assert overtaken(app(NEXT), MINE) == NEXT


def test_one_that_was_never_seen_is_overtaken_where_git_says_so() -> None:
    unseen = app(NEXT, GOOD, NEXT)
    assert not settled(unseen, MINE).done
    assert settled(unseen, MINE, lambda commit, older: (commit, older) == (NEXT, MINE)).done


def test_nothing_is_overtaken_by_what_came_before_it() -> None:
    assert not settled(app(GOOD, GOOD), MINE, lambda _commit, _older: False).done


def test_what_a_commit_elsewhere_was_rejected_for_is_the_release_it_still_declared() -> None:
    """The head had moved on to a commit that changes nothing of the Application."""
    elsewhere = rejected(NEXT, "10:22", "Recovered", pushed=REVERT)
    found = settled(app(REVERT, GOOD, MINE, **elsewhere), MINE)
    assert found.problem == f"{MINE} was rejected: {WHY}"
    assert settled(app(NEXT, GOOD, MINE, **elsewhere), MINE).problem


def test_a_release_that_was_good_is_not_what_was_rejected_after_it() -> None:
    """What is rejected before its sync is over is in no history."""
    found = settled(app(GOOD, GOOD, **rejected(MINE, "10:12", "Released")), GOOD)
    assert (found.done, found.problem) == (True, "")


def test_what_follows_within_the_same_second_is_what_was_deployed_after_it() -> None:
    at_once = [one | {"deployedAt": at("10:12")} for one in deployed(GOOD, MINE, LATER)]
    found = app(LATER, **RECOVERED, entries=at_once)
    assert [settled(found, words).problem for words in ("", LATER)] == ["", ""]
    assert settled(found, MINE).problem


def test_a_commit_that_followed_the_revert_at_once_is_no_failure() -> None:
    def contains(commit: str, older: str) -> bool:
        return (commit, older) in {(LATER, NEXT), (NEXT, REVERT)}

    found = settled(app(LATER, GOOD, MINE, **RECOVERED), NEXT, contains)
    assert (found.done, found.problem) == (True, "")


def test_one_that_came_in_with_the_rejected_release_failed_with_it() -> None:
    found = settled(app(REVERT, GOOD, NEXT, **rejected(NEXT, "10:22", "Pushed", pushed=REVERT)), MINE, _is_in)
    assert found.problem == f"{MINE} was overtaken by {REVERT[:10]}: {NEXT[:10]} was rejected: {WHY}"


def _is_in(commit: str, older: str) -> bool:
    return (commit, older) == (REVERT, MINE)


@pytest.mark.parametrize("phase", ["GaveUp", "Superseded"])
def test_a_commit_that_declares_again_what_is_held_is_a_failure(phase: str) -> None:
    said = f"{MINE[:10]} is quarantined: {WHY}; revert it"
    held = rejected(MINE, "10:12", phase) | {"conditions": [{"type": "QuarantinedRevision", "message": said}]}
    found = settled(app(LATER, GOOD, MINE, sync="OutOfSync", **held), LATER)
    assert found.problem == said


def test_one_whose_source_is_still_to_come_is_waited_for() -> None:
    waits = [{"type": "QuarantinedRevision", "message": "waiting for the parent Application"}]
    assert not settled(app(LATER, GOOD, sync="OutOfSync", conditions=waits), LATER).done


def test_before_anything_was_compared_nothing_is_settled() -> None:
    assert not settled(raw_app()).done
    assert not settled(raw_app(), MINE).done
