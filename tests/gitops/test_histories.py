"""Whatever happens to an automated Application, and whoever dies: it comes to Git, and then writes nothing.

Commits, edits by hand, deletions by hand, a rollout that shifts traffic, syncs asked for, deaths before and
behind a write, time. What is not ours is never touched.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as some

from crds.paths import get
from gitops.objects import Key, key_of
from gitops.tracking import tracked_by
from tests.gitops.clusters import Stopped
from tests.gitops.examples import config, deployment, noted, raw_app, thing
from tests.gitops.test_plan import mesh, rollout
from tests.gitops.universe import Universe

Raw = dict[str, Any]
POLICY = {"automated": {"prune": True, "selfHeal": True}, "syncOptions": ["CreateNamespace=true"]}
MESH = Key("networking.istio.io", "VirtualService", "production", "api")
FOREIGN = noted(config("foreign", mine="yes"), "tracking-id", "other:/ConfigMap:production/foreign")
ALWAYS = (rollout(), mesh(100, 0), config("always", level="1"))
MAYBE = (
    deployment("early"),
    noted(deployment("late"), "sync-wave", "1"),
    noted(thing("Job", "migrate", api="batch/v1", spec={}), "hook", "PreSync"),
    config("settings", level="2"),
    thing("Service", "web", spec={"ports": [80]}),
)


def commit(here: Universe, chosen: set[int]) -> None:
    here.head = f"r{len(here.git)}"
    here.git[here.head] = (*ALWAYS, *(MAYBE[at] for at in sorted(chosen)))


def edit(here: Universe, at: int) -> None:
    if key := _own(here, at):
        here.edit(key, {"spec": {"edited": True}, "data": {"level": "0"}})


def delete(here: Universe, at: int) -> None:
    if key := _own(here, at):
        here.objects.pop(key)


def shift(here: Universe, weight: int) -> None:
    if MESH in here.objects:
        here.edit(MESH, mesh(100 - weight, weight))


def look(here: Universe, times: int) -> None:
    with suppress(Stopped):
        for _ in range(times):
            here.look()


def ask(here: Universe, prune: bool) -> None:
    """With retries: a sync without, whose hook is deleted by hand, has failed, and its revision stays so."""
    here.raw["operation"] = {"sync": {"prune": prune}, "retry": {"limit": 5}}


def wait(here: Universe, seconds: int) -> None:
    here.pass_time(seconds)


def die(here: Universe, when: tuple[int, str]) -> None:
    here.dies = (here.written + when[0], when[1])


places = some.integers(0, 5)
events = some.one_of(
    some.tuples(some.just(commit), some.sets(some.integers(0, len(MAYBE) - 1))),
    some.tuples(some.just(edit), places),
    some.tuples(some.just(delete), places),
    some.tuples(some.just(shift), some.sampled_from([0, 10, 50, 100])),
    some.tuples(some.just(look), some.integers(1, 3)),
    some.tuples(some.just(ask), some.booleans()),
    some.tuples(some.just(wait), some.sampled_from([1, 5, 200])),
    some.tuples(some.just(die), some.tuples(some.integers(1, 4), some.sampled_from(["before", "behind"]))),
)


def _own(here: Universe, at: int) -> Key | None:
    ours = sorted(key for key, raw in here.objects.items() if tracked_by(raw) == "api-prod" and key != MESH)
    return ours[at % len(ours)] if ours else None


HOOK = Key("batch", "Job", "production", "migrate")


def settle(here: Universe) -> None:
    """Until nothing is written any more; so much time as the longest wait there is."""
    for _ in range(8):
        with suppress(Stopped):
            here.run()
        here.pass_time(400)


@settings(max_examples=60)
@given(some.lists(events, max_size=15))
def test_it_comes_to_git_whatever_happens_and_then_writes_nothing(
    history: list[tuple[Callable[[Universe, Any], None], Any]],
) -> None:
    here = Universe(raw_app(syncPolicy=POLICY), ALWAYS)
    here.objects[key_of(FOREIGN)] = FOREIGN
    for happens, how in history:
        happens(here, how)
    settle(here)
    written = here.written
    here.run()
    status = here.application.status
    assert here.written == written
    assert (status.sync.status, status.sync.revision, status.health.status) == (
        "Synced",
        here.head,
        "Healthy",
    )
    assert here.objects[key_of(FOREIGN)] == FOREIGN
    wanted = {key_of(raw) for raw in here.git[here.head]}
    ours = {key for key, raw in here.objects.items() if tracked_by(raw) == "api-prod"}
    assert ours - {HOOK} == wanted - {HOOK}


@settings(max_examples=30)
@given(some.lists(events.filter(lambda one: one[0] is not delete), max_size=12), some.sampled_from([10, 50]))
def test_no_sync_moves_the_traffic_that_a_rollout_has_shifted(
    history: list[tuple[Callable[[Universe, Any], None], Any]], weight: int
) -> None:
    here = Universe(raw_app(syncPolicy=POLICY), ALWAYS)
    settle(here)
    shift(here, weight)
    for happens, how in history:
        if happens is not shift:
            happens(here, how)
        assert get(here.objects[MESH], "spec", "http", 0, "route", 1, "weight") == weight
    settle(here)
    assert get(here.objects[MESH], "spec", "http", 0, "route", 1, "weight") == weight
