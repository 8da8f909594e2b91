"""The table of Rollouts, whole."""

from __future__ import annotations

from tests.tidegate.views.worlds import Raw, paused, promoted, rollout
from tidegate.views.listing import listing


def named(raw: Raw, name: str, namespace: str = "production") -> Raw:
    return raw | {"metadata": raw["metadata"] | {"name": name, "namespace": namespace}}


WORLD = (
    named(paused(), "api"),
    named(promoted(), "checkout"),
    named(rollout(spec={"strategy": {"blueGreen": {"activeService": "web"}}}), "web", "shop"),
    named(rollout(observedGeneration="1"), "unseen"),
)

TABLE = """\
NAME      STRATEGY   STATUS       STEP  SET-WEIGHT  READY  DESIRED  UP-TO-DATE  AVAILABLE
api       Canary     Paused       0/4   10          11/11  10       1           11
checkout  Canary     Healthy      4/4   100         11/10  10       1           11
web       BlueGreen  Progressing  -     -           11/11  10       1           11
unseen    Canary     Progressing  0/4   10          11/11  10       1           11
"""

EVERYWHERE = """\
NAMESPACE   NAME  STRATEGY   STATUS       STEP  SET-WEIGHT  READY  DESIRED  UP-TO-DATE  AVAILABLE
production  api   Canary     Paused       0/4   10          11/11  10       1           11
shop        web   BlueGreen  Progressing  -     -           11/11  10       1           11
"""


def told(*rollouts: Raw, everywhere: bool = False) -> str:
    lines = listing(rollouts, everywhere=everywhere)
    return "".join(f"{line}\n" for line in (lines.header, *map(lines.line, rollouts)))


def test_every_rollout_is_a_line() -> None:
    assert told(*WORLD) == TABLE


def test_everywhere_the_namespace_is_told_first() -> None:
    assert told(WORLD[0], WORLD[2], everywhere=True) == EVERYWHERE


def test_a_rollout_nobody_has_looked_at_yet_is_a_line_too() -> None:
    bare: Raw = {"metadata": {"name": "api"}, "spec": {"strategy": {"canary": {}}}}
    assert told(bare).splitlines()[1].split() == [
        "api",
        "Canary",
        "Unknown",
        "-",
        "100",
        "0/0",
        "1",
        "0",
        "0",
    ]


def test_a_line_told_later_stands_in_the_same_columns() -> None:
    lines = listing(WORLD)
    assert lines.line(WORLD[0], "Deleted").index("0/4") == lines.line(WORLD[1]).index("4/4")
