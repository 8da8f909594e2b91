"""Weights asked are shares measured, and nobody's request is hurt: a canary and an abort at a steady rate."""

from __future__ import annotations

import math
from collections.abc import Iterator

import msgspec
import pytest

from tests.e2e.scene import HOST, Raw, Scene
from tests.lab.load import Load, Tally
from tests.lab.state import read_state
from tests.lab.waiting import until

pytestmark = pytest.mark.lab

RATE = 600
"""Requests a second, through the whole story."""
SHARE = 20_000
"""Requests counted at each weight."""


class Told(msgspec.Struct, frozen=True):
    """What the load generator saw: at 10 %, at 50 %, and from before the canary until after the abort."""

    at: dict[int, Tally]
    whole: Tally


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Told]:
    """v2 walks to the end, with a person's pause at 10 and at 50 %; v3 is aborted at 10 %, pods and all."""
    with Scene(read_state(), tmp_path_factory.mktemp("shares")) as scene:
        yield tell(scene)


def tell(scene: Scene) -> Told:
    scene.install()
    scene.edit = paused_twice
    scene.controller()
    scene.release("v1")
    scene.healthy("v1")
    with Load(scene.state.gateway, HOST, rate=RATE) as load:
        scene.release("v2")
        at = {weight: counted_at(scene, load, step) for weight, step in ((10, 1), (50, 3))}
        scene.healthy("v2", 90)
        scene.release("v3")
        v3 = stands_at(scene, 1)["currentPodHash"]
        scene.cli("abort", "api")
        until(lambda: not scene.pods(v3), 90, "the aborted pods to go")
        return Told(at, load.stop())


def paused_twice(manifest: Raw) -> None:
    canary = manifest["spec"]["strategy"]["canary"]
    canary["steps"] = [{"setWeight": 10}, {"pause": {}}, {"setWeight": 50}, {"pause": {}}]


def stands_at(scene: Scene, step: int) -> Raw:
    return scene.wait(
        60,
        f"the pause at step {step}",
        lambda s: s.get("currentStepIndex") == step and s.get("controllerPause"),
    )


def counted_at(scene: Scene, load: Load, step: int) -> Tally:
    """At least SHARE requests while the walk stands at this pause; a person promotes it afterwards."""
    stands_at(scene, step)
    before = load.tally()
    counted = until(lambda: enough(load.tally() - before), 3 * SHARE / RATE, f"{SHARE} requests", every=0.5)
    scene.cli("promote", "api")
    return counted


def enough(tally: Tally) -> Tally | None:
    return tally if tally.total >= SHARE else None


@pytest.mark.parametrize("weight", [10, 50])
def test_the_weight_asked_is_the_share_measured_within_six_standard_errors(told: Told, weight: int) -> None:
    got, share = told.at[weight], weight / 100
    off = got.by_version["v2"] - got.total * share
    print(f"asked {weight} %, measured {100 * got.by_version['v2'] / got.total:.2f} % of {got.total}")
    assert abs(off) <= 6 * math.sqrt(got.total * share * (1 - share))


def test_no_request_gets_an_error_that_the_service_did_not_send(told: Told) -> None:
    print(f"{told.whole.total} requests at {told.whole.total / told.whole.seconds:.0f}/s")
    assert told.whole.total >= 50_000
    assert (told.whole.not_from_service, told.whole.by_status) == (0, {200: told.whole.total})
