"""What is told of a release as it goes: a line for what is new, none for what only repeats."""

from __future__ import annotations

import pytest

from tidegate.views.seen import Asked, Compared, Judged, Released, Told, compared, version_of
from tidegate.views.timeline import Timeline


@pytest.mark.parametrize(
    ("image", "tag"), [("myregistry/api:v2", "v2"), ("host:5000/api", "latest"), ("host:5000/api:v1", "v1")]
)
def test_the_version_is_the_images_tag(image: str, tag: str) -> None:
    assert version_of(image) == tag


def told(timeline: Timeline, *seen: Released | Asked | Judged | Told | Compared) -> list[str]:
    return [f"{who} {words}" for each in seen for who, words, _ in timeline.lines(each)]


def test_a_weight_is_told_once_and_by_its_version() -> None:
    seen = (Released(0, "v2", "myregistry/api:v2"), Asked(1, 10), Asked(2, 10), Asked(3, 0))
    assert told(Timeline(), *seen) == [
        "you apply myregistry/api:v2",
        "traffic VirtualService: canary v2 10 %, stable 90 %",
        "traffic VirtualService: all on stable",
    ]


def test_an_analysis_whose_numbers_alone_change_is_told_once() -> None:
    seen = [Judged(at, "run", "abc", "Running", f"errors: within: canary {at} %") for at in (1, 2)]
    assert told(Timeline(), *seen) == ["analysis Running: errors: within: canary 1 %"]


def test_an_event_that_the_rollouts_line_says_anyway_is_left_out() -> None:
    events = (Told(1, "RolloutPaused", "paused"), Told(2, "RolloutAborted", "Rollout aborted: because"))
    assert told(Timeline(), *events) == ["event RolloutAborted: Rollout aborted"]


def test_an_application_tells_how_it_stands_and_how_far_its_rollback_is() -> None:
    stands = Compared(1, "api", "Synced", "abc", "Degraded")
    back = Compared(2, "api", "Synced", "abc", "Degraded", "Quarantined", "abc", "def")
    assert told(Timeline(), stands, back, back) == [
        "git api: Synced at abc, Degraded",
        "git api: Quarantined: from abc back to def",
    ]


def test_an_application_that_was_not_looked_at_is_not_told() -> None:
    assert compared({"metadata": {"name": "api"}}, 1) is None


def test_an_applications_status_says_it_all() -> None:
    status = {
        "sync": {"status": "Synced", "revision": "abc"},
        "health": {"status": "Healthy"},
        "rollback": {"phase": "Recovered", "from": "abc", "good": {"revision": "def"}},
    }
    seen = compared({"metadata": {"name": "api"}, "status": status}, 1)
    assert seen == Compared(1, "api", "Synced", "abc", "Healthy", "Recovered", "abc", "def")
