"""An Application that is deleted takes along what it holds, if its finalizer says so."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from msgspec.structs import replace

from crds.application import Application, parse
from gitops.compare import Hidden
from gitops.conditions import DELETION
from gitops.farewell import CASCADE, Farewell, farewell
from gitops.objects import Key, desired
from gitops.plan import Rendering, World, plan, record
from tests.gitops.examples import CRD, NOW, config, deployment, noted, raw_app

ME = Key("argoproj.io", "Application", "argocd", "api-prod")


def leaving(*finalizers: str) -> Application:
    raw = raw_app()
    raw["metadata"] |= {"deletionTimestamp": "2026-03-15T10:30:00Z", "finalizers": list(finalizers)}
    return parse(raw)


def ours(raw: dict[str, Any], owner: str = "api-prod") -> dict[str, Any]:
    return desired(raw, owner, "production", namespaced=True)


def found(*live: dict[str, Any], finalizers: tuple[str, ...] = (CASCADE,)) -> Farewell:
    return farewell(leaving(*finalizers), live, ME, "argocd")


def test_without_the_finalizer_everything_stays() -> None:
    assert found(ours(config()), finalizers=()) == Farewell((), "being deleted, and its objects stay")


def test_a_finalizer_that_waits_for_argos_hooks_is_told() -> None:
    finalizer = "post-delete-finalizer.argocd.argoproj.io/cleanup"
    told = f"finalizer {finalizer} waits for hooks that are not run here; take it away"
    assert found(finalizers=(finalizer,)).trouble == told


def test_the_highest_wave_goes_first() -> None:
    late = ours(noted(deployment("late"), "sync-wave", "1"))
    assert [one.key.name for one in found(ours(config()), late).actions] == ["late"]


def test_what_is_on_its_way_is_waited_for() -> None:
    late = ours(noted(deployment("late"), "sync-wave", "1"))
    late["metadata"]["deletionTimestamp"] = "2026-03-15T10:30:00Z"
    assert found(ours(config()), late) == Farewell((), "deleting Deployment production/late")


def test_the_finalizer_goes_with_the_last_object_and_others_stay() -> None:
    assert found(finalizers=("shop.io/mine", CASCADE)) == Farewell(
        (), "all its objects are gone", ("shop.io/mine",)
    )


def test_it_may_be_done_in_the_background() -> None:
    (one,) = found(ours(config()), finalizers=(f"{CASCADE}/background",)).actions
    assert one.propagation == "Background"


def test_what_is_anothers_or_asks_to_stay_stays() -> None:
    kept = noted(ours(config("data")), "sync-options", "Delete=false")
    assert found(ours(config(), "other"), kept).finalizers == ()


def test_a_definition_stays_for_objects_of_its_kind_may_be_anybodys() -> None:
    crd = desired(CRD, "api-prod", "production", namespaced=False)
    assert found(crd) == Farewell((), "all its objects are gone", ())


HIDDEN = Hidden(Key("", "Secret", "production", "password"), "v1", "secrets is forbidden")
SAID = "cannot see Secret production/password: secrets is forbidden"


def test_the_finalizer_stays_while_something_cannot_be_seen() -> None:
    got = farewell(leaving(CASCADE), (), ME, "argocd", (HIDDEN,))
    assert got == Farewell((), SAID, None, SAID)


def test_what_can_be_seen_goes_meanwhile() -> None:
    got = farewell(leaving(CASCADE), (ours(config()),), ME, "argocd", (HIDDEN,))
    assert ([one.key.name for one in got.actions], got.finalizers) == (["settings"], None)


def test_what_is_in_the_way_of_a_deletion_is_said_before_it_is_tried_again() -> None:
    world = World(leaving(CASCADE), Rendering(), NOW, extras=(ours(config()),), refusal="delete is forbidden")
    first = plan(world)
    assert [(one.type, one.message) for one in first.status.conditions] == [(DELETION, "delete is forbidden")]
    assert first.actions == ()
    again = plan(replace(world, application=replace(world.application, status=first.status)))
    assert len(again.actions) == 1


def test_what_it_holds_stays_until_others_that_may_want_it_had_a_moment_to_look() -> None:
    world = World(leaving(CASCADE), Rendering(), NOW, extras=(ours(config()),), behind="shop")
    first = plan(world)
    assert (first.actions, first.look_again) == ((), NOW + timedelta(seconds=5))
    assert len(plan(replace(world, now=NOW + timedelta(seconds=5))).actions) == 1


def test_an_application_that_is_being_deleted_syncs_no_more() -> None:
    decision = plan(World(leaving(CASCADE), Rendering("a"), NOW, extras=(ours(config()),)))
    assert [one.key.name for one in decision.actions if hasattr(one, "key")] == ["settings"]
    assert decision.finalizers is None
    empty = World(leaving(CASCADE), Rendering("a"), NOW)
    assert record({}, empty, plan(empty)) == {"metadata": {"finalizers": []}}
