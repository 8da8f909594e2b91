"""Two controllers that write one status: we leave it to the other while it does."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from crds.paths import put
from tests.tidegate.test_rollout_planner import NOW, brief, planned
from tidegate.kube import requests
from tidegate.planners.rollout_rival import RIVAL, US

AGO = timedelta(seconds=1)


def wrote(*entries: tuple[str, float], subresource: str = "status") -> dict[str, Any]:
    """The brief's Rollout whose status these managers wrote so many seconds ago."""
    fields = [
        {"manager": name, "subresource": subresource, "time": f"{NOW - ago * AGO:%Y-%m-%dT%H:%M:%SZ}"}
        for name, ago in entries
    ]
    return dict(put(brief(), ("metadata", "managedFields"), fields))


def test_while_another_controller_writes_after_us_nothing_is_written_and_it_is_told() -> None:
    plan = planned(wrote((US, 10), (RIVAL, 5)))
    assert plan.writes == ()
    assert plan.wake_at == NOW + 25 * AGO
    assert [event.reason for event in plan.events] == ["ControllerConflict"]


@pytest.mark.parametrize(
    "entries",
    [
        ((RIVAL, 5),),
        ((US, 5), (RIVAL, 10)),
        ((US, 60), (RIVAL, 30)),
        ((US, 10), ("kubectl-argo-rollouts", 5)),
    ],
    ids=["taken over from it", "we wrote last", "it is silent by now", "a person steers"],
)
def test_nobody_is_a_rival_who_does_not_write_after_us(entries: tuple[tuple[str, float], ...]) -> None:
    assert planned(wrote(*entries)).writes


def test_what_is_written_beside_the_status_is_nobodys_fight() -> None:
    assert planned(wrote((US, 10), (RIVAL, 5), subresource="")).writes


def test_we_are_known_by_the_name_that_our_writes_carry() -> None:
    assert requests.FIELD_MANAGER == US
