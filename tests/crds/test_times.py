"""Durations as users write them."""

from __future__ import annotations

from datetime import timedelta

import pytest

from crds import times
from crds.errors import Invalid
from crds.rollout import parse
from crds.times import duration, rfc3339, seconds

DELAYED = {"trafficRouting": {}, "scaleDownDelaySeconds": 10**18, "abortScaleDownDelaySeconds": 10**18}


@pytest.mark.parametrize(
    ("written", "seconds"),
    [
        *((30, 30), ("30", 30), ("30s", 30), ("1h30m", 5400), ("0.5s", 0.5), (" 5m ", 300), (-1, -1)),
        *((1.5, 1.5), ("100us", 1e-4), ("250µs", 25e-5), ("+5s", 5), (".5s", 0.5), ("1.m", 60)),
    ],
)
def test_a_duration_is_read(written: str | float, seconds: float) -> None:
    assert duration(written, "x") == timedelta(seconds=seconds)


@pytest.mark.parametrize(
    "written", [10**30, float("inf"), float("nan"), "9" * 400, "9" * 400 + "h", "999999999h"]
)
def test_what_nobody_lives_to_see_is_refused(written: str | float) -> None:
    with pytest.raises(Invalid, match=r"^x: .{1,40} is longer than ten years; write a shorter time$"):
        duration(written, "x")


def test_more_seconds_than_anybody_lives_to_see_are_ten_years() -> None:
    """A delay or a deadline of a spec, which is a plain number there."""
    raw = {"spec": {"progressDeadlineSeconds": 10**18, "strategy": {"canary": DELAYED}}}
    canary = parse(raw).canary
    assert canary is not None
    assert canary.scale_down_delay == canary.abort_scale_down_delay == seconds(10**18)
    assert seconds(10**18).days == 3660


def test_the_first_and_the_last_moment_of_all_years_can_be_written() -> None:
    for written in ("0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00"):
        assert rfc3339(times.parse(written)) == f"{written[:19]}Z"


@pytest.mark.parametrize("written", ["soon", "-5s", "-5", "s", ".s", "5 m", "", "٣s"])
def test_what_is_no_duration_is_named(written: str) -> None:
    with pytest.raises(Invalid, match=f"x: '{written}' is no duration; write seconds as a number, or"):
        duration(written, "x")
