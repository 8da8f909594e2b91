"""Durations as users write them."""

from __future__ import annotations

from datetime import timedelta

import pytest

from crds.errors import Invalid
from crds.times import duration


@pytest.mark.parametrize(
    ("written", "seconds"),
    [(30, 30), ("30", 30), ("30s", 30), ("1h30m", 5400), ("0.5s", 0.5), (" 5m ", 300), (-1, -1), (1.5, 1.5)],
)
def test_a_duration_is_read(written: str | float, seconds: float) -> None:
    assert duration(written, "x") == timedelta(seconds=seconds)


@pytest.mark.parametrize(
    "written", [10**30, float("inf"), float("nan"), "9" * 400, "9" * 400 + "h", "999999999h"]
)
def test_what_nobody_lives_to_see_is_refused(written: str | float) -> None:
    with pytest.raises(Invalid, match=r"^x: .{1,40} is longer than ten years; write a shorter time$"):
        duration(written, "x")


def test_what_is_no_duration_is_named() -> None:
    with pytest.raises(Invalid, match="x: 'soon' is no duration; write seconds as a number, or like 30s"):
        duration("soon", "x")
