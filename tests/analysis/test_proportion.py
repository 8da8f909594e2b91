"""The e-value keeps its promise: published numbers, numbers that can be counted, and a simulation."""

from __future__ import annotations

from math import log

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from analysis.proportion import (
    _log_mass,
    anytime_p,
    errors_to_fail,
    log_e_above,
    log_e_below,
    lower,
    miss_probability,
    requests_to_catch,
    upper,
)

ALPHA = 0.05
REJECTS = -log(ALPHA)


@pytest.mark.parametrize(("limit", "requests"), [(0.05, 72), (0.01, 367), (0.001, 3678)])
def test_so_many_requests_without_an_error_show_a_rate_below_the_limit(limit: float, requests: int) -> None:
    assert log_e_below(0, requests - 1, limit) < REJECTS <= log_e_below(0, requests, limit)


def robbins(errors: int, requests: int) -> tuple[float, float]:
    """The two-sided confidence sequence with a flat prior, from the kernel the tests are made of."""

    def kept(rate: float) -> bool:
        likelihood = errors * log(rate) + (requests - errors) * log(1 - rate)
        return _log_mass(1 + errors, 1 + requests - errors, 1.0) - likelihood < REJECTS

    grid = np.arange(1, 1_000_000) / 1_000_000
    inside = [rate for rate in grid[:: len(grid) // 20_000] if kept(rate)]
    return inside[0], inside[-1]


@pytest.mark.parametrize(
    ("errors", "requests", "known"),
    [(5, 100, (0.006577, 0.160259)), (50, 1000, (0.028235, 0.080171)), (12, 1000, (0.002978, 0.030915))],
)
def test_a_flat_prior_gives_robbins_confidence_sequence(
    errors: int, requests: int, known: tuple[float, float]
) -> None:
    assert robbins(errors, requests) == pytest.approx(known, abs=1.1e-4)


@pytest.mark.parametrize(
    ("errors", "requests", "limit"), [(3, 40, 0.05), (0, 500, 0.01), (36, 300, 0.05), (7, 7, 0.2)]
)
def test_the_e_value_is_the_mean_likelihood_ratio_over_the_prior_beyond_the_limit(
    errors: int, requests: int, limit: float
) -> None:
    a, b = 0.5, 0.5 / limit - 0.5
    rates = limit + (1 - limit) * (np.arange(2_000_000) + 0.5) / 2_000_000
    weights = (a - 1) * np.log(rates) + (b - 1) * np.log1p(-rates)
    ratio = errors * np.log(rates / limit) + (requests - errors) * np.log((1 - rates) / (1 - limit))
    mean = np.sum(np.exp(weights + ratio)) / np.sum(np.exp(weights))
    assert log_e_above(errors, requests, limit) == pytest.approx(log(mean), rel=1e-3, abs=1e-3)


def test_the_two_sides_mirror_each_other() -> None:
    for errors, requests, limit in [(3, 40, 0.5), (20, 60, 0.5), (31, 31, 0.5)]:
        above = log_e_above(errors, requests, limit)
        assert above == pytest.approx(log_e_below(requests - errors, requests, 1 - limit), rel=1e-9)


def test_nothing_seen_is_no_evidence() -> None:
    assert log_e_above(0, 0, 0.05) == pytest.approx(0, abs=1e-12)
    assert log_e_below(0, 0, 0.05) == pytest.approx(0, abs=1e-12)
    assert (lower(0, 0, ALPHA), upper(0, 0, ALPHA)) == (0.0, 1.0)
    assert anytime_p(-3.0) == 1.0


@pytest.mark.parametrize("requests", [10, 10**3, 10**6, 10**9])
def test_more_errors_are_more_evidence_at_every_size(requests: int) -> None:
    errors = sorted({round(requests * share) for share in (0, 0.001, 0.03, 0.05, 0.052, 0.1, 0.7, 1)})
    evidence = [log_e_above(e, requests, 0.05) for e in errors]
    relief = [log_e_below(e, requests, 0.05) for e in errors]
    assert np.isfinite(evidence).all()
    assert np.isfinite(relief).all()
    assert evidence == sorted(evidence)
    assert relief == sorted(relief, reverse=True)


def test_the_far_tail_meets_the_near_one() -> None:
    """Where the survival function leaves the floats, the continued fraction goes on without a step."""
    values = [log_e_above(0, n, 0.05) for n in range(11_000, 15_000)]
    steps = np.diff(values)
    assert (np.diff(steps) > -1e-9).all()
    assert abs(steps).max() < 1e-4


@given(st.integers(1, 100_000), st.floats(0.001, 0.5), st.data())
def test_the_lower_bound_passes_the_limit_exactly_when_the_test_rejects(
    requests: int, limit: float, data: st.DataObject
) -> None:
    errors = data.draw(st.integers(0, requests))
    evidence = log_e_above(errors, requests, limit)
    assume(abs(evidence - REJECTS) > 1e-6)
    assert (lower(errors, requests, ALPHA) > limit) == (evidence >= REJECTS)


@given(st.integers(1, 100_000), st.floats(0.001, 0.5), st.data())
def test_the_upper_bound_is_under_the_limit_exactly_when_success_is_shown(
    requests: int, limit: float, data: st.DataObject
) -> None:
    errors = data.draw(st.integers(0, requests))
    evidence = log_e_below(errors, requests, limit)
    assume(abs(evidence - REJECTS) > 1e-6)
    assert (upper(errors, requests, ALPHA) < limit) == (evidence >= REJECTS)


def test_bounds_of_one_percent_stay_around_it() -> None:
    assert lower(12, 1000, ALPHA) < 0.012 < upper(12, 1000, ALPHA)


def test_a_release_exactly_at_its_limit_is_aborted_no_oftener_than_alpha_however_often_one_looks() -> None:
    """4,000 seeded releases at the limit, 600 looks each; alpha plus six standard errors would be 7 %."""
    chance = np.random.default_rng(7)
    releases, looks, each, limit = 4_000, 600, 5, 0.05
    bounds = np.array([errors_to_fail(limit, ALPHA, each * (look + 1)) for look in range(looks)])
    errors = np.cumsum(chance.binomial(each, limit, size=(releases, looks)), axis=1)
    aborted = float((errors >= bounds).any(axis=1).mean())
    assert 0.002 < aborted < ALPHA


def test_a_miss_is_counted_by_the_binomial_tail() -> None:
    needed = errors_to_fail(0.05, ALPHA, 100)
    assert log_e_above(needed - 1, 100, 0.05) < REJECTS <= log_e_above(needed, 100, 0.05)
    chance = np.random.default_rng(11)
    missed = float((chance.binomial(100, 0.15, size=400_000) < needed).mean())
    assert miss_probability(0.15, 0.05, ALPHA, 100) == pytest.approx(missed, abs=0.005)


def test_no_release_is_caught_before_any_number_of_errors_could_reject() -> None:
    assert errors_to_fail(0.5, 1e-9, 3) == 4
    assert miss_probability(1.0, 0.5, 1e-9, 3) == 1.0


def test_so_many_requests_make_a_miss_as_rare_as_asked() -> None:
    needed = requests_to_catch(0.3, 0.05, ALPHA, 1e-6)
    assert miss_probability(0.3, 0.05, ALPHA, needed) <= 1e-6
    assert needed < 150


def test_a_rate_within_the_limit_cannot_be_caught() -> None:
    with pytest.raises(ValueError, match="nothing to catch"):
        requests_to_catch(0.04, 0.05, ALPHA, 1e-6)


def test_evidence_at_a_thousand_million_requests_is_the_divergence_less_the_price_of_not_knowing() -> None:
    n, share, limit = 10**9, 0.06, 0.05
    divergence = n * (share * log(share / limit) + (1 - share) * log((1 - share) / (1 - limit)))
    assert log_e_above(share * n, n, limit) == pytest.approx(divergence, abs=20)


@pytest.mark.parametrize("requests", [1.0, 2.84, 1000.0, 9334.9844, 1e6, 1e9])
@pytest.mark.parametrize("well", [1e-13, 1e-6, 0.08, 0.5, 0.9])
def test_where_nearly_all_fail_the_bounds_are_still_told(requests: float, well: float) -> None:
    errors = requests - well
    for alpha in (0.05, 1e-3, 1e-9):
        least, most = lower(errors, requests, alpha), upper(errors, requests, alpha)
        assert 0 <= least <= errors / requests <= most <= 1
