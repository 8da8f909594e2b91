"""Renderings are kept by what they read, and not beyond a size."""

from __future__ import annotations

from tidegate.git.kept import Kept, Key
from tidegate.git.render import Rendering, asked

ONE: Key = ("https://one", asked({"path": "one"}))
TWO: Key = ("https://one", asked({"path": "two"}))


def rendering(id_: str, size: int = 10) -> Rendering:
    return Rendering("Directory", (b"x" * size,), (("a", 1),), (("one", id_), ("none", "")))


def test_a_rendering_fits_where_its_files_are_the_same() -> None:
    kept = Kept()
    kept.keep(ONE, rendering("1"))
    kept.keep(ONE, rendering("2"))
    assert kept.fitting(ONE, {"one": "1", "none": ""}) == rendering("1")
    assert kept.fitting(ONE, {"one": "1", "none": "now there"}) is None
    assert kept.fitting(TWO, {"one": "1", "none": ""}) is None


def test_the_one_not_asked_for_longest_goes_first() -> None:
    kept = Kept(most=25)
    kept.keep(ONE, rendering("1"))
    kept.keep(TWO, rendering("1"))
    kept.fitting(ONE, {})
    kept.keep(("https://two", ONE[1]), rendering("1"))
    assert [bool(kept.paths(key)) for key in (ONE, TWO)] == [True, False]


def test_one_that_is_larger_than_all_is_kept_alone() -> None:
    kept = Kept(most=25)
    kept.keep(ONE, rendering("1"))
    kept.keep(TWO, rendering("1", size=100))
    assert (kept.paths(ONE), bool(kept.paths(TWO))) == (set(), True)
