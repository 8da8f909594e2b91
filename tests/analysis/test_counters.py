"""Counters are differenced as they were scraped: restarts, births, gaps and replicas included."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from analysis.counters import Growth, Series, Unusable, edge, increase, parse


def series(
    *values: float, start: float = 100.0, every: float = 15.0, pod: str = "a", code: str = "200"
) -> Series:
    labels = (("code", code), ("instance", pod), ("job", "pods"))
    return Series(labels, tuple((start + every * i, value) for i, value in enumerate(values)))


def matrix(*results: Any, **more: Any) -> Any:
    return {"status": "success", "data": {"resultType": "matrix", "result": list(results)}, **more}


def test_a_restart_is_added_back() -> None:
    """The reference numbers of statistics.md §5.1."""
    assert increase((series(10, 12, 2, 5),), since=100, until=145) == Growth(7, resets=1)


def test_a_series_born_in_the_run_counts_whole_where_its_target_was_scraped_before() -> None:
    total, errors = series(7, 7, 9), series(3, start=130, code="503")
    assert increase((errors,), since=100, until=130, witnesses=(total,)).events == 3
    assert increase((total, errors), since=100, until=130).events == 2 + 3


def test_a_series_of_a_target_never_scraped_before_starts_at_its_first_value() -> None:
    assert increase((series(1000, 1004, start=130),), since=100, until=200).events == 4


def test_the_base_is_the_last_sample_at_or_before_the_watermark() -> None:
    counter = series(10, 20, 40, 80)
    assert increase((counter,), since=115, until=145).events == 60
    assert increase((counter,), since=116, until=145).events == 60
    assert increase((counter,), since=114, until=145).events == 70


def test_samples_after_the_edge_wait_for_the_next_check() -> None:
    assert increase((series(10, 20, 40, 80),), since=100, until=131).events == 30


def test_events_of_a_gap_are_counted_when_the_scrape_comes_back() -> None:
    gap = Series(series().labels, ((100.0, 10.0), (400.0, 75.0)))
    assert increase((gap,), since=115, until=400).events == 65


def test_another_replicas_view_is_no_restart_and_adds_nothing_twice() -> None:
    taking_turns = series(1000, 990, 1003, 995, 1010)
    assert increase((taking_turns,), since=100, until=200) == Growth(10, replica_switches=2)
    assert increase((taking_turns,), since=115, until=200) == Growth(10, replica_switches=1)


def test_pods_are_differenced_one_by_one_before_they_are_added() -> None:
    restarted, steady = series(50, 3, pod="a"), series(1000, 1001, pod="b")
    assert increase((restarted, steady), since=100, until=115).events == 4


@given(st.lists(st.integers(0, 50), min_size=2, max_size=40), st.data())
def test_checks_one_after_another_count_every_event_once(steps: list[int], data: st.DataObject) -> None:
    totals = [sum(steps[: i + 1]) for i in range(len(steps))]
    counter = (series(*totals),)
    end = 100.0 + 15 * (len(steps) - 1)
    seam = data.draw(st.floats(100, end))
    parts = increase(counter, 100, seam).events + increase(counter, seam, end).events
    assert parts == increase(counter, 100, end).events == totals[-1] - totals[0]


def test_the_edge_is_where_all_targets_have_been_heard() -> None:
    early, late = series(1, 2, 3, pod="a"), series(1, 2, 3, 4, pod="b")
    assert edge((early, late)) == 130


def test_a_target_that_missed_three_scrapes_of_another_has_gone() -> None:
    gone, two = series(1, 2, pod="gone"), series(1, 2, 3, 4, pod="b")
    assert edge((gone, two)) == 115
    assert edge((gone, series(1, 2, 3, 4, 5, pod="b"))) == 160


def test_after_an_outage_the_first_target_scraped_waits_for_the_others() -> None:
    before = series(1, 2, 3, pod="b")
    back = Series(series(pod="a").labels, (*series(1, 2, 3).samples, (900.0, 4.0)))
    assert edge((before, back)) == 130


def test_without_any_sample_there_is_no_edge() -> None:
    assert edge(()) is None


def test_an_answer_is_read_into_series_with_sorted_labels() -> None:
    answer = matrix({"metric": {"job": "pods", "instance": "a"}, "values": [[100.5, "3"], [101.5, "NaN"]]})
    assert parse(answer) == (Series((("instance", "a"), ("job", "pods")), ((100.5, 3.0),)),)


def test_no_series_is_an_answer() -> None:
    assert parse(matrix()) == ()


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        ({"status": "error", "error": "parse error: unexpected end"}, "unexpected end"),
        (matrix(warnings=["store b: timeout"]), "partial: store b: timeout"),
        ({"status": "success", "data": {"resultType": "vector", "result": []}}, "no function"),
        (matrix({"metric": {}, "values": [[1, "NaN"], [2, "+Inf"]]}), "every sample is NaN"),
        ({"hello": "world"}, "no answer of Prometheus"),
        ("<html>", "no answer of Prometheus"),
    ],
)
def test_what_is_no_evidence_says_why(answer: Any, words: str) -> None:
    got = parse(answer)
    assert isinstance(got, Unusable)
    assert words in got.why
