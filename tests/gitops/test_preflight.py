"""What a revert would lack is said while nothing is wrong, and there is time to mend it."""

from __future__ import annotations

from msgspec.structs import replace

from crds.application_policy import GitBack, Rollback
from gitops.quarantine import turn
from tests.gitops.test_quarantine import COMMITTED, GOOD, ON, after, case, conditions

LACKS = "nobody lets us write into https://git.example.com/x"


def test_that_no_revert_could_be_signed_is_said_before_one_is_needed() -> None:
    well = case(rejected=None, rendering=GOOD, policy=Rollback(enabled=True))
    assert "spec.rollback.git.signing: no key" in dict(turn(well).said)["RevertNotReady"]
    for fine in (ON, Rollback(), replace(ON, git=GitBack(mode="none"))):
        assert conditions(turn(replace(well, policy=fine))) == []


def test_what_a_revert_would_lack_is_said_before_one_is_needed() -> None:
    well = case(rejected=None, rendering=GOOD, unready=LACKS)
    assert dict(turn(well).said) == {"RevertNotReady": LACKS}
    for off in (Rollback(), replace(ON, git=GitBack(mode="none"))):
        assert conditions(turn(replace(well, policy=off))) == []


def test_while_a_revert_is_under_way_it_says_itself_what_it_lacks() -> None:
    assert "RevertNotReady" not in conditions(after(*COMMITTED, unready=LACKS)[1])
