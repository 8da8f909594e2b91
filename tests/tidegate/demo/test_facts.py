"""Each fact of the demo notices what it is there for."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from tidegate.demo.facts import facts
from tidegate.demo.story import V1, V2, V3, Found
from tidegate.views.seen import Asked, Judged, Observed, Released, Stood

STORY: tuple[Observed, ...] = (
    Asked(0, 0),
    Released(10, V2),
    Asked(12, 10),
    Asked(20, 50),
    Asked(30, 100),
    Asked(35, 0),
    Stood(35, V2, "b", "b", "Healthy"),
    Released(40, V3),
    Asked(44, 10),
    Judged(46, "run", "c", "Failed", "errors"),
    Asked(46.1, 0),
    Stood(46.2, V3, "c", "b", "Degraded"),
    Stood(49, V2, "b", "b", "Healthy"),
    Released(60, V1),
    Asked(64, 100),
    Asked(68, 0),
)
FOUND = Found(
    commits={"1": 10, "2": 40},
    live={V2: 11, V3: 41},
    aborted=46,
    back=46.5,
    pushed=47,
    reverts=["3"],
    signed=True,
    returned=8,
    drifted=50,
    healed=52,
    exits=[0],
)


def fails(seen: tuple[Observed, ...] = STORY, found: Found = FOUND, unserved: int = 0) -> list[str]:
    return [fact.name for fact in facts(seen, found, unserved, died=False) if not fact.holds]


def test_a_story_that_went_well_has_every_fact() -> None:
    assert fails() == []


def test_nothing_seen_is_no_fact() -> None:
    assert len(fails((), Found())) == 10


@pytest.mark.parametrize(
    ("without", "name"),
    [
        (Asked(20, 50), f"{V2} walked 10, 50, 100 and back to 0"),
        (Asked(46.1, 0), f"{V3} got 10 % and no more, then nothing"),
        (Asked(64, 100), f"a person's revert had {V1} stable within 15 s, without its steps"),
        (Judged(46, "run", "c", "Failed", "errors"), f"{V3} was judged"),
        (Stood(49, V2, "b", "b", "Healthy"), f"{V2} is stable and Healthy again, without its steps"),
        (Stood(35, V2, "b", "b", "Healthy"), f"{V2} is stable and Healthy"),
    ],
)
def test_what_was_not_seen_is_missed(without: Observed, name: str) -> None:
    assert name in fails(tuple(one for one in STORY if one != without))


@pytest.mark.parametrize(
    ("found", "name"),
    [
        (replace(FOUND, healed=0), "the drift was healed"),
        (replace(FOUND, exits=[0, 1]), "every command did what it was told to"),
        (replace(FOUND, live={V2: 15}), f"{V2} was applied within 3 s of its push"),
        (replace(FOUND, back=52), f"{V2} was back in the cluster within 5 s of the verdict"),
        (replace(FOUND, pushed=60), "its revert was in Git within 10 s of the verdict"),
        (replace(FOUND, returned=20), f"a person's revert had {V1} stable within 15 s, without its steps"),
        (replace(FOUND, reverts=["3", "4"]), "there is one revert commit"),
    ],
)
def test_what_went_wrong_is_noticed(found: Found, name: str) -> None:
    assert fails(found=found) == [name]


def test_a_request_that_nobody_answered_is_noticed() -> None:
    assert fails(unserved=1) == ["no request found nobody to answer it"]
