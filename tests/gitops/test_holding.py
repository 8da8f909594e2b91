"""What was given back while a release is quarantined stays so: drift of it is put back, or said."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from msgspec.structs import replace

from crds.application_policy import Quarantine
from gitops.quarantine import turn
from gitops.rollback import Case, Turn
from tests.gitops.examples import NOW
from tests.gitops.test_quarantine import BRANCHED, COMMITTED, GAVE_UP, GOOD, ON, PUSHED, R, after, phase

ROLLOUT = "Rollout production/api"
BACK: dict[str, Any] = {"astray": (), "rejected": None}
HAND: dict[str, Any] = {"astray": (ROLLOUT,)}
SELF_HEALING: dict[str, Any] = {"heals": True}
LATER = timedelta(hours=1)


def edited(**more: Any) -> tuple[Case, Turn]:
    """An hour after what was good was back, somebody edits the Rollout."""
    here, _ = after({}, BACK, **more)
    here = replace(here, now=NOW + LATER, **HAND)
    return here, turn(here)


def told(here: Case, found: Turn) -> Case:
    """The look behind the one that recorded."""
    return replace(here, memory=found.memory)


def said(found: Turn) -> str:
    return dict(found.said).get("QuarantineDrift", "")


@pytest.mark.parametrize("looks", [({},), COMMITTED, PUSHED, BRANCHED, GAVE_UP])
def test_what_somebody_edits_is_put_back_for_as_long_as_the_quarantine_holds(
    looks: tuple[dict[str, Any], ...],
) -> None:
    here, _ = after(*looks, BACK, **SELF_HEALING)
    here = replace(here, now=NOW + LATER, **HAND)
    recorded = turn(here)
    assert (recorded.memory.rollback.heals, recorded.restored) == (1, False)
    assert turn(told(here, recorded)).restored
    assert phase(recorded) == here.memory.rollback.phase


def test_what_is_as_it_was_given_back_is_not_written_again() -> None:
    here, _ = after({}, BACK, **SELF_HEALING)
    assert (turn(here).restored, turn(here).memory) == (False, here.memory)


def test_who_edits_again_and_again_is_answered_ever_later() -> None:
    here, found = edited(**SELF_HEALING)
    back = replace(told(here, found), **BACK)
    again = replace(told(back, turn(back)), **HAND)
    assert (turn(again).restored, turn(again).look_again) == (False, again.now + timedelta(seconds=6))
    assert turn(replace(again, now=again.now + timedelta(seconds=6))).memory.rollback.heals == 2
    assert turn(replace(again, now=again.now + LATER)).memory.rollback.heals == 1


def test_without_self_heal_it_is_said_and_left_as_it_is() -> None:
    here, found = edited()
    assert (found.memory, found.restored) == (here.memory, False)
    assert f"{ROLLOUT} is not as " in said(found)
    assert "automated.selfHeal is off" in said(found)


def test_with_self_heal_it_is_said_until_it_is_back() -> None:
    here, found = edited(**SELF_HEALING)
    assert "puts it back" in said(found)
    assert said(turn(replace(told(here, found), **BACK))) == ""


def test_while_nobody_knows_how_things_are_nothing_is_said_and_nothing_written() -> None:
    here, _ = edited(**SELF_HEALING)
    found = turn(replace(here, astray=None))
    assert (found.memory, found.restored, said(found)) == (here.memory, False, "")


def test_the_bad_image_set_by_hand_is_no_retry_once_the_good_one_was_back() -> None:
    here, _ = edited()
    walking = turn(replace(here, retried=True))
    assert (phase(walking), walking.held != "") == ("Quarantined", True)


def test_what_goes_back_for_the_first_time_waits_for_the_traffic_and_is_no_drift() -> None:
    here, found = after({}, HAND, **SELF_HEALING)
    assert (found.restored, found.memory.rollback.heals, said(found)) == (True, 0, "")
    assert not turn(replace(here, rejected=None)).restored


def test_without_hold_or_once_git_has_something_else_what_people_edit_is_theirs() -> None:
    here, _ = edited(**SELF_HEALING)
    off = replace(ON, quarantine=Quarantine(hold=False))
    for more in ({"policy": off}, {"head": R, "rendering": GOOD}):
        found = turn(replace(here, **more))
        assert (found.restored, found.memory.rollback.heals, said(found)) == (False, 0, "")
