"""An AnalysisRun as people see it: what was allowed, what was seen, how sure we are, and when we look again.

The numbers come from the metadata of a metric's last measurement; what a run does not tell is left out.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import Any

import msgspec

from analysis.evidence import percent
from crds.paths import get
from crds.pruning import whole
from crds.times import parse
from tidegate.views.ages import age, span
from tidegate.views.family import measured, owner_name, revision
from tidegate.views.screen import field, table
from tidegate.views.status import marked

Raw = dict[str, Any]

SHOWN = 5
_STEP_NAME = re.compile(r"(?P<rollout>.+)-step-(?P<step>\d+)-analysis")
_STEP_LABEL = "step-index"
_TYPE_LABEL = "rollout-type"


class During(msgspec.Struct, frozen=True):
    """One step of many, for which a background run answers: RFC 3339 times, "" while it goes on.

    `evidence` is what was known when it ended.
    """

    step: int
    began: str = ""
    ended: str = ""
    evidence: str = ""


class Evidence(msgspec.Struct, frozen=True):
    """The run that answers for a name; `during` where it is a background run asked about one step."""

    run: Raw
    during: During | None = None


def rollout_of(name: str) -> str:
    """The Rollout that a step's name speaks of, "" where it is no such name."""
    asked = _STEP_NAME.fullmatch(name)
    return asked["rollout"] if asked else ""


def evidence(name: str, runs: Iterable[Raw], rollout: Raw | None = None) -> Evidence | None:
    """The run of that name; else that of the step it speaks of, of the newest revision that has one.

    `rollout` remembers when its steps began and what was known at their ends.
    """
    runs = tuple(runs)
    own = [run for run in runs if get(run, "metadata", "name") == name]
    if own or not (asked := _STEP_NAME.fullmatch(name)):
        return Evidence(own[0]) if own else None
    step = int(asked["step"])
    family = sorted((run for run in runs if owner_name(run) == asked["rollout"]), key=_recency)
    newest = [run for run in family if revision(run) == revision(family[-1])]
    of_step = [run for run in newest if get(run, "metadata", "labels", _STEP_LABEL) == str(step)]
    background = [run for run in newest if get(run, "metadata", "labels", _TYPE_LABEL) == "Background"]
    if of_step:
        return Evidence(of_step[-1])
    return Evidence(background[-1], _during(step, rollout)) if background else None


def _during(step: int, rollout: Raw | None) -> During:
    steps = get(whole(rollout or {}), "status", "tidegate", "steps", default=[])
    return During(
        step,
        began=get(steps, step, "began", default=""),
        ended=get(steps, step + 1, "began", default=""),
        evidence=get(steps, step, "evidence", default=""),
    )


def _recency(run: Raw) -> tuple[int, str]:
    return revision(run), str(get(run, "metadata", "creationTimestamp", default=""))


def analysis_screen(found: Evidence, now: datetime) -> str:
    """The run and each of its metrics, as text."""
    blocks = ["\n".join(_header(found, now))]
    for result in get(found.run, "status", "metricResults", default=()):
        blocks += ["\n".join(_metric(found, result, now)), _measurements(found, result, now)]
    return "\n\n".join(filter(None, blocks)) + "\n"


def _header(found: Evidence, now: datetime) -> Iterator[str]:
    run = found.run
    yield from field("Name", get(run, "metadata", "name", default=""))
    yield from field("Namespace", get(run, "metadata", "namespace", default=""))
    yield from field("Status", marked(get(run, "status", "phase", default="Pending")))
    yield from field("Message", get(run, "status", "message", default=""))
    yield from field("Rollout", _of_rollout(found))
    yield from _span_of_step(found, now)
    yield from field("Started", _ago(get(run, "status", "startedAt"), now))
    yield from field("Completed", _ago(get(run, "status", "completedAt"), now))


def _of_rollout(found: Evidence) -> str:
    name = owner_name(found.run)
    return f"{name}, revision {revision(found.run)}{_where(found)}" if name else ""


def _where(found: Evidence) -> str:
    if found.during is None:
        return ""
    if found.during.began:
        return f", step {found.during.step} of a run in the background"
    return f"; a run in the background of every step, step {found.during.step} not begun"


def _span_of_step(found: Evidence, now: datetime) -> Iterator[str]:
    during = found.during
    if during is None or not during.began:
        return
    ended = f"ended {_ago(during.ended, now)}" if during.ended else "going on"
    yield from field("Step", f"{during.step}, began {_ago(during.began, now)}, {ended}")
    yield from field("Known then", during.evidence)


def _ago(moment: str | None, now: datetime) -> str:
    return f"{age(moment, now)} ago" if moment else ""


def _metric(found: Evidence, result: Raw, now: datetime) -> Iterator[str]:
    name, seen = get(result, "name", default=""), _seen(found, result)
    last = seen[-1] if seen else {}
    told = get(last, "metadata", default={})
    yield from field("Metric", name)
    yield from field("  Status", marked(get(result, "phase", default="Pending")))
    yield from field("  Message", get(result, "message") or get(last, "message", default=""))
    yield from field("  Limit", _promise(result) or _limit(found.run, name))
    yield from field("  Query", get(result, "metadata", "ResolvedPrometheusQuery", default=""))
    yield from field("  Warning", get(result, "metadata", "warning", default=""))
    yield from field("  Errors", _errors(told))
    yield from field("  Estimate", _estimate(told))
    yield from field("  P-value", _with(get(told, "pValue"), " (anytime-valid: however often we look)"))
    yield from field("  Doubts", get(told, "doubts", default=""))
    yield from field("  Decision", get(told, "decision", default=""))
    yield from field("  Measured", measured([result]))
    yield from field("  Next check", _next_check(found.run, name, now))


def _seen(found: Evidence, result: Raw) -> list[Raw]:
    """The measurements asked for: those taken during the step, where one is asked about."""
    every = list(get(result, "measurements", default=()))
    during = found.during
    if during is None or not during.began:
        return every
    return [one for one in every if _taken_between(one, during.began, during.ended)]


def _taken_between(one: Raw, began: str, ended: str) -> bool:
    taken = get(one, "finishedAt") or get(one, "startedAt")
    return bool(taken) and parse(began) <= parse(taken) and (not ended or parse(taken) <= parse(ended))


def _promise(result: Raw) -> str:
    """The limit of a sequential test, and how often a good release may be failed against it."""
    limit, alpha = (get(result, "metadata", key) for key in ("limit", "alpha"))
    return "" if limit is None else f"at most {_share(limit)} errors{_with(alpha, before=', alpha ')}"


def _limit(run: Raw, name: str) -> str:
    metrics = get(run, "spec", "metrics", default=())
    metric = next((one for one in metrics if get(one, "name") == name), None)
    low, high = (get(metric, "thresholdRange", end) for end in ("min", "max"))
    bounds = (_with(low, before="at least "), _with(high, before="at most "))
    classic = (get(metric, f"{kind}Condition") for kind in ("success", "failure"))
    return ", ".join(filter(None, (*bounds, *classic)))


def _with(value: Any, after: str = "", before: str = "") -> str:
    return "" if value is None else f"{before}{value}{after}"


def _errors(told: Raw) -> str:
    errors, requests = get(told, "errors"), get(told, "n")
    return "" if requests is None else f"{errors or 0} of {requests} requests"


def _estimate(told: Raw) -> str:
    estimate, lower, upper = (get(told, key) for key in ("estimate", "lower", "upper"))
    if estimate is None:
        return ""
    bounds = f" (always-valid bounds {_share(lower)} to {_share(upper)})" if lower and upper else ""
    return f"{_share(estimate)}{bounds}"


def _share(written: str) -> str:
    """A share of requests in percent; what is no number stays as it is."""
    try:
        return percent(float(written))
    except ValueError:
        return written


def _next_check(run: Raw, name: str, now: datetime) -> str:
    at = get(run, "status", "tidegate", "metrics", name, "nextCheck")
    if at is None or get(run, "status", "completedAt"):
        return ""
    return f"in {span(parse(at) - now)}"


def _measurements(found: Evidence, result: Raw, now: datetime) -> str:
    seen = _seen(found, result)[-SHOWN:]
    if not seen:
        return ""
    rows = [("AGE", "STATUS", "VALUE", "MESSAGE")]
    return table(rows + [_measurement(one, now) for one in reversed(seen)])


def _measurement(one: Raw, now: datetime) -> tuple[str, str, str, str]:
    taken = age(get(one, "finishedAt") or get(one, "startedAt"), now)
    value, message = (str(get(one, key, default="")) for key in ("value", "message"))
    return taken, marked(get(one, "phase", default="Pending")), value, message
