"""An Application is looked at anew every few minutes, when it changes, and when somebody asks."""

from __future__ import annotations

from datetime import timedelta

import pytest
from msgspec.structs import replace

from crds.application import parse
from gitops.compare import Comparison
from gitops.refresh import asked, changed, poll_at, skipped
from gitops.status import Look, status
from gitops.wellness import Health
from tests.gitops.examples import NOW, app, noted, raw_app


def test_git_is_asked_every_three_minutes_and_a_little() -> None:
    assert timedelta(minutes=3) <= poll_at(app(), NOW) - NOW <= timedelta(minutes=3.6)


def test_the_brief_may_ask_more_often() -> None:
    often = app(syncPolicy={"driftCheckInterval": "30s"})
    assert timedelta(seconds=30) <= poll_at(often, NOW) - NOW <= timedelta(seconds=36)


@pytest.mark.parametrize(("written", "seconds"), [("soon", 180), (-5, 10), ("0s", 10)])
def test_an_interval_that_will_not_do_asks_neither_never_nor_all_the_time(
    written: object, seconds: int
) -> None:
    wait = poll_at(app(syncPolicy={"driftCheckInterval": written}), NOW) - NOW
    assert timedelta(seconds=seconds) <= wait <= timedelta(seconds=seconds * 1.2)


def test_applications_do_not_all_ask_at_once_and_each_always_as_late() -> None:
    times = {poll_at(app(name=f"app-{n}"), NOW) for n in range(20)}
    assert len(times) == 20
    assert poll_at(app(), NOW) == poll_at(app(), NOW)


def test_a_person_may_ask_with_an_annotation() -> None:
    assert asked(parse(noted(raw_app(), "refresh", "hard"))) == "hard"
    assert asked(app()) == ""


def test_an_application_that_is_to_be_skipped_says_so() -> None:
    assert skipped(parse(noted(raw_app(), "skip-reconcile", "true")))
    assert not skipped(app())


def test_an_edited_spec_is_seen() -> None:
    compared = status(app(), Look("5c2d89b", NOW, Comparison((), Health("Healthy"))))
    raw = raw_app()
    before = parse(raw)
    after = parse(raw_app(source=raw["spec"]["source"] | {"path": "services/shop"}))
    for one, expected in ((before, False), (after, True)):
        assert changed(replace(one, status=compared)) is expected
