"""Pods as shares: Argo's table, and the way there within maxSurge and maxUnavailable."""

from __future__ import annotations

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rollouts.ratio import Limits, Side, Split, approximate, next_split


def limits(replicas: int, surge: int = 1, unavailable: int = 0) -> Limits:
    return Limits(replicas, surge, unavailable)


@pytest.mark.parametrize(
    ("replicas", "weight", "surge", "split"),
    [
        (10, 10, 1, (1, 9)),
        (10, 0, 1, (0, 10)),
        (10, 100, 1, (10, 0)),
        (4, 10, 1, (1, 4)),
        (4, 10, 0, (1, 3)),
        (3, 50, 1, (2, 2)),
        (1, 50, 1, (1, 1)),
        (1, 50, 0, (1, 0)),
        (1, 10, 0, (0, 1)),
        (2, 75, 0, (1, 1)),
        (0, 50, 1, (0, 0)),
        (5, 99, 1, (5, 1)),
    ],
)
def test_a_weight_becomes_the_nearest_ratio(
    replicas: int, weight: int, surge: int, split: tuple[int, int]
) -> None:
    assert approximate(weight, limits(replicas, surge)) == Split(*split)


def test_the_canary_grows_by_what_max_surge_leaves() -> None:
    assert next_split(Split(5, 5), Side(0, 0), Side(10, 10), 0, limits(10, surge=2)) == Split(2, 10)


def test_stable_grows_before_the_canary() -> None:
    assert next_split(Split(5, 5), Side(0, 0), Side(4, 4), 0, limits(10, surge=0)) == Split(5, 5)
    assert next_split(Split(5, 5), Side(4, 4), Side(4, 4), 0, limits(9, surge=0)) == Split(4, 5)


def test_stable_shrinks_by_what_available_canary_pods_make_up_for() -> None:
    assert next_split(Split(5, 5), Side(2, 2), Side(10, 10), 0, limits(10, surge=2)) == Split(2, 8)
    assert next_split(Split(5, 5), Side(2, 0), Side(10, 10), 0, limits(10, surge=2)) == Split(2, 10)


def test_nothing_shrinks_while_an_overtaken_revision_has_pods() -> None:
    assert next_split(Split(5, 5), Side(2, 2), Side(9, 9), 1, limits(10, surge=2)) == Split(2, 9)


def test_dead_pods_that_nobody_wants_go_although_other_revisions_have_pods() -> None:
    assert next_split(Split(0, 6), Side(3, 1), Side(3, 3), 2, limits(6, surge=2)) == Split(1, 3)


class Case(msgspec.Struct, frozen=True):
    weight: int
    canary: Side
    stable: Side
    limits: Limits


@st.composite
def sides(draw: st.DrawFn) -> Side:
    desired = draw(st.integers(0, 20))
    return Side(desired, draw(st.integers(0, desired)))


@st.composite
def cases(draw: st.DrawFn) -> Case:
    unavailable = draw(st.integers(0, 4))
    surge = draw(st.integers(0 if unavailable else 1, 4))
    bounds = Limits(draw(st.integers(1, 12)), surge, unavailable)
    return Case(draw(st.integers(0, 100)), draw(sides()), draw(sides()), bounds)


@given(cases())
def test_no_step_leaves_fewer_available_than_promised_nor_surges_further(case: Case) -> None:
    canary, stable, bounds = case.canary, case.stable, case.limits
    after = next_split(approximate(case.weight, bounds), canary, stable, 0, bounds)
    had = canary.available + stable.available
    has = min(canary.available, after.canary) + min(stable.available, after.stable)
    assert has >= min(had, bounds.least_available)
    assert after.canary + after.stable <= max(bounds.most, canary.desired + stable.desired)


@given(cases())
def test_with_pods_that_start_every_split_is_reached(case: Case) -> None:
    wanted = approximate(case.weight, case.limits)
    now = Split(case.canary.desired, case.stable.desired)
    for _ in range(120):
        now = next_split(wanted, Side(now.canary, now.canary), Side(now.stable, now.stable), 0, case.limits)
    assert now == wanted
