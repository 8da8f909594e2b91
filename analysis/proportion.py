"""Is the share of errors above its limit? A test that may be looked at as often as one likes.

The e-values here start at 1 and have mean at most 1 while the release keeps its promise, whatever the
number or timing of the looks; so P(they ever reach 1/alpha) <= alpha (Ville). Source: Robbins 1970, with
the prior cut off at the limit: statistics.md §3.1 (i). State is two numbers, errors and requests.
"""

from __future__ import annotations

from collections.abc import Callable
from math import exp, log, log1p

PRIOR_ERRORS = 0.5
_UNDERFLOW = 1e-290
_NEARLY_ALL = 1 - 1e-12
"""A share that is nearer to 1 is 1: what is left of it is lost in a double."""


def log_e_above(errors: float, requests: float, limit: float) -> float:
    """ln e-value against "the error rate is at most `limit`": large means the release is bad.

    `errors` of `requests` so far, `limit` in (0, 1). Good to 1e-4 for a thousand million requests.
    """
    a, b = _prior(limit)
    good = requests - errors
    return (
        _log_mass(b + good, a + errors, 1 - limit)
        - _log_mass(b, a, 1 - limit)
        - _log_likelihood(errors, good, limit)
    )


def log_e_below(errors: float, requests: float, limit: float) -> float:
    """ln e-value against "the error rate is at least `limit`": large means the release is good."""
    a, b = _prior(limit)
    good = requests - errors
    return (
        _log_mass(a + errors, b + good, limit) - _log_mass(a, b, limit) - _log_likelihood(errors, good, limit)
    )


def anytime_p(log_e: float) -> float:
    """The anytime-valid p-value of the largest ln e-value so far."""
    return exp(-max(log_e, 0.0))


def lower(errors: float, requests: float, alpha: float) -> float:
    """The rate is at least this, always-valid at `alpha`: the smallest limit not yet rejected from above."""
    if errors <= 0:
        return 0.0
    rate = min(errors / requests, _NEARLY_ALL)
    return _edge(0.0, rate, lambda p: log_e_above(errors, requests, p) < -log(alpha))


def upper(errors: float, requests: float, alpha: float) -> float:
    """The rate is at most this, always-valid at `alpha`; 1 while nothing was seen."""
    if requests <= 0 or errors >= requests * _NEARLY_ALL:
        return 1.0

    def ruled_out(rate: float) -> bool:
        return log_e_below(errors, requests, rate) >= -log(alpha)

    return _edge(errors / requests, _NEARLY_ALL, ruled_out) if ruled_out(_NEARLY_ALL) else 1.0


def errors_to_fail(limit: float, alpha: float, requests: int) -> int:
    """The fewest errors among `requests` that reject; `requests` + 1 where not even all of them do."""
    few, many = int(limit * requests), requests + 1
    while few < many:
        middle = (few + many) // 2
        if log_e_above(middle, requests, limit) >= -log(alpha):
            many = middle
        else:
            few = middle + 1
    return many


def miss_probability(rate: float, limit: float, alpha: float, requests: int) -> float:
    """P(a release with error `rate` is not caught within `requests`), from above.

    Exact for one look at the end (a binomial tail); looking earlier too can only catch more.
    """
    from scipy.special import bdtr

    return float(bdtr(errors_to_fail(limit, alpha, requests) - 1, requests, rate))


def requests_to_catch(rate: float, limit: float, alpha: float, miss: float) -> int:
    """How many requests make a miss of a release with error `rate` (above `limit`) as rare as `miss`."""
    if rate <= limit:
        raise ValueError(f"a rate of {rate} is within the limit of {limit}: there is nothing to catch")
    many = 1
    while miss_probability(rate, limit, alpha, many) > miss:
        many *= 2
    few = many // 2
    while few + 1 < many:
        middle = (few + many) // 2
        if miss_probability(rate, limit, alpha, middle) > miss:
            few = middle
        else:
            many = middle
    return many


def _prior(limit: float) -> tuple[float, float]:
    """Beta(a, b) with its mean at the limit."""
    return PRIOR_ERRORS, PRIOR_ERRORS / limit - PRIOR_ERRORS


def _log_likelihood(errors: float, good: float, rate: float) -> float:
    return errors * log(rate) + good * log1p(-rate)


def _log_mass(a: float, b: float, x: float) -> float:
    """ln of the integral of t^(a-1) (1-t)^(b-1) from 0 to x, in the far tail too."""
    from scipy.special import betainc, betaln

    share = float(betainc(a, b, x))
    if share > _UNDERFLOW:
        return log(share) + float(betaln(a, b))
    return a * log(x) + b * log1p(-x) - log(a) - log(_fraction(a, b, x))


def _fraction(a: float, b: float, x: float) -> float:
    """The continued fraction of the incomplete beta function (DLMF 8.17.22), by Lentz's rule.

    Only for the far tail, x well below a/(a+b), where it converges in a few terms.
    """
    tiny = 1e-300
    value, c, d = 1.0, 1.0, 0.0
    for step in range(1, 100_000):
        term = _term(a, b, x, step)
        d = 1 / ((1 + term * d) or tiny)
        c = (1 + term / c) or tiny
        value *= c * d
        if abs(c * d - 1) < 1e-15:
            break
    return value


def _term(a: float, b: float, x: float, step: int) -> float:
    m, odd = divmod(step, 2)
    if odd:
        return -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1))
    return m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m))


def _edge(no: float, yes: float, holds: Callable[[float], bool]) -> float:
    """Where `holds` turns true on the way from `no`, where it does not hold, to `yes`, where it does."""
    for _ in range(60):
        middle = (no + yes) / 2
        no, yes = (no, middle) if holds(middle) else (middle, yes)
    return yes
