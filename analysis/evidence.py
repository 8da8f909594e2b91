"""What one metric has seen so far, and what another look at its counters adds: the two numbers of the test.

Raw counters are read again from the watermark, so a look that got no answer loses nothing: the next one
reads a longer window. Nothing here knows of phases or runs.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from math import log
from typing import Annotated

import msgspec

from analysis.counters import MOST, Series, edge, increase
from analysis.proportion import anytime_p, log_e_above, log_e_below, lower, upper
from crds.times import Time

LOOKBACK = timedelta(minutes=5)
"""How far before the watermark a counter's base is sought: as long as Prometheus itself calls one alive."""


Count = Annotated[float, msgspec.Meta(ge=0, le=MOST)]


class Limit(msgspec.Struct, frozen=True):
    """At most this share of errors. Counts are divided by `dispersion` before they are evidence."""

    share: float
    alpha: float
    pass_alpha: float
    dispersion: float = 1.0


class Evidence(msgspec.Struct, frozen=True, rename="camel"):
    """A metric's memory in status. `logE`: the largest so far; `heardAt`: the last look with requests."""

    watermark: Time
    next_check: Time
    errors: Count = 0.0
    requests: Count = 0.0
    log_e: float = 0.0
    checks: int = 0
    heard_at: Time | None = None
    unanswered_since: Time | None = None
    doubts: str = ""

    @property
    def share(self) -> float:
        return self.errors / self.requests if self.requests else 0.0


class Answered(msgspec.Struct, frozen=True):
    """Both counters' samples at the same time over the same window; the errors were asked when the total was
    known, so that they reach as far at least."""

    total: tuple[Series, ...]
    errors: tuple[Series, ...]


def window(evidence: Evidence) -> timedelta:
    """How far back from the next check both counters must be read."""
    return max(evidence.next_check - evidence.watermark, timedelta()) + LOOKBACK


def grown(evidence: Evidence, seen: Answered, limit: Limit) -> Evidence:
    """The evidence after a look at `next_check`; errors are read as far as the total goes, no further."""
    since, at = evidence.watermark.timestamp(), evidence.next_check
    until = min(edge(seen.total) or since, at.timestamp())
    looked = msgspec.structs.replace(evidence, checks=evidence.checks + 1, unanswered_since=None)
    if until <= since:
        return looked
    total = increase(seen.total, since, until)
    bad = increase(seen.errors, since, until, witnesses=seen.total)
    requests = min(evidence.requests + total.events, MOST)
    errors = min(evidence.errors + min(bad.events, total.events), requests)
    return msgspec.structs.replace(
        looked,
        watermark=datetime.fromtimestamp(until, UTC),
        errors=errors,
        requests=requests,
        log_e=max(
            evidence.log_e, log_e_above(errors / limit.dispersion, requests / limit.dispersion, limit.share)
        ),
        heard_at=at if total.events else evidence.heard_at,
        doubts=_doubts(bad.events > total.events, total.replica_switches + bad.replica_switches)
        or evidence.doubts,
    )


def _doubts(more_errors_than_requests: bool, replica_switches: int) -> str:
    if more_errors_than_requests:
        return "more errors than requests were counted; errors are cut to the requests"
    if replica_switches:
        return "counters fell a little without a restart: replicas of Prometheus take turns"
    return ""


def anew(evidence: Evidence, interval: timedelta, now: datetime) -> Evidence:
    """After the clock was set back: the next check would be far off, and silence be counted from there."""
    return msgspec.structs.replace(evidence, next_check=now + interval, heard_at=now, unanswered_since=None)


def rejected(evidence: Evidence, limit: Limit) -> bool:
    """The release is over its limit, wrongly said of a good one with probability alpha at most."""
    return evidence.log_e >= -log(limit.alpha)


def shown_good(evidence: Evidence, limit: Limit) -> bool:
    """The release is under its limit, wrongly said of a bad one with probability passAlpha at most."""
    if not evidence.requests:
        return False
    errors, requests = evidence.errors / limit.dispersion, evidence.requests / limit.dispersion
    return log_e_below(errors, requests, limit.share) >= -log(limit.pass_alpha)


def sentence(evidence: Evidence, limit: Limit) -> str:
    """What the evidence says, in words: the numbers, the limit, and how sure."""
    if not evidence.requests:
        return "undecided: no requests yet"
    counted = f"canary {percent(evidence.share)} errors ({evidence.errors:.0f} of {evidence.requests:.0f})"
    against = f"a limit of {100 * limit.share:g} %"
    if rejected(evidence, limit):
        p = anytime_p(evidence.log_e)
        return f"{counted} against {against}: anytime-valid p = {p:.1g} < alpha {limit.alpha:g}"
    most = upper(evidence.errors / limit.dispersion, evidence.requests / limit.dispersion, limit.pass_alpha)
    verdict = "within its limit" if shown_good(evidence, limit) else "undecided"
    sure = f"always-valid at {100 * (1 - limit.pass_alpha):g} %"
    return f"{verdict}: {counted}, at most {percent(most)} ({sure}) against {against}"


def numbers(evidence: Evidence, limit: Limit) -> dict[str, str]:
    """The same for machines: estimate, always-valid bounds, p-value and counts, as text of six digits."""
    errors, requests = evidence.errors / limit.dispersion, evidence.requests / limit.dispersion
    exact = {
        "estimate": evidence.share,
        "lower": lower(errors, requests, limit.alpha),
        "upper": upper(errors, requests, limit.pass_alpha),
        "pValue": anytime_p(evidence.log_e),
    }
    counts = {"errors": f"{evidence.errors:.0f}", "n": f"{evidence.requests:.0f}"}
    doubts = {"doubts": evidence.doubts} if evidence.doubts else {}
    return {name: f"{number:.6g}" for name, number in exact.items()} | counts | doubts


def percent(share: float) -> str:
    """`12.0 %`, and what is under a tenth of a percent with two digits."""
    return f"{100 * share:.1f} %" if share >= 0.001 or not share else f"{100 * share:.2g} %"
