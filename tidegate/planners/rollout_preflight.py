"""Would anyone see the canary's errors? The stable arm's series must be there before a run starts.

If its selectors look in the wrong place, that is found out while nothing depends on it.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

import msgspec
from msgspec.structs import replace

from analysis.preflight import not_ready, wider
from rollouts.world import Trouble
from tidegate.planners.needs import Answers, Failed, Known, Need, Pending, Samples, known

WINDOW = 300.0


class Total(NamedTuple):
    """The stable arm's requests as a metric would count them; `home` is where its selector is written."""

    need: Samples
    metric: str
    home: str


class Preflight(msgspec.Struct, frozen=True):
    """What is wrong with the series; `asking` while that is not known."""

    trouble: Trouble | None = None
    asking: bool = False


def series_needs(totals: Iterable[Total], answers: Answers) -> tuple[Need, ...]:
    """The series, and where there are none what there is instead."""
    asked = [total.need for total in totals]
    empty = [need for need in asked if answers.get(need) == Known(())]
    return (*asked, *(wide for need in empty if (wide := _wider(need))))


def preflight(totals: Iterable[Total], answers: Answers) -> Preflight:
    found = [_seen(total, answers) for total in totals]
    return Preflight(
        next((one for one in found if isinstance(one, Trouble)), None), any(one is None for one in found)
    )


def _seen(total: Total, answers: Answers) -> Trouble | bool | None:
    """Trouble, True where the series are there, None while the answer is on its way."""
    need = total.need
    match answers.get(need, Pending()):
        case Known(value) if value:
            return True
        case Known():
            wide = _wider(need)
            if wide and isinstance(answers.get(wide, Pending()), Pending):
                return None
            found = known(answers, wide, ()) if wide else ()
            said = not_ready(need.selector, str(need.server), found, total.home)
            return Trouble("NoSeries", f"{total.metric}: {said}")
        case Failed(why):
            fix = f"let it answer, or correct its address or selectors in {total.home}"
            return Trouble("Unreachable", f"{total.metric}: {need.server}: {why}; {fix}")
        case _:
            return None


def _wider(need: Samples) -> Samples | None:
    selector = wider(need.selector)
    return replace(need, selector=selector) if selector else None
